"""What bare `ase.Atoms` say about the molecule: charge, multiplicity and bonds. Every guess is logged."""

import logging
from collections import ChainMap
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from ase import Atoms
from rdkit import Chem, rdBase
from rdkit.Chem import rdDetermineBonds

from molopt.coordinates.topology import Topology, covalent_bonds
from molopt.errors import InputError
from molopt.molecules.annotation import assemble, restore, sanitized, typed_by_degree
from molopt.molecules.checks import LARGEST, check_spin, whole
from molopt.molecules.doubt import COVALENT, NO_ORDERS, doubt, lonely
from molopt.names import tidied

log = logging.getLogger("molopt")

MAX_ITERATIONS = 10_000  # of RDKit's search for bond orders: a count, so that no clock decides a result
SHUFFLES = 3  # orders of the atoms that are tried beside their own and its reverse
SULFOXIDE = Chem.MolFromSmarts("[S,Se;+1;X3]-[O;-1;X1]")
LARGE = 200  # atoms; beyond, the search gets fewer iterations, as each takes longer
ALKALI = (3, 11, 19, 37, 55)
TAKING = (7, 8, 9, 16, 17, 35, 53)  # elements whose contacts with alkali metals are not bonds
SPELLED = {"charge": ("charge",), "multiplicity": ("multiplicity", "mult")}  # parameters of calculators


def name_of(atoms: Atoms) -> str:
    """`atoms.info["name"]`, else the formula. ASE reads a name of numbers, as "1 2 3", as an array."""
    name = atoms.info.get("name")
    said = " ".join(map(str, np.ravel(name))) if isinstance(name, list | tuple | np.ndarray) else name
    return tidied("" if said is None else said) or atoms.get_chemical_formula()


def told(calculator: Any, atoms: Atoms) -> dict[str, int]:
    """The charge (e) and the multiplicity that a calculator computes with, as far as its parameters say.

    tblite's calculator, where it was told neither, takes the sums of initial charges and magnetic moments. Of a sum of
    calculators it is what the first of them says that says anything.

    >>> from ase.calculators.emt import EMT
    >>> told(EMT(), Atoms("N2"))
    {}
    """
    calculator = attribute(calculator, "calculator", calculator)  # the one that is counted
    mixed = attribute(attribute(calculator, "mixer", None), "calcs", None)
    if isinstance(mixed, list | tuple):
        return dict(ChainMap(*(told(part, atoms) for part in mixed)))
    parameters: Any = attribute(calculator, "parameters", None)
    parameters = parameters if isinstance(parameters, Mapping) else {}
    own = attribute(calculator, "__dict__", {})
    found = {}
    for what, spellings in SPELLED.items():
        said = [parameters.get(name) for name in spellings] + [own.get(name) for name in spellings]
        number = next((entry for entry in said if is_whole(entry)), None)
        if number is not None:
            found[what] = int(number)
    if type(calculator).__module__.partition(".")[0] == "tblite":
        found.setdefault("charge", in_all(atoms, "initial_charges"))
    return found


def attribute(thing: Any, name: str, default: Any) -> Any:
    """As `getattr`, of what may raise anything when it is asked."""
    try:
        return getattr(thing, name, default)
    except Exception:  # a calculator of someone else, which is asked for what it need not have
        return default


def is_whole(value: Any) -> bool:
    """Whether a value is a whole number of sensible size: what a calculator calls its charge may be anything."""
    real = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    return bool(real and abs(value) <= LARGEST and float(value).is_integer())


def in_all(atoms: Atoms, name: str) -> int:
    """The rounded sum of an array of the atoms; 0 where there is none.

    Raises
    ------
    InputError
        It is not finite, or absurd.
    """
    if not atoms.has(name):
        return 0
    total = float(atoms.get_array(name).sum())
    if not np.isfinite(total):
        raise InputError(f"{name_of(atoms)}: its {name.replace('_', ' ')} add up to {total}; they must be finite")
    return whole(round(total), f"the sum of its {name.replace('_', ' ')}", name_of(atoms))


def charges_said(atoms: Atoms, known: dict[str, int]) -> dict[str, int]:
    """The total charge (e) that each source says, the most trustworthy first.

    `known` is what a calculator was told (`told`), as that is what will be computed; then come `atoms.info["charge"]`
    and the rounded sum of initial charges, where any is not zero.

    >>> charges_said(Atoms("NH4", charges=[-0.2, 0.3, 0.3, 0.3, 0.3], info={"charge": 1}), {})
    {'its info': 1, 'its initial charges': 1}
    """
    said = {"the calculator": known["charge"]} if "charge" in known else {}
    if "charge" in atoms.info:
        said["its info"] = whole(atoms.info["charge"], "charge", name_of(atoms))
    if atoms.has("initial_charges") and atoms.get_initial_charges().any():
        said["its initial charges"] = in_all(atoms, "initial_charges")
    return said


def contradiction(atoms: Atoms, known: dict[str, int]) -> str:
    """Which sources of the charge contradict each other; empty where they agree.

    >>> contradiction(Atoms("NH4", info={"charge": 1}), {"charge": 0})
    'the calculator says charge 0, its info 1'
    """
    said = charges_said(atoms, known)
    if len(set(said.values())) < 2:
        return ""
    (first, charge), *others = said.items()
    return f"{first} says charge {charge}, {', '.join(f'{source} {other}' for source, other in others)}"


def charge_of(atoms: Atoms, known: dict[str, int] | None = None) -> int:
    """The total charge (e): the first of `charges_said`, else 0."""
    said = charges_said(atoms, known or {})
    if said:
        return next(iter(said.values()))
    log.info("%s: no charge is given, took 0", name_of(atoms))
    return 0


def spin_of(atoms: Atoms, charge: int, known: dict[str, int] | None = None) -> int:
    """The multiplicity 2S + 1.

    What a calculator was told (`known`), else `atoms.info["spin"]`, else 1 + the rounded sum of initial magnetic
    moments where any is not zero, else 1, or 2 for an odd number of electrons.

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
    electrons = int(atoms.numbers.sum()) - charge
    if known and "multiplicity" in known:
        spin = known["multiplicity"]
    elif "spin" in atoms.info:
        spin = whole(atoms.info["spin"], "spin", name)
    elif atoms.has("initial_magmoms") and atoms.get_initial_magnetic_moments().any():
        spin = 1 + abs(in_all(atoms, "initial_magmoms"))
    else:
        spin = lowest_spin(electrons)
        if spin == 2:
            log.warning("%s: no spin is given, took multiplicity 2 for its %d electrons", name, electrons)
    check_spin(atoms.numbers.tolist(), charge, spin, name)
    return spin


def lowest_spin(electrons: int) -> int:
    return 1 + electrons % 2


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
        log.warning("%s: the bonds in its info do not fit its atoms, and are perceived anew", name)
    if len(atoms) == 1:
        return Bonds(single_atom(atoms, charge, spin), True)
    if not agreed:
        return by_distance(atoms)
    try:
        mol = perceived(atoms, charge, unpaired=spin - 1)
    except (ValueError, RuntimeError, Chem.MolSanitizeException):
        found = by_distance(atoms)
        why = "" if found.doubt in ("", NO_ORDERS) else f", and {found.doubt}"
        log.warning("%s: RDKit finds no bond orders at charge %d%s; took bonds by distance", name, charge, why)
        return found
    if why := lonely(mol):
        log.warning("%s: the bonds that RDKit finds cannot be right, as %s; took bonds by distance", name, why)
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
