"""The edge of stability: the curvature that a constant rate can stand, and what happens beyond it."""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.signal import lfilter

from molopt.landscapes import surfaces
from molopt.landscapes.chart import Chart, Series
from molopt.landscapes.experiment import Experiment, Number, Outcome
from molopt.landscapes.track import Track, follow, follow_atoms
from molopt.rules.partition import Array

MEMORIES = (0.0, 0.5, 0.9, 0.99)  # b1
CALLS = 200  # in which half a percent beyond the edge shows, between windows of FEW calls
FEW = 40
SIDES = np.array([*np.linspace(0.03, 0.94, 28), *np.linspace(0.95, 1.05, 41), *np.linspace(1.06, 1.1, 3)])  # of edges
DRAWN = [*range(28), 38, 48, 58, *range(68, 72)]  # of these; near the edge they are close, to find it
LR, B2 = 0.03, 0.98  # of Adam; A
RINGING = (0.0, 0.5, 0.9)  # b1 of Adam on springs
STIFFNESS = 10.0 ** np.arange(-1, 5)  # eV/A^2, from a soft torsion to more than any bond
LONG = 2000  # calls in which Adam's scale has come to rest
ETHANOL, RATTLED = "CCO", 0.002  # A: farther from the minimum bonds are stiffer, and the edge is another
B1, NEAR = 0.9, 0.02  # on the molecule; how far below and above its edge the heavy ball runs
CAP = 0.01  # A a step, without which ethanol explodes beyond the edge
SHOWN = 400  # calls


def edge_of_heavy_ball(b1: float) -> float:
    """lr times curvature."""
    return 2 * (1 + b1)


def edge_of_average(b1: float) -> float:
    """lr times curvature; of Adam, lr times curvature over the root of v."""
    return 2 * (1 + b1) / (1 - b1)


EDGES: dict[str, Callable[[float], float]] = {"heavy-ball": edge_of_heavy_ball, "momentum": edge_of_average}


def model(seed: int) -> Outcome:
    import molopt

    grown = {(name, b1): growth(name, b1) for name in EDGES for b1 in MEMORIES}
    runs = {b1: adam_on_springs(b1) for b1 in RINGING}
    late = slice(LONG // 2, None)
    amplitudes = {b1: np.sqrt((run.x[late] ** 2).mean(axis=0)) for b1, run in runs.items()}
    ratios = {b1: LR * STIFFNESS / learned_scale(run) for b1, run in runs.items()}
    springs = surfaces.quadratic(STIFFNESS, np.full(STIFFNESS.size, 0.1))
    calm = follow(springs, molopt.Adam, LONG, fmax=1e-6, lr=LR, b2=B2)
    numbers = []
    for name, edge in EDGES.items():
        for b1 in MEMORIES:
            found = last_stable(grown[name, b1]) * edge(b1)
            numbers.append(Number(f"edge of {name}, lr k, b1 {b1:g}", found, edge(b1), 0.01))
    for b1 in RINGING:
        limit, ring = edge_of_average(b1), LR / edge_of_average(b1)
        ratio, spread = float(np.median(ratios[b1][late])), float(np.exp(np.ptp(np.log(amplitudes[b1]))))
        numbers.append(Number(f"lr k / √v of Adam in the end, b1 {b1:g}", ratio, limit, 0.1))
        numbers.append(Number(f"ringing of Adam, b1 {b1:g}", float(amplitudes[b1].mean()), ring, 0.1, unit="Å"))
        numbers.append(Number(f"widest ringing of a spring by the narrowest, b1 {b1:g}", spread, most=1.1))
    ends = float(np.abs(calm.gradients[-1]).max())
    numbers.append(Number("gradient of Adam at the end under control", ends, most=1e-5, unit="eV/Å"))
    return Outcome(
        (chart_of_growth(grown), chart_of_ratios(ratios), chart_of_ringing(amplitudes)),
        numbers,
        f"Beyond its edge a spring rings. Adam's scale fades until Adam is at its edge, whatever the spring: those of "
        f"{STIFFNESS[0]:g} and {STIFFNESS[-1]:g} eV/Å² ring equally far. Under control it settles.",
    )


def growth(name: str, b1: float) -> Array:
    """(n,) factors by which |x| grows in a call, on springs at SIDES of the edge; they know nothing of each other."""
    import molopt

    make = {"heavy-ball": molopt.HeavyBall, "momentum": molopt.Momentum}[name]
    stiff = EDGES[name](b1) * SIDES
    track = follow(surfaces.quadratic(stiff, np.ones(stiff.size)), make, CALLS, lr=1.0, b1=b1, control=None)
    end, before = (np.abs(track.x[at - FEW : at]).max(axis=0) for at in (len(track), len(track) - CALLS // 2))
    return (end / before) ** (2 / CALLS)


def last_stable(grown: Array) -> float:
    """The last of SIDES before the first on which x grows."""
    return float(SIDES[np.flatnonzero(grown > 1)[0] - 1])


def largest_root(b1: float, stiff: float) -> float:
    """Of z^2 - (1 + b1 - lr k) z + b1, for lr k."""
    return float(np.abs(np.roots([1.0, -(1 + b1 - stiff), b1])).max())


def adam_on_springs(b1: float) -> Track:
    """Adam without control on all springs at once; entry by entry, as Adam goes, that is a run of its own each."""
    import molopt

    surface = surfaces.quadratic(STIFFNESS, np.full(STIFFNESS.size, 0.1))
    return follow(surface, molopt.Adam, LONG, lr=LR, b1=b1, b2=B2, control=None)


def learned_scale(track: Track, b2: float = B2) -> Array:
    """The root of Adam's second moment at each call, its start corrected (T, n), eV/A."""
    calls = np.arange(1, len(track) + 1)
    return np.sqrt(lfilter([1 - b2], [1, -b2], track.gradients**2, axis=0) / (1 - b2**calls)[:, None])


def chart_of_growth(grown: dict[tuple[str, float], Array]) -> Chart:
    measured = [
        Series(f"heavy ball, b1 {b1:g}", SIDES[DRAWN], grown["heavy-ball", b1][DRAWN], "points") for b1 in MEMORIES
    ]
    theory = [
        Series(
            f"largest root, b1 {b1:g}",
            SIDES,
            [largest_root(b1, edge_of_heavy_ball(b1) * side) for side in SIDES],
            "theory",
        )
        for b1 in MEMORIES
    ]
    return Chart(
        "What a call makes of x, on a spring",
        "lr k / (2 (1 + b1))",
        "|x| after a call / |x| before",
        [*measured, *theory],
        caption="Above 1 it grows. Averaged momentum lies on the same points, at lr / (1 - b1).",
    )


def chart_of_ratios(ratios: dict[float, Array]) -> Chart:
    drawn, one = np.arange(20, LONG, 5), 2
    measured = [Series(f"b1 {b1:g}", drawn + 1, ratio[drawn, one]) for b1, ratio in ratios.items()]
    theory = [
        Series(f"2 (1 + b1) / (1 - b1), b1 {b1:g}", drawn[[0, -1]] + 1, [edge_of_average(b1)] * 2, "theory")
        for b1 in RINGING
    ]
    return Chart(
        "Adam comes to its edge by itself",
        "force calls",
        "lr k / √v",
        [*measured, *theory],
        "y",
        f"A spring of {STIFFNESS[one]:g} eV/Å², lr {LR} Å, b2 {B2}, no control. v fades until the spring is too stiff "
        "for the rate; then x rings, and that feeds v.",
    )


def chart_of_ringing(amplitudes: dict[float, Array]) -> Chart:
    measured = [Series(f"b1 {b1:g}", STIFFNESS, amplitudes[b1], "points") for b1 in RINGING]
    theory = [
        Series(
            f"lr (1 - b1) / (2 (1 + b1)), b1 {b1:g}", STIFFNESS, [LR / edge_of_average(b1)] * STIFFNESS.size, "theory"
        )
        for b1 in RINGING
    ]
    return Chart(
        "How far Adam rings without control",
        "k (eV/Å²)",
        "root mean square of x (Å)",
        [*measured, *theory],
        "xy",
        f"lr {LR} Å. Theory does not know k.",
    )


def molecule(seed: int) -> Outcome:
    import molopt

    atoms, hessian = rattled_ethanol(seed)
    stiffest = float(np.linalg.eigvalsh(hessian)[-1])
    edge_of_ball = edge_of_heavy_ball(B1) / stiffest
    below, above = (
        follow_atoms(
            atoms,
            molopt.HeavyBall,
            SHOWN,
            f"heavy ball, {side:g} of its edge",
            coordinates="cartesian",
            lr=side * edge_of_ball,
            b1=B1,
            control=None,
            maxstep=CAP,
        )
        for side in (1 - NEAR, 1 + NEAR)
    )
    adams: dict[str, Any] = {"lr": LR, "b1": B1, "b2": B2, "coordinates": "cartesian"}
    plain = follow_atoms(atoms, molopt.Adam, LONG, "Adam without control", "adam", control=None, **adams)
    calm = follow_atoms(atoms, molopt.Adam, LONG, "Adam under control", "", 1e-6, **adams)
    every = np.arange(20, len(plain), 20)
    scales = np.sqrt(learned_scale(plain)[every])
    sharpness = LR * np.array([np.linalg.eigvalsh(hessian / np.outer(scale, scale))[-1] for scale in scales])
    late, edge = len(every) // 2, edge_of_average(B1)
    rings = float(np.median(plain.slopes[LONG // 2 :]))
    runs = [
        Series(track.label, np.arange(len(track))[:SHOWN] + 1, track.slopes[:SHOWN], "line", track.optimizer)
        for track in (below, above, plain, calm)
    ]
    gradients = Chart(
        "Ethanol: the gradient in a run",
        "force calls",
        "|g| (eV/Å)",
        runs,
        "y",
        f"MMFF94, Cartesian coordinates, from {RATTLED} Å beside the minimum, b1 {B1}. The heavy ball's edge is "
        f"lr = 2 (1 + b1) / ({stiffest:.0f} eV/Å²), of the O-H bond.",
    )
    ratios = Chart(
        "Ethanol: Adam comes to its edge",
        "force calls",
        "lr times the highest eigenvalue",
        [
            Series("Adam without control", every + 1, sharpness, "line", "adam"),
            Series("2 (1 + b1) / (1 - b1)", every[[0, -1]] + 1, [edge, edge], "theory"),
        ],
        "y",
        "Of the Hessian at the minimum, row and column i divided by the root of √v_i.",
    )
    return Outcome(
        (gradients, ratios),
        [
            Number(f"|g| of the {below.label}, at the end", float(below.slopes[-1]), most=1e-3, unit="eV/Å"),
            Number(f"|g| of the {above.label}, at the end", float(above.slopes[-1]), least=0.1, unit="eV/Å"),
            Number("lr times the highest eigenvalue, Adam", float(np.median(sharpness[late:])), edge, 0.1),
            Number("|g| of Adam without control, at the end", rings, least=0.01, unit="eV/Å"),
            Number("|g| of Adam under control, at the end", float(calm.slopes[-1]), most=1e-4, unit="eV/Å"),
        ],
        f"Without control Adam comes to its edge and rings there, |g| {rings:.2f} eV/Å; under control it settles in "
        f"{len(calm)} calls.",
    )


def rattled_ethanol(seed: int) -> tuple[Any, Array]:
    """Ethanol beside its minimum on MMFF94, and the Hessian there (27, 27), eV/A^2."""
    import molopt

    ethanol = molopt.Molecule.from_smiles(ETHANOL)
    potential = molopt.potential("mmff94", ethanol)
    atoms = molopt.relax(ethanol, potential=potential, fmax=1e-5).atoms
    atoms.calc = potential
    modes = molopt.check(atoms, frequencies=True).frequencies
    assert modes is not None
    atoms.rattle(RATTLED, seed=seed)
    return atoms, modes.hessian


EXPERIMENT = Experiment(
    "edge-of-stability",
    "The edge of stability",
    "A constant rate rings where the curvature k passes 2 (1 + b1) / lr (heavy ball), 2 (1 + b1) / ((1 - b1) lr) "
    "(averaged momentum; Adam, relative to its scale). Control settles it.",
    "On a spring x(t+1) - x(t) = b1 (x(t) - x(t-1)) - lr k x(t), whose solutions are powers of the roots of "
    "z² - (1 + b1 - lr k) z + b1. One root is -1 where lr k = 2 (1 + b1), and longer beyond. Averaged momentum has "
    "lr (1 - b1) for lr, and Adam lr (1 - b1) / √v. On the way to a minimum v fades until lr k / √v passes the edge; "
    "then x rings, which feeds v. Both are at rest where √v = k √⟨x²⟩ is at the edge: "
    "√⟨x²⟩ = lr (1 - b1) / (2 (1 + b1)), for every k.",
    model,
    molecule,
    (
        "B. T. Polyak, USSR Comput. Math. Math. Phys. 4, 1 (1964)",
        "J. M. Cohen et al., Adaptive gradient methods at the edge of stability, arXiv 2207.14484 (2022)",
    ),
)
