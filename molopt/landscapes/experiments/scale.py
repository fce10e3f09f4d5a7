"""Scale: which rules do not see a factor in the gradient, of all coordinates or of some."""

from typing import Any, NamedTuple

import numpy as np
from ase.units import kcal, mol

from molopt.landscapes import surfaces
from molopt.landscapes.altered_potentials import Scaled
from molopt.landscapes.chart import Chart, Series
from molopt.landscapes.experiment import Experiment, Number, Outcome
from molopt.landscapes.surface import Surface
from molopt.landscapes.track import Track, follow, follow_atoms
from molopt.rules.partition import Array

LINKS = 10
FADING = 10.0 ** -np.arange(LINKS)  # of the gradient of each link
CALLS = 100
SAME = 1e-6  # A: paths that differ by rounding, which a hundred calls let grow
ROUNDING = 1e-16  # A, the least that is drawn
KCAL = mol / kcal  # kcal/mol in an eV
FAINT = 1e-4  # of the forces on the second fragment
PAIR, SECOND = "CO.O", (2, 7, 8)  # methanol and water; the atoms of water
FAR = 10.0  # times as far out on a surface that sees directions alone


class Way(NamedTuple):
    """A rule with its arguments."""

    name: str
    optimizer: str
    kind: str
    arguments: dict[str, Any]


def ways(lr: float, plain: float) -> tuple[Way, ...]:
    """The rules, with the lr of those that have a scale of their own and the lr of gradient descent."""
    return (
        Way("Adam, eps 0", "adam", "Adam", {"lr": lr, "eps": 0.0}),
        Way("RMSProp, eps 0", "rmsprop", "RMSProp", {"lr": lr, "eps": 0.0}),
        Way("Adam, eps 1e-8", "", "Adam", {"lr": lr, "eps": 1e-8}),
        Way("gradient descent", "gradient-descent", "GradientDescent", {"lr": plain}),
    )


def run(surface: Surface, way: Way, calls: int = CALLS, times: float = 1.0) -> Track:
    """A rule without control, with so many times its lr."""
    import molopt

    arguments = way.arguments | {"lr": times * way.arguments["lr"], "control": None}
    return follow(surface, getattr(molopt, way.kind), calls, way.name, way.optimizer, **arguments)


def model(seed: int) -> Outcome:
    chain = surfaces.torsion_chain(LINKS)
    rules = ways(0.01, 0.05)
    plain = {way.name: run(chain, way) for way in rules}
    faded = {way.name: run(chain.scaled(FADING), way) for way in rules}
    kcal_mol = {way.name: run(chain.scaled(KCAL), way) for way in rules}
    moved = {name: np.abs(track.x[-1] - track.x[0]) for name, track in faded.items()}
    last = {name: moved[name][-1] / np.abs(plain[name].x[-1] - plain[name].x[0])[-1] for name in moved}
    g, eps, lr = abs(plain["Adam, eps 0"].gradients[0, -1]) * FADING[-1], 1e-8, rules[0].arguments["lr"]
    foretold = {
        "Adam, eps 0": 1.0,
        "RMSProp, eps 0": 1.0,
        "Adam, eps 1e-8": CALLS * lr * g / (g + eps) / moved["Adam, eps 0"][-1],  # of a gradient that stays the same
    }
    links = np.arange(1, LINKS + 1)
    return Outcome(
        (
            Chart(
                "A chain of torsions whose gradients shrink tenfold from link to link", "link",
                f"turn after {CALLS} calls (rad)",
                [
                    *(Series(track.label, links, moved[name], "points", track.optimizer)
                      for name, track in faded.items()),
                    Series("in proportion to the gradient", links, moved["gradient descent"][1] * FADING / FADING[1],
                           "theory"),
                    Series("Adam where nothing is scaled", links,
                           np.abs(plain["Adam, eps 0"].x[-1] - plain["Adam, eps 0"].x[0]), "theory"),
                ],
                "y",
                "With eps 0 every link turns as if its gradient were not scaled.",
            ),
        ),
        [
            *(
                Number(f"{name}: distance, {what}", apart(plain[name], other[name]), most=SAME, unit="rad")
                for what, other in (("in kcal/mol", kcal_mol), ("where gradients fade", faded))
                for name in ("Adam, eps 0", "RMSProp, eps 0")
            ),
            Number("gradient descent: distance, in kcal/mol",
                   apart(plain["gradient descent"], kcal_mol["gradient descent"]), least=0.1, unit="rad"),
            *(
                Number(f"{name}: turn of the last link over that without fading", last[name], part, 0.05)
                for name, part in foretold.items()
            ),
            *directions_alone(),
        ],
        f"Adam and RMSProp do not see the factor, if eps is 0. With Adam's eps of 1e-8 the last link, whose gradient "
        f"is smaller than that, turns {100 * last['Adam, eps 1e-8']:.2g} % as far. Where the surface sees directions "
        "alone, as behind a normalisation layer, the gradient shrinks with the distance, and so does the angle of a "
        "step of some length: Adam needs an lr in proportion to the distance, gradient descent to its square.",
    )  # fmt: skip


def apart(one: Track, other: Track) -> float:
    """The largest distance of an entry at the same call, while both run."""
    calls = min(len(one), len(other))
    return float(np.abs(one.x[:calls] - other.x[:calls]).max())


def directions_alone() -> list[Number]:
    """What is left of a factor on E(w / |w|), where w may be long: its gradient is 1/|w| times as long."""
    goal = np.array([np.cos(1.0), np.sin(1.0)])

    def gradient(w: Array) -> Array:
        length = np.linalg.norm(w)
        return np.asarray(-(goal - w * (w @ goal) / length**2) / length)

    near = Surface("directions", lambda w: float(-w @ goal / np.linalg.norm(w)), gradient, [1.0, 0.1])
    far = near.at(FAR * near.start)
    numbers = []
    for way, power in ((ways(0.02, 0.0)[0], 1), (Way("gradient descent", "", "GradientDescent", {"lr": 0.02}), 2)):
        paths = run(near, way), run(far.at(), way, times=FAR**power)
        off = float(np.abs(paths[0].x - paths[1].x / FAR).max())
        numbers.append(
            Number(f"{way.name} on E(w/|w|): distance, {FAR:g} times as far out with {FAR**power:g} times the lr",
                   off, most=SAME, unit="Å")
        )  # fmt: skip
    return numbers


def molecule(seed: int) -> Outcome:
    import molopt

    pair = molopt.Molecule.from_smiles(PAIR)
    potential = molopt.potential("mmff94", pair)
    faint = np.ones((len(pair.numbers), 1))
    faint[list(SECOND)] = FAINT
    factors = {"in eV": 1.0, "in kcal/mol": KCAL, "water's forces times 0.0001": faint}

    def paths(way: Way, coordinates: str, control: str | None) -> list[Track]:
        """Of one start in each of the potentials."""
        atoms = pair.atoms()
        tracks = []
        for factor in factors.values():
            atoms.calc = Scaled(potential, factor)
            tracks.append(
                follow_atoms(atoms, getattr(molopt, way.kind), CALLS, way.name, way.optimizer, control=control,
                             coordinates=coordinates, **way.arguments)
            )  # fmt: skip
        return tracks

    rules = ways(0.01, 0.0005)
    found = {way.name: paths(way, "cartesian", None) for way in rules}
    controlled = paths(rules[0], "cartesian", "default")
    internal = paths(Way("Adam", "adam", "Adam", {}), "internal", "default")
    off = {name: [apart(tracks[0], other) for other in tracks[1:]] for name, tracks in found.items()}
    calls = np.arange(1, CALLS + 2)
    return Outcome(
        (
            Chart(
                "Methanol and water, whose forces are 10 000 times as weak", "force calls",
                "distance from the path where they are not (Å)",
                [
                    Series(name, calls[1:],
                           np.maximum(np.abs(tracks[0].x - tracks[2].x).max(axis=1)[1:], ROUNDING),
                           optimizer=tracks[0].optimizer)
                    for name, tracks in found.items()
                ],
                "y",
                "MMFF94, Cartesian coordinates, without control. The forces on water are scaled, those on methanol are "
                "not. With eps 0 what is left is rounding.",
            ),
        ),
        [
            *(
                Number(f"{name}: distance, {what}", distance, most=SAME, unit="Å")
                for name in ("Adam, eps 0", "RMSProp, eps 0")
                for what, distance in zip(list(factors)[1:], off[name], strict=True)
            ),
            *(
                Number(f"gradient descent: distance, {what}", distance, least=0.01, unit="Å")
                for what, distance in zip(list(factors)[1:], off["gradient descent"], strict=True)
            ),
            *(
                Number(f"{name}: distance, {what}", apart(tracks[0], other), unit="Å")
                for name, tracks in (
                    ("Adam, eps 1e-8", found["Adam, eps 1e-8"]),
                    ("Adam, eps 0, under control", controlled),
                    ("Adam in internal coordinates, with molopt's arguments", internal),
                )
                for what, other in zip(list(factors)[1:], tracks[1:], strict=True)
            ),
        ],
        f"Textbook Adam and RMSProp with eps 0 see neither the unit nor that water's forces are weak. Under control "
        f"the weak forces are seen ({apart(controlled[0], controlled[2]):.2g} Å), since a step is judged by its work. "
        f"In internal coordinates molopt's Adam sees the unit as well ({apart(internal[0], internal[1]):.2g} Å): its "
        "eps of 0.3 is as large as the natural gradient, on purpose.",
    )  # fmt: skip


EXPERIMENT = Experiment(
    "scale",
    "Scale",
    "Adam and RMSProp ignore a factor in the gradient, also one that differs between coordinates. Gradient descent "
    "does not.",
    "m is in proportion to the factor and sqrt(v) as well, coordinate by coordinate, so m/sqrt(v) does not depend on "
    "it while eps is small beside sqrt(v). A step of gradient descent is in proportion to it.",
    model,
    molecule,
    ("D. P. Kingma, J. Ba, Adam, ICLR 2015, section 2.1",),
)
