"""The kinds of internal coordinates: all that is to be said of each, in one table that everything else goes through.

A new kind is one more entry here with its formula (`formulas`), a list of its atoms in `Primitives`, and what decides
where it is needed (`selection`).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from ase.units import Bohr, Hartree

from molopt.coordinates import formulas
from molopt.rules.partition import Array

if TYPE_CHECKING:
    from molopt.coordinates.primitives import Primitives

PER_AREA = Hartree / Bohr**2  # eV/A^2
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


class Bends(Local):
    """Two components of a bend, told apart by a fourth atom, or by an axis in space where there is none."""

    def rows(self, table: "Primitives") -> Array:
        return table.bend_atoms

    def at(self, table: "Primitives", p: Array) -> Array:
        return formulas.bend_value(p, table.sides)

    def slopes_at(self, table: "Primitives", p: Array) -> Array:
        return formulas.bend(p, table.sides)[1]

    def atoms_of(self, table: "Primitives", place: int) -> tuple[int, ...]:
        return tuple(table.bends[place // self.width, :3].tolist())

    def keys(self, table: "Primitives") -> list[Key]:
        return [(self.name, *row, component) for row in table.bends.tolist() for component in range(self.width)]


class OfFragments(Kind):
    """Positions and orientations of fragments; orientations are known as differences only, and have the value zero."""

    def values(self, table: "Primitives", xyz: Array) -> Array:
        return table.fragments.centres(xyz, table.axes)

    def slopes(self, table: "Primitives", xyz: Array) -> Array:
        return table.fragments.derivatives(xyz, table.axes)

    def columns(self, table: "Primitives") -> tuple[Array, Array]:
        rows = table.fragments.columns
        return np.concatenate([np.zeros(0, dtype=int), *rows]), np.array([len(row) for row in rows], dtype=int)

    def atoms_of(self, table: "Primitives", place: int) -> tuple[int, ...]:
        return tuple(table.fragments.anchors[int(table.fragments.owners[place // self.width])].tolist())

    def keys(self, table: "Primitives") -> list[Key]:
        return [(self.name, *key) for key in table.fragments.keys]

    def change(self, table: "Primitives", difference: Array, new: Array, old: Array) -> Array:
        return difference + table.fragments.turns(new, old, table.axes)

    def together(self, table: "Primitives") -> Array:
        return np.repeat(table.fragments.owners, self.width)


class OfPoints(Kind):
    """Three Cartesians of one atom, along the axes of the list."""

    def values(self, table: "Primitives", xyz: Array) -> Array:
        return (xyz.take(table.points, axis=-2) @ table.axes.T).reshape(*xyz.shape[:-2], -1)

    def slopes(self, table: "Primitives", xyz: Array) -> Array:
        axes = np.tile(table.axes.ravel(), len(table.points))
        return np.broadcast_to(axes, (*xyz.shape[:-2], len(axes)))

    def columns(self, table: "Primitives") -> tuple[Array, Array]:
        return entries_of(np.repeat(table.points[:, None], self.width, axis=0))

    def atoms_of(self, table: "Primitives", place: int) -> tuple[int, ...]:
        return (int(table.points[place // self.width]),)

    def keys(self, table: "Primitives") -> list[Key]:
        return [(self.name, atom, axis) for atom in table.points.tolist() for axis in range(self.width)]


def entries_of(rows: Array) -> tuple[Array, Array]:
    """Columns of the derivatives by the Cartesians of atoms (n, k), one row after the other, and how many each has."""
    return (3 * rows[:, :, None] + XYZ).ravel(), np.full(len(rows), 3 * rows.shape[1])


STRETCH = OfAtoms(
    name="stretch",
    listed="stretches",
    group="bonds",
    value=formulas.stretch_value,
    derivative=formulas.stretch,
    stiffness=0.45 * PER_AREA,
    floor=4.0,
    looser=0.5,
)
ANGLE = OfAtoms(
    name="angle",
    listed="angles",
    group="angles",
    value=formulas.angle_value,
    derivative=formulas.angle,
    stiffness=0.15 * Hartree,
    floor=0.6,
    looser=0.05,
)
BEND = Bends(name="bend", listed="bends", group="angles", width=2, stiffness=0.15 * Hartree, floor=0.1, looser=0.05)
TORSION = OfAtoms(
    name="torsion",
    listed="torsions",
    group="torsions",
    value=formulas.torsion_value,
    derivative=formulas.torsion,
    stiffness=0.02 * Hartree,
    floor=0.05,
    looser=0.02,
    shared=True,
    periodic=True,
    stiff=False,
)
PLANE = OfAtoms(
    name="plane",
    listed="planes",
    group="angles",
    value=formulas.plane_value,
    derivative=formulas.plane,
    centred=True,
    stiffness=0.045 * Hartree,
    floor=0.1,
    looser=0.02,
)
FRAGMENT = OfFragments(  # against the others: one hydrogen bond has about this
    name="fragment",
    listed="fragments",
    group="fragments",
    width=3,
    stiffness=0.3,
    periodic=True,
    stiff=False,
)
POINT = OfPoints(name="point", listed="points", group="fragments", width=3, stiffness=1.0, stiff=False)

KINDS: tuple[Kind, ...] = (STRETCH, ANGLE, BEND, TORSION, PLANE, FRAGMENT, POINT)  # in the order of coordinates
NAMED: dict[str, Kind] = {kind.name: kind for kind in KINDS}
