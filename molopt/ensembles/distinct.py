"""Minima told apart as they are found."""

from bisect import bisect_left, insort
from typing import NamedTuple

import numpy as np

from molopt.ensembles.shapes import Shapes
from molopt.rules.partition import Array


class Minimum(NamedTuple):
    """One of them: eV, (N, 3) A, and what is compared (`Shapes.outline`, `Shapes.describe`)."""

    energy: float
    positions: Array
    outline: Array
    description: Array


class Distinct:
    """Minima of one molecule, in the order of their arrival; of those that are one, the lowest.

    Two are one where their energies differ by at most `energy` and their shapes by less than `threshold`. Most pairs
    are told apart by energy and by lower bounds of the RMSD, which is computed for the few that are left.

    Parameters
    ----------
    shapes : Shapes
    threshold : float
        RMSD, A. 0.125 tells rotamers of a hydroxyl in a molecule of 30 heavy atoms apart.
    energy : float
        eV. Ends of two runs in one basin, converged to 0.05 eV/A, are closer than 0.01 eV (0.23 kcal/mol) nearly
        always.

    Attributes
    ----------
    energies : (S,) array
        eV.
    positions : (S, N, 3) array
        A.
    """

    def __init__(self, shapes: Shapes, threshold: float = 0.125, energy: float = 0.01) -> None:
        self.shapes = shapes
        self.threshold = threshold
        self.energy = energy
        self._minima: dict[int, Minimum] = {}
        self._sorted: list[tuple[float, int]] = []  # energies and numbers

    def __len__(self) -> int:
        return len(self._minima)

    @property
    def energies(self) -> Array:
        return np.array([minimum.energy for minimum in self._minima.values()])

    @property
    def positions(self) -> Array:
        return np.array([minimum.positions for minimum in self._minima.values()])

    def add(self, positions: Array, energy: float) -> tuple[int, bool]:
        """The number of the minimum at positions (N, 3) A, and whether it is new; the lower of two alike is kept."""
        outline = self.shapes.outline(positions)
        description = self.shapes.describe(outline)
        number = self.nearest(outline, description, energy)
        new = number is None
        if number is None:
            number = len(self)
        elif energy >= self._minima[number].energy:
            return number, False
        else:
            self._sorted.remove((self._minima[number].energy, number))
        self._minima[number] = Minimum(energy, np.array(positions, dtype=float), outline, description)
        insort(self._sorted, (energy, number))
        return number, new

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
            bounds = self.shapes.bound(description, np.array([self._minima[k].description for k in numbers]))
            numbers = numbers[bounds < self.threshold]
        if not numbers.size:
            return None
        apart = self.shapes.rmsd(outline, np.array([self._minima[k].outline for k in numbers]))
        return int(numbers[apart.argmin()]) if apart.min() < self.threshold else None
