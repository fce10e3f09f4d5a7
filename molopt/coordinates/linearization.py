"""Internal coordinates of one system at one geometry: the reference for the algebra of the model Hessian."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np
from scipy import sparse

from molopt.coordinates.base import Linearization
from molopt.coordinates.inverse import Projected
from molopt.rules.partition import Array

if TYPE_CHECKING:
    from molopt.coordinates.member import Member


class Linearized(Linearization):
    r"""One system's scaled internal coordinates, linearised: A = sqrt(K) B with B = dq/dx, H = A^T M A + R^T R.

    M and R are those of the member's `Metric`; M = 1 and no more where there is none.

    Attributes
    ----------
    x, cartesian_gradient : (3N,) arrays
    member : Member
        The coordinates.
    values : (nq,) array
        q.
    a : (nq, n) sparse array
        A, of the n entries that may move; sqrt(eV)/A.
    held : (n, r) array
        T, orthonormal directions that are projected out.
    """

    def __init__(self, member: "Member", x: Array, cartesian_gradient: Array) -> None:
        self.member, self.layout = member, member.layout
        self.x = x
        self.free = bool(member.movable.all())
        self.cartesian_gradient = cartesian_gradient if self.free else np.where(member.movable, cartesian_gradient, 0.0)
        self.values = member.primitives.values(x)
        self.every_a = member.a(x)  # (nq, 3N)
        self.a = self.every_a if self.free else self.every_a[:, member.movable]
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

    @cached_property
    def transposed(self) -> sparse.csc_array:
        return self.a.T

    @cached_property
    def metric(self) -> Projected:
        """G^+, of the entries that may move."""
        return Projected(self.transposed @ self.a, self.held)

    @cached_property
    def hessian(self) -> sparse.csr_array:
        """(n, n) H of the entries that may move, eV/A^2."""
        metric, movable = self.member.metric, self.member.movable
        if metric is None:
            return sparse.csr_array(self.transposed @ self.a)
        hessian = metric.hessian(self.x, self.values, self.every_a)
        return hessian if self.free else hessian[movable][:, movable]

    @cached_property
    def model(self) -> Projected:
        """H^+, of the entries that may move."""
        return self.metric if self.member.metric is None else Projected(self.hessian, self.held)

    def to_internal(self, move: Array) -> Array:
        return self.a @ self.movable(move)

    def pull_back(self, covector: Array) -> Array:
        return self.everywhere(self.transposed @ covector)

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


def of_system(linearization: Linearization, number: int) -> Linearized:
    """The linearization of one of several systems in internal coordinates."""
    one = linearization.system(number)
    if not isinstance(one, Linearized):
        raise TypeError(f"internal coordinates are needed, got a {type(one).__name__}")
    return one
