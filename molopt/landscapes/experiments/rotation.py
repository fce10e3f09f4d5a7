"""Rotation: which optimizers take the same path however the molecule, or the valley, is turned."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from molopt.landscapes import surfaces
from molopt.landscapes.chart import Chart, Series, SurfaceMap
from molopt.landscapes.experiment import Experiment, Number, Outcome
from molopt.landscapes.surface import Surface
from molopt.landscapes.track import Track, follow, follow_atoms
from molopt.rules.partition import Array

CONDITION = 100.0  # of the ravine
ANGLES = np.linspace(0, 90, 11)  # degrees
LR = 0.02  # A, of Adam
DEPTH, LONGEST = 1e-4, 270  # eV above the floor that a run is to reach, and the calls that it has for it
SAME = 1e-6  # A: paths that differ by rounding
PROPANOL, ORIENTATIONS = "CCCO", 100
FMAX = 0.05  # eV/A


@dataclass(frozen=True)
class Mover:
    """An optimizer with its arguments."""

    name: str
    optimizer: str
    kind: str
    arguments: dict[str, Any]

    @property
    def make(self) -> Any:
        import molopt

        return getattr(molopt, self.kind)


TEXTBOOK = (
    Mover("Adam", "adam", "Adam", {"lr": LR}),
    Mover("Adam with one scale for both coordinates, lr times √2", "per-atom-adam", "PerAtomAdam",
          {"lr": float(np.sqrt(2)) * LR}),
    Mover("averaged momentum", "momentum", "Momentum", {"lr": 1.9 / CONDITION}),
    Mover("gradient descent", "gradient-descent", "GradientDescent", {"lr": 1.9 / CONDITION}),
)  # fmt: skip
ON_MOLECULES = (
    Mover("Adam, Cartesian", "adam", "Adam", {"coordinates": "cartesian"}),
    Mover("Adam with one scale an atom", "per-atom-adam", "PerAtomAdam", {"coordinates": "cartesian"}),
    Mover("Adam, internal coordinates", "", "Adam", {"coordinates": "internal"}),
    Mover("molopt's default", "default", "LBFGS", {}),
)


def model(seed: int) -> Outcome:
    runs = {mover.name: [turned(mover, angle) for angle in ANGLES] for mover in TEXTBOOK}
    calls = {name: np.array([run.calls_until(DEPTH) for run in tracks]) for name, tracks in runs.items()}
    adam, one_scale = TEXTBOOK[0].name, TEXTBOOK[1].name
    half = int(np.flatnonzero(ANGLES == 45)[0])
    off = {name: farthest(tracks) for name, tracks in runs.items()}
    worse = calls[adam][half] / calls[adam][0]
    return Outcome(
        (
            Chart(
                "Down a ravine that is turned", "angle of the ravine (°)",
                f"force calls until {DEPTH:g} eV above the floor",
                [Series(mover.name, ANGLES, calls[mover.name], "points", mover.optimizer) for mover in TEXTBOOK],
                caption=f"{CONDITION:g} times as steep across as along, without control; lr {LR} Å of Adam, "
                f"{1.9 / CONDITION:g} Å²/eV of gradient descent and momentum.",
            ),
            SurfaceMap(
                "One ravine at 45°", whole(np.pi / 4),
                [
                    Track("Adam along the axes, turned by 45°", "", runs[adam][0].x @ surfaces.rotation(np.pi / 4).T,
                          runs[adam][0].energies, runs[adam][0].gradients),
                    *(runs[mover.name][half] for mover in TEXTBOOK[:2]),
                ],
                caption="Were Adam's path independent of the axes, the first two would be one.",
            ),
        ),
        [
            *(
                Number(f"{name}: most calls of all angles over the fewest", several.max() / several.min(), 1.0, 0)
                for name, several in list(calls.items())[1:]
            ),
            *(
                Number(f"{name}: distance of the turned paths", off[name], most=SAME, unit="Å")
                for name in list(runs)[1:]
            ),
            Number("Adam: distance of the turned paths", off[adam], least=0.01, unit="Å"),
            Number("Adam: calls at 45° over those along the axes", worse, least=1.5),
            Number("Adam: calls at 90° over those along the axes", calls[adam][-1] / calls[adam][0], 1.0, 0),
            Number("Adam: calls at 45° over those with one scale", calls[adam][half] / calls[one_scale][half],
                   1.0, 0.02),
        ],
        f"At 45° Adam needs {worse:.1f} times the calls that it needs along the axes. There both coordinates see the "
        "steep wall, both v are alike, and nothing is left of a scale per coordinate: Adam with one scale for both and "
        "√2 times the lr needs as many.",
    )  # fmt: skip


def turned(mover: Mover, angle: float, condition: float = CONDITION, calls: int = LONGEST) -> Track:
    """A run without control down the ravine turned by so many degrees."""
    surface = surfaces.ravine(condition, np.radians(angle))
    return follow(surface, mover.make, calls, mover.name, mover.optimizer, control=None, **mover.arguments)


def farthest(tracks: list[Track]) -> float:
    """How far paths at some angle, turned back, are at most from the path along the axes, A."""
    back = [track.x @ surfaces.rotation(np.radians(angle)) for track, angle in zip(tracks, ANGLES, strict=True)]
    return max(float(np.abs(path[: len(back[0])] - back[0][: len(path)]).max()) for path in back)


def whole(angle: float) -> Surface:
    """The turned ravine with a window that shows its start."""
    ravine = surfaces.ravine(CONDITION, angle)
    return Surface(ravine.name, ravine.energy, ravine.gradient, ravine.start, ((-1.3, 0.5), (-1.0, 0.5)))


def molecule(seed: int) -> Outcome:
    import molopt

    propanol = molopt.Molecule.from_smiles(PROPANOL)
    atoms = propanol.atoms()
    atoms.calc = molopt.potential("mmff94", propanol)
    runs = {mover.name: everywhere(atoms, mover, seed) for mover in ON_MOLECULES}
    calls = {name: np.array([found[0] for found in several]) for name, several in runs.items()}
    ends = {name: np.array([found[1] for found in several]) for name, several in runs.items()}
    off = {name: float(np.abs(several - several[0]).max()) for name, several in ends.items()}
    adam, order = ON_MOLECULES[0].name, np.arange(1, ORIENTATIONS + 1)
    spread = calls[adam].max() / calls[adam].min()
    return Outcome(
        (
            Chart(
                f"Propanol in {ORIENTATIONS} orientations", "orientations, the quickest first",
                f"force calls to {FMAX:g} eV/Å",
                [Series(mover.name, order, np.sort(calls[mover.name]), "line", mover.optimizer)
                 for mover in ON_MOLECULES],
                caption="MMFF94, from one embedding, each optimizer with molopt's arguments and control.",
            ),
        ),
        [
            *(
                Number(f"{name}: most calls over the fewest", calls[name].max() / calls[name].min(), 1.0, 0)
                for name in list(runs)[1:]
            ),
            *(Number(f"{name}: distance of the ends, turned back", off[name], most=SAME, unit="Å")
              for name in list(runs)[1:]),
            Number("Adam, Cartesian: most calls over the fewest", spread, least=1.2),
            Number("Adam, Cartesian: distance of the ends, turned back", off[adam], least=0.01, unit="Å"),
            *(Number(f"{name}: mean of the calls", found.mean()) for name, found in calls.items()),
            Number("Adam, Cartesian: standard deviation of the calls", calls[adam].std(ddof=1)),
        ],
        f"Adam in Cartesian coordinates needs {calls[adam].min():.0f} to {calls[adam].max():.0f} calls, depending on "
        f"how the molecule lies, on average {calls[adam].mean():.0f}. With one scale an atom it needs "
        f"{calls[ON_MOLECULES[1].name][0]:.0f} in every orientation, in internal coordinates "
        f"{calls[ON_MOLECULES[2].name][0]:.0f}.",
    )  # fmt: skip


def everywhere(atoms: Any, mover: Mover, seed: int) -> list[tuple[int, Array]]:
    """Of each orientation the force calls to fmax, and the end (N, 3) turned back, A."""
    from scipy.spatial.transform import Rotation

    middle = atoms.positions - atoms.positions.mean(axis=0)
    found = []
    for turn in Rotation.random(ORIENTATIONS, random_state=np.random.RandomState(seed)).as_matrix():
        there = atoms.copy()
        there.positions, there.calc = middle @ turn.T, atoms.calc
        track = follow_atoms(there, mover.make, 500, fmax=FMAX, **mover.arguments)
        found.append((len(track), track.x[-1].reshape(-1, 3) @ turn))
    return found


EXPERIMENT = Experiment(
    "rotation",
    "Rotation",
    "Adam with a scale per coordinate depends on how the molecule lies in space. With a scale per atom, or in internal "
    "coordinates, it does not.",
    "A rotation R turns the gradient, m and a step of gradient descent or momentum alike. v does not turn: the square "
    "of each entry is taken by itself. |g|² of an atom, bond lengths, angles and torsions are the same in every "
    "orientation. At 45° v = |g|²/2 in both coordinates of a steep ravine: one scale, smaller by √2.",
    model,
    molecule,
    (
        "L. Maes, T. H. Zhang et al., Understanding Adam requires better rotation dependent assumptions, "
        "arXiv 2410.19964 (2024)",
        "A. DePavia, V. Charisopoulos, R. Willett, How do simple rotations affect the implicit bias of Adam?, "
        "arXiv 2510.23804 (2025)",
    ),
)
