"""Entries that belong together: the systems of a batch, or the atoms of a system."""

from typing import Any

import numpy as np

Array = Any
REAL = "fiu"  # the kinds of NumPy's real numbers: neither complex nor bool, no objects and no text


class Partition:
    """Consecutive runs of entries, `sizes[p]` entries in part p.

    A flat vector of N entries is cut into P parts. Sums run over each part on its own and in one order, so
    that a part gives the same bits alone and beside others.

    Parameters
    ----------
    sizes : sequence of int, (P,)
        Entries of each part, all at least 1; their sum is N.

    Examples
    --------
    >>> two = Partition([3, 1])
    >>> two.sum(np.array([1.0, 2.0, 3.0, 4.0]))
    array([6., 4.])
    >>> two.spread(np.array([5.0, 7.0]))
    array([5., 5., 5., 7.])
    """

    def __init__(self, sizes: Any) -> None:
        self.sizes = np.asarray(sizes, dtype=np.intp)  # (P,)
        equal = np.unique(self.sizes)
        self.repeats = int(equal[0]) if len(equal) == 1 else self.sizes  # one number is faster
        self.starts = np.concatenate([[0], np.cumsum(self.sizes)[:-1]]).astype(np.intp)  # (P,)

    @property
    def count(self) -> int:
        """Number of parts, P."""
        return len(self.sizes)

    def sum(self, values: Array) -> Array:
        """(N,) -> (P,): the sum over each part."""
        return np.add.reduceat(values, self.starts)

    def max(self, values: Array) -> Array:
        """(N,) -> (P,): the largest value of each part."""
        return np.maximum.reduceat(values, self.starts)

    def spread(self, values: Array) -> Array:
        """(P,) -> (N,): each part's value, copied to its entries."""
        return np.repeat(values, self.repeats)
