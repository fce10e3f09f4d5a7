"""In which order the points of a scan are relaxed, and from where: outwards from the start, then back."""

from collections import deque
from collections.abc import Callable
from typing import Protocol

from molopt.rules.partition import Array
from molopt.scanning.grid import Grid, Place
from molopt.scanning.point import Point


class Relaxes(Protocol):
    """What relaxes the molecule at a point."""

    def led(self, start: Array, place: Place) -> Array:
        """The start (N, 3) with its coordinates led to the values of a place, without a force call.

        Raises
        ------
        InputError
            There is no way there.
        """

    def run(self, start: Array, place: Place, origin: Place | None, known: Point | None = None) -> Point:
        """The molecule relaxed at a place from a start (N, 3), the geometry at `origin`.

        The run may end where it has come to what is `known` at the place.
        """

    def alike(self, one: Array, other: Array) -> bool:
        """Whether two geometries (N, 3) at the same values are one conformation."""

    def over(self) -> str:
        """Why the scan is to end before its time; empty as long as it is not."""


class Spreading:
    """Relaxes all points of a grid, each from its neighbours that are done.

    The first point is the nearest to the given geometry, and starts there. Those next to it start from it, and so on
    outwards. Then each point is started again from each of its other neighbours, unless the neighbour, led to the
    values of the point, is the conformation that is known there already: the run would end where the kept one did. The
    lower end is kept; where that is a new geometry, its neighbours are asked again. So both directions of a scan are
    done, and a conformation that is found late goes back to wherever it is the lowest.

    Parameters
    ----------
    grid : Grid
    relaxes : Relaxes
    start : (N, 3) array
        The given geometry, Angstrom.
    on_point : callable
        Called with each point after each of its runs.

    References
    ----------
    Y. Qiu, D. G. A. Smith, C. D. Stern, M. Feng, H. Jang, L.-P. Wang, J. Chem. Phys. 152, 244116 (2020): wavefront
    propagation, which runs every start.
    """

    def __init__(self, grid: Grid, relaxes: Relaxes, start: Array, on_point: Callable[[Point], object]) -> None:
        self.grid, self.relaxes, self.start, self.on_point = grid, relaxes, start, on_point
        self.points: dict[Place, Point] = {}
        self.first = grid.nearest(start)

    def go(self, both: bool = True) -> str:
        """All points; `both` is whether they are also started from the other side.

        Returns why that ended before it was done; nothing where it was done.
        """
        stopped = self.outwards()
        return self.back() if both and not stopped else stopped

    def outwards(self) -> str:
        """Each point once, the nearest to the start first."""
        waiting = deque([self.first])
        seen = {self.first}
        while waiting:
            place = waiting.popleft()
            if stopped := self.relaxes.over():
                return stopped
            self.relax(place, self.neighbour(place))
            for other in self.grid.next_to(place):
                if other not in seen:
                    seen.add(other)
                    waiting.append(other)
        return ""

    def neighbour(self, place: Place) -> Place | None:
        """The neighbour to start from: the lowest of those done, where there is none the nearest point, or None."""
        done = [p for p in self.grid.next_to(place) if p in self.points and not self.points[p].failed]
        if done:
            return min(done, key=lambda p: self.points[p].energy)
        known = [p for p, point in self.points.items() if not point.failed]
        return min(known, key=lambda p: self.grid.steps(p, place), default=None)

    def relax(self, place: Place, origin: Place | None) -> bool:
        """Run a point from the geometry of another; whether that gave it a better one."""
        start = self.start if origin is None else self.points[origin].positions
        assert start is not None
        before = self.points.get(place)
        run = self.relaxes.run(start, place, origin, before)
        if before is None:
            self.points[place] = run
        else:
            self.points[place] = before.with_run(run)
        self.on_point(self.points[place])
        return self.points[place].positions is not (None if before is None else before.positions)

    def back(self) -> str:
        """Each point from its other neighbours, where these are of another conformation."""
        waiting = deque((place, other) for place in self.points for other in self.grid.next_to(place))
        while waiting:
            place, other = waiting.popleft()
            if not self.worth(place, other):
                continue
            if stopped := self.relaxes.over():
                return stopped
            if self.relax(place, other):
                waiting.extend((next_one, place) for next_one in self.grid.next_to(place))
        return ""

    def worth(self, place: Place, other: Place) -> bool:
        """Whether a run at a place from another may end elsewhere than the one that was kept there."""
        here, there = self.points[place], self.points.get(other)
        if there is None or there.positions is None or here.origin == other:
            return False
        if here.positions is None:
            return True
        try:
            led = self.relaxes.led(there.positions, place)
        except ValueError:  # InputError: there is no way
            return False
        return not self.relaxes.alike(led, here.positions)
