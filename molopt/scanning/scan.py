"""What a scan gave."""

import os
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, SupportsIndex, overload

import numpy as np
from ase import units

from molopt.errors import MissingExtra
from molopt.molecules import Molecule
from molopt.rules.partition import Array
from molopt.scanning import writing
from molopt.scanning.grid import Axis, Grid, Place
from molopt.scanning.point import Point

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure

    from molopt.drawing.viewing import Viewer

KCAL_PER_MOL = units.kcal / units.mol  # eV


class Scan(Sequence[Point]):
    """The points of a scan, in the order of its values; of two coordinates the second runs faster.

    Parameters
    ----------
    molecule : Molecule
        At the geometry that was given.
    grid : Grid
    points : iterable of Point
        What is known of each place; those that were not reached are missing.
    potential : str
    optimizer : str
    stopped : str
        Why the scan ended before all points were done; empty where they were.

    Examples
    --------
    >>> import molopt
    >>> found = molopt.scan(Molecule.from_smiles("CCCC"), (0, 1, 2, 3), [60, 120, 180])
    >>> found.relative.round(1), found[2].converged, found.shape
    (array([0.8, 4. , 0. ]), True, (3,))
    """

    def __init__(
        self, molecule: Molecule, grid: Grid, points: Iterable[Point], potential: str, optimizer: str, stopped: str = ""
    ) -> None:
        self.molecule: Molecule = molecule
        self.grid: Grid = grid
        self.potential: str = potential
        self.optimizer: str = optimizer
        self.stopped = stopped
        known = {point.place: point for point in points}
        self._points = [self.point(known, place) for place in grid.all_places]

    def point(self, known: dict[Place, Point], place: Place) -> Point:
        """What is known of a place; that of a full turn is the first again, and cost nothing."""
        values, same = self.grid.values(place), self.grid.same_as(place)
        found = known.get(same, Point(same, values, error=f"not reached: {self.stopped or 'nothing led there'}"))
        return found if same == place else found.again(place, values)

    def __len__(self) -> int:
        return len(self._points)

    @overload
    def __getitem__(self, place: SupportsIndex) -> Point: ...
    @overload
    def __getitem__(self, place: slice) -> list[Point]: ...
    def __getitem__(self, place: SupportsIndex | slice) -> Point | list[Point]:
        return self._points[place]

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The coordinates, with their values."""
        return self.grid.axes

    @property
    def shape(self) -> tuple[int, ...]:
        """(n,) of one coordinate, (n, m) of two."""
        return self.grid.shape

    def shaped(self, value: Callable[[Point], Any]) -> Array:
        """A value of each point, in the shape of the grid."""
        found = np.array([value(point) for point in self])
        return found.reshape(*self.shape, *found.shape[1:])

    @property
    def values(self) -> Array:
        """(n, 1) or (n, m, 2) of the coordinates at each point, Angstrom or degrees."""
        return self.shaped(lambda point: point.values)

    @cached_property
    def energies(self) -> Array:
        """(n,) or (n, m) eV; NaN where there is no geometry."""
        return self.shaped(lambda point: point.energy)

    @cached_property
    def relative(self) -> Array:
        """(n,) or (n, m) kcal/mol above the lowest point."""
        known = self.energies[np.isfinite(self.energies)]
        return (self.energies - known.min(initial=np.inf)) / KCAL_PER_MOL if len(known) else self.energies

    @property
    def positions(self) -> Array:
        """(n, N, 3) or (n, m, N, 3) Angstrom; NaN where there is no geometry."""
        nothing = np.full((len(self.molecule), 3), np.nan)
        return self.shaped(lambda point: nothing if point.positions is None else point.positions)

    @property
    def force_calls(self) -> int:
        """Of all runs."""
        return sum(point.force_calls for point in self)

    @property
    def converged(self) -> bool:
        """Whether all points are."""
        return all(point.converged for point in self)

    def molecule_at(self, point: Point) -> Molecule | None:
        """The molecule at the geometry of a point, with the bonds of the start; None where there is no geometry."""
        return None if point.positions is None else self.molecule.with_positions(point.positions)

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write one line a point; see `molopt.scanning.writing`."""
        writing.write_csv(self, path)

    def to_sdf(self, path: str | os.PathLike[str]) -> None:
        """Write one record a point that has a geometry, with what is known of it as data fields."""
        writing.write_sdf(self, path)

    def to_frame(self) -> "pandas.DataFrame":
        """The table of `to_csv` for pandas, which must be installed."""
        try:
            import pandas
        except ImportError:
            raise MissingExtra("frame", "a table for pandas") from None
        return pandas.DataFrame(writing.rows(self))

    def plot(self, path: str | os.PathLike[str] | None = None) -> "Figure":
        """The relative energies: a line for one coordinate, a map for two.

        With a path, the figure is written there, too: .png, .svg or .pdf.
        """
        from molopt.drawing.saving import saved
        from molopt.report.figures.scan import scan_figure

        return saved(scan_figure(self), path)

    def as_dict(self) -> dict[str, object]:
        """In plain values, fit for JSON; what is not known is None."""
        return writing.as_dict(self)

    def view(self) -> "Viewer":
        """The points in 3D beside a map of their energies, in a notebook; chemiscope must be installed."""
        from molopt.scanning.showing import view_of

        return view_of(self)

    def _repr_html_(self) -> str:
        from molopt.scanning.showing import html_of

        return html_of(self)

    def __repr__(self) -> str:
        axes = " x ".join(axis.coordinate.named() for axis in self.axes)
        done = f"{sum(point.converged for point in self)} of {len(self)} points converged"
        return f"<Scan {self.molecule.name}: {axes}, {done}, {self.potential}, {self.force_calls} force calls>"
