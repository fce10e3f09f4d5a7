"""Cartesian coordinates: a rule sees the entries of x as they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, Self, TypeVar

import numpy as np

from molopt.coordinates.base import Coordinates, Linearization
from molopt.rules.partition import Array, Partition
from molopt.rules.state import Layout


@dataclass(frozen=True, eq=False)
class FlatLinearization(Linearization):
    """Entries of x at one geometry, which are the coordinates: A is one.

    Attributes
    ----------
    x, cartesian_gradient : (N,) arrays
        Angstrom and eV/A where they are positions.
    coordinates : FlatCoordinates
    """

    x: Array
    cartesian_gradient: Array
    coordinates: "FlatCoordinates[Any]"

    @cached_property
    def layout(self) -> Layout:  # type: ignore[override]  # read-only, computed once
        return self.coordinates.layout

    def to_internal(self, move: Array) -> Array:
        return move

    def pull_back(self, covector: Array) -> Array:
        return covector

    def solve_metric(self, covector: Array) -> Array:
        return covector

    @property
    def energy_left(self) -> Array:
        """(S,) not known: neither a number nor springs between near atoms say enough of torsions."""
        return np.full(self.layout.count, np.nan)

    def longest_move(self, move: Array) -> Array:
        coordinates = self.coordinates
        return np.sqrt(coordinates.fleets.max(coordinates.movers.sum(move * move)))

    def change(self, displacement: Array) -> Array:
        return np.zeros(self.layout.count)


F = TypeVar("F", bound=FlatLinearization)


@dataclass(frozen=True)
class FlatCoordinates(Coordinates[F], Generic[F]):
    """The entries of a flat x, in Angstrom where they are positions: what `Cartesian` and `Elastic` share.

    Attributes
    ----------
    systems : Partition
        Which entries are of one system.
    groups : Partition
        x, y, z of an atom (a row of a cell filter); each entry by itself where there are no rows of three.
    movers : Partition
        What a cap on the step measures: the rows of three, or the whole vector where there are none.
    fleets : Partition
        Which movers are of one system.
    """

    systems: Partition
    groups: Partition
    movers: Partition
    fleets: Partition

    @cached_property
    def layout(self) -> Layout:  # type: ignore[override]  # read-only, computed once
        return Layout(self.systems, self.systems)

    @property
    def stiff(self) -> Array:
        return np.zeros(self.systems.total)

    def between(self, old: F, new: F) -> Array:
        return new.x - old.x

    def displacement(self, linearization: F, x: Array) -> Array:
        return x - linearization.x

    def pull_back_at(self, x: Array, covector: Array) -> Array:
        return covector

    def move(self, linearization: F, displacement: Array) -> tuple[Array, Array]:
        """(N,) the point that lies a displacement (N,) away; every system arrives."""
        return linearization.x + displacement, np.ones(self.systems.count, dtype=bool)


@dataclass(frozen=True, eq=False)
class CartesianLinearization(FlatLinearization):
    """Cartesian coordinates at one geometry: the model Hessian is a number."""

    coordinates: "Cartesian"

    def apply_cartesian(self, move: Array) -> Array:
        return self.coordinates.stiffness * move

    def solve_cartesian(self, covector: Array) -> Array:
        return covector / self.coordinates.stiffness

    def select(self, systems: Sequence[int]) -> Self:
        wanted, coordinates = self.layout.places.entries(systems), self.coordinates.select(systems)
        return type(self)(self.x[wanted], self.cartesian_gradient[wanted], coordinates)

    def where(self, mine: Array, other: Self) -> Self:
        mask = self.layout.places.spread(mine)
        gradient = np.where(mask, self.cartesian_gradient, other.cartesian_gradient)
        return type(self)(np.where(mask, self.x, other.x), gradient, self.coordinates)


@dataclass(frozen=True)
class Cartesian(FlatCoordinates[CartesianLinearization]):
    """Cartesian coordinates of S systems, whose model Hessian is a number.

    Attributes
    ----------
    stiffness : float
        The model Hessian, eV/A^2: 1 for rules, which have their own rates.

    Examples
    --------
    >>> Cartesian.of(6).groups.count, Cartesian.of(2).movers.count
    (2, 1)
    >>> Cartesian.of(6, 9).systems.sizes.tolist()
    [6, 9]
    """

    stiffness: float = 1.0

    @classmethod
    def of(cls, *entries: int, stiffness: float = 1.0) -> "Cartesian":
        """The coordinates of systems with so many entries each."""
        return cls(*partitions(entries), stiffness)

    def select(self, systems: Sequence[int]) -> "Cartesian":
        """The coordinates of these systems alone."""
        return self.of(*self.systems.sizes[list(systems)].tolist(), stiffness=self.stiffness)

    def linearize(self, x: Array, cartesian_gradient: Array) -> CartesianLinearization:
        return CartesianLinearization(x, cartesian_gradient, self)


def partitions(entries: Sequence[int]) -> tuple[Partition, Partition, Partition, Partition]:
    """Systems, groups, movers and fleets of systems with so many entries."""
    if any(size % 3 for size in entries):
        whole = Partition(entries)
        return whole, Partition([1] * whole.total), whole, Partition([1] * len(entries))
    rows = [size // 3 for size in entries]
    triples = Partition([3] * sum(rows))
    return Partition(entries), triples, triples, Partition(rows)
