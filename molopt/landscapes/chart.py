"""What an experiment draws: curves with what theory predicts, and paths on a surface. Data alone; reports draw it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from molopt.landscapes.surface import Surface
from molopt.landscapes.track import Track
from molopt.rules.partition import Array

FINE = 161  # values of each coordinate in a map
Kind = Literal["line", "points", "theory", "band"]


@dataclass(frozen=True)
class Series:
    """A curve.

    Attributes
    ----------
    label : str
    x, y : sequence of float
    kind : str
        "line"; "points"; "theory", drawn dashed in the colour of the text; "band", the area between `low` and `high`.
    optimizer : str
        The name in the registry whose colour it has; others get colours in turn.
    low, high : sequence of float, optional
        Of error bars or of a band.
    """

    label: str
    x: Sequence[float] | Array
    y: Sequence[float] | Array
    kind: Kind = "line"
    optimizer: str = ""
    low: Sequence[float] | Array | None = None
    high: Sequence[float] | Array | None = None


class Line(NamedTuple):
    """A line of the table of what is drawn."""

    series: str
    x: float
    y: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Chart:
    """Curves over one axis.

    Attributes
    ----------
    title, x, y : str
        Of the figure and its axes, with units.
    series : sequence of Series
    log : str
        The logarithmic axes: "", "x", "y" or "xy".
    caption : str
        What is to be seen.
    ticks : sequence of str
        Names of 0, 1, 2 ... on the x axis, where they are not numbers.
    """

    title: str
    x: str
    y: str
    series: Sequence[Series]
    log: str = ""
    caption: str = ""
    ticks: Sequence[str] = ()

    @property
    def headings(self) -> tuple[str, ...]:
        return ("series", self.x, self.y, "low", "high")

    def lines(self) -> Iterator[Line]:
        for one in self.series:
            ends = [(None,) * len(one.x) if end is None else end for end in (one.low, one.high)]
            for x, y, low, high in zip(one.x, one.y, *ends, strict=True):
                yield Line(one.label, x, y, low, high)


@dataclass(frozen=True)
class SurfaceMap:
    """Paths on a surface of two coordinates; on a page they can be played.

    Attributes
    ----------
    surface : Surface
        With a window.
    tracks : sequence of Track
    x, y : str
        Names of the axes, with units.
    """

    title: str
    surface: Surface
    tracks: Sequence[Track]
    x: str = "x (Å)"
    y: str = "y (Å)"
    caption: str = ""

    @property
    def headings(self) -> tuple[str, ...]:
        return ("series", self.x, self.y, "energy (eV)", "")

    def lines(self) -> Iterator[Line]:
        for track in self.tracks:
            for place, energy in zip(track.x, track.energies, strict=True):
                yield Line(track.label, place[0], place[1], energy)

    def grid(self) -> tuple[Array, Array, Array]:
        """x (FINE,), y (FINE,) and energies (FINE, FINE), those of a row have one y."""
        if self.surface.window is None:
            raise ValueError(f"the surface {self.surface.name} has no window to draw")
        across, up = (np.linspace(*ends, FINE) for ends in self.surface.window)
        return across, up, np.array([[self.surface.energy(np.array([x, y])) for x in across] for y in up])


Drawing = Chart | SurfaceMap
