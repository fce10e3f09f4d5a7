"""Whether a geometry is still that of the same molecule, and if not, what changed."""

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from ase.data import chemical_symbols, covalent_radii
from ase.formula import Formula
from numpy.typing import ArrayLike
from rdkit import Chem

from molopt.coordinates.topology import Topology, covalent_bonds, lengths
from molopt.molecules.doubt import COVALENT
from molopt.molecules.molecule import Molecule

BROKEN = 1.4  # times the sum of covalent radii; thermally stretched bonds stay below 1.2
FORMED = 1.15  # times the sum of covalent radii; 1,3-neighbours in cages stay above 1.2
STRETCHED = 1.2  # a bond that is long from the start (to a metal) must also grow by this factor
CLEAR = 0.2  # of a volume that is 0.77 in a tetrahedron, and of the cosine of a dihedral at a double bond
NAMED = 4  # changes of a kind that are named; further ones are counted
TETRAHEDRAL = (Chem.ChiralType.CHI_TETRAHEDRAL_CW, Chem.ChiralType.CHI_TETRAHEDRAL_CCW)

Pairs = set[tuple[int, int]]


class Identity(NamedTuple):
    """What became of a molecule.

    Attributes
    ----------
    word : str
        kept, rearranged, inverted, dissociated or unknown (`molopt.stationary.verdict.MOLECULE`).
    why : str
        Which bonds, centres or fragments, atoms counted from 0: "C3-O7 broken; fragments CH3, CH3O".
    bonds_kept, stereo_kept : bool or None
        None where that is not known; of stereo also where there is none.
    """

    word: str
    why: str
    bonds_kept: bool | None
    stereo_kept: bool | None


def identity_of(start: Molecule | None, positions: ArrayLike) -> Identity:
    """What became of `start` at `positions` (natoms, 3) in Angstrom; None is a start of which no bonds are known.

    A molecule is dissociated where its bonds leave more fragments than it had, rearranged where bonds broke or formed
    otherwise, inverted where the configuration of a stereocentre or a double bond changed. Where bonds of the start
    were in doubt, a difference is unknown.

    Examples
    --------
    >>> from molopt.molecules.molecule import Molecule
    >>> water = Molecule.from_smiles("O")
    >>> identity_of(water, water.positions).word
    'kept'
    >>> far = water.positions + [[0, 0, 0], [5, 0, 0], [0, 0, 0]]
    >>> identity_of(water, far).why
    'O0-H1 broken; fragments HO, H'
    """
    if start is None:
        return Identity("unknown", "no bonds of the start are known", None, None)
    positions = np.asarray(positions, dtype=float)
    if not np.isfinite(positions).all():
        return Identity("unknown", "it has no geometry", False, False if configuration(start) else None)
    broken, formed = changed_bonds(start, positions)
    stereo = None if not start.orders_known else changed_stereo(start, positions)
    changed = bool(broken or formed)
    bonds_kept = lost(start) if changed else True
    stereo_kept = None if stereo is None else lost(start) if stereo else True
    if bonds_kept is None or (stereo and stereo_kept is None):
        return Identity("unknown", f"bonds of the start are in doubt: {start.doubt}", bonds_kept, stereo_kept)
    if changed:
        word, why = reaction(start, broken, formed)
        return Identity(word, why, bonds_kept, stereo_kept)
    if stereo:
        return Identity("inverted", listed(stereo), bonds_kept, stereo_kept)
    return Identity("kept", "", bonds_kept, stereo_kept)


def by_itself(molecule: Molecule) -> Identity:
    """Whether a geometry that no run led to has the covalent bonds that its source says.

    >>> from molopt.molecules.molecule import Molecule
    >>> water = Molecule.from_smiles("O")
    >>> far = water.with_positions(water.positions + [[0, 0, 0], [5, 0, 0], [0, 0, 0]])
    >>> by_itself(water).word, by_itself(far).word
    ('kept', 'dissociated')
    """
    bonds = molecule.bonds
    numbers = molecule.numbers[bonds]  # (nbonds, 2)
    long = lengths(molecule.positions, bonds) > BROKEN * covalent_radii[numbers].sum(axis=1)
    broken = pairs_of(bonds[long & np.isin(numbers, sorted(COVALENT)).all(axis=1)])
    if not broken:
        return Identity("kept", "", True, None)
    return Identity(*reaction(molecule, broken, set()), False, None)


def bonds_kept(start: Molecule, positions: ArrayLike) -> bool | None:
    """Whether every bond of `start` still is one at `positions` (natoms, 3) in Angstrom, and no other has formed.

    A bond is broken when it is longer than 1.4 times the sum of the covalent radii and has grown by a fifth; it
    has formed where two atoms that were not bonded come closer than 1.15 times that sum. A lone ion may come as close
    as it likes: its contacts are not bonds. None where bonds differ, and those of the start were in doubt.

    Examples
    --------
    >>> from molopt.molecules.molecule import Molecule
    >>> water = Molecule.from_smiles("O")
    >>> bonds_kept(water, water.positions * 1.1), bonds_kept(water, water.positions * 2)
    (True, False)
    """
    return identity_of(start, positions).bonds_kept


def stereo_kept(start: Molecule, positions: ArrayLike) -> bool | None:
    """Whether tetrahedral centres and double bonds at `positions` have the configuration they have in `start`.

    None where the molecule has neither, where its bond orders are not known, or where the configuration differs and the
    bonds of the start were in doubt.
    """
    return identity_of(start, positions).stereo_kept


def changed_bonds(start: Molecule, positions: np.ndarray) -> tuple[Pairs, Pairs]:
    """The bonds that are broken at `positions` and those that have formed, as `bonds_kept` defines them."""
    bonds = start.bonds
    radii = covalent_radii[start.numbers[bonds]].sum(axis=1)  # (nbonds,) A
    before = lengths(start.positions, bonds)
    after = lengths(positions, bonds)
    broken = pairs_of(bonds[(after > BROKEN * radii) & (after > STRETCHED * before)])
    close_before, close_after = (
        pairs_of(covalent_bonds(start.numbers, at, FORMED)) for at in (start.positions, positions)
    )
    ions = lone_ions(start)
    new = close_after - close_before - pairs_of(bonds)
    return broken, {(i, j) for i, j in new if i not in ions and j not in ions}


def changed_stereo(start: Molecule, positions: np.ndarray) -> list[str] | None:
    """Names of the centres and double bonds whose configuration is another at `positions`; None where it has none."""
    before = configuration(start)
    if not before:
        return None
    if (senses := senses_of(start)) is not None and senses.kept(positions):
        return []
    after = configuration(start.with_positions(positions))
    mol = start.to_rdkit()
    found = []
    for kind, index in sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key)):
        if kind == "atom":
            found.append(f"centre {atom_name(start, index)}")
        else:
            bond = mol.GetBondWithIdx(index)
            found.append(f"bond {bond_name(start, bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())}")
    return found


class Senses(NamedTuple):
    """By which side the configuration of a molecule is told in a fraction of the time that RDKit takes.

    Attributes
    ----------
    centres : (c, 4) array
        Of each tetrahedral centre three neighbours and the centre, in the order in which their volume is positive.
    bonds : (b, 4) array
        Of each stereo double bond a neighbour, its two atoms, and a neighbour of the other.
    cis : (b,) array of bool
        Whether these neighbours are on one side.
    """

    centres: np.ndarray
    bonds: np.ndarray
    cis: np.ndarray

    def kept(self, positions: np.ndarray) -> bool:
        """Whether all sides are clearly as they were; where not, RDKit is to be asked."""
        return bool((volumes(positions, self.centres) > CLEAR).all()) and bool(
            (same_side(positions, self.bonds) * np.where(self.cis, 1, -1) > CLEAR).all()
        )


@lru_cache(maxsize=16)
def senses_of(start: Molecule) -> Senses | None:
    """The sides of a molecule where it is; None where one of them is not clear there."""
    mol = start.to_rdkit()
    centres, bonds = [], []
    for kind, index in configuration(start):
        if kind == "atom":
            around = [atom.GetIdx() for atom in mol.GetAtomWithIdx(index).GetNeighbors()]
            centres.append([*around[:3], index])
        else:
            bond = mol.GetBondWithIdx(index)
            ends = list(bond.GetStereoAtoms())
            if len(ends) != 2:
                return None
            bonds.append([ends[0], bond.GetBeginAtomIdx(), bond.GetEndAtomIdx(), ends[1]])
    quads = np.array(centres, dtype=int).reshape(-1, 4)
    negative = volumes(start.positions, quads) < 0
    quads[negative] = quads[negative][:, [1, 0, 2, 3]]
    doubles = np.array(bonds, dtype=int).reshape(-1, 4)
    found = Senses(quads, doubles, same_side(start.positions, doubles) > 0)
    return found if found.kept(start.positions) else None


def volumes(positions: np.ndarray, quads: np.ndarray) -> np.ndarray:
    """(c,) the volume of the unit vectors from the last of each four atoms (c, 4) to the others."""
    arms = positions[quads[:, :3]] - positions[quads[:, 3:]]
    return np.linalg.det(arms / np.linalg.norm(arms, axis=2, keepdims=True))


def same_side(positions: np.ndarray, quads: np.ndarray) -> np.ndarray:
    """(b,) the cosine of the dihedral of each four atoms (b, 4)."""
    first, axis, last = (positions[quads[:, k + 1]] - positions[quads[:, k]] for k in range(3))
    normals = np.cross(first, axis), np.cross(axis, last)
    lengths_of = [np.linalg.norm(normal, axis=1) for normal in normals]
    return (normals[0] * normals[1]).sum(axis=1) / np.maximum(lengths_of[0] * lengths_of[1], 1e-12)


def reaction(start: Molecule, broken: Pairs, formed: Pairs) -> tuple[str, str]:
    """Whether the molecule is rearranged or dissociated, and what says so."""
    said = [
        f"{listed(bond_name(start, *pair) for pair in sorted(pairs))} {what}"
        for pairs, what in ((broken, "broken"), (formed, "formed"))
        if pairs
    ]
    before = pairs_of(start.bonds)
    fragments = formulas(start, (before - broken) | formed)
    if len(fragments) <= len(formulas(start, before)):
        return "rearranged", "; ".join(said)
    counts = Counter(fragments).items()
    parts = listed(formula if count == 1 else f"{count} {formula}" for formula, count in counts)
    return "dissociated", "; ".join([*said, f"fragments {parts}"])


def lost(start: Molecule) -> bool | None:
    """What a difference means: another molecule, or a start whose bonds were perceived wrongly."""
    return None if start.doubt else False


def lone_ions(molecule: Molecule) -> set[int]:
    """Atoms with a formal charge and no bonds."""
    return {a.GetIdx() for a in molecule.to_rdkit().GetAtoms() if a.GetFormalCharge() and not a.GetDegree()}


def pairs_of(bonds: np.ndarray) -> Pairs:
    return {(min(i, j), max(i, j)) for i, j in bonds.tolist()}


def formulas(molecule: Molecule, pairs: Pairs) -> list[str]:
    """The formula of each fragment, as Hill wrote it, where these pairs of atoms are bonded."""
    bonds = np.array(sorted(pairs), dtype=int).reshape(-1, 2)
    parts = Topology(molecule.numbers, bonds).fragments
    symbols = [chemical_symbols[number] for number in molecule.numbers]
    return [Formula.from_list([symbols[atom] for atom in part]).format("hill") for part in parts]


def atom_name(molecule: Molecule, atom: int) -> str:
    return f"{chemical_symbols[molecule.numbers[atom]]}{atom}"


def bond_name(molecule: Molecule, i: int, j: int) -> str:
    return f"{atom_name(molecule, i)}-{atom_name(molecule, j)}"


def listed(names: Iterable[str]) -> str:
    """The first names, and how many more there are."""
    all_of_them = list(names)
    more = len(all_of_them) - NAMED
    return ", ".join(all_of_them[:NAMED]) + (f" and {more} more" if more > 0 else "")


def configuration(molecule: Molecule) -> dict[tuple[str, int], str]:
    """The chiral tag of each tetrahedral stereocentre and the cis or trans of each stereo double bond, by index.

    RDKit also tags square planes and bipyramids, whose neighbours may be alike: a run may leave these shapes.
    """
    mol = molecule.to_rdkit()
    centres = {
        ("atom", atom.GetIdx()): str(atom.GetChiralTag())
        for atom in mol.GetAtoms()
        if atom.GetChiralTag() in TETRAHEDRAL
    }
    bonds = {
        ("bond", bond.GetIdx()): str(bond.GetStereo())
        for bond in mol.GetBonds()
        if bond.GetStereo() not in (Chem.BondStereo.STEREONONE, Chem.BondStereo.STEREOANY)
    }
    return centres | bonds
