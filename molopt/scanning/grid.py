"""The values of a scan, and which of its points are next to each other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import ArrayLike

from molopt.constraining.coordinate import Coordinate
from molopt.errors import InputError
from molopt.rules.partition import Array

Place = tuple[int, ...]  # of a point, a number for each axis

ROUND = 360.0  # degrees
SAME = 1e-9  # degrees between values of a dihedral that are one geometry
MOST = 100_000  # points
CLOSES = 1.5  # the gap from the last value of a dihedral round to the first, in steps, that joins these


@dataclass(frozen=True, eq=False)
class Axis:
    """A coordinate and its values, which rise or fall.

    Attributes
    ----------
    coordinate : Coordinate
    values : (n,) array
        Angstrom or degrees.

    Raises
    ------
    InputError
        There are no values, no geometry has one, or they turn back.

    Examples
    --------
    >>> Axis.of(Coordinate((0, 1, 2, 3)), [0, 120, 240, 360]).around
    True
    """

    coordinate: Coordinate
    values: Array

    @classmethod
    def of(cls, coordinate: Coordinate, values: ArrayLike, first: int = 0) -> "Axis":
        """With values from a user; `first` is the number of the first atom in messages."""
        said = f"the values of the {coordinate.named(first)}"
        try:
            found = np.array(values, dtype=float)
        except (TypeError, ValueError):
            raise InputError(f"{said} must be numbers, got {values!r}") from None
        if found.ndim != 1 or not len(found):
            raise InputError(f"{said} must be a list of numbers, got {found.size} of shape {found.shape}")
        for value in found:
            coordinate.require(value, first)
        steps = np.diff(found)
        if not ((steps > 0).all() or (steps < 0).all()):
            raise InputError(f"{said} must rise or fall from each to the next")
        if coordinate.turns and abs(found[-1] - found[0]) > ROUND + SAME:
            raise InputError(f"{said} must be within one turn, 360 degrees, got {found[0]:g} to {found[-1]:g}")
        return cls(coordinate, found)

    def __len__(self) -> int:
        return len(self.values)

    @property
    def closed(self) -> bool:
        """Whether the last value is the geometry of the first."""
        return self.coordinate.turns and abs(abs(self.values[-1] - self.values[0]) - ROUND) <= SAME

    @property
    def around(self) -> bool:
        """Whether the first and the last value are next to each other, or the same."""
        if not self.coordinate.turns or len(self) < 3:
            return False
        gap = ROUND - abs(self.values[-1] - self.values[0])
        return bool(gap <= CLOSES * np.abs(np.diff(self.values)).max())


@dataclass(frozen=True, eq=False)
class Grid:
    """All values of one axis, or of two with each other.

    >>> turn = Axis.of(Coordinate((0, 1, 2, 3)), [0, 120, 240, 360])
    >>> grid = Grid((turn,))
    >>> list(grid.places), list(grid.next_to((0,))), grid.same_as((3,))
    ([(0,), (1,), (2,)], [(1,), (2,)], (0,))
    """

    axes: tuple[Axis, ...]

    @classmethod
    def of(cls, axes: Sequence[Axis]) -> "Grid":
        """InputError where a coordinate is there twice, or points are too many."""
        atoms = [axis.coordinate for axis in axes]
        if len(axes) not in (1, 2):
            raise InputError(f"a scan has one or two coordinates, got {len(axes)}")
        if len(axes) == 2 and atoms[0] in (atoms[1], atoms[1].backwards()):
            raise InputError("the two coordinates of the scan are the same: give another")
        count = int(np.prod([len(axis) for axis in axes]))
        if count > MOST:
            raise InputError(f"a scan has at most {MOST} points, got {count}: take fewer --points")
        return cls(tuple(axes))

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(len(axis) for axis in self.axes)

    @cached_property
    def places(self) -> list[Place]:
        """Of all geometries, each once."""
        return list(product(*(range(len(axis) - axis.closed) for axis in self.axes)))

    @property
    def all_places(self) -> Iterator[Place]:
        """Of all points, the last of a full turn too."""
        return product(*(range(len(axis)) for axis in self.axes))

    def same_as(self, place: Place) -> Place:
        """The place whose geometry this is."""
        pairs = zip(place, self.axes, strict=True)
        return tuple(0 if axis.closed and at == len(axis) - 1 else at for at, axis in pairs)

    def values(self, place: Place) -> tuple[float, ...]:
        """Of a point, Angstrom or degrees."""
        return tuple(float(axis.values[at]) for at, axis in zip(place, self.axes, strict=True))

    def next_to(self, place: Place) -> Iterator[Place]:
        """The neighbours of a point, each once."""
        found: dict[Place, None] = {}
        for which, axis in enumerate(self.axes):
            count = len(axis) - axis.closed
            for step in (1, -1):
                at = place[which] + step
                if axis.around:
                    at %= count
                if 0 <= at < count and at != place[which]:
                    found[(*place[:which], at, *place[which + 1 :])] = None
        yield from found

    def steps(self, one: Place, other: Place) -> int:
        """From one point to another, along the axes."""
        found = 0
        for at, to, axis in zip(one, other, self.axes, strict=True):
            apart = abs(at - to)
            found += min(apart, len(axis) - axis.closed - apart) if axis.around else apart
        return found

    def nearest(self, positions: Array) -> Place:
        """The point whose values are nearest to those of a geometry (N, 3), in steps of each axis."""
        found = []
        for axis in self.axes:
            here = axis.coordinate.at(positions)
            gaps = [abs(axis.coordinate.gap(here, value)) for value in axis.values[: len(axis) - axis.closed]]
            found.append(int(np.argmin(gaps)))
        return tuple(found)
