"""Minima of one potential as a search knows them, and how each was found."""

from typing import NamedTuple

import numpy as np

from molopt.ensembles.distinct import Distinct
from molopt.ensembles.effort import KCAL
from molopt.ensembles.shapes import Shapes
from molopt.rules.partition import Array


class Origin(NamedTuple):
    """Where a geometry comes from.

    Attributes
    ----------
    source : str
        "etkdg", "conforge", "given", or the move: "turn", "crankshaft", "flip", "cross", ...
    seed : int or None
        Of the embedding.
    """

    source: str
    seed: int | None = None


class Minima:
    """Distinct minima in the order in which they were found, and how often each was a parent.

    Attributes
    ----------
    found : Distinct
    origins : list of Origin
    calls : list of int
        Force calls that led there, from the start that found it first.
    seen : list of int
        How many relaxations ended there.
    used : list of int
        How often it was drawn as a parent.
    """

    def __init__(self, shapes: Shapes, shape: float, energy: float) -> None:
        self.found = Distinct(shapes, threshold=shape, energy=energy * KCAL)
        self.origins: list[Origin] = []
        self.calls: list[int] = []
        self.seen: list[int] = []
        self.used: list[int] = []

    def __len__(self) -> int:
        return len(self.origins)

    @property
    def energies(self) -> Array:
        """(S,) eV."""
        return np.asarray(self.found.energies)

    @property
    def lowest(self) -> float:
        """eV; infinite where there is none."""
        return float(self.energies.min(initial=np.inf))

    def add(self, positions: Array, energy: float, origin: Origin, calls: int) -> tuple[int, bool]:
        """Its number, and whether it is new."""
        number, new = self.found.add(positions, energy)
        if new:
            self.origins.append(origin)
            self.calls.append(calls)
            self.seen.append(0)
            self.used.append(0)
        self.seen[number] += 1
        return number, new

    def position(self, number: int) -> Array:
        return np.asarray(self.found.positions[number])

    def drawn(self, rng: np.random.Generator, width: float) -> int:
        """A parent: with Boltzmann weights of this width (kcal/mol), less often the more often it was one."""
        above = (self.energies - self.lowest) / (width * KCAL)
        weights = np.exp(-above) / (1.0 + np.array(self.used))
        number = int(rng.choice(len(weights), p=weights / weights.sum()))
        self.used[number] += 1
        return number

    def within(self, window: float) -> Array:
        """Numbers of those up to so many kcal/mol above the lowest, by energy."""
        energies = self.energies
        order = np.argsort(energies, kind="stable")
        return order[energies[order] <= self.lowest + window * KCAL]
