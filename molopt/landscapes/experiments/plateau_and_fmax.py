"""Plateau and fmax: why a run that stops at small forces need not be at the bottom, and what else to ask."""

from typing import Any, NamedTuple

import numpy as np

from molopt.landscapes.chart import Chart, Series
from molopt.landscapes.embeddings import embedded
from molopt.landscapes.experiment import Experiment, Number, Outcome
from molopt.landscapes.surface import Surface
from molopt.landscapes.track import follow
from molopt.rules.partition import Array

FMAX = 0.05  # eV/A, ASE's default
BARRIERS = np.array([0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.4])  # eV: from a methyl group on a ring to an amide's ester
BOND, STRETCHED = 30.0, 0.05  # eV/A^2, A
ANGLES = (np.arange(96) + 0.5) * np.pi / (3 * 96)  # rad, evenly from the top of a threefold barrier to the bottom
ONE = 1.5 / ANGLES.size  # of the starts, and half a one for rounding
FALSE = 0.005  # eV above the floor from which on an end is called false: a fifth of kT
LIMIT = 0.001  # eV, the energy left that molopt's default allows
SOFT = 0.15  # of the curvature at the bottom; below that a curvature is not that of a minimum
BUTANE, TURNED, MOVED = "CCCC", (0, 1, 2, 3), (3, 9, 10, 11, 12, 13)
STARTS = (0, 10, 30, 45, 65, 80, 100, 118, 121, 140, 160, 178)  # degrees of that torsion
ETHER, EMBEDDINGS = "COCCOC", 6  # 1,2-dimethoxyethane
OPTIMIZERS = ("BFGS", "FIRE")  # of ASE


class Torsion(NamedTuple):
    """E = k x^2 / 2 + barrier (1 + cos 3 t) / 2: a bond, and a torsion whose atoms are 1 A from its axis."""

    barrier: float  # eV

    def energy(self, x: Array) -> float:
        return float(0.5 * BOND * x[0] ** 2 + 0.5 * self.barrier * (1 + np.cos(3 * x[1])))

    def gradient(self, x: Array) -> Array:
        return np.array([BOND * x[0], self.slope(x[1])])

    def slope(self, t: Any) -> Any:
        return -1.5 * self.barrier * np.sin(3 * t)

    def above(self, t: Any) -> Any:
        return 0.5 * self.barrier * (1 + np.cos(3 * t))

    def estimate(self, t: Any) -> Any:
        """Energy left by the curvature at the bottom, 9/2 of the barrier."""
        return self.slope(t) ** 2 / (2 * 4.5 * self.barrier)

    def softness(self, t: Any) -> Any:
        """The curvature in that at the bottom."""
        return -np.cos(3 * t)


def model(seed: int) -> Outcome:
    ends = {name: {barrier: stops(name, Torsion(barrier)) for barrier in BARRIERS} for name in OPTIMIZERS}
    shares = {name: [false(barrier, found).mean() for barrier, found in own.items()] for name, own in ends.items()}
    few, many = (np.array([bounds(Torsion(barrier))[which] for barrier in BARRIERS]) for which in (0, 1))
    left, ridge, neither = (np.zeros(2) for _ in range(3))  # seen so, of how many
    for own in ends.values():
        for barrier, found in own.items():
            those = found[false(barrier, found)]
            by_left, by_curvature = Torsion(barrier).estimate(those) > LIMIT, Torsion(barrier).softness(those) < SOFT
            for count, seen in ((left, by_left), (ridge, by_curvature), (neither, ~by_left & ~by_curvature)):
                count += seen.sum(), seen.size
    lowest = 2 * FMAX / 3
    angles = np.degrees(ANGLES)
    drawn = Torsion(0.1)
    return Outcome(
        (
            Chart(
                "Ends more than 5 meV above the floor at fmax 0.05 eV/Å",
                "barrier of the torsion (eV)",
                "share of starts",
                [
                    *(Series(f"{name} (ASE)", BARRIERS, shares[name], "points", name.lower()) for name in OPTIMIZERS),
                    Series("those that start below fmax, and stay", BARRIERS, few, "theory"),
                    Series("if others stop as soon as they are below it", BARRIERS, many, "theory"),
                ],
                "x",
                f"A stretched bond and a torsion, {ANGLES.size} starts from the top of the barrier to the bottom. "
                f"Below a barrier of {1000 * lowest:.0f} meV no torsion has a gradient of fmax.",
            ),
            Chart(
                "What each criterion sees, along a torsion of 0.1 eV",
                "torsion, from the top (°)",
                "in its highest value",
                [
                    Series("energy above the floor", angles, drawn.above(ANGLES) / drawn.barrier),
                    Series("gradient", angles, np.abs(drawn.slope(ANGLES)) / (1.5 * drawn.barrier)),
                    Series("estimate of the energy left", angles, drawn.estimate(ANGLES) / (drawn.barrier / 4)),
                    Series("curvature", angles, drawn.softness(ANGLES)),
                    Series("none", angles[[0, -1]], [0.0, 0.0], "theory"),
                ],
                caption="On the top gradient and energy left vanish; curvature does not.",
            ),
        ),
        [
            *(
                Number(
                    f"share of false ends, {name}, barrier {barrier:g} eV",
                    float(share),
                    least=float(low) - ONE,
                    most=float(high) + ONE,
                )
                for name in OPTIMIZERS
                for barrier, share, low, high in zip(BARRIERS, shares[name], few, many, strict=True)
            ),
            Number("share of false ends with more than 1 meV of energy left", float(left[0] / left[1])),
            Number("share of false ends without the curvature of a minimum", float(ridge[0] / ridge[1])),
            Number("share of false ends with neither", float(neither[0] / neither[1]), most=0.0),
        ],
        f"At fmax {FMAX:g} eV/Å a run stops anywhere on a torsion whose barrier is below {1000 * lowest:.0f} meV, and "
        f"near the top of all. Energy left sees {100 * left[0] / left[1]:.0f} % of the false ends, curvature the "
        f"rest: {int(neither[0])} of {int(neither[1])} pass both.",
    )  # fmt: skip


def false(barrier: float, t: Any) -> Array:
    """Whether these torsions are too high above the floor."""
    return np.asarray(Torsion(barrier).above(t) > FALSE)


def bounds(torsion: Torsion) -> tuple[float, float]:
    """The shares of starts that end falsely where all that are below fmax stay, and the others go down far enough, or
    only until they are below it.
    """
    below = np.abs(torsion.slope(ANGLES)) < FMAX
    stay = float((below & false(torsion.barrier, ANGLES)).mean())
    if below.all():
        return stay, stay
    edge = (np.pi - np.arcsin(FMAX / (1.5 * torsion.barrier))) / 3
    return stay, stay + float(false(torsion.barrier, edge) * (~below).mean())


def stops(name: str, torsion: Torsion) -> Array:
    """(n,) torsions at which an optimizer of ASE stops, from ANGLES and a stretched bond."""
    import ase.optimize

    make = getattr(ase.optimize, name)
    surface = Surface("bond and torsion", torsion.energy, torsion.gradient, [STRETCHED, 0.0])
    return np.array([follow(surface.at([STRETCHED, t]), make, 300, fmax=FMAX).x[-1, 1] for t in ANGLES])


class End(NamedTuple):
    """Where a run of an optimizer of ASE stopped on a molecule."""

    optimizer: str
    start: float  # degrees; NaN for an embedding
    above: float  # eV, above the minimum below
    estimate: float  # eV, molopt's energy left
    lowest: float  # of the mass-weighted Hessian, eV/A^2/amu
    stationary: str  # in the word of molopt.check


def molecule(seed: int) -> Outcome:
    ends = [*butane_ends(), *ether_ends(seed)]
    butane = [end for end in ends if np.isfinite(end.start)]
    wrong = [end for end in ends if end.above > FALSE]
    valleys, ridges = [end for end in ends if end.lowest > 0], [end for end in ends if end.lowest <= 0]
    near = [1 / 3 <= end.estimate / end.above <= 3 for end in valleys if end.above > LIMIT]
    blind = float(np.median([end.above / end.estimate for end in ridges]))
    passed = [end for end in wrong if end.stationary == "minimum"]
    scale = [min(end.above for end in ends), max(end.above for end in ends)]
    return Outcome(
        (
            Chart(
                "Butane: ends at fmax 0.05 eV/Å",
                "C-C-C-C torsion at the start (°)",
                "above the minimum below (eV)",
                [
                    *(series(f"{name} (ASE)", name, butane, "start", "above") for name in OPTIMIZERS),
                    series("energy left, of BFGS's ends", "BFGS", butane, "start", "estimate", drawn_as=""),
                    Series("5 meV", [0, 180], [FALSE] * 2, "theory"),
                ],
                "y",
                "MMFF94. From 0° and 120°, the tops, both hardly turn the torsion.",
            ),
            Chart(
                "Energy left at these ends, and truth",
                "above the minimum below (eV)",
                "estimate of molopt.energy_left (eV)",
                [
                    Series("in valleys", [e.above for e in valleys], [e.estimate for e in valleys], "points"),
                    Series("on ridges", [e.above for e in ridges], [e.estimate for e in ridges], "points"),
                    Series("as large as the truth", scale, scale, "theory"),
                ],
                "xy",
                f"Butane, and {EMBEDDINGS} embeddings of 1,2-dimethoxyethane, each by BFGS and FIRE.",
            ),
        ),
        [
            Number(f"ends of {len(ends)} at fmax 0.05 that are more than 5 meV too high", len(wrong)),
            Number("highest of them above its minimum", max(end.above for end in ends), unit="eV"),
            Number("share of ends in valleys whose energy left is right within a factor 3", float(np.mean(near)),
                   least=0.9),
            Number("truth by estimate of the energy left, median on ridges", blind, least=10),
            Number("false ends that the curvature check calls minima", len(passed), most=0),
        ],
        f"Of {len(ends)} ends of BFGS and FIRE {len(wrong)} are more than 5 meV too high, by up to "
        f"{1000 * max(end.above for end in ends):.0f} meV. Energy left is right within a factor 3 for "
        f"{100 * np.mean(near):.0f} % of those in valleys, and too low by a factor {blind:.0f} (median) on ridges. The "
        f"check of the curvature calls {len(passed)} of them a minimum.",
    )  # fmt: skip


def series(label: str, name: str, ends: list[End], x: str, y: str, drawn_as: str | None = None) -> Series:
    """One figure of an optimizer's ends over another."""
    own = [end for end in ends if end.optimizer == name]
    colour = name.lower() if drawn_as is None else drawn_as
    return Series(label, [getattr(end, x) for end in own], [getattr(end, y) for end in own], "points", colour)


def butane_ends() -> list[End]:
    """Of butane at its minimum but for the torsion, at each of STARTS."""
    import molopt

    chain = molopt.Molecule.from_smiles(BUTANE)
    bottom = molopt.relax(chain, potential="mmff94", fmax=1e-3).atoms
    found = []
    for angle in STARTS:
        atoms = bottom.copy()
        atoms.set_dihedral(*TURNED, angle, indices=list(MOVED))
        found += [end_of(chain, atoms.positions, name, float(angle)) for name in OPTIMIZERS]
    return found


def ether_ends(seed: int) -> list[End]:
    import molopt

    ether = molopt.Molecule.from_smiles(ETHER)
    return [
        end_of(ether, positions, name, np.nan) for positions in embedded(ether, EMBEDDINGS, seed) for name in OPTIMIZERS
    ]


def end_of(target: Any, positions: Array, name: str, start: float) -> End:
    """Run an optimizer of ASE with its defaults to FMAX, and look at its end."""
    import ase.optimize

    import molopt

    atoms = target.atoms()
    atoms.positions = positions
    atoms.calc = molopt.potential("mmff94", target)
    getattr(ase.optimize, name)(atoms, logfile=None).run(fmax=FMAX, steps=500)
    stopped, estimate = float(atoms.get_potential_energy()), float(molopt.energy_left(atoms, target))
    checked = molopt.check(atoms, frequencies=True)
    assert checked.frequencies is not None
    below = molopt.relax(atoms.copy(), potential=atoms.calc, fmax=0.002).energy
    lowest, word = float(checked.frequencies.values[0]), molopt.check(atoms).verdict.stationary  # by a few force calls
    return End(name, start, stopped - below, estimate, lowest, word)


EXPERIMENT = Experiment(
    "plateau-and-fmax",
    "Plateau and fmax",
    "A small fmax does not mean that a run is at the bottom: on flat torsions and on ridges forces are small far above "
    "it. Energy left sees the first, the curvature check the second.",
    "A torsion with the barrier V, whose atoms are 1 Å from its axis, has the gradient 3/2 V |sin 3t|: below fmax "
    "everywhere where V < 2/3 fmax Å, and near the top for any V. The energy left of a spring that fits the well, g² "
    "/ 2k, is V sin²(3t) / 4 there: right at the bottom, too low by half on the slope, and zero on the top, where "
    "only the curvature, -cos(3t) of that at the bottom, tells a ridge from a minimum.",
    model,
    molecule,
    ("The default's stops, measured: docs/how/energy_left.md and docs/notes/stationary.md",),
)
