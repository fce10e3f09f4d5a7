"""Cartesian coordinates: a rule sees the entries of x as they are."""

from dataclasses import dataclass

import numpy as np

from molopt.rules.base import Observation
from molopt.rules.partition import Array, Partition


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

    Examples
    --------
    >>> Cartesian.of(6).groups.count, Cartesian.of(2).movers.count
    (2, 1)
    """

    systems: Partition
    groups: Partition
    movers: Partition
    fleets: Partition

    @classmethod
    def of(cls, entries: int) -> "Cartesian":
        """The coordinates of one system with so many entries."""
        whole = Partition([entries])
        if entries % 3:
            return cls(whole, Partition([1] * entries), whole, Partition([1]))
        rows = Partition([3] * (entries // 3))
        return cls(whole, rows, rows, Partition([rows.count]))

    def observe(self, gradient: Array, taken: Array) -> Observation:
        """What a rule sees at a point with this gradient (N,), reached by the displacement `taken` (N,)."""
        return Observation(gradient, taken, self.systems, self.groups, np)

    def move(self, x: Array, displacement: Array) -> Array:
        """The point (N,) that lies a displacement (N,) from x."""
        return x + displacement

    def longest(self, displacement: Array) -> Array:
        """(S,) length of the longest move of an atom in each system, Angstrom."""
        return np.sqrt(self.fleets.max(self.movers.sum(displacement * displacement)))
