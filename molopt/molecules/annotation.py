"""Bonds as plain data, so that they travel in `atoms.info` through files and copies."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from ase import Atoms
from ase.data import covalent_radii
from rdkit import Chem, rdBase

from molopt.coordinates.topology import covalent_bonds, lengths

SAID = ("name", "charge", "spin")  # of a molecule, by these names in `atoms.info` and in files
TRAVELLING = (*SAID, "bonded", "bonds", "formal_charges", "radicals", "doubt")  # all that is, of `Molecule.atoms`
UNKNOWN_ORDER = 0
TORN = 2.0  # times the sum of covalent radii: no bond is so long, though atoms two bonds apart may be nearer
LONG, CLOSE = 1.4, 1.15  # a bond so long, and an atom so near one of its ends that is not bonded to it: exchanged atoms


def annotate(mol: Chem.Mol, orders_known: bool) -> dict[str, Any]:
    """What rebuilds an RDKit molecule from its atoms: lists of integers only, fit for JSON.

    Returns
    -------
    dict
        bonded : atomic numbers, in the order that the indices below mean; bonds : [[i, j, order], ...], Kekule, order
        is 1, 2, 3, RDKit's number of a rarer bond type, or 0 where it is not known; formal_charges and radicals :
        [[i, value], ...], of the atoms that have one.
    """
    mol = Chem.Mol(mol)
    Chem.Kekulize(mol, clearAromaticFlags=True)
    bonds = [
        [bond.GetBeginAtomIdx(), bond.GetEndAtomIdx(), int(bond.GetBondType()) if orders_known else UNKNOWN_ORDER]
        for bond in bonds_in(mol)
    ]
    known = [(atom.GetAtomicNum(), atom.GetFormalCharge(), atom.GetNumRadicalElectrons()) for atom in atoms_in(mol)]
    charges = [[index, charge] for index, (_, charge, _) in enumerate(known) if charge]
    radicals = [[index, count] for index, (_, _, count) in enumerate(known) if count]
    found = {"formal_charges": charges, "radicals": radicals}
    numbers = [number for number, _, _ in known]
    return {"bonded": numbers, "bonds": bonds} | {key: rows for key, rows in found.items() if rows}


def atoms_in(mol: Chem.Mol) -> Iterator[Chem.Atom]:
    """The atoms, in half the time of RDKit's own iterator."""
    return map(mol.GetAtomWithIdx, range(mol.GetNumAtoms()))


def bonds_in(mol: Chem.Mol) -> Iterator[Chem.Bond]:
    """The bonds, likewise."""
    return map(mol.GetBondWithIdx, range(mol.GetNumBonds()))


def restore(atoms: Atoms) -> tuple[Chem.Mol, bool] | None:
    """The RDKit molecule that `annotate` described, and whether bond orders are known.

    None where `atoms.info` has no bonds, or has those of other atoms: some were added, removed or exchanged since. Then
    the atomic numbers differ, a bond is torn, or a valence or an unpaired electron is not as it was.
    """
    if "bonds" not in atoms.info:
        return None
    try:
        numbers = np.ravel(atoms.info.get("bonded", atoms.numbers))
        bonds = table(atoms.info["bonds"], 3)
        charges = table(atoms.info.get("formal_charges", []), 2)
        radicals = table(atoms.info.get("radicals", []), 2)
        if not np.array_equal(numbers, atoms.numbers) or torn(atoms, bonds):
            return None
        known = not any(order == UNKNOWN_ORDER for _, _, order in bonds)
        mol = assemble(atoms, [(i, j, order or 1) for i, j, order in bonds])
        for index, charge in charges:
            mol.GetAtomWithIdx(index).SetFormalCharge(charge)
        for index, count in radicals:
            mol.GetAtomWithIdx(index).SetNumRadicalElectrons(count)
        found = sanitized(mol) if known else typed_by_degree(mol)
        unpaired = [[atom.GetIdx(), atom.GetNumRadicalElectrons()] for atom in found.GetAtoms()]
        return (found, known) if [entry for entry in unpaired if entry[1]] == sorted(radicals) else None
    except (ValueError, LookupError, TypeError, OverflowError, RuntimeError, Chem.MolSanitizeException):
        return None


def table(rows: Any, width: int) -> list[list[int]]:
    return np.asarray(rows, dtype=int).reshape(-1, width).tolist()


def torn(atoms: Atoms, bonds: list[list[int]]) -> bool:
    """Whether two atoms that should be bonded are too far apart for it, or others have taken their places."""
    pairs = np.sort(np.array(bonds, dtype=int).reshape(-1, 3)[:, :2], axis=1)
    stretch = lengths(atoms.positions, pairs) / covalent_radii[atoms.numbers[pairs]].sum(axis=1)
    if np.any(stretch > TORN) or not np.any(stretch > LONG):
        return bool(np.any(stretch > TORN))
    listed = set(map(tuple, pairs.tolist()))
    touching = covalent_bonds(atoms.numbers, atoms.positions, CLOSE).tolist()
    strangers = {atom for pair in touching if tuple(pair) not in listed for atom in pair}
    return not strangers.isdisjoint(pairs[stretch > LONG].ravel().tolist())


def assemble(atoms: Atoms, bonds: list[tuple[int, int, int]]) -> Chem.RWMol:
    """An RDKit molecule, not yet sanitized, of these atoms with no hydrogens but the explicit ones."""
    mol = Chem.RWMol()
    for number in atoms.numbers.tolist():
        atom = Chem.Atom(number)
        atom.SetNoImplicit(True)
        mol.AddAtom(atom)
    for i, j, order in bonds:
        mol.AddBond(i, j, Chem.BondType.values[order])
    conformer = Chem.Conformer(len(atoms))
    conformer.SetPositions(np.array(atoms.positions, dtype=float))
    conformer.Set3D(True)
    mol.AddConformer(conformer, assignId=True)
    return mol


def sanitized(mol: Chem.RWMol) -> Chem.Mol:
    """The molecule with rings, aromaticity and hybridization perceived; raises where a valence is impossible."""
    with rdBase.BlockLogs():
        Chem.SanitizeMol(mol)
    return mol.GetMol()


ONIUM = {(5, 4): -1, (7, 4): 1, (8, 3): 1, (15, 4): 1, (16, 3): 1}  # (number, neighbours): formal charge


def typed_by_degree(mol: Chem.RWMol) -> Chem.Mol:
    """A molecule of unknown bond orders, good for UFF: hybridization follows from the number of neighbours."""
    for atom in mol.GetAtoms():
        atom.SetFormalCharge(ONIUM.get((atom.GetAtomicNum(), atom.GetDegree()), 0))
    mol.UpdatePropertyCache(strict=False)
    Chem.FastFindRings(mol)
    Chem.SetHybridization(mol)
    return mol.GetMol()
