"""What bare `ase.Atoms` say about the molecule: charge, multiplicity and bonds. Every guess is logged."""

import logging
import math

import numpy as np
from ase import Atoms
from rdkit import Chem, rdBase
from rdkit.Chem import rdDetermineBonds

from molopt.errors import InputError
from molopt.molecules.annotation import assemble, restore, sanitized, typed_by_degree
from molopt.molecules.checks import check_spin, whole
from molopt.molecules.contacts import contacts
from molopt.names import tidied

log = logging.getLogger("molopt")

MAX_ITERATIONS = 10_000  # of RDKit's search for bond orders: a count, so that no clock decides a result
BONDED = 1.25  # times the sum of covalent radii


def name_of(atoms: Atoms) -> str:
    """`atoms.info["name"]`, else the formula. ASE reads a name of numbers, as "1 2 3", as an array."""
    name = atoms.info.get("name")
    said = " ".join(map(str, np.ravel(name))) if isinstance(name, list | tuple | np.ndarray) else name
    return tidied("" if said is None else said) or atoms.get_chemical_formula()


def charge_of(atoms: Atoms) -> int:
    """The total charge (e): `atoms.info["charge"]`, else the rounded sum of initial charges, else 0.

    >>> charge_of(Atoms("NH4", charges=[-0.2, 0.3, 0.3, 0.3, 0.3]))
    1
    """
    if "charge" in atoms.info:
        return whole(atoms.info["charge"], "charge", name_of(atoms))
    if atoms.has("initial_charges"):
        return rounded(atoms.get_initial_charges().sum(), "the sum of initial charges", name_of(atoms))
    log.info("%s: no charge is given, took 0", name_of(atoms))
    return 0


def rounded(value: float, what: str, name: str) -> int:
    if not math.isfinite(value):
        raise InputError(f"{name}: {what} must be a finite number, got {value}")
    return whole(round(float(value)), what, name)


def spin_of(atoms: Atoms, charge: int) -> int:
    """The multiplicity 2S + 1.

    `atoms.info["spin"]`, else 1 + the rounded sum of initial magnetic moments where any is not zero, else 1, or 2
    for an odd number of electrons.

    Raises
    ------
    InputError
        The electrons that this charge leaves cannot have this multiplicity.

    Examples
    --------
    >>> spin_of(Atoms("O2", magmoms=[1, 1]), charge=0)
    3
    """
    name = name_of(atoms)
    if "spin" in atoms.info:
        spin = whole(atoms.info["spin"], "spin", name)
    elif atoms.has("initial_magmoms") and atoms.get_initial_magnetic_moments().any():
        moment = rounded(atoms.get_initial_magnetic_moments().sum(), "the sum of initial magnetic moments", name)
        spin = 1 + abs(moment)
    else:
        electrons = int(atoms.numbers.sum()) - charge
        spin = 1 + electrons % 2
        if spin == 2:
            log.warning("%s: no spin is given, took multiplicity 2 for its %d electrons", name, electrons)
    check_spin(atoms.numbers.tolist(), charge, spin, name)
    return spin


def bonds_of(atoms: Atoms, charge: int, spin: int) -> tuple[Chem.Mol, bool]:
    """The RDKit molecule of these atoms, and whether its bond orders are known.

    Bonds come from `atoms.info` where a `Molecule` wrote them, else from RDKit's DetermineBonds, else from
    distances: then all are single, and a force field that types atoms by bond orders (MMFF94) cannot be used.
    """
    name = name_of(atoms)
    if atoms.pbc.any():
        raise InputError(f"{name} is periodic, and a molecule is not: set atoms.pbc = False")
    known = restore(atoms)
    if known is not None:
        return known
    if "bonds" in atoms.info:
        log.warning("%s: the bonds in its info do not fit its atoms, and are perceived anew", name)
    if len(atoms) == 1:
        return single_atom(atoms, charge, spin), True
    try:
        mol = perceived(atoms, charge, unpaired=spin - 1)
    except (ValueError, RuntimeError, Chem.MolSanitizeException):
        log.warning("%s: RDKit finds no bond orders at charge %d, took bonds by distance", name, charge)
        return by_distance(atoms), False
    log.info("%s: bonds and their orders were perceived from the geometry at charge %d", name, charge)
    return mol, True


def single_atom(atoms: Atoms, charge: int, spin: int) -> Chem.Mol:
    mol = assemble(atoms, [])
    mol.GetAtomWithIdx(0).SetFormalCharge(charge)
    mol.GetAtomWithIdx(0).SetNumRadicalElectrons(spin - 1)
    return sanitized(mol)


def perceived(atoms: Atoms, charge: int, unpaired: int) -> Chem.Mol:
    """Bonds and orders by RDKit; raises where they do not add up to the charge, the spin and these hydrogens."""
    mol = assemble(atoms, [])
    with rdBase.BlockLogs():
        # With charged fragments off, an atom that is short of a bond keeps an unpaired electron.
        rdDetermineBonds.DetermineBonds(
            mol, charge=charge, allowChargedFragments=unpaired == 0, maxIterations=MAX_ITERATIONS
        )
    found = mol.GetMol()
    if Chem.GetFormalCharge(found) != charge or any(atom.GetNumImplicitHs() for atom in found.GetAtoms()):
        raise ValueError("the bonds found do not add up to the charge")
    if sum(atom.GetNumRadicalElectrons() for atom in found.GetAtoms()) > unpaired:
        raise ValueError("the bonds found leave too many unpaired electrons")
    return found


def by_distance(atoms: Atoms) -> Chem.Mol:
    pairs = contacts(atoms.numbers, atoms.positions, BONDED).tolist()
    return typed_by_degree(assemble(atoms, [(i, j, 1) for i, j in pairs]))
