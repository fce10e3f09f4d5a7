"""Conformers of one ensemble beside each other: how far they are apart, and their soft torsions."""

import numpy as np
from ase.data import chemical_symbols
from rdkit import Chem
from rdkit.Chem import rdMolAlign

from molopt.molecules import Molecule
from molopt.rules.partition import Array

ROTATABLE = Chem.MolFromSmarts("[!$(*#*);!D1]-;!@[!$(*#*);!D1]")


def between(molecule: Molecule, positions: Array) -> Array:
    """(S, S) RMSD in Angstrom of heavy atoms and polar hydrogens at positions (S, N, 3), best over symmetry."""
    count = len(positions)
    found = np.zeros((count, count))
    if count < 2:
        return found
    mol = outline(molecule.to_rdkit(), positions)
    lower = rdMolAlign.GetAllConformerBestRMS(mol, numThreads=1)
    found[np.tril_indices(count, -1)] = lower
    return found + found.T


def outline(mol: Chem.Mol, positions: Array) -> Chem.Mol:
    """Heavy atoms and polar hydrogens of a molecule, with each of the positions (S, N, 3) as a conformer."""
    filled(mol, positions)
    carbons = [atom for atom in mol.GetAtoms() if atom.GetAtomicNum() == 6]
    dropped = [n.GetIdx() for atom in carbons for n in atom.GetNeighbors() if n.GetAtomicNum() == 1]
    editable = Chem.RWMol(mol)
    editable.BeginBatchEdit()
    for atom in dropped:
        editable.RemoveAtom(atom)
    editable.CommitBatchEdit()
    return editable.GetMol()


def filled(mol: Chem.Mol, positions: Array) -> None:
    """Replace the conformers of a molecule by these positions (S, N, 3), numbered from 0."""
    mol.RemoveAllConformers()
    for place, there in enumerate(positions):
        conformer = Chem.Conformer(mol.GetNumAtoms())
        conformer.Set3D(True)
        conformer.SetPositions(np.ascontiguousarray(there, dtype=float))
        conformer.SetId(place)
        mol.AddConformer(conformer)


def soft_torsions(molecule: Molecule) -> Array:
    """(t, 4) atoms of the torsions about rotatable bonds."""
    mol = molecule.to_rdkit()
    found = []
    for j, k in mol.GetSubstructMatches(ROTATABLE):
        ends = [neighbour(mol, *pair) for pair in ((j, k), (k, j))]
        found.append([ends[0], j, k, ends[1]])
    return np.array(found, dtype=int).reshape(-1, 4)


def neighbour(mol: Chem.Mol, of: int, but: int) -> int:
    """The neighbour that names a torsion: the heaviest, of those the first."""
    around = [atom for atom in mol.GetAtomWithIdx(of).GetNeighbors() if atom.GetIdx() != but]
    return min(around, key=lambda atom: (-atom.GetAtomicNum(), atom.GetIdx())).GetIdx()


def torsion_names(molecule: Molecule, torsions: Array) -> list[str]:
    symbols = [chemical_symbols[number] for number in molecule.numbers]
    return ["-".join(f"{symbols[atom]}{atom}" for atom in four) for four in torsions.tolist()]
