"""Learned constants of bonds against their length, of torsions against their angle: docs/pictures/springs.png.

python docs/pictures/springs.py
"""

from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

import molopt
from molopt.coordinates import learned
from molopt.drawing.canvas import DARK, STYLE
from molopt.optimizers.hessian_models import HessianModel
from molopt.optimizers.internals import Recipe
from molopt.optimizers.registry import BY_NAME

HERE = Path(__file__).parent
INKS = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
BONDS = {
    "C-C of ethane": "CC",
    "C=C of ethene": "C=C",
    "C#C of ethyne": "C#C",
    "C=O of formaldehyde": "C=O",
    "N-C of methylamine": "NC",
}
TURNS = {"CH3-CH3": ("CC", (2, 0, 1, 5)), "HO-CH3": ("OC", (2, 0, 1, 3)), "C-C of butadiene": ("C=CC=C", (0, 1, 2, 3))}
SHADES = [BY_NAME[name].colour for name in ("default", "momentum", "adam", "adagrad", "bfgs")]


class Model:
    """The learned springs of a molecule, evaluated at any geometry."""

    def __init__(self, smiles: str) -> None:
        molecule = molopt.Molecule.from_smiles(smiles, seed=1)
        self.atoms = molopt.relax(molecule, potential="mmff94", check=None).atoms
        self.recipe = Recipe.of(self.atoms, "learned", molecule)
        self.primitives = self.recipe.build(self.atoms.positions.ravel()).primitives
        self.table = HessianModel("learned", molecule).table(self.primitives, self.recipe.topology)

    def constants(self, positions: np.ndarray) -> np.ndarray:
        """(nq,) eV/A^2 and eV/rad^2."""
        return learned.present(self.table, self.primitives, self.atoms.numbers, positions.ravel())


def stretched(smiles: str) -> tuple[np.ndarray, np.ndarray]:
    """Lengths (A) of the bond between atoms 0 and 1, and its constants (eV/A^2)."""
    model = Model(smiles)
    row = model.primitives.stretches.tolist().index([0, 1])
    start = model.atoms.positions
    unit = start[1] - start[0]
    length = float(np.linalg.norm(unit))
    lengths, found = length + np.linspace(-0.15, 0.25, 41), []
    for new in lengths:
        moved = start.copy()
        moved[1] = start[0] + unit / length * new
        found.append(model.constants(moved)[row])
    return lengths, np.array(found)


def turned(smiles: str, dihedral: tuple[int, int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Angles (degrees), and the constants of all torsions about the bond together (eV/rad^2)."""
    model = Model(smiles)
    pair = sorted(dihedral[1:3])
    about = [n for n, row in enumerate(model.primitives.torsions.tolist()) if sorted(row[1:3]) == pair]
    rows = model.primitives.slices["torsion"].start + np.array(about)
    beyond = [a for a in model.recipe.topology.neighbours[dihedral[2]] if a != dihedral[1]]
    further = [a for b in beyond for a in model.recipe.topology.neighbours[b] if a != dihedral[2]]
    angles, found = np.linspace(0, 180, 61), []
    for angle in angles:
        atoms = model.atoms.copy()
        atoms.set_dihedral(*dihedral, angle, indices=[*beyond, *further])
        found.append(model.constants(atoms.positions)[rows].sum())
    return angles, np.array(found)


def main() -> None:
    with rc_context({**STYLE, **dict.fromkeys(INKS, DARK)}):
        figure = Figure((8.0, 3.3), layout="constrained")
        left, right = figure.subplots(1, 2)
        for (name, smiles), colour in zip(BONDS.items(), SHADES, strict=True):
            left.plot(*stretched(smiles), label=name, color=colour)
        left.set_xlabel("length (Å)")
        left.set_ylabel("stretch (eV/Å²)")
        for (name, (smiles, dihedral)), colour in zip(TURNS.items(), SHADES, strict=False):
            right.plot(*turned(smiles, dihedral), label=name, color=colour)
        right.set_xlabel("torsion (°)")
        right.set_ylabel("turn about the bond (eV/rad²)")
        right.set_xticks([0, 60, 120, 180])
        right.set_ylim(0, 1.15)
        for axes in (left, right):
            axes.set_ylim(0, None)
            axes.legend(fontsize=7.5, loc="upper right")
        figure.savefig(HERE / "springs.png", dpi=120, facecolor="white")


if __name__ == "__main__":
    main()
