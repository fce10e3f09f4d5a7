"""Who is bonded to whom."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from ase.data import covalent_radii
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from molopt.rules.partition import Array

BONDED = 1.3  # times the sum of covalent radii
MOST = {1: 1, 5: 4, 6: 4, 7: 4, 8: 3, 9: 1, 14: 4, 15: 4, 16: 4, 17: 1, 34: 4, 35: 1, 53: 1}  # neighbours in organic


def covalent_bonds(numbers: Array, positions: Array, factor: float = BONDED) -> Array:
    """(nb, 2) pairs i < j of atoms (N,) at positions (N, 3) that are closer than covalent radii allow without a bond.

    The radii are ASE's: B. Cordero et al., Dalton Trans. 2832 (2008).

    >>> covalent_bonds(np.array([8, 1, 1]), np.array([[0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]])).tolist()
    [[0, 1], [0, 2]]
    """
    radii = covalent_radii[numbers]
    pairs = cKDTree(positions).query_pairs(2 * factor * float(radii.max()), output_type="ndarray")
    gaps = positions[pairs[:, 0]] - positions[pairs[:, 1]]
    bonded = np.sort(pairs[(gaps * gaps).sum(axis=1) < (factor * radii[pairs].sum(axis=1)) ** 2], axis=1)
    return bonded[np.lexsort((bonded[:, 1], bonded[:, 0]))].astype(int)


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

    @cached_property
    def adjacency(self) -> sparse.csr_array:
        i, j = self.bonds.T
        shape = (len(self.numbers), len(self.numbers))
        ones = np.ones(2 * len(i), dtype=np.int64)
        return sparse.csr_array((ones, (np.concatenate([i, j]), np.concatenate([j, i]))), shape=shape)

    @cached_property
    def neighbours(self) -> list[list[int]]:
        """Of each atom, in ascending order."""
        graph = self.adjacency
        return [sorted(part.tolist()) for part in np.split(graph.indices, graph.indptr[1:-1])]

    @cached_property
    def inorganic(self) -> Array:
        """(N,) which atoms are of other elements than organic molecules have, or have more neighbours than there."""
        pairs = zip(self.numbers.tolist(), self.neighbours, strict=True)
        return np.array([len(near) > MOST.get(z, 0) for z, near in pairs], dtype=bool)

    @cached_property
    def beside_inorganic(self) -> Array:
        """(N,) which others are bonded to one of them."""
        return (self.adjacency @ self.inorganic.astype(int) > 0) & ~self.inorganic

    @cached_property
    def fragments(self) -> list[Array]:
        """The atoms of each connected part, in the order of their first atoms."""
        count, labels = connected_components(self.adjacency, directed=False)
        order = np.argsort(labels, kind="stable")
        return np.split(order, np.cumsum(np.bincount(labels, minlength=count))[:-1])

    @cached_property
    def within_two_bonds(self) -> Array:
        """(n, 2) pairs i < j of atoms one or two bonds apart."""
        graph = self.adjacency
        near = sparse.triu(graph + graph @ graph, k=1).tocoo()
        return np.stack([near.row, near.col], axis=1).astype(np.int64)

    @cached_property
    def third_neighbours(self) -> Array:
        """Sorted i * N + j of the pairs i < j that are three bonds apart and not fewer."""
        graph, natoms = self.adjacency, len(self.numbers)
        far = sparse.triu(graph @ graph @ graph, k=1).tocoo()
        near = self.within_two_bonds @ np.array([natoms, 1])
        return np.setdiff1d(far.row.astype(np.int64) * natoms + far.col, near)
