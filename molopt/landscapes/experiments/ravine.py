"""A ravine: what momentum is worth where the gradient points across, and the way goes along."""

from typing import Any

import numpy as np

from molopt.landscapes import surfaces
from molopt.landscapes.chart import Chart, Series, SurfaceMap
from molopt.landscapes.experiment import Experiment, Number, Outcome
from molopt.landscapes.track import Track, follow, follow_atoms
from molopt.rules.partition import Array

CONDITIONS = 10.0 ** np.arange(1, 6)
MAPPED = 100.0  # the condition number of the ravine that is drawn
PROPANOL, TURNED, BOND = "CCCO", (0, 1, 2, 3), (3, 11)  # the torsion that is turned, and the O-H bond that is stretched
TURNING = [3, 9, 10, 11]  # what turns with the torsion
ANGLE, STRETCH = 20.0, 0.01  # degrees, A
PRESSED = 1.5  # bonds that are pressed by the first swings of the heavy ball are as much stiffer: else it explodes
NEAR = 0.9  # of the lr at which gradient descent rings for ever
SEEN = 40  # calls in which the bond is looked at
RIGID = 6  # motions without curvature
B1 = 0.9  # of averaged momentum
FREE = 1e6  # A: no cap, as the heavy ball first swings far across
RINGING = 10.0  # times 1/(1 - rate): calls after which only the slowest part of what was strained is left
FEW = 100  # calls in which gradient descent, whose two parts shrink alike, shows its rate


def best_descent(low: float, high: float) -> dict[str, Any]:
    """The arguments of gradient descent that shrink the slowest part fastest, for curvatures from low to high."""
    return {"lr": 2 / (low + high), "maxstep": FREE, "control": None}


def best_heavy_ball(low: float, high: float) -> dict[str, Any]:
    """The same of the heavy ball, by Polyak."""
    roots = np.sqrt(high), np.sqrt(low)
    b1 = ((roots[0] - roots[1]) / (roots[0] + roots[1])) ** 2
    return {"lr": 4 / (roots[0] + roots[1]) ** 2, "b1": float(b1), "maxstep": FREE, "control": None}


def rate_of_descent(condition: Any) -> Any:
    """What is left of the distance after a call of gradient descent at its best."""
    return (condition - 1) / (condition + 1)


def rate_of_heavy_ball(condition: Any) -> Any:
    """What is left of the distance after a call of the heavy ball at its best, in the long run."""
    return (np.sqrt(condition) - 1) / (np.sqrt(condition) + 1)


def model(seed: int) -> Outcome:
    import ase.optimize

    import molopt

    surface, plain = surfaces.ravine(MAPPED), best_descent(1.0, MAPPED)
    tracks = [
        follow(surface, molopt.GradientDescent, 400, "gradient descent", "gradient-descent", **plain),
        follow(surface, molopt.Momentum, 400, "averaged momentum, same lr", "momentum", b1=B1, **plain),
        follow(surface, molopt.HeavyBall, 400, "heavy ball", "heavy-ball", **best_heavy_ball(1.0, MAPPED)),
        follow(surface, molopt.Adam, 400, "Adam, under control", "adam", fmax=1e-6, lr=0.03),
        follow(surface, ase.optimize.BFGS, 400, "BFGS (ASE)", "bfgs", fmax=1e-6),
    ]
    descent, averaged, ball = tracks[:3]
    lost = {"gradient-descent": shares_of_descent(), "heavy-ball": shares_of_heavy_ball()}
    theory = {
        "gradient-descent": ("2 / (condition + 1)", 1 - rate_of_descent(CONDITIONS)),
        "heavy-ball": ("2 / (√condition + 1)", 1 - rate_of_heavy_ball(CONDITIONS)),
    }
    numbers = [
        *(
            Number(f"share of the distance that {name} takes away in a call, at condition number {CONDITIONS[at]:g}",
                   lost[name][at], theory[name][1][at], 0.15)
            for name in lost
            for at in (0, 2, 4)
        ),
        Number("way of gradient descent across the ravine, in its distance at the start", across(descent), MAPPED),
        Number("way of averaged momentum across, at the same lr", across(averaged), most=MAPPED / 4),
        Number("way of averaged momentum along in 50 calls, in that of gradient descent",
               along(averaged) / along(descent), 1.0, 0.25),
        Number("way of the heavy ball across, at its own best lr", across(ball)),
        *(Number(f"force calls of {one.label} until 10⁻⁶ eV above the floor", one.calls_until(1e-6)) for one in tracks),
    ]  # fmt: skip
    return Outcome(
        (
            SurfaceMap("Down a ravine, 100 times as steep across as along", surface, tracks,
                       caption="Gradient descent and the heavy ball have the best arguments there are for it, without "
                       "control; Adam has lr 0.03, BFGS its defaults."),
            Chart("What a call takes away", "condition number", "1 - rate",
                  [*(Series(name, CONDITIONS, values, "points", name) for name, values in lost.items()),
                   *(Series(law, CONDITIONS, values, "theory") for law, values in theory.values())],
                  "xy", "The heavy ball's calls grow with the root of the condition number only."),
        ),
        numbers,
        f"At one lr averaged momentum goes {across(averaged):.0f} times the width across where gradient descent goes "
        f"{across(descent):.0f}, and as far along. The heavy ball at its best gains otherwise: it goes "
        f"{across(ball):.0f} times across, too, and its steps along add up.",
    )  # fmt: skip


def shares_of_descent() -> Array:
    """What gradient descent at its best takes away in a call, for all of `CONDITIONS`."""
    import molopt

    runs = (follow(surfaces.ravine(c), molopt.GradientDescent, FEW, **best_descent(1.0, c)) for c in CONDITIONS)
    return np.array([1 - shrinking(np.linalg.norm(run.x, axis=1), FEW // 2) for run in runs])


def shares_of_heavy_ball() -> Array:
    """The same of the heavy ball."""
    import molopt

    found = []
    for condition in CONDITIONS:
        calls = int(RINGING / (1 - rate_of_heavy_ball(condition)))
        run = follow(surfaces.ravine(condition), molopt.HeavyBall, 2 * calls, **best_heavy_ball(1.0, condition))
        found.append(1 - shrinking(np.linalg.norm(run.x, axis=1), calls))
    return np.array(found)


def shrinking(distances: Array, calls: int) -> float:
    """The factor by which distances (T,) shrink in a call, over the last calls."""
    return float((distances[-1] / distances[-1 - calls]) ** (1 / calls))


def across(track: Track) -> float:
    """The way across the ravine, in its distance from the floor at the start."""
    return float(np.abs(np.diff(track.x[:, 1])).sum() / abs(track.x[0, 1]))


def along(track: Track) -> float:
    """The way along the ravine in 50 calls, A."""
    return float(abs(track.x[50, 0] - track.x[0, 0]))


def molecule(seed: int) -> Outcome:
    import molopt

    atoms, curvatures = strained()
    low, high = float(curvatures[0]), float(curvatures[-1])
    plain, heavy = best_descent(low, high), best_heavy_ball(low, PRESSED * high)
    rates = rate_of_descent(high / low), rate_of_heavy_ball(PRESSED * high / low)
    ringing = plain | {"lr": NEAR * 2 / high}
    *zigzag, descent, ball = (
        follow_atoms(atoms, make, calls, label, name, coordinates="cartesian", **arguments)
        for make, calls, label, name, arguments in (
            (molopt.GradientDescent, SEEN, "gradient descent", "gradient-descent", ringing),
            (molopt.Momentum, SEEN, "averaged momentum, same lr", "momentum", ringing | {"b1": B1}),
            (molopt.GradientDescent, int(3 / (1 - rates[0])), "gradient descent", "gradient-descent", plain),
            (molopt.HeavyBall, int(12 / (1 - rates[1])), "heavy ball", "heavy-ball", heavy),
        )
    )
    floor = min(float(track.energies.min()) for track in (descent, ball))
    calls = [track.calls_until(floor + 1e-3) for track in (descent, ball)]
    bonds = [bond(track) for track in zigzag]
    ways = [float(np.abs(np.diff(one)).sum()) for one in bonds]
    left = [np.sqrt(np.maximum(track.energies - floor, 1e-30)) for track in (descent, ball)]
    shares = 1 - shrinking(left[0][: len(left[0]) // 2], 200), 1 - shrinking(left[1][: len(left[1]) // 2], 60)
    return Outcome(
        (
            Chart("The stretched O-H bond of propanol", "force calls", "O-H (Å)",
                  [Series(track.label, np.arange(1, SEEN + 2), one, "line", track.optimizer)
                   for track, one in zip(zigzag, bonds, strict=True)],
                  caption=f"MMFF94, Cartesian coordinates. Curvatures at the minimum go from {low:.2f} to {high:.0f} "
                  f"eV/Å²; lr is {NEAR:g} of what gradient descent stands."),
            Chart("What is left above the floor, with a torsion turned as well", "force calls", "energy (eV)",
                  [Series(track.label, np.arange(1, len(track) + 1), np.maximum(track.energies - floor, 1e-7), "line",
                          track.optimizer) for track in (descent, ball)], "y",
                  f"Gradient descent has the best lr for these curvatures; the heavy ball the best arguments up to "
                  f"{PRESSED:g} times the highest, as its first swings press bonds."),
        ),
        [
            Number("condition number of propanol's Hessian", high / low),
            Number("way of the bond in 40 calls of gradient descent", ways[0], unit="Å"),
            Number("way of the bond with averaged momentum, in that of gradient descent", ways[1] / ways[0], most=1.0),
            Number("share of the distance that gradient descent takes away in a call", shares[0], 1 - rates[0], 0.2),
            Number("share that the heavy ball takes away in a call", shares[1], 1 - rates[1], 0.3),
            Number("force calls of gradient descent until 1 meV above the floor", calls[0]),
            Number("force calls of the heavy ball, in those", calls[1] / calls[0], most=0.5),
        ],
        f"With a condition number of {high / low:.0f} gradient descent at its best needs {calls[0]:.0f} force calls "
        f"until 1 meV is left, and the heavy ball {calls[1]:.0f}.",
    )  # fmt: skip


def strained() -> tuple[Any, Array]:
    """Propanol beside its minimum on MMFF94, and the curvatures at the minimum but for rigid motions, eV/A^2."""
    import molopt

    molecule = molopt.Molecule.from_smiles(PROPANOL)
    atoms = molopt.relax(molecule, potential="mmff94", fmax=1e-4).atoms
    atoms.calc = molopt.potential("mmff94", molecule)
    normal = molopt.check(atoms, frequencies=True).frequencies
    assert normal is not None
    atoms.rotate_dihedral(*TURNED, ANGLE, indices=TURNING)
    atoms.set_distance(*BOND, atoms.get_distance(*BOND) + STRETCH, fix=0)
    return atoms, np.linalg.eigvalsh(normal.hessian)[RIGID:]


def bond(track: Track) -> Array:
    """(T,) lengths of the stretched bond, A."""
    x = track.x.reshape(len(track), -1, 3)
    return np.asarray(np.linalg.norm(x[:, BOND[0]] - x[:, BOND[1]], axis=1))


EXPERIMENT = Experiment(
    "ravine",
    "Down a ravine",
    "Momentum averages out the zig-zag across a ravine, and keeps the way along.",
    "At its best gradient descent leaves (c - 1)/(c + 1) of the distance after a call at condition number c, and "
    "the heavy ball (√c - 1)/(√c + 1). Gradient descent then goes c times its first distance across. "
    "Of a gradient that changes its sign at each call an average keeps (1 - b1)/(1 + b1).",
    model,
    molecule,
    ("B. T. Polyak, USSR Comput. Math. Math. Phys. 4, 1 (1964)",),
)
