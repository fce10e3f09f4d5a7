"""Bias correction: how long Adam's first steps are without it."""

from typing import Any

import numpy as np

from molopt.landscapes.chart import Chart, Series
from molopt.landscapes.experiment import Experiment, Number, Outcome
from molopt.landscapes.surface import Surface
from molopt.landscapes.track import Track, follow, follow_atoms
from molopt.rules.partition import Array

LR = 0.03  # A
PAPER = (0.9, 0.999)  # b1, b2 of the paper
MOLOPT = (0.93, 0.98)  # molopt's own in Cartesian coordinates
CALLS = 3000  # on the slope: b2 = 0.999 has forgotten its start then
GLYCEROL, FIRST = "OCC(O)CO", 50  # and its calls


def model(seed: int) -> Outcome:
    calls = np.arange(1, CALLS + 1)
    with_it, without = (steps(*PAPER, correction) for correction in (True, False))
    own = steps(*MOLOPT, False)
    foretold, foretold_own = uncorrected(*PAPER, calls), uncorrected(*MOLOPT, calls)
    worst = int(without.argmax()) + 1
    over = int(np.flatnonzero(without > 1.05)[-1]) + 1
    at = np.unique(np.geomspace(1, CALLS, 40).round().astype(int)) - 1  # what is drawn of the measured steps
    return Outcome(
        (
            Chart(
                "Adam's steps on a constant slope", "force calls", "step (lr)",
                [
                    Series("with correction", calls[at], with_it[at], "points"),
                    Series("without", calls[at], without[at], "points"),
                    Series("without, b1 0.93, b2 0.98", calls[at], own[at], "points"),
                    Series("theory", calls, foretold, "theory"),
                    Series("theory, b1 0.93, b2 0.98", calls, foretold_own, "theory"),
                ],
                "x",
                f"b1 {PAPER[0]}, b2 {PAPER[1]} of the paper where nothing else is said.",
            ),
            first_steps(),
        ),
        [
            Number("first step with correction", with_it[0], 1.0, 1e-6, unit="lr"),
            Number("first step without", without[0], foretold[0], 1e-6, unit="lr"),
            Number("longest step without", without[worst - 1], foretold.max(), 1e-6, unit="lr"),
            Number("call of the longest step", worst, foretold.argmax() + 1, 0),
            Number("calls until steps are within 5 % of lr", over + 1),
            Number("first step without, b1 0.93, b2 0.98", own[0], foretold_own[0], 1e-6, unit="lr"),
        ],
        f"Without correction the first step is {without[0]:.2f} lr long, and it is not the longest: that is the "
        f"{worst}th, of {without[worst - 1]:.1f} lr. Where (1 - b1)² < 1 - b2 it is too short instead: {own[0]:.2f} lr "
        f"with molopt's b1 and b2.",
    )  # fmt: skip


def steps(b1: float, b2: float, correction: bool, calls: int = CALLS) -> Array:
    """Lengths of Adam's steps on a slope of 1 eV/A, in lr."""
    import molopt

    slope = Surface("slope", lambda x: float(x[0]), lambda x: np.ones(1), [0.0])
    settings: dict[str, Any] = {"lr": LR, "b1": b1, "b2": b2, "eps": 0.0, "correction": correction}
    return follow(slope, molopt.Adam, calls, control=None, **settings).steps / LR


def uncorrected(b1: float, b2: float, calls: Array) -> Array:
    """(1 - b1^t)/sqrt(1 - b2^t): steps on a constant slope without correction, in lr."""
    return np.asarray((1 - b1**calls) / np.sqrt(1 - b2**calls))


def first_steps() -> Chart:
    """The first step for pairs of b1 and b2."""
    forgets = np.geomspace(1e-4, 0.5, 12)  # 1 - b2
    memories = (0.0, 0.5, 0.9, 0.99)  # b1
    return Chart(
        "Adam's first step without bias correction", "1 - b2", "first step (lr)",
        [
            *(
                Series(f"b1 = {b1:g}", forgets, [steps(b1, 1 - forget, False, 1)[0] for forget in forgets], "points")
                for b1 in memories
            ),
            *(Series(f"theory, b1 = {b1:g}", forgets, (1 - b1) / np.sqrt(forgets), "theory") for b1 in memories),
        ],
        "xy",
        "It is of the right length where (1 - b1)² = 1 - b2 alone.",
    )  # fmt: skip


def molecule(seed: int) -> Outcome:
    import molopt

    glycerol = molopt.Molecule.from_smiles(GLYCEROL)
    atoms = glycerol.atoms()
    atoms.calc = molopt.potential("mmff94", glycerol)
    relaxed = follow_atoms(atoms, molopt.LBFGS, 500, fmax=1e-4)
    tracks = {
        "with correction": run(atoms, *PAPER, True),
        "without": run(atoms, *PAPER, False),
        "with, b1 0.93, b2 0.98": run(atoms, *MOLOPT, True),
        "without, b1 0.93, b2 0.98": run(atoms, *MOLOPT, False),
    }
    first = {name: np.diff(track.x[:2], axis=0)[0] for name, track in tracks.items()}
    ratios = first["without"] / first["with correction"]
    above = {name: track.energies - relaxed.energies.min() for name, track in tracks.items()}
    calls = np.arange(1, FIRST + 2)
    climbed = {name: energies.max() - energies[0] for name, energies in above.items()}
    factor = (1 - PAPER[0]) / np.sqrt(1 - PAPER[1])
    return Outcome(
        (
            Chart(
                f"Adam's first {FIRST} calls with glycerol", "force calls", "energy above the minimum (eV)",
                [Series(name, calls, energies) for name, energies in above.items()],
                "y",
                f"MMFF94, Cartesian coordinates, lr {LR} Å, without control; b1 {PAPER[0]}, b2 {PAPER[1]} where "
                "nothing else is said.",
            ),
        ),
        [
            Number("first step without correction over that with it, smallest of all", ratios.min(), factor, 1e-5),
            Number("first step without correction over that with it, largest of all", ratios.max(), factor, 1e-5),
            *(Number(f"rise of the energy, {name}", rise, unit="eV") for name, rise in climbed.items()),
            *(Number(f"left after {FIRST} calls, {name}", energies[-1], unit="eV") for name, energies in above.items()),
        ],
        f"The first step without correction is {ratios.mean():.2f} times as long in every coordinate, and the energy "
        f"rises by {climbed['without']:.1f} eV, with it by {climbed['with correction']:.1f} eV; {FIRST} calls later "
        f"{1000 * above['without'][-1]:.0f} and {1000 * above['with correction'][-1]:.0f} meV are left. With molopt's "
        f"b1 and b2 the first step is short, and correction is not needed: "
        f"{1000 * above['without, b1 0.93, b2 0.98'][-1]:.0f} meV are left without, and "
        f"{1000 * above['with, b1 0.93, b2 0.98'][-1]:.0f} with it.",
    )  # fmt: skip


def run(atoms: Any, b1: float, b2: float, correction: bool) -> Track:
    """The first calls of Adam in Cartesian coordinates."""
    import molopt

    settings: dict[str, Any] = {"lr": LR, "b1": b1, "b2": b2, "correction": correction}
    return follow_atoms(atoms, molopt.Adam, FIRST, control=None, coordinates="cartesian", **settings)


EXPERIMENT = Experiment(
    "bias-correction",
    "Bias correction",
    "Without bias correction Adam's first step is (1 - b1)/sqrt(1 - b2) times as long: 3.2 times.",
    "m and v start at zero. On a constant gradient m is 1 - b1^t of it and v 1 - b2^t of its square, so the step is "
    "lr (1 - b1^t)/sqrt(1 - b2^t).",
    model,
    molecule,
    ("D. P. Kingma, J. Ba, Adam, ICLR 2015, section 3",),
)
