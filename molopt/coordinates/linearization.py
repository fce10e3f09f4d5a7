"""Internal coordinates of one system at one geometry: the reference for the algebra of the model Hessian."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np

from molopt.coordinates.base import Linearization
from molopt.coordinates.inverse import Projected
from molopt.coordinates.rows import Rows, Symmetric
from molopt.rules.partition import Array

if TYPE_CHECKING:
    from molopt.coordinates.member import Member


class OfInternal(Linearization):
    """A linearization in internal coordinates.

    Attributes
    ----------
    member : Member
        The coordinates, of one that is of one system.
    """

    member: "Member"


class Linearized(OfInternal):
    r"""One system's scaled internal coordinates, linearised: A = sqrt(K) B with B = dq/dx, H = A^T M A + R^T R.

    `known` are the values and rows, where they have been computed before.

    M and R are those of the member's `Metric`; M = 1 and no more where there is none.

    Attributes
    ----------
    x, cartesian_gradient : (3N,) arrays
    member : Member
        The coordinates.
    values : (nq,) array
        q.
    rows : Rows
        A, sqrt(eV)/A.
    held : (n, r) array
        T, orthonormal directions that are projected out.
    """

    def __init__(
        self, member: "Member", x: Array, cartesian_gradient: Array, known: tuple[Array, Rows] | None = None
    ) -> None:
        self.member = self.coordinates = member
        self.layout = member.layout
        self.x = x
        self.free = bool(member.movable.all())
        self.cartesian_gradient = cartesian_gradient if self.free else np.where(member.movable, cartesian_gradient, 0.0)
        self.values, self.rows = member.both(x) if known is None else known
        self.held = member.held(x)

    def select(self, systems: Sequence[int]) -> Self:
        return self

    def where(self, mine: Array, other: Self) -> Self:
        return self if mine[0] else other

    def movable(self, vectors: Array) -> Array:
        """(n, ...) the entries that may move of vectors (3N, ...)."""
        return vectors if self.free else vectors[self.member.movable]

    def everywhere(self, vectors: Array) -> Array:
        """(3N, ...) with zeros at the entries that may not move, from (n, ...)."""
        if self.free:
            return vectors
        full = np.zeros((self.x.size, *vectors.shape[1:]))
        full[self.member.movable] = vectors
        return full

    def block(self, matrix: Symmetric) -> Symmetric:
        """(n, n) the part of a (3N, 3N) matrix that is of entries that may move."""
        return matrix if self.free else matrix[self.member.movable][:, self.member.movable]

    @cached_property
    def metric(self) -> Projected:
        """G^+, of the entries that may move."""
        return Projected(self.block(self.rows.normal), self.held)

    @cached_property
    def hessian(self) -> Symmetric:
        """(n, n) H of the entries that may move, eV/A^2."""
        metric = self.member.metric
        return self.block(self.rows.normal if metric is None else metric.hessian(self.x, self.values, self.rows))

    @cached_property
    def model(self) -> Projected:
        """H^+, of the entries that may move."""
        return self.metric if self.member.metric is None else Projected(self.hessian, self.held)

    def net(self) -> Array:
        if not (self.member.free and self.free and self.held.shape[1] in (5, 6)):
            return np.full(1, np.nan)
        net = self.held.T @ self.cartesian_gradient
        return np.array([float(net @ net) / len(net)])

    def to_internal(self, move: Array) -> Array:
        return self.rows.times(move)

    def pull_back(self, covector: Array) -> Array:
        covector = self.rows.transposed_times(covector)
        return covector if self.free else self.everywhere(self.movable(covector))

    def solve_metric(self, covector: Array) -> Array:
        return self.everywhere(self.metric(self.movable(covector)))

    def apply_cartesian(self, move: Array) -> Array:
        return self.everywhere(self.hessian @ self.movable(move))

    def solve_cartesian(self, covector: Array) -> Array:
        return self.everywhere(self.model(self.movable(covector)))

    def change(self, displacement: Array) -> Array:
        return np.abs(displacement / self.member.roots).max(initial=0.0, keepdims=True)

    def longest_move(self, move: Array) -> Array:
        rows = move.reshape(-1, 3)
        return np.sqrt(np.einsum("ij,ij->i", rows, rows).max(initial=0.0, keepdims=True))


def of_system(linearization: Linearization, number: int) -> OfInternal:
    """The linearization of one of several systems in internal coordinates."""
    one = linearization.select([number])
    if not isinstance(one, OfInternal):
        raise TypeError(f"internal coordinates are needed, got a {type(one).__name__}")
    return one


def reference_of(linearization: OfInternal) -> Linearized:
    """The linearization of one system by NumPy and SciPy, of which more is known."""
    if isinstance(linearization, Linearized):
        return linearization
    return linearization.member.linearize(linearization.x, linearization.cartesian_gradient)
