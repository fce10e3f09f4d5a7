"""The kinds of internal coordinates: all that is to be said of each, in one table that everything else goes through.

A new kind is one more entry here, a `Found`, with its formula and the function that finds its atoms; nothing else knows
of it. docs/extending/coordinate.md adds one.
"""

from typing import TYPE_CHECKING

import numpy as np
from ase.units import Bohr, Hartree

from molopt.coordinates import formulas
from molopt.coordinates.kind import Found, Key, Kind, Local, OfAtoms, entries_of
from molopt.rules.partition import Array

if TYPE_CHECKING:
    from molopt.coordinates.primitives import Primitives

PER_AREA = Hartree / Bohr**2  # eV/A^2


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
FOUND: tuple[Found, ...] = tuple(kind for kind in KINDS if isinstance(kind, Found))
NAMED: dict[str, Kind] = {kind.name: kind for kind in KINDS}
