"""Which bonds can be twisted: by their orders, or, where these are not known, by how long they are."""

from dataclasses import dataclass

import numpy as np
from ase.data import covalent_radii
from rdkit import Chem

from molopt.coordinates.formulas import plane_value
from molopt.coordinates.topology import lengths
from molopt.molecules.molecule import Molecule

CONJUGATED = Chem.MolFromSmarts("[#7X3,#8X2,#16X2]-[#6X3]=[#7,#8,#16]")  # amides, esters, acids, ureas, amidines
DOUBLE = 0.9  # times the sum of covalent radii: C=C has 0.88, an amide's C-N 0.90 and more
CONJUGATED_LENGTH = 0.945  # an amide's C-N has up to 0.94, C-C of cyclopentadienyl 0.93, between planar atoms 0.96
FLAT = 0.2  # the triple product of unit vectors to three neighbours: amines have 0.5, anilines 0.2 and less

Bond = frozenset[int]


@dataclass(frozen=True)
class Twistable:
    """Bonds and atoms of a molecule, as far as turning goes.

    Attributes
    ----------
    free : frozenset of Bond
        Pairs of atoms whose bond turns easily.
    stiff : frozenset of Bond
        Single bonds that are planar by conjugation with a lone pair: they are turned over, or not at all.
    planar : frozenset of int
        Atoms with three neighbours in a plane with them.
    """

    free: frozenset[Bond]
    stiff: frozenset[Bond]
    planar: frozenset[int]

    @classmethod
    def of(cls, molecule: Molecule) -> "Twistable":
        """By bond orders; by lengths where these are not known."""
        return by_orders(molecule.to_rdkit()) if molecule.orders_known else by_lengths(molecule)

    def __contains__(self, pair: tuple[int, int]) -> bool:
        """Whether the bond of a pair can be twisted, easily or not."""
        return frozenset(pair) in self.free or frozenset(pair) in self.stiff


def by_orders(mol: Chem.Mol) -> Twistable:
    """Single and dative bonds turn; those beside C=O, C=N and C=S are stiff where a lone pair conjugates with these."""
    stiff = {frozenset(match[:2]) for match in mol.GetSubstructMatches(CONJUGATED)}
    single = {
        frozenset((bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()))
        for bond in mol.GetBonds()
        if bond.GetBondTypeAsDouble() == 1.0
    }
    planar = {atom.GetIdx() for atom in mol.GetAtoms() if atom.GetHybridization() == Chem.HybridizationType.SP2}
    return Twistable(frozenset(single - stiff), frozenset(single & stiff), frozenset(planar))


def by_lengths(molecule: Molecule) -> Twistable:
    """Bonds that are short beside the sum of covalent radii are double, or stiff: a guess, and no move needs more."""
    pairs = molecule.bonds
    relative = lengths(molecule.positions, pairs) / covalent_radii[molecule.numbers[pairs]].sum(axis=1)
    free = {frozenset(pair) for pair in pairs[relative > CONJUGATED_LENGTH].tolist()}
    between = (relative > DOUBLE) & (relative <= CONJUGATED_LENGTH)
    planar = set()
    for atom in range(len(molecule)):
        around = [k for pair in pairs[(pairs == atom).any(axis=1)].tolist() for k in pair if k != atom]
        if len(around) == 3 and abs(plane_value(molecule.positions[np.array([[atom, *around]])])[0]) < FLAT:
            planar.add(atom)
    stiff = {frozenset(pair) for pair in pairs[between].tolist() if 7 in molecule.numbers[pair]}
    return Twistable(frozenset(free), frozenset(stiff), frozenset(planar))
