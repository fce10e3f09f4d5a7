"""Forgetting: how long Adagrad and RMSProp remember gradients that were larger."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from molopt.landscapes.altered_potentials import Switched
from molopt.landscapes.chart import Chart, Series
from molopt.landscapes.experiment import Experiment, Number, Outcome
from molopt.landscapes.replay import replay
from molopt.landscapes.track import Track, follow_atoms
from molopt.rules import Adagrad, Adam, RMSProp, Rule
from molopt.rules.partition import Array

DROP, HALF = 100.0, 1000  # the gradient is so many times as small after so many calls
LR = 0.01
GLYCEROL, EMBEDDINGS = "OCC(O)CO", 3
BEFORE, AFTER = 100, 100  # calls with GFN2-xTB, and with MMFF94
LATER = 50  # calls after the change at which it is asked what memory has cost
RINGING = 20  # calls at the end whose rates are looked at
SETTINGS: dict[str, tuple[str, dict[str, float]]] = {
    "adagrad": ("Adagrad", {"lr": 0.05}),
    "rmsprop": ("RMSProp", {"lr": 0.003}),
}


def model(seed: int) -> Outcome:
    calls = np.arange(1, 2 * HALF + 1)
    scale = np.where(calls > HALF, 1 / DROP, 1.0)
    gradients = scale * np.random.default_rng(seed).choice([-1.0, 1.0], size=len(calls))  # any signs: v sees none
    adagrad, rmsprop, adam = Adagrad(lr=LR), RMSProp(lr=LR), Adam(lr=LR, b1=0.0)
    measured = {rule: rate(rule, gradients) for rule in (adagrad, rmsprop, adam)}
    foretold = 1 / np.sqrt(np.cumsum(scale**2))
    since = np.maximum(calls - HALF, 0)
    foretold_v = np.where(calls > HALF, rmsprop.b2**since + DROP**-2 * (1 - rmsprop.b2**since), 1 - rmsprop.b2**calls)
    first, at = measured[adagrad][:HALF], HALF - 1
    above = measured[rmsprop][HALF:] >= DROP / 2
    half_way = float(above.argmax()) + 1 if above.any() else np.inf
    waiting = {b2: wait(b2) for b2 in (rmsprop.b2, 0.999)}
    return Outcome(
        (
            Chart(
                f"The rate of an entry whose gradient becomes {DROP:.0f} times as small", "force calls",
                "step over gradient (lr Å/eV)",
                [
                    Series("adagrad", calls[::50], measured[adagrad][::50], "points", "adagrad"),
                    Series("rmsprop, b2 0.9", calls[::50], measured[rmsprop][::50], "points", "rmsprop"),
                    Series("adam, b1 0, b2 0.999", calls[::50], measured[adam][::50], "points", "adam"),
                    Series("1/√(sum of g²)", calls, foretold, "theory"),
                    Series("1/√v", calls, 1 / np.sqrt(foretold_v), "theory"),
                ],
                "y",
                f"Gradients of 1 and then {1 / DROP:g} eV/Å with signs by chance.",
            ),
        ),
        [
            Number("exponent of Adagrad's rate over the calls", exponent(first), -0.5, 1e-6),
            Number("Adagrad's rate at the end over that before the drop", measured[adagrad][-1] / measured[adagrad][at],
                   foretold[-1] / foretold[at], 1e-6),
            Number("RMSProp's rate at the end over that before the drop", measured[rmsprop][-1] / measured[rmsprop][at],
                   DROP, 1e-3),
            Number("calls until RMSProp has half of its new rate", half_way,
                   np.ceil(waiting[rmsprop.b2]), 0),
            Number("calls that this would take Adam's v, b2 0.999", waiting[0.999]),
        ],
        f"RMSProp forgets, but not in 1/(1 - b2) = {1 / (1 - rmsprop.b2):.0f} calls: its rate grows e-fold in "
        f"2/(1 - b2), and half of what a drop of {DROP:.0f} gives is there after {half_way:.0f} calls. Adam's v with "
        f"the paper's b2 would take {waiting[0.999]:.0f}, more than a relaxation has.",
    )  # fmt: skip


def rate(rule: Rule, gradients: Array) -> Array:
    """|displacement / gradient| of one entry at each call, in lr."""
    return np.abs(replay(rule, gradients[:, None]).displacements[:, 0] / gradients) / LR


def exponent(values: Array) -> float:
    """d log(values) / d log(call), from the tenth call on."""
    calls = np.arange(1, len(values) + 1)
    return float(np.polyfit(np.log(calls[9:]), np.log(values[9:]), 1)[0])


def wait(b2: float) -> float:
    """Calls until v is four times what it will be: b2^n + (1 - b2^n) / DROP^2 = 4 / DROP^2."""
    return float(np.log(3 / (DROP**2 - 1)) / np.log(b2))


class Halves(NamedTuple):
    """A run through the change of the potential, and one that begins there without memory."""

    whole: Track
    fresh: Track
    kept: Array  # (AFTER + 1,) eV above the minimum, of the whole run since the change
    anew: Array  # likewise, without memory


def molecule(seed: int) -> Outcome:
    runs = {name: [halves(name, seed + number) for number in range(EMBEDDINGS)] for name in SETTINGS}
    shown = {name: several[0] for name, several in runs.items()}
    calls = np.arange(1, BEFORE + AFTER + 1)
    cost = {name: np.array([one.kept[LATER] / one.anew[LATER] for one in several]) for name, several in runs.items()}
    fallen = float(np.mean([exponent(typical(one.whole)[:BEFORE]) for one in runs["adagrad"]]))
    grows = max(float((rates(one.whole)[1:] / rates(one.whole)[:-1]).max()) for one in runs["adagrad"])
    middle = {name: typical(one.whole) for name, one in shown.items()}
    regained = float(np.mean([typical(one.whole)[BEFORE - 1] / typical(one.whole).min() for one in runs["rmsprop"]]))
    rings = float(np.mean([edge(one.whole) for one in runs["rmsprop"]]))

    return Outcome(
        (
            Chart(
                "Rates with glycerol, GFN2-xTB and then MMFF94", "force calls", "step over gradient (Å²/eV)",
                [
                    *(Series(name, calls, values, optimizer=name) for name, values in middle.items()),
                    Series("1/√calls", calls, middle["adagrad"][9] * np.sqrt(10 / calls), "theory"),
                ],
                "y",
                f"Median of the coordinates; textbook rules, lr {SETTINGS['adagrad'][1]['lr']} and "
                f"{SETTINGS['rmsprop'][1]['lr']} Å. The potential changes after {BEFORE} calls.",
            ),
            Chart(
                "What is left after the change, with memory and without", "force calls since the change",
                "energy above the minimum (eV)",
                [
                    *(Series(f"{name}, memory kept", np.arange(AFTER + 1), one.kept, optimizer=name)
                      for name, one in shown.items()),
                    *(Series(f"{name}, begun anew", np.arange(AFTER + 1)[::4], one.anew[::4], "points", name)
                      for name, one in shown.items()),
                ],
                "y",
                f"The first of {EMBEDDINGS} embeddings. Without memory Adagrad's first step is lr long in every "
                "coordinate.",
            ),
        ),
        [
            Number("exponent of Adagrad's rate over the calls with GFN2-xTB", fallen, -0.5, 0.2),
            Number("largest growth of a rate of Adagrad from call to call", grows, most=1 + 1e-6),
            Number("RMSProp's rate at the end of GFN2-xTB over its lowest", regained, least=1.2),
            Number("RMSProp's rate over that at which MMFF94's Hessian rings", rings, 1.0, 0.4),
            *(
                Number(f"energy left {LATER} calls after the change, with memory over without: {name}", ratios.mean())
                for name, ratios in cost.items()
            ),
        ],
        f"Adagrad's rate falls as the calls to the power of {fallen:.1g}, not -1/2: the steep first calls are nearly "
        f"all of the sum. It never comes back. RMSProp's recovers {regained:.1f}-fold, until it makes the molecule "
        f"ring, and no further. {LATER} calls after the change of the potential, the memory of the old one "
        f"has left {cost['adagrad'].mean():.2f} times as much energy with Adagrad and {cost['rmsprop'].mean():.2f} "
        f"times with RMSProp, on average of {EMBEDDINGS} embeddings.",
    )  # fmt: skip


def halves(name: str, seed: int) -> Halves:
    """A rule with an embedding of glycerol, on GFN2-xTB and then on MMFF94."""
    import molopt

    kind, settings = SETTINGS[name]
    make: Callable[..., Any] = getattr(molopt, kind)
    arguments: dict[str, Any] = {**settings, "control": None, "coordinates": "cartesian"}
    glycerol = molopt.Molecule.from_smiles(GLYCEROL, seed=seed)
    atoms = glycerol.atoms()
    second = molopt.potential("mmff94", glycerol)
    atoms.calc = switched = Switched(molopt.potential("gfn2-xtb", glycerol), second, BEFORE)
    whole = follow_atoms(atoms, make, BEFORE + AFTER, name, name, **arguments)
    atoms.positions, atoms.calc = whole.x[BEFORE].reshape(-1, 3), second
    fresh = follow_atoms(atoms, make, AFTER, name, name, **arguments)
    lowest = follow_atoms(atoms, molopt.LBFGS, 500, fmax=1e-4).energies.min()
    return Halves(whole, fresh, whole.energies[BEFORE:] - switched.shift - lowest, fresh.energies - lowest)


def rates(track: Track) -> Array:
    """(T - 1, 3N) |displacement / gradient|, A^2/eV."""
    return np.abs(np.diff(track.x, axis=0) / track.gradients[:-1])


def typical(track: Track) -> Array:
    """(T - 1,) the median of the rates of all coordinates, A^2/eV."""
    return np.asarray(np.median(rates(track), axis=1))


def edge(track: Track) -> float:
    """The largest eigenvalue of rate times Hessian at the end of a run, in the 2 at which gradient descent rings."""
    import molopt
    from molopt.fitting.hessians import hessian

    glycerol = molopt.Molecule.from_smiles(GLYCEROL)
    atoms = glycerol.atoms()
    atoms.positions, atoms.calc = track.x[-1].reshape(-1, 3), molopt.potential("mmff94", glycerol)
    roots = np.sqrt(np.median(rates(track)[-RINGING:], axis=0))
    return float(np.linalg.eigvalsh(roots[:, None] * hessian(atoms) * roots)[-1]) / 2


EXPERIMENT = Experiment(
    "forgetting",
    "Forgetting",
    "Adagrad's rate decays as 1/sqrt(t) and never recovers. RMSProp's recovers when gradients become smaller.",
    "Adagrad's rate is lr over the root of the sum of all g²: lr/(g sqrt(t)) where gradients keep their size g. "
    "RMSProp's is lr/sqrt(v), and v forgets a larger past as b2^t, so that the rate grows e-fold in 2/(1 - b2) calls.",
    model,
    molecule,
    (
        "J. Duchi, E. Hazan, Y. Singer, J. Mach. Learn. Res. 12, 2121 (2011)",
        "T. Tieleman, G. Hinton, Lecture 6.5: rmsprop (2012)",
    ),
)
