"""Minima told apart as they are found."""

from bisect import bisect_left, insort

import numpy as np

from molopt.ensembles.rows import Rows
from molopt.ensembles.shapes import Shapes
from molopt.rules.partition import Array


class Distinct:
    """Minima of one molecule, in the order of their arrival; of those that are one, the lowest.

    Two are one where their energies differ by at most `energy` and their shapes by less than `threshold`. Most pairs
    are told apart by energy and by lower bounds of the RMSD, which is computed for the few that are left.

    Parameters
    ----------
    shapes : Shapes
    threshold : float
        RMSD, A. A hydroxyl that is turned by 120 degrees moves its hydrogen by 1.6 A: 0.125 tells that apart among 100
        atoms that are compared.
    energy : float
        eV. Ends of two runs in one basin, converged to 0.05 eV/A, are closer than 0.01 eV (0.23 kcal/mol) nearly
        always.

    Attributes
    ----------
    energies : (S,) array
        eV; a view that cannot be written to, as are the positions.
    positions : (S, N, 3) array
        A.
    """

    def __init__(self, shapes: Shapes, threshold: float = 0.125, energy: float = 0.01) -> None:
        self.shapes = shapes
        self.threshold = threshold
        self.energy = energy
        self._energies = Rows(())
        self._positions = Rows((shapes.natoms, 3))
        self._outlines = Rows((len(shapes.kept), 3))
        self._descriptions = Rows((len(shapes.kept) + min(len(shapes.kept), 3),))
        self._sorted: list[tuple[float, int]] = []  # energies and numbers

    def __len__(self) -> int:
        return len(self._energies)

    @property
    def energies(self) -> Array:
        return read_only(self._energies)

    @property
    def positions(self) -> Array:
        return read_only(self._positions)

    def add(self, positions: Array, energy: float) -> tuple[int, bool]:
        """The number of the minimum at positions (N, 3) A, and whether it is new; the lower of two alike is kept."""
        outline = self.shapes.outline(positions)
        description = self.shapes.describe(outline)
        rows = energy, np.asarray(positions, dtype=float), outline, description
        columns = self._energies, self._positions, self._outlines, self._descriptions
        number = self.nearest(outline, description, energy)
        if number is None:
            for column, row in zip(columns, rows, strict=True):
                column.append(row)
            insort(self._sorted, (energy, len(self) - 1))
            return len(self) - 1, True
        known = float(self._energies.view[number])
        if energy < known:
            self._sorted.remove((known, number))
            insort(self._sorted, (energy, number))
            for column, row in zip(columns, rows, strict=True):
                column.replace(number, row)
        return number, False

    def find(self, positions: Array, energy: float) -> int | None:
        """The number of the minimum that positions (N, 3) at this energy belong to; None where it would be new."""
        outline = self.shapes.outline(positions)
        return self.nearest(outline, self.shapes.describe(outline), energy)

    def nearest(self, outline: Array, description: Array, energy: float) -> int | None:
        """The most similar of those that are the same; None where there is none."""
        first = bisect_left(self._sorted, (energy - self.energy, -1))
        last = bisect_left(self._sorted, (energy + self.energy, len(self)))
        numbers = np.array([number for _, number in self._sorted[first:last]], dtype=int)
        if numbers.size:
            numbers = numbers[self.shapes.bound(description, self._descriptions.view[numbers]) < self.threshold]
        if not numbers.size:
            return None
        apart = self.shapes.rmsd(outline, self._outlines.view[numbers])
        return int(numbers[apart.argmin()]) if apart.min() < self.threshold else None


def read_only(rows: Rows) -> Array:
    """A view that cannot be written to."""
    view = rows.view.view()
    view.flags.writeable = False
    return view
