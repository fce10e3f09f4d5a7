"""What a kind of internal coordinate is: its atoms, its values, their derivatives, and how stiff it is."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from molopt.coordinates import formulas
from molopt.rules.partition import Array

if TYPE_CHECKING:
    from molopt.coordinates.primitives import Primitives
    from molopt.coordinates.topology import Topology

XYZ = np.arange(3)

Key = tuple[Hashable, ...]


@dataclass(frozen=True, kw_only=True)
class Kind(ABC):
    """One kind of coordinate.

    Attributes
    ----------
    name : str
    listed : str
        The field of `Primitives` that lists its entries, each of `width` coordinates.
    group : str
        Where it counts in the energy left.
    stiffness : float
        Where nothing better is known, eV/A^2 or eV/rad^2; of torsions about one bond together.
    floor, looser : float
        The least constant that a class of the learned table has, and one that has an inorganic atom; the same units.
    width : int
    shared : bool
        Whether all about one central bond share one stiffness.
    periodic : bool
        Whether a change is not the difference of values: a torsion goes the shorter way round, fragments turn.
    stiff : bool
        Whether it is a length or an angle that settles before all else.
    """

    name: str
    listed: str
    group: str
    stiffness: float
    floor: float = 0.0
    looser: float = 0.0
    width: int = 1
    shared: bool = False
    periodic: bool = False
    stiff: bool = True

    @abstractmethod
    def values(self, table: "Primitives", xyz: Array) -> Array:
        """(..., count) at positions (..., N, 3)."""

    @abstractmethod
    def slopes(self, table: "Primitives", xyz: Array) -> Array:
        """(..., entries) derivatives, the non-zero entries of one row of B after the other."""

    def both(self, table: "Primitives", xyz: Array) -> tuple[Array, Array]:
        """Values and derivatives."""
        return self.values(table, xyz), self.slopes(table, xyz)

    @abstractmethod
    def columns(self, table: "Primitives") -> tuple[Array, Array]:
        """Columns of these entries, and how many each row has."""

    @abstractmethod
    def atoms_of(self, table: "Primitives", place: int) -> tuple[int, ...]:
        """The atoms of one coordinate."""

    @abstractmethod
    def keys(self, table: "Primitives") -> list[Key]:
        """What tells its coordinates from others, the same however the atoms are listed."""

    def entries(self, table: "Primitives") -> int:
        """How many a molecule has."""
        return len(getattr(table, self.listed))

    def count(self, table: "Primitives") -> int:
        """Number of coordinates."""
        return self.width * self.entries(table)

    def change(self, table: "Primitives", difference: Array, new: Array, old: Array) -> Array:
        """(..., count) from a difference of values and positions new and old (..., N, 3), where it is periodic."""
        return (difference + np.pi) % (2 * np.pi) - np.pi

    def together(self, table: "Primitives") -> Array:
        """(count,) which coordinates are one to a chemist, counted from 0."""
        return table.central if self.shared else np.repeat(np.arange(self.entries(table)), self.width)


class Local(Kind):
    """A function of the positions of a fixed number of atoms, of `width` components."""

    @abstractmethod
    def rows(self, table: "Primitives") -> Array:
        """(n, k) the atoms of each entry."""

    @abstractmethod
    def at(self, table: "Primitives", p: Array) -> Array:
        """(..., n, width) values at positions (..., n, k, 3)."""

    @abstractmethod
    def slopes_at(self, table: "Primitives", p: Array) -> Array:
        """(..., n, width, k, 3) derivatives at positions (..., n, k, 3)."""

    def values(self, table: "Primitives", xyz: Array) -> Array:
        return self.at(table, formulas.gathered(xyz, self.rows(table))).reshape(*xyz.shape[:-2], -1)

    def slopes(self, table: "Primitives", xyz: Array) -> Array:
        return self.slopes_at(table, formulas.gathered(xyz, self.rows(table))).reshape(*xyz.shape[:-2], -1)

    def columns(self, table: "Primitives") -> tuple[Array, Array]:
        return entries_of(np.repeat(self.rows(table), self.width, axis=0))


@dataclass(frozen=True, kw_only=True)
class OfAtoms(Local):
    """One number an entry, whose formula needs nothing but the atoms.

    Attributes
    ----------
    value : callable
        Positions (..., n, k, 3) -> values (..., n).
    derivative : callable
        The same positions -> values, and derivatives (..., n, k, 3).
    centred : bool
        Whether the first atom is a centre, so that the order of atoms means something.
    """

    value: Callable[[Array], Array]
    derivative: Callable[[Array], tuple[Array, Array]]
    centred: bool = False

    def rows(self, table: "Primitives") -> Array:
        rows: Array = getattr(table, self.listed)
        return rows

    def at(self, table: "Primitives", p: Array) -> Array:
        return self.value(p)[..., None]

    def slopes_at(self, table: "Primitives", p: Array) -> Array:
        return self.derivative(p)[1][..., None, :, :]

    def both(self, table: "Primitives", xyz: Array) -> tuple[Array, Array]:
        values, slopes = self.derivative(formulas.gathered(xyz, self.rows(table)))
        return values, slopes.reshape(*xyz.shape[:-2], -1)

    def atoms_of(self, table: "Primitives", place: int) -> tuple[int, ...]:
        return tuple(self.rows(table)[place].tolist())

    def keys(self, table: "Primitives") -> list[Key]:
        rows = self.rows(table).tolist()
        return [(self.name, *(row if self.centred else min(row, row[::-1]))) for row in rows]


@dataclass(frozen=True, kw_only=True)
class Found(OfAtoms):
    """A kind that says itself which atoms have it: what a new kind is.

    Its coordinates have the frozen `stiffness`, as no learned class knows them, and the reference algebra serves them,
    not the compiled kernels.

    Attributes
    ----------
    atoms : int
        How many one coordinate has.
    find : callable
        Topology, positions (N, 3) in Angstrom -> (n, atoms) the atoms of each, called where a list of coordinates is
        made: at the start of a run, and where the geometry has left its coordinates.
    """

    listed: str = "further"
    atoms: int
    find: Callable[["Topology", Array], Array]

    def rows(self, table: "Primitives") -> Array:
        rows: Array = table.further.get(self.name, np.zeros((0, self.atoms), dtype=int))
        return rows

    def entries(self, table: "Primitives") -> int:
        return len(self.rows(table))


def entries_of(rows: Array) -> tuple[Array, Array]:
    """Columns of the derivatives by the Cartesians of atoms (n, k), one row after the other, and how many each has."""
    return (3 * rows[:, :, None] + XYZ).ravel(), np.full(len(rows), 3 * rows.shape[1])
