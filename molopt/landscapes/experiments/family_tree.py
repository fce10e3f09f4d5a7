"""The family tree: which settings turn one rule into another, to the last bit, and how relatives part without them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from molopt.landscapes import surfaces
from molopt.landscapes.chart import Chart, Series, SurfaceMap
from molopt.landscapes.experiment import Experiment, Number, Outcome
from molopt.landscapes.track import Track, follow, follow_atoms
from molopt.rules import Adam, GradientDescent, HeavyBall, Lion, Momentum, Nesterov, Observation, RMSProp, Rule
from molopt.rules.adam import AdamState
from molopt.rules.partition import Array

CALLS = 300
PARTED = 30  # calls after which relatives whose settings differ a little are compared
LOOSENED = 10.0 ** -np.arange(2, 8)  # b1 of Adam beside RMSProp; beside averaged momentum STEEP/eps
STEEP = 100.0  # eV/A, the size of gradients on Rosenbrock's walls
SCALED, PLAIN = 0.02, 1e-3  # A and A^2/eV on the surface: lr of rules with a scale of their own, and of others
GLYCEROL, TAKEN = "OCC(O)CO", 60  # and its calls


@dataclass(frozen=True)
class HeldAdam(Adam):
    """Adam's own update with b2 = 1, which Adam itself refuses: v stays where it begins, at one."""

    ranges: ClassVar = Adam.ranges | {"b2": "natural"}

    def init(self, seen: Observation) -> AdamState:
        return super().init(seen)._replace(v=seen.xp.ones_like(seen.gradient))


class Relatives(NamedTuple):
    """Two rules that should be one."""

    one: str
    other: str
    rules: tuple[Rule, Rule]
    most: float = 0.0  # A that they may differ by; 0 asks for the same bits


def tree(scaled: float, plain: float) -> tuple[Relatives, ...]:
    """The pairs, with the lr of rules that have a scale of their own, and the lr of those that have none."""
    return (
        Relatives("Adam, b1 0, no correction", "RMSProp",
                  (Adam(scaled, b1=0, b2=0.9, correction=False), RMSProp(scaled, b2=0.9))),
        Relatives("Adam, v held at 1, eps 0, no correction", "averaged momentum",
                  (HeldAdam(plain, b1=0.9, b2=1.0, eps=0, correction=False), Momentum(plain, b1=0.9))),
        Relatives("averaged momentum, b1 0", "gradient descent", (Momentum(plain, b1=0), GradientDescent(plain))),
        Relatives("heavy ball, b1 0", "gradient descent", (HeavyBall(plain, b1=0), GradientDescent(plain))),
        Relatives("Nesterov, b1 0", "gradient descent", (Nesterov(plain, b1=0), GradientDescent(plain))),
        Relatives("RMSProp, b2 0, eps 0", "Lion, b1 0", (RMSProp(scaled, b2=0, eps=0), Lion(scaled, b1=0))),
        Relatives("heavy ball, half the lr, b1 1/2", "averaged momentum, b1 1/2",
                  (HeavyBall(plain / 2, b1=0.5), Momentum(plain, b1=0.5))),
        Relatives("heavy ball, a tenth of the lr, b1 0.9", "averaged momentum, b1 0.9",
                  (HeavyBall(plain / 10, b1=0.9), Momentum(plain, b1=0.9)), 1e-9),  # 1 - 0.9 is rounded
    )  # fmt: skip


def model(seed: int) -> Outcome:
    surface = surfaces.rosenbrock()

    def run(rule: Rule, label: str = "", calls: int = CALLS) -> Track:
        return follow(surface, optimizer(rule, None), calls, label)

    pairs = tree(SCALED, PLAIN)
    ways = [[run(rule, name) for rule, name in zip(pair.rules, (pair.one, pair.other), strict=True)] for pair in pairs]
    rmsprop, momentum = run(RMSProp(SCALED), calls=PARTED), run(Momentum(PLAIN), calls=PARTED)
    from_rmsprop = np.array(
        [apart(run(Adam(SCALED, b1=b1, b2=0.9, correction=False), calls=PARTED), rmsprop) for b1 in LOOSENED]
    )
    from_momentum = np.array(
        [
            apart(run(Adam(PLAIN * STEEP / part, eps=STEEP / part, correction=False), calls=PARTED), momentum)
            for part in LOOSENED
        ]
    )
    numbers = compared(pairs, ways)
    same = sum(number.measured == 0 for number in numbers)
    return Outcome(
        (
            SurfaceMap("Relatives on one path", surface, [track for way in ways[:2] for track in way],
                       caption=f"{CALLS} force calls; each path lies upon that of its relative."),
            Chart(
                "How relatives part", "b1, and 100 eV/Å over eps", f"distance after {PARTED} calls (Å)",
                [
                    Series("Adam, no correction, from RMSProp: b1", LOOSENED, from_rmsprop, "points", "rmsprop"),
                    Series("Adam, no correction, lr times eps, from momentum: 1/eps", LOOSENED, from_momentum, "points",
                           "momentum"),
                    Series("in proportion to b1", LOOSENED, from_rmsprop[-1] * LOOSENED / LOOSENED[-1], "theory"),
                    Series("in proportion to 1/eps", LOOSENED, from_momentum[-1] * LOOSENED / LOOSENED[-1], "theory"),
                ],
                "xy",
                "With a large eps Adam is averaged momentum, whose lr is that of Adam over eps.",
            ),
        ),
        [
            *numbers,
            Number("exponent of the distance from RMSProp over b1", slope(from_rmsprop), 1.0, 0.02),
            Number("exponent of the distance from averaged momentum over 1/eps", slope(from_momentum), 1.0, 0.02),
        ],
        f"{same} of {len(numbers)} pairs take the same path to the last bit, {CALLS} calls long; where a factor has to "
        "be rounded, they differ by rounding. Adam must be without bias correction, which its relatives do not have. "
        "Where b1 or 1/eps is not zero but small, relatives part in proportion to it.",
    )  # fmt: skip


def optimizer(rule: Rule, control: str | None) -> Callable[..., Any]:
    """What makes an optimizer of the rule."""
    from molopt.optimizers.rule_optimizer import RuleOptimizer

    return lambda atoms, **arguments: RuleOptimizer(atoms, rule=rule, control=control, **arguments)


def apart(one: Track, other: Track) -> float:
    """The largest distance of an entry at the same call, A; of runs that are not equally long infinite."""
    return float(np.abs(one.x - other.x).max()) if one.x.shape == other.x.shape else float("inf")


def slope(distances: Array) -> float:
    """d log(distance) / d log(what is loosened), of the smaller half."""
    half = len(LOOSENED) // 2
    return float(np.polyfit(np.log(LOOSENED[half:]), np.log(distances[half:]), 1)[0])


def compared(pairs: tuple[Relatives, ...], ways: list[list[Track]], where: str = "") -> list[Number]:
    """How far the paths of each pair are apart."""
    return [
        Number(
            f"{pair.one}: distance from {pair.other}{where}",
            apart(*way),
            unit="Å",
            **({"most": pair.most} if pair.most else {"predicted": 0.0, "within": 0.0}),
        )
        for pair, way in zip(pairs, ways, strict=True)
    ]


def molecule(seed: int) -> Outcome:
    import molopt

    glycerol = molopt.Molecule.from_smiles(GLYCEROL)
    atoms = glycerol.atoms()
    atoms.calc = molopt.potential("mmff94", glycerol)
    numbers, energies = [], []
    for coordinates, control, (scaled, plain) in (
        ("cartesian", None, (0.01, 0.01)),
        ("internal", "default", (0.3, 0.5)),
    ):
        pairs = tree(scaled, plain)
        ways = [
            [
                follow_atoms(atoms, optimizer(rule, control), TAKEN, name, coordinates=coordinates)
                for rule, name in zip(pair.rules, (pair.one, pair.other), strict=True)
            ]
            for pair in pairs
        ]
        numbers += compared(pairs, ways, f", {coordinates}")
        energies += [track for way in ways[:2] for track in way] if control is None else []
    lowest = follow_atoms(atoms, molopt.LBFGS, 500, fmax=1e-4).energies.min()
    calls = np.arange(1, TAKEN + 2)
    same = sum(number.measured == 0 for number in numbers)
    return Outcome(
        (
            Chart(
                "Relatives with glycerol", "force calls", "energy above the minimum (eV)",
                [
                    *(Series(one.label, calls, one.energies - lowest) for one in energies[::2]),
                    *(Series(one.label, calls[::4], one.energies[::4] - lowest, "points") for one in energies[1::2]),
                ],
                "y",
                "MMFF94, Cartesian coordinates, without control; points lie on the line of their relative.",
            ),
        ),
        numbers,
        f"{same} of {len(numbers)} pairs take the same path to the last bit, {TAKEN} calls long, in Cartesian "
        "coordinates without control and in internal coordinates with it; the others differ by rounding.",
    )  # fmt: skip


EXPERIMENT = Experiment(
    "family-tree",
    "The family tree",
    "Adam with b1 = 0 and no correction is RMSProp. With v held at one and eps = 0 it is averaged momentum. To the "
    "last bit.",
    "With b1 = 0 Adam's m is g, and the step is RMSProp's lr g/(sqrt(v) + eps). With v = 1 and eps = 0 it is lr m; "
    "bias correction must be off as well, which averaged momentum does not have. With a large eps it tends to "
    "(lr/eps) m.",
    model,
    molecule,
    ("D. P. Kingma, J. Ba, Adam, ICLR 2015, section 5",),
)
