"""Entries that belong together: the systems of a batch, or the atoms of a system."""

from collections.abc import Sequence
from typing import Any

import numpy as np

Array = Any
REAL = "fiu"  # the kinds of NumPy's real numbers: neither complex nor bool, no objects and no text


class Partition:
    """Consecutive runs of entries, `sizes[p]` entries in part p, on any array namespace.

    A flat vector of N entries is cut into P parts. Sums run over each part on its own and in one order, so
    that a part gives the same bits alone and beside others.

    Parameters
    ----------
    sizes : sequence of int, (P,)
        Entries of each part; their sum is N.
    xp : namespace
        The array library (NumPy, or any other that follows the array API standard).

    Examples
    --------
    >>> two = Partition([3, 1])
    >>> two.sum(np.array([1.0, 2.0, 3.0, 4.0]))
    array([6., 4.])
    >>> two.spread(np.array([5.0, 7.0]))
    array([5., 5., 5., 7.])
    """

    def __init__(self, sizes: Any, xp: Any = np) -> None:
        self.xp = xp
        self.sizes: Array = np.asarray(sizes, dtype=np.intp)  # (P,)
        even = len(self.sizes) > 0 and bool((self.sizes == self.sizes[0]).all())
        self.size: int = int(self.sizes[0]) if even else 0  # of all parts; 0 where they differ
        self.bounds: Array = np.concatenate([[0], np.cumsum(self.sizes)]).astype(np.intp)  # (P + 1,)
        self.filled: Array = self.sizes > 0
        self.full: bool = bool(self.filled.all()) and len(self.sizes) > 0
        if xp is not np:
            self.owners: Array = xp.asarray(np.repeat(np.arange(len(self.sizes)), self.sizes))

    @property
    def count(self) -> int:
        """Number of parts, P."""
        return len(self.sizes)

    @property
    def total(self) -> int:
        """Number of entries, N."""
        return int(self.bounds[-1])

    def part(self, number: int) -> slice:
        """Where the entries of one part are."""
        return slice(int(self.bounds[number]), int(self.bounds[number + 1]))

    def of(self, parts: Sequence[int]) -> "Partition":
        """The partition of these parts alone."""
        return Partition(self.sizes[list(parts)], self.xp)

    def entries(self, parts: Sequence[int]) -> Array:
        """(n,) where the entries of these parts are, one part after another."""
        wanted = np.asarray(parts, dtype=np.intp)
        sizes = self.sizes[wanted]
        ends = np.cumsum(sizes)
        return np.arange(sizes.sum()) + np.repeat(self.bounds[wanted] - (ends - sizes), sizes)

    def take(self, values: Array, parts: Sequence[int]) -> Array:
        """(..., N) -> (..., n): the entries of these parts, one part after another."""
        if self.xp is not np:
            return self.xp.take(values, self.xp.asarray(self.entries(parts)), axis=values.ndim - 1)
        if not self.size:
            return values[..., self.entries(parts)]
        rows = values.reshape(*values.shape[:-1], self.count, self.size)
        return rows.take(parts, axis=-2).reshape(*values.shape[:-1], -1)

    def sum(self, values: Array) -> Array:
        """(N,) -> (P,): the sum over each part."""
        return self.reduced(values, np.add, "sum", 0.0)

    def max(self, values: Array) -> Array:
        """(N,) -> (P,): the largest value of each part."""
        return self.reduced(values, np.maximum, "max", -np.inf)

    def reduced(self, values: Array, ufunc: np.ufunc, name: str, empty: float) -> Array:
        if self.xp is np:
            if self.full:
                return ufunc.reduceat(values, self.bounds[:-1])
            found = np.full(self.count, empty, dtype=values.dtype)
            found[self.filled] = ufunc.reduceat(values, self.bounds[:-1][self.filled]) if self.total else empty
            return found
        xp, reduce = self.xp, getattr(self.xp, name)
        if self.size:
            return reduce(xp.reshape(values, (self.count, self.size)), axis=1)
        none = xp.full(1, empty, dtype=values.dtype)
        return xp.stack([reduce(values[self.part(p)]) if self.sizes[p] else none[0] for p in range(self.count)])

    def spread(self, values: Array) -> Array:
        """(P,) -> (N,): each part's value, copied to its entries."""
        if self.xp is np:
            return np.repeat(values, self.size or self.sizes)  # one number is faster
        return self.xp.take(values, self.owners)
