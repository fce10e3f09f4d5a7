"""What MMFF94 knows of a molecule's stiffness, through RDKit's getters; no force field is set up."""

import itertools
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
from ase.units import kcal, mol
from rdkit import Chem, rdBase
from rdkit.Chem import rdForceFieldHelpers

from molopt.coordinates.metric_table import Repulsion
from molopt.coordinates.primitives import Primitives

KCAL = kcal / mol  # eV
PER_MILLIDYNE = 143.9325 * KCAL  # eV/A^2 of a stretch of 1 mdyn/A, eV/rad^2 of a bend of 1 mdyn A/rad^2
SIN_120 = 0.75**0.5
LEAST_PLANE = 0.1  # eV; MMFF94's constants of some planar centres are zero or negative


class MMFFConstants:
    """The force constants of one molecule.

    Parameters
    ----------
    molecule : rdkit.Chem.Mol
        Sanitized, with all hydrogens; a copy of one's own, as typing marks it.

    Raises
    ------
    LookupError
        MMFF94 has no type for one of the atoms.

    References
    ----------
    T. A. Halgren, J. Comput. Chem. 17, 490 (1996) and the parts that follow; P. Tosco, N. Stiefl, G. Landrum, J.
    Cheminform. 6, 37 (2014).
    """

    def __init__(self, molecule: Chem.Mol) -> None:
        self.molecule = molecule
        with rdBase.BlockLogs():
            self.properties = rdForceFieldHelpers.MMFFGetMoleculeProperties(molecule)
        if self.properties is None:
            raise LookupError("MMFF94 has no parameters for this molecule")

    def constants(self, primitives: Primitives) -> np.ndarray:
        """(nq,) eV/A^2 and eV/rad^2, NaN where MMFF94 has none, and for torsions: theirs depend on the geometry."""
        stretch, bend = self.properties.GetMMFFBondStretchParams, self.properties.GetMMFFAngleBendParams
        known = {
            "stretch": self.table(stretch, primitives.stretches, 2)[:, 0] * PER_MILLIDYNE,
            "angle": self.table(bend, primitives.angles, 2)[:, 0] * PER_MILLIDYNE,
            "bend": np.repeat(self.table(bend, primitives.bends[:, :3], 2)[:, 0], 2) * PER_MILLIDYNE,
            "plane": self.planes(primitives.planes),
        }
        constants = np.full(primitives.count, np.nan)
        for kind, k in known.items():
            constants[primitives.slices[kind]] = k
        return constants

    def torsions(self, primitives: Primitives) -> np.ndarray:
        """(nt, 3) V1, V2, V3 of each torsion, eV; NaN where MMFF94 has none."""
        return self.table(self.properties.GetMMFFTorsionParams, primitives.torsions, 3) * KCAL

    @cached_property
    def types(self) -> np.ndarray:
        """(N,) MMFF94's type of each atom."""
        return np.array([self.properties.GetMMFFAtomType(i) for i in range(self.molecule.GetNumAtoms())])

    def repulsion(self) -> Repulsion:
        """The van der Waals parameters of all pairs of atom types, donors and acceptors included."""
        _, first, kinds = np.unique(self.types, return_index=True, return_inverse=True)
        get, atoms = self.properties.GetMMFFVdWParams, first.tolist()
        table = np.array([[get(i, j)[2:4] for j in atoms] for i in atoms])
        return Repulsion(kinds, np.ascontiguousarray(table[..., 0]), table[..., 1] * KCAL)

    def planes(self, planes: np.ndarray) -> np.ndarray:
        """(n,) eV, of the triple product that MMFF94's three Wilson angles at a planar centre amount to.

        The product is sin(120 deg) times the Wilson angle, to first order, and each of three angles has the constant.
        It depends on the types of the four atoms alone.
        """
        known: dict[tuple[int, ...], float] = {}
        types, get = self.types.tolist(), self.properties.GetMMFFOopBendParams
        found = []
        for centre, *others in planes.tolist():
            key = (types[centre], *sorted(types[atom] for atom in others))
            if key not in known:
                wilson = [get(self.molecule, i, centre, j, k) for i, j, k in itertools.permutations(others)]
                known[key] = plane_constant([constant for constant in wilson if constant is not None])
            found.append(known[key])
        return np.array(found)

    def table(self, getter: Callable[..., Any], indices: np.ndarray, width: int) -> np.ndarray:
        """(n, width) the parameters that follow a class, of each row of atom indices; NaN where there are none."""
        molecule, missing = self.molecule, (np.nan,) * (1 + width)
        rows = [getter(molecule, *row) or missing for row in indices.tolist()]
        return np.array(rows, dtype=float).reshape(-1, 1 + width)[:, 1:]


def plane_constant(wilson: list[float]) -> float:
    """That of the triple product, eV, from those of Wilson angles, mdyn A/rad^2; NaN where none is known."""
    if not wilson:
        return np.nan
    return max(sum(wilson) / len(wilson) * 3 / SIN_120**2 * PER_MILLIDYNE, LEAST_PLANE)
