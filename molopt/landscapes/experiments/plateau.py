"""Crossing a plateau: what momentum and a step per entry are worth where the gradient is small and steady."""

from collections.abc import Callable
from typing import Any

import numpy as np

from molopt.landscapes import surfaces
from molopt.landscapes.chart import Chart, Series, SurfaceMap
from molopt.landscapes.experiment import Experiment, Number, Outcome
from molopt.landscapes.surface import Surface
from molopt.landscapes.track import Track, follow, follow_atoms
from molopt.optimizers.registry import ENTRIES
from molopt.rules.partition import Array

B1 = 0.9  # of the three rules that have momentum
LR = 0.02  # A^2/eV; of Adam A, its step
FLAT = 0.02  # eV/A, the slope of the plateau that is mapped
SLOPES = 10.0 ** np.arange(-5, 0)  # eV/A
ALONG = (0.8, 1.2)  # A, on the plateau, where all have their speed
DODECANE, TURNED, ANGLE = "CCCCCCCCCCCC", (4, 5, 6, 7), 108.0  # its middle torsion, degrees: near the eclipsed top
SMALL = 0.002  # A^2/eV, far below the 0.02 at which gradient descent rings in the bonds of an alkane
CALLS = 400  # in the second half of which what was strained has relaxed, and momentum has its speed

Rules = dict[str, tuple[Callable[..., Any], dict[str, Any]]]


def rules() -> Rules:
    """Class and arguments of the four rules, by their names in the registry."""
    import molopt

    momentum: dict[str, Any] = {"b1": B1}
    runs: tuple[tuple[Callable[..., Any], dict[str, Any]], ...] = (
        (molopt.GradientDescent, {}),
        (molopt.HeavyBall, momentum),
        (molopt.Momentum, momentum),
        (molopt.Adam, momentum),
    )
    names = {entry.attribute: entry.name for entry in ENTRIES}
    return {names[make.__name__]: (make, arguments) for make, arguments in runs}


def model(seed: int) -> Outcome:
    surface = surfaces.plateau(flat=FLAT)
    tracks = [
        follow(surface, make, 600, name, name, lr=LR, control=None, **further)
        for name, (make, further) in rules().items()
    ]
    speeds = {name: np.array([speed(name, slope) for slope in SLOPES]) for name in rules()}
    plain, heavy, averaged, adam = speeds.values()
    numbers = [
        Number("speed of the heavy ball in that of gradient descent", heavy[0] / plain[0], 1 / (1 - B1)),
        Number("speed of averaged momentum in that of gradient descent", averaged[0] / plain[0], 1.0),
        Number("speed of gradient descent on a slope of 0.1 eV/Å in that on 0.00001", plain[-1] / plain[0], 1e4),
        Number("speed of Adam on a slope of 0.1 eV/Å in that on 0.00001", adam[-1] / adam[0], 1.0),
        *(Number(f"way of {track.label} in 600 calls", float(track.x[-1, 0]), unit="Å") for track in tracks),
    ]
    return Outcome(
        (
            SurfaceMap("Four rules on a plateau between two slopes", surface, tracks,
                       caption=f"600 force calls from one start, lr {LR}, b1 {B1}, no control. The slope of the "
                       f"plateau, from 0 to 2 Å, is {FLAT} eV/Å."),
            Chart(
                "Speed on a plateau", "slope of the plateau (eV/Å)", "speed (Å a call)",
                [
                    *(Series(name, SLOPES, speeds[name], "points", name) for name in speeds),
                    Series("lr g", SLOPES, LR * SLOPES, "theory"),
                    Series("lr g / (1 - b1)", SLOPES, LR * SLOPES / (1 - B1), "theory"),
                    Series("lr", SLOPES, np.full(len(SLOPES), LR), "theory"),
                ],
                "xy",
                "Averaged momentum lies on gradient descent. Adam's speed does not depend on the slope.",
            ),
        ),
        numbers,
        "At one learning rate the heavy ball is faster by 1/(1 - b1) and averaged momentum is not; what carries over a "
        "flat plateau is Adam's scale.",
    )  # fmt: skip


def speed(name: str, slope: float) -> float:
    """Of a rule on a plateau that never ends, A a call, once momentum has built up."""
    make, further = rules()[name]
    straight = Surface("slope", lambda x: float(-slope * x[0]), lambda x: np.array([-slope]), [0.0])
    return float(follow(straight, make, 150, lr=LR, control=None, maxstep=1.0, **further).steps[-1])


def molecule(seed: int) -> Outcome:
    atoms = beside_the_top()
    tracks = [
        follow_atoms(atoms, make, CALLS, name, name, lr=SMALL, control=None, coordinates="cartesian", **further)
        for name, (make, further) in rules().items()
    ]
    angles = {track.label: torsion(track.x) for track in tracks}
    plain, heavy, averaged, _ = map(rate, tracks)
    calls = np.arange(1, CALLS + 2)
    crawled = follow_atoms(
        atoms, rules()["gradient-descent"][0], 10 * CALLS, lr=SMALL, control=None, coordinates="cartesian"
    )
    turned = {name: abs(angle[-1] - angle[0]) for name, angle in angles.items()}
    return Outcome(
        (
            Chart(
                "The middle torsion of dodecane, from near the top of its barrier", "force calls",
                "C-C-C-C torsion (°)",
                [
                    *(Series(name, calls, angle, "line", name) for name, angle in angles.items()),
                    Series("every tenth call of gradient descent", calls, torsion(crawled.x)[::10], "theory"),
                ],
                caption=f"MMFF94, Cartesian coordinates, lr {SMALL}, b1 {B1}, no control. Anti is 180°, gauche 60°.",
            ),
        ),
        [
            Number("rate of gradient descent (energy lost a call over the squared gradient), in its lr",
                   plain / SMALL, 1.0),
            Number("rate of the heavy ball in that of gradient descent",
                   heavy / plain, 1 / (1 - B1)),
            Number("rate of averaged momentum in that of gradient descent",
                   averaged / plain, 1.0),
            *(Number(f"turn of {name} in {CALLS} calls", turn, unit="°") for name, turn in turned.items()),
        ],
        f"In {CALLS} calls gradient descent turns the torsion by {turned['gradient-descent']:.1f}°, the heavy ball by "
        f"{turned['heavy-ball']:.1f}° and Adam by {turned['adam']:.1f}°, "
        "at one lr; Adam's is a length, and means another thing.",
    )  # fmt: skip


def beside_the_top() -> Any:
    """Dodecane, all anti but for its middle torsion, which was held while all else was relaxed; on MMFF94."""
    from ase.constraints import FixInternals
    from rdkit.Chem import rdMolTransforms

    import molopt

    chain = molopt.Molecule.from_smiles(DODECANE)
    conformer = chain.to_rdkit().GetConformer()
    for first in range(9):
        rdMolTransforms.SetDihedralDeg(conformer, first, first + 1, first + 2, first + 3, 180.0)
    rdMolTransforms.SetDihedralDeg(conformer, TURNED[0], TURNED[1], TURNED[2], TURNED[3], ANGLE)
    atoms = chain.atoms()
    atoms.positions = conformer.GetPositions()
    atoms.calc = molopt.potential("mmff94", chain)
    atoms.set_constraint(FixInternals(dihedrals_deg=[[ANGLE, list(TURNED)]]))
    molopt.LBFGS(atoms, logfile=None).run(fmax=0.005, steps=300)
    atoms.set_constraint()
    return atoms


def torsion(x: Array) -> Array:
    """(T,) degrees, of positions (T, 3N)."""
    from ase.geometry import get_dihedrals

    a, b, c, d = (x.reshape(len(x), -1, 3)[:, atom] for atom in TURNED)
    return np.asarray(get_dihedrals(b - a, c - b, d - c))


def rate(track: Track) -> float:
    """The energy lost in a call over the squared gradient, A^2/eV, in the second half: gradient descent's lr."""
    half = len(track) // 2
    return float((track.energies[half] - track.energies[-1]) / (track.slopes[half:-1] ** 2).sum())


EXPERIMENT = Experiment(
    "plateau",
    "Crossing a plateau",
    "Gradient descent crawls on a plateau. The heavy ball's speed grows by 1/(1 - b1), averaged momentum's does not at "
    "the same lr. Adam's step does not shrink with the gradient.",
    "On a constant gradient g the heavy ball's memory m = b1 m + g tends to g/(1 - b1), the average "
    "m = b1 m + (1 - b1) g to g, and Adam's m / sqrt(v) to the "
    "sign of g. So the speeds are lr g, lr g/(1 - b1), lr g and lr.",
    model,
    molecule,
    ("B. T. Polyak, USSR Comput. Math. Math. Phys. 4, 1 (1964)", "D. P. Kingma, J. Ba, arXiv 1412.6980 (2014)"),
)
