"""By which routes a search on an expensive potential gets its starts, and what has been learned of each."""

from collections.abc import Sequence
from math import erf, sqrt

import numpy as np

from molopt.ensembles.effort import KCAL

ROUTES = {
    "survey": "a minimum of the cheap potential",
    "child": "a child of a minimum of the ranking potential, relaxed on the cheap one",
    "freed": "such a child, only freed of clashes: for basins that the cheap potential does not have",
    "neighbour": "one change of a low minimum of the ranking potential, each once, freed of clashes",
}
TOUCHED = ("freed", "neighbour")  # whose starts are not at rest on the cheap potential


class Spread:
    """Mean and standard deviation of what was seen, beside a few values that are taken for seen before.

    Parameters
    ----------
    mean, sd : float
        eV; of those that stand for what is not known yet.
    weight : float
        How many they are.
    """

    def __init__(self, mean: float, sd: float, weight: float = 3.0) -> None:
        self.prior = weight, mean, sd
        self.number, self.sum, self.squares = weight, weight * mean, weight * (mean**2 + sd**2)

    def see(self, value: float) -> None:
        self.number, self.sum, self.squares = self.number + 1, self.sum + value, self.squares + value**2

    @property
    def mean(self) -> float:
        return self.sum / self.number

    @property
    def variance(self) -> float:
        return max(self.squares / self.number - self.mean**2, 0.0)


class Belief:
    """What starts of one route have come to.

    Attributes
    ----------
    missed : Spread
        eV; the point on the ranking potential, less what is left below it, less what was expected of the start.
    gained : Spread
        eV; the point, less what was known to be left below it, less where the relaxation ended.
    calls, new : int
        Force calls, and the new minima in the window that they led to.
    arrived : int
        Relaxations that ended in the window.
    """

    def __init__(self, touched: bool) -> None:
        self.missed = Spread(5.0 * KCAL, 4.0 * KCAL)
        self.gained = Spread((2.0 if touched else 8.0) * KCAL, 3.0 * KCAL)
        self.calls = self.new = self.arrived = 0

    @property
    def fresh(self) -> float:
        """The share of those arriving in the window that is new there."""
        return (self.new + 1.0) / (self.arrived + 2.0)

    def before(self, expected: float, levels: Sequence[float]) -> float:
        """The chance that a start leads to a new minimum below a level (eV), on average over levels."""
        mean = expected + self.missed.mean - self.gained.mean
        return self.fresh * below(mean, sqrt(self.missed.variance + self.gained.variance), levels)

    def after(self, point: float, levels: Sequence[float]) -> float:
        """The same, once its point is known."""
        return self.fresh * below(point - self.gained.mean, sqrt(self.gained.variance), levels)


def below(mean: float, sd: float, levels: Sequence[float]) -> float:
    """The chance that a normal variable is below a level, on average over levels; an infinite one is above all.

    >>> below(1.0, 0.5, [1.0, np.inf])
    0.75
    """
    scale = max(sd, 1e-6) * sqrt(2)
    return sum(0.5 * (1 + erf((level - mean) / scale)) if np.isfinite(level) else 1.0 for level in levels) / len(levels)
