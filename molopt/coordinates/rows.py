"""Derivatives of coordinates as rows on a molecule's fixed pattern, and the matrices A^T W A that they make."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_array

from molopt.rules.partition import Array

Symmetric = Any  # a symmetric matrix: an array, or a sparse array of SciPy's

DENSE = 330  # Cartesians up to which dense matrices are faster than sparse ones
XYZ = np.arange(3)


class Half(NamedTuple):
    """Entries of one half of a symmetric matrix (3N, 3N), which is its sum with its transpose.

    What is at one place adds up.
    """

    places: Array  # (m,) row times 3N plus column
    entries: Array  # (m,)


class Products:
    """Products a_i a_j^T of the derivatives of coordinates by one atom each, three numbers, and where they belong.

    Parameters
    ----------
    pattern : Pattern
    left, right : (n,) arrays of int
        Which derivatives.
    owners : (n,) array of int
        Which weight each product has.
    """

    def __init__(self, pattern: "Pattern", left: Array, right: Array, owners: Array) -> None:
        i, j = pattern.atoms[left], pattern.atoms[right]
        left, right = np.where(i < j, right, left), np.where(i < j, left, right)
        places = np.maximum(i, j) * pattern.natoms + np.minimum(i, j)
        order = np.argsort(places, kind="stable")
        places = places[order]
        self.left: Array = left[order]
        self.right: Array = right[order]
        self.owners: Array = owners[order]
        self.starts = np.flatnonzero(np.diff(places, prepend=-1))  # where the products of each place begin
        places = places[self.starts]
        self.places = pattern.places(*np.divmod(places, pattern.natoms)).ravel()  # of the sums
        self.halves = np.where(places % (pattern.natoms + 1), 1.0, 0.5)[:, None]

    def of(self, data: Array) -> tuple[Array, Array]:
        """(3, n) each, the factors of the products of derivatives (3, e / 3)."""
        return data.take(self.left, axis=1), data.take(self.right, axis=1)

    def summed(self, factors: tuple[Array, Array], weights: Array | None = None) -> Half:
        """The sums of products, each times its weight."""
        if not len(self.starts):
            return Half(self.places, np.zeros(0))
        left, right = factors
        each = None if weights is None else weights.take(self.owners)
        sums, products = np.empty((3, 3, len(self.starts))), np.empty_like(right)
        for one, row in zip(left, sums, strict=True):  # three of nine at a time: they stay in the cache
            np.multiply(one, right, out=products)
            if each is not None:
                products *= each
            np.add.reduceat(products, self.starts, axis=1, out=row)
        return Half(self.places, (sums.reshape(9, -1).T * self.halves).ravel())


class Pattern:
    """Where the rows of a list of coordinates have entries; made once, shared by all geometries.

    Parameters
    ----------
    columns : (e,) array of int
        The Cartesian of each entry, row after row, three of one atom after one another.
    starts : (nq + 1,) array of int
        Where each row begins.
    entries : int
        3N.
    """

    def __init__(self, columns: Array, starts: Array, entries: int) -> None:
        self.columns, self.starts, self.entries, self.natoms = columns, starts, entries, entries // 3
        self.owners = np.repeat(np.arange(len(starts) - 1), np.diff(starts))  # (e,) the row of each entry
        self.dense = entries <= DENSE
        self.atoms = columns[::3] // 3  # (e / 3,) of each derivative by one atom
        self.first, self.counts = starts[:-1] // 3, np.diff(starts) // 3  # (nq,) where they begin, how many there are

    @cached_property
    def squares(self) -> Products:
        """Of A^T D A, D diagonal: within each row, whose weight is its own."""
        parts = []
        for count in np.unique(self.counts).tolist():
            rows = np.flatnonzero(self.counts == count)
            i, j = np.tril_indices(count)
            parts.append((self.first[rows, None] + i, self.first[rows, None] + j, np.repeat(rows, len(i))))
        return Products(self, *joined(parts))

    def coupled(self, one: Array, other: Array) -> Products:
        """Of A^T C A, where C has entries at rows (one, other) and (other, one), (nc,); one weight each."""
        kinds = self.counts[one] * (self.counts.max(initial=0) + 1) + self.counts[other]
        parts = []
        for kind in np.unique(kinds).tolist():
            members = np.flatnonzero(kinds == kind)
            first, second = one[members], other[members]
            i, j = np.indices((self.counts[first[0]], self.counts[second[0]])).reshape(2, -1)
            left, right = (self.first[first, None] + i).ravel(), (self.first[second, None] + j).ravel()
            weights = np.repeat(members, len(i))
            both = self.atoms[left] == self.atoms[right]  # at one atom, the transpose too
            parts += [(left, right, weights), (right[both], left[both], weights[both])]
        return Products(self, *joined(parts))

    def places(self, i: Array, j: Array) -> Array:
        """(n, 9) of the entries of the blocks of atoms i and j (n,), in the flat (3N, 3N) matrix."""
        return (3 * self.entries * i + 3 * j)[:, None] + (self.entries * XYZ[:, None] + XYZ).ravel()

    def springs(self, pairs: Array, constants: Array, units: Array) -> Half:
        """Springs k (n,) between pairs (n, 2) of atoms with units (n, 3) from one to the other."""
        along = np.ascontiguousarray(units.T)
        own = ((constants * along)[:, None] * along).reshape(9, -1)
        half, (i, j) = 0.5 * own, pairs.T
        places = self.places(np.concatenate([i, j, i]), np.concatenate([i, j, j]))
        return Half(places.T.ravel(), np.concatenate([half, half, -own], axis=1).ravel())

    def matrix(self, parts: Iterable[Half]) -> Symmetric:
        """(3N, 3N) the sum of these halves and of its transpose: dense up to 330 Cartesians."""
        places, entries = (np.concatenate(pieces) for pieces in zip(*parts, strict=True))
        if self.dense:
            half = np.bincount(places, entries, self.entries**2).reshape(self.entries, -1)
            return half + half.T
        half = csr_array((entries, np.divmod(places, self.entries)), shape=(self.entries, self.entries))
        return csr_array(half + half.T)


def joined(parts: Sequence[tuple[Array, Array, Array]]) -> list[Array]:
    columns = zip(*parts, strict=True) if parts else ([], [], [])
    return [np.concatenate([np.zeros(0, dtype=int), *(part.ravel() for part in column)]) for column in columns]


class Rows:
    """A (nq, 3N) at one geometry.

    Parameters
    ----------
    pattern : Pattern
    data : (e,) array
    """

    def __init__(self, pattern: Pattern, data: Array) -> None:
        self.pattern, self.data = pattern, data

    @cached_property
    def sparse(self) -> csr_array:
        """(nq, 3N)."""
        pattern = self.pattern
        shape = (len(pattern.starts) - 1, pattern.entries)
        return csr_array((self.data, pattern.columns, pattern.starts), shape=shape)

    def times(self, move: Array) -> Array:
        """A dx (nq,) of dx (3N,), or (nq, k) of (3N, k)."""
        if move.ndim == 2:
            return self.sparse @ move
        return np.add.reduceat(self.data * move[self.pattern.columns], self.pattern.starts[:-1])

    def transposed_times(self, covector: Array) -> Array:
        """A^T v (3N,) of v (nq,), or (3N, k) of (nq, k)."""
        if covector.ndim == 2:
            return self.sparse.T @ covector
        return np.bincount(self.pattern.columns, self.data * covector[self.pattern.owners], self.pattern.entries)

    @cached_property
    def by_atom(self) -> Array:
        """(3, e / 3) the derivatives by one atom each."""
        return np.ascontiguousarray(self.data.reshape(-1, 3).T)

    @cached_property
    def factors(self) -> tuple[Array, Array]:
        """Those of `Pattern.squares`."""
        return self.pattern.squares.of(self.by_atom)

    @cached_property
    def normal(self) -> Symmetric:
        """(3N, 3N) A^T A."""
        return self.pattern.matrix([self.pattern.squares.summed(self.factors)])

    def weighted(self, diagonal: Array, couplings: Products, weights: Array) -> list[Half]:
        """What makes A^T W A: W has a diagonal (nq,), and `weights` (nc,) at what is coupled."""
        own = self.pattern.squares.summed(self.factors, diagonal)
        return [own, couplings.summed(couplings.of(self.by_atom), weights)]
