"""Whether the bonds that were perceived in a geometry can be those of the molecule: bad starts hide them."""

import numpy as np
from ase.data import covalent_radii
from rdkit import Chem

from molopt.coordinates.topology import BONDED, covalent_bonds, lengths

REACH = 2.0  # times the sum of covalent radii: an atom so near another may have been torn from it
COVALENT = frozenset({1, 6, 7, 8, 9, 14, 15, 16, 17, 34, 35, 53})  # elements whose valences RDKit knows
HALOGENS = frozenset({9, 17, 35, 53})  # alone they are ions, if their charge says so
NO_ORDERS = "no bond orders fit"
MOST_NEIGHBOURS = {1: 1, 6: 4, 7: 4, 8: 3, 9: 1}  # among covalent elements


def doubt(mol: Chem.Mol, orders_known: bool) -> str:
    """Why the bonds of a perceived molecule may be wrong; empty where nothing speaks against them.

    In a start that is torn or squeezed an atom has no bond beside others, a bond is longer than 1.3 times the sum of
    its covalent radii, an atom has more neighbours than it can have, or no bond orders fit. Metals and boron have no
    such rules: next to them any number of neighbours is taken as it is.
    """
    covalent = all(atom.GetAtomicNum() in COVALENT for atom in mol.GetAtoms())
    return lonely(mol) or stretched(mol) or crowded(mol) or (NO_ORDERS if covalent and not orders_known else "")


def lonely(mol: Chem.Mol) -> str:
    """An atom without a bond: a naked proton, or a neutral atom with others near."""
    alone = [atom for atom in mol.GetAtoms() if atom.GetDegree() == 0 and not stays_alone(atom)]
    if not alone:
        return ""
    near = covalent_bonds(numbers_of(mol), mol.GetConformer().GetPositions(), REACH)
    torn = (atom.GetIdx() for atom in alone if atom.GetFormalCharge() or atom.GetIdx() in near)
    found = next(torn, None)
    return "" if found is None else f"{named(mol, found)} has no bond"


def stays_alone(atom: Chem.Atom) -> bool:
    """Whether an atom can be without bonds: a noble gas, a metal, a halide."""
    number = atom.GetAtomicNum()
    return number not in COVALENT or (number in HALOGENS and atom.GetFormalCharge() == -1)


def stretched(mol: Chem.Mol) -> str:
    """A bond that no molecule has."""
    pairs = np.array([(b.GetBeginAtomIdx(), b.GetEndAtomIdx()) for b in mol.GetBonds()], dtype=int).reshape(-1, 2)
    apart = lengths(mol.GetConformer().GetPositions(), pairs)
    ratios = apart / covalent_radii[numbers_of(mol)[pairs]].sum(axis=1)
    if not (ratios > BONDED).any():
        return ""
    worst = int(ratios.argmax())
    return (
        f"{' and '.join(named(mol, atom) for atom in pairs[worst].tolist())} are bonded and {apart[worst]:.2f} A apart"
    )


def crowded(mol: Chem.Mol) -> str:
    """An atom with more neighbours than its valence allows, all of them of covalent elements."""
    for atom in mol.GetAtoms():
        near = [other.GetAtomicNum() for other in atom.GetNeighbors()]
        if len(near) > MOST_NEIGHBOURS.get(atom.GetAtomicNum(), len(near)) and set(near) <= COVALENT:
            return f"{named(mol, atom.GetIdx())} has {len(near)} neighbours"
    return ""


def numbers_of(mol: Chem.Mol) -> np.ndarray:
    return np.array([atom.GetAtomicNum() for atom in mol.GetAtoms()], dtype=int)


def named(mol: Chem.Mol, atom: int) -> str:
    return f"atom {atom} ({mol.GetAtomWithIdx(atom).GetSymbol()})"
