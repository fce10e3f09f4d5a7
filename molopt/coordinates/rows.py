"""Derivatives of coordinates as rows on a molecule's fixed pattern, and the matrices A^T W A that they make."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from molopt.rules.partition import Array

Symmetric = Any  # a symmetric matrix: an array, or a sparse array of SciPy's

DENSE = 330  # Cartesians up to which dense matrices are faster than sparse ones


class Pattern:
    """Where the rows of a list of coordinates have entries; made once, shared by all geometries.

    Parameters
    ----------
    columns : (e,) array of int
        The Cartesian of each entry, row after row.
    starts : (nq + 1,) array of int
        Where each row begins.
    entries : int
        3N.
    """

    def __init__(self, columns: Array, starts: Array, entries: int) -> None:
        self.columns, self.starts, self.entries = columns, starts, entries
        self.owners = np.repeat(np.arange(len(starts) - 1), np.diff(starts))  # (e,) the row of each entry
        self.dense = entries <= DENSE

    @cached_property
    def squares(self) -> tuple[Array, Array, Array, Array]:
        """Each two entries p <= q of one row: p, q, the place of their product, and 1/2 where p is q.

        A place is that in the flat (3N, 3N) half of a symmetric matrix whose sum with its transpose is the whole.
        """
        first, second = self.together(np.arange(len(self.starts) - 1), np.arange(len(self.starts) - 1))
        kept = first <= second
        first, second = first[kept], second[kept]
        return first, second, self.places(first, second), np.where(first == second, 0.5, 1.0)

    def together(self, one: Array, other: Array) -> tuple[Array, Array]:
        """All two entries of the rows `one` and `other` (n,) of each pair, pair after pair."""
        lengths = np.diff(self.starts)
        width, height = lengths[one], lengths[other]
        counts = width * height
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        heights = np.repeat(height, counts)
        first = np.repeat(self.starts[one], counts) + within // np.maximum(heights, 1)
        return first, np.repeat(self.starts[other], counts) + within % np.maximum(heights, 1)

    def places(self, first: Array, second: Array) -> Array:
        return self.columns[first] * self.entries + self.columns[second]


class Couplings:
    """Products of the entries of coordinates that are coupled, on a pattern.

    Parameters
    ----------
    pattern : Pattern
    one, other : (nc,) arrays of int
    """

    def __init__(self, pattern: Pattern, one: Array, other: Array) -> None:
        self.first, self.second = pattern.together(one, other)
        lengths = np.diff(pattern.starts)
        self.owners = np.repeat(np.arange(len(one)), lengths[one] * lengths[other])
        self.places = pattern.places(self.first, self.second)


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
    def products(self) -> Array:
        """Those of `Pattern.squares`."""
        first, second, _, half = self.pattern.squares
        return self.data[first] * self.data[second] * half

    @cached_property
    def normal(self) -> Symmetric:
        """(3N, 3N) A^T A."""
        if not self.pattern.dense:
            return csr_array(self.sparse.T @ self.sparse)
        return whole([(self.pattern.squares[2], self.products)], self.pattern.entries)

    def weighted(self, diagonal: Array, couplings: Couplings, weights: Array) -> tuple[Array, Array]:
        """Places and values that make A^T W A: W has a diagonal (nq,), and `weights` (nc,) at what is coupled."""
        first, _, places, _ = self.pattern.squares
        coupled = self.data[couplings.first] * self.data[couplings.second] * weights[couplings.owners]
        squares = self.products * diagonal[self.pattern.owners[first]]
        return np.concatenate([places, couplings.places]), np.concatenate([squares, coupled])


def between_pairs(pairs: Array, constants: Array, units: Array, entries: int) -> tuple[Array, Array]:
    """Places and values of springs k (n,) between pairs (n, 2) of atoms with units (n, 3) from one to the other."""
    springs = (constants[:, None, None] * units[:, :, None] * units[:, None, :]).reshape(len(pairs), 9)
    rows, columns = np.divmod(np.arange(9), 3)

    def at(one: Array, other: Array) -> Array:
        return (3 * one[:, None] + rows) * entries + 3 * other[:, None] + columns

    i, j = pairs.T
    places = np.concatenate([at(i, i), at(j, j), at(i, j)])
    return places.ravel(), np.concatenate([0.5 * springs, 0.5 * springs, -springs]).ravel()


def whole(parts: Sequence[tuple[Array, Array]], entries: int) -> Array:
    """(3N, 3N) the symmetric matrix of which these places and values are one half."""
    places, values = (np.concatenate(pieces) for pieces in zip(*parts, strict=True))
    half = np.bincount(places, values, entries**2).reshape(entries, entries)
    return half + half.T
