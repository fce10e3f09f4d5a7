"""Conformers of one ensemble beside each other: how far they are apart, laid on one another, and their torsions."""

import numpy as np
from ase.data import chemical_symbols
from rdkit import Chem

from molopt.coordinates.formulas import torsion_value
from molopt.ensembles.moves import Moves
from molopt.ensembles.shapes import Shapes
from molopt.molecules import Molecule
from molopt.rules.partition import Array

AT_ONCE = 100_000  # fits of two outlines, which are then within 20 MB


def between(shapes: Shapes, positions: Array) -> Array:
    """(S, S) RMSD in Angstrom at positions (S, N, 3), as `Shapes` has it."""
    outlines = shapes.outline(positions)
    found = np.zeros((len(outlines), len(outlines)))
    step = max(1, AT_ONCE // len(shapes.numberings))
    for place in range(1, len(outlines)):
        for first in range(0, place, step):
            part = slice(first, min(place, first + step))
            found[place, part] = shapes.rmsd(outlines[place], outlines[part])
    return found + found.T


def apart_from(shapes: Shapes, positions: Array, place: int) -> Array:
    """(S,) RMSD in Angstrom from one of the positions (S, N, 3), as `Shapes` has it."""
    outlines = shapes.outline(positions)
    step = max(1, AT_ONCE // len(shapes.numberings))
    parts = (outlines[first : first + step] for first in range(0, len(outlines), step))
    return np.concatenate([shapes.rmsd(outlines[place], part) for part in parts])


def laid_on_the_first(shapes: Shapes, positions: Array) -> Array:
    """(S, N, 3) each geometry moved and turned, never mirrored, onto the first, which is put to the origin.

    Of the numberings that symmetry allows, the one that fits best says where to.
    """
    if not len(positions):
        return positions
    centres = positions[:, shapes.kept].mean(axis=1, keepdims=True)
    laid = positions - centres
    target = laid[0, shapes.kept][shapes.numberings]  # (p, n, 3)
    for there in laid[1:]:
        left, values, right = np.linalg.svd(np.einsum("ni,pnj->pij", there[shapes.kept], target))
        hands = np.sign(np.linalg.det(left @ right))
        best = int((values[:, 0] + values[:, 1] + hands * values[:, 2]).argmax())
        left[best][:, -1] *= hands[best] or 1.0
        there[:] = there @ left[best] @ right[best]
    return laid


def soft_torsions(molecule: Molecule) -> tuple[list[str], Array]:
    """Names of the soft torsions, atoms counted from 0, and their atoms (t, 4).

    >>> soft_torsions(Molecule.from_smiles("CCCO"))[0]
    ['C0-C1-C2-O3', 'C1-C2-O3-H11']
    """
    symbols = [chemical_symbols[number] for number in molecule.numbers]
    found = Moves(molecule).torsions
    return ["-".join(f"{symbols[atom]}{atom}" for atom in four) for four in found.tolist()], found


def degrees(positions: Array, torsions: Array) -> Array:
    """(S, t) torsions (t, 4) at positions (S, N, 3)."""
    return np.degrees(torsion_value(positions[:, torsions, :]))


def filled(mol: Chem.Mol, positions: Array) -> None:
    """Replace the conformers of a molecule by these positions (S, N, 3), numbered from 0."""
    mol.RemoveAllConformers()
    for place, there in enumerate(positions):
        conformer = Chem.Conformer(mol.GetNumAtoms())
        conformer.Set3D(True)
        conformer.SetPositions(np.ascontiguousarray(there, dtype=float))
        conformer.SetId(place)
        mol.AddConformer(conformer)
