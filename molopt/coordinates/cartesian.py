"""Cartesian coordinates: a rule sees the entries of x as they are."""

from dataclasses import dataclass

import numpy as np

from molopt.rules.base import Observation
from molopt.rules.partition import Array, Partition


@dataclass(frozen=True, eq=False)
class CartesianFrame:
    """Cartesian coordinates at one geometry: the model Hessian is a number.

    Attributes
    ----------
    x, gradient : (N,) arrays
        Angstrom and eV/A where they are positions.
    coordinates : Cartesian
    """

    x: Array
    gradient: Array
    coordinates: "Cartesian"

    @property
    def natural(self) -> Array:
        """(N,) the negative of the model's Newton step."""
        return self.gradient / self.coordinates.stiffness

    @property
    def energy_left(self) -> float:
        """Not known: a number says nothing of torsions."""
        return np.nan

    def apply(self, displacement: Array) -> Array:
        """The model Hessian times displacements (N,) or (N, k)."""
        return self.coordinates.stiffness * displacement

    def solve(self, covector: Array) -> Array:
        """The inverse of the model Hessian times gradients (N,) or (N, k)."""
        return covector / self.coordinates.stiffness

    def longest(self, displacement: Array) -> float:
        """Length of the longest move of an atom in any system, Angstrom."""
        return float(self.coordinates.longest(self, displacement).max())

    def change(self, displacement: Array) -> float:
        """There are no internal coordinates to change too much."""
        return 0.0


@dataclass(frozen=True)
class Cartesian:
    """The entries of a flat x, in Angstrom where they are positions.

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
    stiffness : float
        The model Hessian, eV/A^2: 1 for rules, which have their own rates.

    Examples
    --------
    >>> Cartesian.of(6).groups.count, Cartesian.of(2).movers.count
    (2, 1)
    """

    systems: Partition
    groups: Partition
    movers: Partition
    fleets: Partition
    stiffness: float = 1.0

    @classmethod
    def of(cls, entries: int, stiffness: float = 1.0) -> "Cartesian":
        """The coordinates of one system with so many entries."""
        whole = Partition([entries])
        if entries % 3:
            return cls(whole, Partition([1] * entries), whole, Partition([1]), stiffness)
        rows = Partition([3] * (entries // 3))
        return cls(whole, rows, rows, Partition([rows.count]), stiffness)

    def frame(self, x: Array, gradient: Array) -> CartesianFrame:
        """What a direction sees at x (N,)."""
        return CartesianFrame(x, gradient, self)

    def observe(self, frame: CartesianFrame, taken: Array) -> Observation:
        """What a rule sees in this frame, reached by the displacement `taken` (N,)."""
        return Observation(frame.natural, taken, self.systems, self.groups, np)

    def between(self, old: CartesianFrame, new: CartesianFrame) -> Array:
        """(N,) the displacement from one frame to another."""
        return new.x - old.x

    def move(self, frame: CartesianFrame, displacement: Array) -> Array:
        """(N,) the point that lies a displacement (N,) from the frame."""
        return frame.x + displacement

    def longest(self, frame: CartesianFrame, displacement: Array) -> Array:
        """(S,) length of the longest move of an atom in each system, Angstrom."""
        return np.sqrt(self.fleets.max(self.movers.sum(displacement * displacement)))

    def change(self, frame: CartesianFrame, displacement: Array) -> Array:
        """(S,) zero: there are no internal coordinates to change too much."""
        return np.zeros(self.systems.count)
