"""Quadratic splines on equally spaced nodes, so that constants do not jump as a geometry changes."""

from typing import NamedTuple

import numpy as np

from molopt.rules.partition import Array


class Nodes(NamedTuple):
    """Equally spaced nodes of quadratic B-splines: weights that add up to one between the outer nodes.

    >>> nodes = Nodes(0.0, 0.5, 3)
    >>> pieces = nodes.pieces(np.array([[1.0, 2.0, 3.0]]))
    >>> nodes.at(np.array([0.25, 0.5, 0.75]), pieces[[0, 0, 0]]).tolist()
    [1.5, 2.0, 2.5]
    """

    first: float
    step: float
    number: int

    def pieces(self, constants: Array, beyond: int = 0) -> Array:
        """(n, number + beyond, 3) coefficients c0, c1, c2 of the piece about each node, for constants (n, number).

        Constants outside of the nodes, and those of `beyond` more pieces after them, are zero.
        """
        rows = np.zeros((len(constants), self.number + beyond + 2))
        rows[:, 1 : self.number + 1] = constants
        before, here, after = rows[:, :-2], rows[:, 1:-1], rows[:, 2:]
        mean = (before + after) / 2
        return np.stack([0.75 * here + 0.25 * mean, (after - before) / 2, mean - here], axis=-1)

    def held(self, values: Array) -> Array:
        """Values (n,) beyond the outer nodes moved there, where the weights still add up to one."""
        half = self.step / 2
        return np.minimum(np.maximum(values, self.first + half), self.first + (self.number - 1.5) * self.step)

    def at(self, values: Array, pieces: Array, groups: Array | None = None) -> Array:
        """(..., n) the spline at values (..., n), with `pieces` (n, number, 3) of each, or those of its group (n,)."""
        t = (values - self.first) / self.step
        n = np.rint(t)
        d = t - n
        rows = np.arange(t.shape[-1]) if groups is None else groups
        c0, c1, c2 = np.moveaxis(pieces[rows, n.astype(np.intp)], -1, 0)
        return (c2 * d + c1) * d + c0
