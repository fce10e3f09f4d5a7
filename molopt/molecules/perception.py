"""What is bonded to what in bare `ase.Atoms`. Every guess is logged."""

import logging
from typing import NamedTuple

import numpy as np
from ase import Atoms
from rdkit import Chem, rdBase
from rdkit.Chem import rdDetermineBonds

from molopt.coordinates.topology import Topology, covalent_bonds
from molopt.errors import InputError
from molopt.molecules.annotation import assemble, restore, sanitized, typed_by_degree
from molopt.molecules.doubt import COVALENT, NO_ORDERS, doubt, lonely
from molopt.molecules.electrons import name_of

log = logging.getLogger("molopt")

MAX_ITERATIONS = 10_000  # of RDKit's search for bond orders: a count, so that no clock decides a result
SHUFFLES = 3  # orders of the atoms that are tried beside their own and its reverse
SULFOXIDE = Chem.MolFromSmarts("[S,Se;+1;X3]-[O;-1;X1]")
LARGE = 200  # atoms; beyond, the search gets fewer iterations, as each takes longer
ALKALI = (3, 11, 19, 37, 55)
TAKING = (7, 8, 9, 16, 17, 35, 53)  # elements whose contacts with alkali metals are not bonds


class Bonds(NamedTuple):
    """What is bonded to what, and how far that can be trusted."""

    mol: Chem.Mol
    orders_known: bool
    doubt: str = ""  # why they may be wrong


def bonds_of(atoms: Atoms, charge: int, spin: int, agreed: bool = True) -> Bonds:
    """The RDKit molecule of these atoms.

    Bonds come from `atoms.info` where a `Molecule` wrote them, else from RDKit's DetermineBonds, else from
    distances: then all are single, and a force field that types atoms by bond orders (MMFF94) cannot be used. They come
    from distances, too, where what RDKit finds cannot be right (`molopt.molecules.doubt`), or where the charge is not
    `agreed` upon.
    """
    name = name_of(atoms)
    if atoms.pbc.any():
        raise InputError(f"{name} is periodic, and a molecule is not: set atoms.pbc = False")
    known = restore(atoms)
    if known is not None:
        mol, orders_known = known
        if orders_known and not agreed:
            mol, orders_known = untyped(mol), False
        return Bonds(mol, orders_known, str(atoms.info.get("doubt", "")))
    if "bonds" in atoms.info:
        log.warning("%s: the bonds in its info do not fit its atoms and are perceived again", name)
    if len(atoms) == 1:
        return Bonds(single_atom(atoms, charge, spin), True)
    if not agreed:
        return by_distance(atoms)
    try:
        mol = perceived(atoms, charge, unpaired=spin - 1)
    except (ValueError, RuntimeError, Chem.MolSanitizeException):
        found = by_distance(atoms)
        why = "" if found.doubt in ("", NO_ORDERS) else f", and {found.doubt}"
        log.warning("%s: RDKit finds no bond orders at charge %d%s; using bonds by distance", name, charge, why)
        return found
    if why := lonely(mol):
        log.warning("%s: the bonds that RDKit finds cannot be right, as %s; using bonds by distance", name, why)
        return by_distance(atoms)._replace(doubt=why)
    if why := doubt(mol, orders_known=True):
        log.warning("%s: bonds and their orders were perceived, and are in doubt: %s", name, why)
    else:
        log.info("%s: bonds and their orders were perceived from the geometry at charge %d", name, charge)
    return Bonds(mol, True, why)


def single_atom(atoms: Atoms, charge: int, spin: int) -> Chem.Mol:
    mol = assemble(atoms, [])
    mol.GetAtomWithIdx(0).SetFormalCharge(charge)
    mol.GetAtomWithIdx(0).SetNumRadicalElectrons(spin - 1)
    return sanitized(mol)


def perceived(atoms: Atoms, charge: int, unpaired: int) -> Chem.Mol:
    """Bonds and orders by RDKit; raises where they do not add up to the charge, the spin and these hydrogens.

    Several neutral molecules are perceived one by one, where that works: together, their possibilities multiply.
    """
    bonds = covalent_bonds(atoms.numbers, atoms.positions)
    if cations := alkali_cations(atoms.numbers, bonds):
        rest = [atom for atom in range(len(atoms)) if atom not in cations]
        parts = [single_atom(atoms[[atom]], 1, 1) for atom in cations]
        return joined([perceived(atoms[rest], charge - len(cations), unpaired), *parts], np.array([*rest, *cations]))
    fragments = Topology(atoms.numbers, bonds).fragments
    if charge == 0 and unpaired == 0 and len(fragments) > 1:
        try:
            parts = [in_some_order(atoms[part], 0, 0) for part in fragments]
        except (ValueError, RuntimeError, Chem.MolSanitizeException):
            pass
        else:
            return joined(parts, np.concatenate(fragments))
    return in_some_order(atoms, charge, unpaired)


def alkali_cations(numbers: np.ndarray, bonds: np.ndarray) -> list[int]:
    """Atoms of alkali metals that are ions beside the rest: each touches, by (nb, 2), an atom that would take its
    electron, or none but its like. Where all that it touches is carbon, hydrogen or another metal, it shares it.
    """
    alkali = np.isin(numbers, ALKALI)
    if alkali.all():
        return []
    ends = np.concatenate([bonds, bonds[:, ::-1]])
    ends = ends[alkali[ends[:, 0]] & ~alkali[ends[:, 1]]]
    sharing = np.setdiff1d(ends[:, 0], ends[np.isin(numbers[ends[:, 1]], TAKING), 0])
    return [] if sharing.size else np.flatnonzero(alkali).tolist()


def joined(parts: list[Chem.Mol], places: np.ndarray) -> Chem.Mol:
    """One molecule of several, whose atoms belong at these places, (natoms,)."""
    whole_mol = parts[0]
    for part in parts[1:]:
        whole_mol = Chem.CombineMols(whole_mol, part)
    ordered = Chem.RenumberAtoms(whole_mol, np.argsort(places).tolist())
    return sanitized(Chem.RWMol(ordered))


def in_some_order(atoms: Atoms, charge: int, unpaired: int) -> Chem.Mol:
    """As `perceived`, of all atoms at once.

    RDKit pairs electrons in the order of the atoms: of a nitroalkene beside a ring it finds no bond orders in one, and
    all in another.
    """
    rng, forward = np.random.default_rng(0), np.arange(len(atoms))
    orders = [forward, forward[::-1], *(rng.permutation(len(atoms)) for _ in range(SHUFFLES))]
    failed: Exception = ValueError("there are no atoms")
    for order in orders if set(atoms.numbers.tolist()) <= COVALENT else orders[:1]:
        try:
            found = determined(atoms[order], charge, unpaired)
        except (ValueError, Chem.MolSanitizeException) as error:
            failed = error
        else:
            return found if order is forward else joined([found], order)
    raise failed


def determined(atoms: Atoms, charge: int, unpaired: int) -> Chem.Mol:
    """As `perceived`, of all atoms at once, in the order that they have."""
    mol = assemble(atoms, [])
    if len(atoms) == 1:
        found = sanitized(mol)
    else:
        limit = max(1, MAX_ITERATIONS * LARGE // max(LARGE, len(atoms)))
        with rdBase.BlockLogs():
            # With charged fragments off, an atom that is short of a bond keeps an unpaired electron.
            rdDetermineBonds.DetermineBonds(
                mol, charge=charge, allowChargedFragments=unpaired == 0, maxIterations=limit
            )
        found = with_sulfoxides(mol)
    if Chem.GetFormalCharge(found) != charge or any(atom.GetNumImplicitHs() for atom in found.GetAtoms()):
        raise ValueError("the bonds found do not add up to the charge")
    if sum(atom.GetNumRadicalElectrons() for atom in found.GetAtoms()) > unpaired:
        raise ValueError("the bonds found leave too many unpaired electrons")
    return found


def with_sulfoxides(mol: Chem.RWMol) -> Chem.Mol:
    """The molecule with S=O and Se=O where RDKit wrote S+ and O-: MMFF94 has types for the first."""
    found = list(mol.GetSubstructMatches(SULFOXIDE))
    for centre, oxygen in found:
        mol.GetBondBetweenAtoms(centre, oxygen).SetBondType(Chem.BondType.DOUBLE)
        mol.GetAtomWithIdx(centre).SetFormalCharge(0)
        mol.GetAtomWithIdx(oxygen).SetFormalCharge(0)
    return sanitized(mol) if found else mol.GetMol()


def by_distance(atoms: Atoms) -> Bonds:
    """Single bonds between atoms closer than 1.3 times the sum of their covalent radii."""
    pairs = covalent_bonds(atoms.numbers, atoms.positions).tolist()
    mol = typed_by_degree(assemble(atoms, [(i, j, 1) for i, j in pairs]))
    return Bonds(mol, False, doubt(mol, orders_known=False))


def untyped(mol: Chem.Mol) -> Chem.Mol:
    """The same bonds, their orders forgotten."""
    bonds = [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx(), 1) for bond in mol.GetBonds()]
    numbers = [atom.GetAtomicNum() for atom in mol.GetAtoms()]
    return typed_by_degree(assemble(Atoms(numbers, mol.GetConformer().GetPositions()), bonds))
