"""Who is bonded to whom."""

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
from ase.data import covalent_radii
from scipy import sparse
from scipy.spatial import cKDTree

from molopt.coordinates.distances import DOUBT, FEW, squares
from molopt.rules.partition import Array

BONDED = 1.3  # times the sum of covalent radii
MOST = np.zeros(len(covalent_radii), dtype=int)  # neighbours that elements have in organic molecules
MOST[[1, 5, 6, 7, 8, 9, 14, 15, 16, 17, 34, 35, 53]] = [1, 4, 4, 4, 3, 1, 4, 4, 4, 1, 4, 1, 1]
AROUND = 6  # neighbours of a centre that can lie in a plane with it as one shape
THREES = np.array(list(combinations(range(AROUND), 3))).T
FOUR = 4  # bonds apart, or more


def pairs_within(positions: Array, distance: float) -> Array:
    """(n, 2) pairs i < j of points (N, 3) no farther apart than this, in Angstrom, in ascending order."""
    if len(positions) <= FEW:
        pairs = np.argwhere(squares(positions) <= distance**2 + DOUBT)
        pairs = pairs[pairs[:, 0] < pairs[:, 1]]
        return pairs[lengths(positions, pairs) <= distance]
    pairs = cKDTree(positions).query_pairs(distance, output_type="ndarray")
    return pairs[np.argsort(pairs @ (len(positions), 1))]


def lengths(positions: Array, pairs: Array) -> Array:
    """(n,) distances in Angstrom of pairs (n, 2) of points (N, 3)."""
    gaps = positions[pairs[:, 0]] - positions[pairs[:, 1]]
    return np.sqrt((gaps * gaps).sum(axis=1))


def covalent_bonds(numbers: Array, positions: Array, factor: float = BONDED) -> Array:
    """(nb, 2) pairs i < j of atoms (N,) at positions (N, 3) that are closer than covalent radii allow without a bond.

    The radii are ASE's: B. Cordero et al., Dalton Trans. 2832 (2008).

    >>> covalent_bonds(np.array([8, 1, 1]), np.array([[0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]])).tolist()
    [[0, 1], [0, 2]]
    """
    radii = covalent_radii[numbers]
    pairs = pairs_within(positions, 2 * factor * float(radii.max()))
    return pairs[lengths(positions, pairs) < factor * radii[pairs].sum(axis=1)]


@dataclass(frozen=True, eq=False)
class Topology:
    """A graph of atoms.

    Attributes
    ----------
    numbers : (N,) array of int
        Atomic numbers.
    bonds : (nb, 2) array of int
        Pairs i < j.
    """

    numbers: Array
    bonds: Array

    def take_over(self, angles: Array, corners: Array, torsions: Array) -> None:
        """Take angles, corners and torsions that were found as parts of a larger graph."""
        vars(self).update(angles=angles, corners=corners, torsions=torsions)

    @cached_property
    def adjacency(self) -> sparse.csr_array:
        i, j = self.bonds.T
        shape = (len(self.numbers), len(self.numbers))
        ones = np.ones(2 * len(i), dtype=np.int64)
        return sparse.csr_array((ones, (np.concatenate([i, j]), np.concatenate([j, i]))), shape=shape)

    @cached_property
    def degrees(self) -> Array:
        """(N,) number of neighbours."""
        return np.bincount(self.bonds.ravel(), minlength=len(self.numbers))

    @cached_property
    def near(self) -> Array:
        """(N, most) neighbours of each atom, in ascending order, then -1."""
        arcs = np.concatenate([self.bonds, self.bonds[:, ::-1]])
        owner, other = arcs[np.argsort(arcs @ (len(self.numbers), 1))].T
        table = np.full((len(self.numbers), int(self.degrees.max(initial=0))), -1)
        starts = np.cumsum(self.degrees) - self.degrees
        table[owner, np.arange(len(owner)) - starts[owner]] = other
        return table

    @cached_property
    def neighbours(self) -> list[list[int]]:
        """Of each atom, in ascending order."""
        return [row[:count] for row, count in zip(self.near.tolist(), self.degrees.tolist(), strict=True)]

    @cached_property
    def angles(self) -> Array:
        """(n, 3) atoms i < k bonded to j, in the order of j, i, k."""
        first, last = np.triu_indices(self.near.shape[1], 1)
        centre, place = np.nonzero(self.near[:, last] >= 0)
        return np.stack([self.near[centre, first[place]], centre, self.near[centre, last[place]]], axis=1)

    @cached_property
    def corners(self) -> Array:
        """(n, 4) a centre with three to six neighbours, and three of these."""
        i, j, k = THREES[:, THREES[2] < self.near.shape[1]]
        few = np.where((self.degrees <= AROUND)[:, None], self.near, -1)
        centre, place = np.nonzero(few[:, k] >= 0)
        ends = [self.near[centre, column[place]] for column in (i, j, k)]
        return np.stack([centre, *ends], axis=1)

    @cached_property
    def torsions(self) -> Array:
        """(n, 4) four different atoms a-b-c-d in a row of bonds, b < c, in the order of the bonds, a and d."""
        b, c = self.bonds.T
        before, after = self.near[b], self.near[c]  # (nb, most)
        before, after = np.where(before == c[:, None], -1, before), np.where(after == b[:, None], -1, after)
        apart = (before[:, :, None] >= 0) & (after[:, None, :] >= 0) & (before[:, :, None] != after[:, None, :])
        bond, first, last = np.nonzero(apart)
        return np.stack([before[bond, first], b[bond], c[bond], after[bond, last]], axis=1)

    @cached_property
    def turning(self) -> tuple[Array, Array]:
        """Which of the angles (n,) the two of each torsion are."""
        known = self.angle_keys(self.angles)
        first, last = (self.angle_keys(self.torsions[:, part]) for part in (slice(0, 3), slice(1, 4)))
        return np.searchsorted(known, first), np.searchsorted(known, last)

    def angle_keys(self, angles: Array) -> Array:
        """(n,) one number for each angle (n, 3), whichever end comes first; in the order of `angles`."""
        i, j, k = angles.T
        natoms = len(self.numbers)
        return (j * natoms + np.minimum(i, k)) * natoms + np.maximum(i, k)

    @cached_property
    def inorganic(self) -> Array:
        """(N,) which atoms are of other elements than organic molecules have, or have more neighbours than there."""
        return self.degrees > MOST[self.numbers]

    @cached_property
    def beside_inorganic(self) -> Array:
        """(N,) which others are bonded to one of them."""
        beside = np.zeros(len(self.numbers), dtype=bool)
        i, j = self.bonds.T
        beside[i[self.inorganic[j]]] = beside[j[self.inorganic[i]]] = True
        return beside & ~self.inorganic

    @cached_property
    def fragments(self) -> list[Array]:
        """The atoms of each connected part, in the order of their first atoms."""
        seen, found = [False] * len(self.numbers), []
        for first in range(len(self.numbers)):
            if not seen[first]:
                seen[first], atoms = True, [first]
                for atom in atoms:  # which grows on the way
                    for other in self.neighbours[atom]:
                        if not seen[other]:
                            seen[other] = True
                            atoms.append(other)
                found.append(np.array(sorted(atoms)))
        return found

    @cached_property
    def within_two_bonds(self) -> Array:
        """(n, 2) pairs i < j of atoms one or two bonds apart."""
        pairs = np.concatenate([self.bonds, self.angles[:, [0, 2]]])
        keys = np.unique(pairs @ (len(self.numbers), 1))
        return np.stack(np.divmod(keys, len(self.numbers)), axis=1)

    @cached_property
    def apart(self) -> Array:
        """(N, N) uint8: how many bonds two atoms are apart, 4 where they are more or of different fragments."""
        apart = np.full((len(self.numbers), len(self.numbers)), FOUR, dtype=np.uint8)
        for pairs, bonds in ((self.torsions[:, [0, 3]], 3), (self.angles[:, [0, 2]], 2), (self.bonds, 1)):
            i, j = pairs.T
            apart[i, j] = apart[j, i] = bonds
        np.fill_diagonal(apart, 0)
        return apart
