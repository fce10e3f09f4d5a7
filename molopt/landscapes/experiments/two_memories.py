"""Two memories: what Adam's m and v keep of a gradient that changes its sign."""

from typing import Any

import numpy as np

from molopt.landscapes.chart import Chart, Series
from molopt.landscapes.experiment import Experiment, Number, Outcome
from molopt.landscapes.replay import Replay, replay
from molopt.landscapes.surface import Surface
from molopt.landscapes.track import Track, follow, follow_atoms
from molopt.rules import Adam
from molopt.rules.partition import Array

SLOPE, LR = 10.0, 0.01  # eV/A and A^2/eV: each step of gradient descent leads across the valley, LR SLOPE long
CALLS = 2000
ZERO = 0.01  # of the amplitude: what one would call nothing
PERIODS = np.array([2, 3, 4, 5, 8, 12, 20, 40, 80, 160, 400])  # calls
MEMORIES = (0.9, 0.99)  # b1
ETHANOL, OXYGEN, HYDROGEN = "CCO", 2, 8
ADAM = Adam(lr=0.03, b1=0.9, b2=0.99)  # v forgets within a run, so that the step grows until the bond rings
RUN, RINGING = 700, 400  # calls with the molecule, and those at the end that are looked at
FAST, PULLED = 1.95, 25  # lr in 1 / the largest curvature, and calls with the pulled molecule
PULL = 1e-5  # eV/A in each vibration: so weak that they do not mix


def model(seed: int) -> Outcome:
    valley = Surface("V", lambda x: float(SLOPE * abs(x[0])), lambda x: SLOPE * np.sign(x), [0.5 * LR * SLOPE])
    gradients = descent(valley).gradients
    rule = Adam(lr=LR)
    m, v = corrected(rule, replay(rule, gradients))
    calls = np.arange(1, CALLS + 2)
    kept = (1 - rule.b1) / (1 + rule.b1)
    shown = slice(0, 40)
    foretold = SLOPE * kept * (-1.0) ** (calls + 1) * (1 - (-rule.b1) ** calls) / (1 - rule.b1**calls)
    left = float(abs(m[-1, 0])) / SLOPE
    return Outcome(
        (
            Chart(
                "The two memories of a gradient that changes its sign at each call", "force calls", "eV/Å",
                [
                    Series("gradient", calls[shown], gradients[shown, 0], "points"),
                    Series("m", calls[shown], m[shown, 0], "points"),
                    Series("√v", calls[shown], np.sqrt(v[shown, 0]), "points"),
                    Series("m in theory", calls[shown], foretold[shown], "theory"),
                    Series("√v in theory", calls[shown], np.full(40, SLOPE), "theory"),
                ],
                caption=f"Gradient descent that rings in a V-shaped valley; b1 {rule.b1}, b2 {rule.b2}, with bias "
                "correction.",
            ),
            lets_through(),
        ),
        [
            Number("what is left of m, over the amplitude of the gradient", left, most=ZERO),
            Number("the same, where theory has (1 - b1)/(1 + b1)", left, kept, 1e-6),
            Number("mean of m of the last two calls over the amplitude", float(abs(m[-2:, 0].mean())) / SLOPE,
                   most=1e-6),
            Number("√v over the amplitude", float(np.sqrt(v[-1, 0])) / SLOPE, 1.0, 1e-9),
            Number("√v over the amplitude at the third call", float(np.sqrt(v[2, 0])) / SLOPE, 1.0, 1e-9),
        ],
        f"v is the square of the amplitude, with bias correction from the first call on. m does not vanish: it goes on "
        f"changing its sign, at {100 * left:.1f} % of the amplitude, (1 - b1)/(1 + b1); what vanishes is its mean.",
    )  # fmt: skip


def descent(valley: Surface) -> Track:
    """Gradient descent, which jumps from wall to wall."""
    import molopt

    return follow(valley, molopt.GradientDescent, CALLS, lr=LR, control=None)


def corrected(rule: Adam, fed: Replay) -> tuple[Array, Array]:
    """m and v (T, n), each over 1 - b^t."""
    calls = np.arange(1, len(fed.states) + 1)[:, None]
    return fed.memory("m") / (1 - rule.b1**calls), fed.memory("v") / (1 - rule.b2**calls)


def lets_through() -> Chart:
    """How much m and v keep of a cosine of some period."""
    whole = int(np.lcm.reduce(PERIODS))
    calls = np.arange(4 * whole)
    waves = np.cos(2 * np.pi * calls[:, None] / PERIODS)  # (T, P), exactly whole periods
    fed = {b1: replay(Adam(lr=LR, b1=b1), waves) for b1 in MEMORIES}
    last = slice(-whole, None)
    through = {b1: size(one.memory("m")[last]) / size(waves[last]) for b1, one in fed.items()}
    v = np.sqrt(fed[MEMORIES[0]].memory("v")[last].mean(axis=0)) / size(waves[last])
    fine = np.geomspace(2, PERIODS.max(), 100)
    return Chart(
        "What each memory keeps of an oscillation", "period (calls)", "memory over gradient (root mean squares)",
        [
            *(Series(f"m, b1 = {b1}", PERIODS, through[b1], "points") for b1 in MEMORIES),
            Series("√v", PERIODS, v, "points"),
            *(Series(f"m in theory, b1 = {b1}", fine, gain(b1, fine), "theory") for b1 in MEMORIES),
        ],
        "xy",
        "m lets slow changes through and holds fast ones back, v keeps both. The least of m, at a period of two calls, "
        "is (1 - b1)/(1 + b1).",
    )  # fmt: skip


def gain(b1: float, period: Array) -> Array:
    """Amplitude of m for a cosine gradient of amplitude 1: (1 - b1) / |1 - b1 exp(-2 pi i / period)|."""
    return np.asarray((1 - b1) / np.abs(1 - b1 * np.exp(-2j * np.pi / period)))


def molecule(seed: int) -> Outcome:
    import molopt

    atoms = ethanol()
    bond = 3 * HYDROGEN  # the entry of x that is along the bond
    settings: dict[str, Any] = {name: getattr(ADAM, name) for name in ("lr", "b1", "b2")}
    track = follow_atoms(atoms, molopt.Adam, RUN, "adam", "adam", control=None, coordinates="cartesian", **settings)
    m, v = (memory[:, bond] for memory in corrected(ADAM, replay(ADAM, track.gradients)))
    g, calls = track.gradients[:, bond], np.arange(1, len(track) + 1)
    last, shown = slice(-RINGING, None), slice(-40, None)
    kept = (1 - ADAM.b1) / (1 + ADAM.b1)
    through, seen = (float(size(memory[last]) / size(g[last])) for memory in (m, np.sqrt(v)))
    turns = float((np.diff(np.sign(g[last])) != 0).mean())
    vibrations, off = by_stiffness()
    return Outcome(
        (
            Chart(
                "Gradient of the O-H bond of ethanol and its two memories", "force calls", "eV/Å",
                [
                    Series("gradient", calls[shown], g[shown], "points"),
                    Series("m", calls[shown], m[shown], "points"),
                    Series("√v", calls[shown], np.sqrt(v[shown])),
                    Series("(1 - b1)/(1 + b1) of the gradient", calls[shown], kept * g[shown], "theory"),
                ],
                caption=f"Adam in Cartesian coordinates, MMFF94, lr {ADAM.lr} Å, b1 {ADAM.b1}, b2 {ADAM.b2}, without "
                "control. v decays until the step is too long for the bond, which then rings.",
            ),
            vibrations,
        ),
        [
            Number(f"part of the last {RINGING} calls at which the gradient changed its sign", turns, least=0.7),
            Number("m over the gradient, root mean squares", through, kept, 0.1),
            Number("√v over the gradient, root mean squares", seen, 1.0, 0.1),
            Number("largest difference of |m|/√v of a vibration from theory", off, most=0.01),
        ],
        f"At its end Adam rings in the O-H bond: the gradient changes its sign at {100 * turns:.0f} % of the calls, m "
        f"is {100 * through:.1f} % of it, theory says {100 * kept:.1f} %, and √v {100 * seen:.0f} %. Of stiff "
        "vibrations little of m is left beside √v, of torsions nearly all.",
    )  # fmt: skip


def ethanol() -> Any:
    """Ethanol as embedded, on MMFF94, turned so that its O-H bond lies along x."""
    import molopt

    molecule = molopt.Molecule.from_smiles(ETHANOL)
    atoms = molecule.atoms()
    atoms.rotate(atoms.positions[HYDROGEN] - atoms.positions[OXYGEN], "x")
    atoms.calc = molopt.potential("mmff94", molecule)
    return atoms


def size(values: Array) -> Array:
    """Root mean square over the calls, (T, ...) to (...)."""
    return np.asarray(np.sqrt((values**2).mean(axis=0)))


def by_stiffness() -> tuple[Chart, float]:
    """|m|/sqrt(v) of each vibration while gradient descent runs, and how far it is at most from what theory says."""
    import molopt
    from molopt.fitting.hessians import hessian

    atoms = ethanol()
    molopt.LBFGS(atoms, logfile=None).run(fmax=1e-7, steps=500)
    curvatures, modes = (part[..., 6:] for part in np.linalg.eigh(hessian(atoms)))  # less the rigid motions
    lr = FAST / curvatures[-1]
    atoms.positions += (modes @ (PULL / curvatures)).reshape(-1, 3)  # every vibration with the same force
    gradients = follow_atoms(
        atoms, molopt.GradientDescent, PULLED, lr=lr, control=None, coordinates="cartesian"
    ).gradients @ modes  # fmt: skip
    rule = Adam(lr=lr)
    m, v = (memory[-1] for memory in corrected(rule, replay(rule, gradients)))
    measured = np.abs(m) / np.sqrt(v)
    fine = np.geomspace(curvatures[0], curvatures[-1], 400)
    chart = Chart(
        f"What is left of m beside √v, after {PULLED + 1} calls of gradient descent",
        "curvature of the vibration (eV/Å²)", "|m|/√v",
        [
            Series("vibrations of ethanol", curvatures, measured, "points"),
            Series("theory", fine, ratio(rule, 1 - lr * fine, PULLED + 1), "theory"),
        ],
        "xy",
        f"MMFF94, from a force of {PULL:g} eV/Å in each vibration, lr {FAST}/(largest curvature).",
    )  # fmt: skip
    return chart, float(np.abs(measured - ratio(rule, 1 - lr * curvatures, PULLED + 1)).max())


def ratio(rule: Adam, factors: Array, calls: int) -> Array:
    """|m|/sqrt(v) after so many calls where each multiplies the gradient by a factor: 1 - lr k, of gradient descent."""
    ages = np.arange(calls)[::-1, None]
    gradients = factors ** np.arange(calls)[:, None]
    m = (rule.b1**ages * gradients).sum(axis=0) / (rule.b1**ages).sum()
    v = (rule.b2**ages * gradients**2).sum(axis=0) / (rule.b2**ages).sum()
    return np.asarray(np.abs(m) / np.sqrt(v))


EXPERIMENT = Experiment(
    "two-memories",
    "Two memories",
    "Where the gradient oscillates, Adam's m goes to zero and v to the square of the amplitude.",
    "Of a gradient a, -a, a ... m = b1 m + (1 - b1) g tends to a (1 - b1)/(1 + b1), changing its sign, and "
    "v = b2 v + (1 - b2) g² to a². Of a period P, m keeps (1 - b1)/|1 - b1 exp(-2 pi i/P)|.",
    model,
    molecule,
    ("D. P. Kingma, J. Ba, Adam, ICLR 2015, section 2.1",),
)
