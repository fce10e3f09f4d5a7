"""By which routes a search on an expensive potential gets its starts, and what has been learned of each."""

from bisect import bisect
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

SPREAD = 3.0 * KCAL  # of gains about their line, as if three had shown it
ASSUMED_OF_GAIN = 3.0


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


class Gain:
    """How far a relaxation comes down from its first point, by what the model says is left there: a straight line.

    Of starts that are at rest on the cheap potential the model knows no better than their mean what they will gain; of
    others it foretells up to nine tenths of the variance.

    Parameters
    ----------
    touched : bool
        Whether they are not at rest there.
    """

    ASSUMED = ((0.0, 0.1), (0.4, 0.4), (0.8, 0.7))  # eV left and gained, each as if seen twice

    def __init__(self, touched: bool) -> None:
        self.touched = touched
        self.seen: list[tuple[float, float]] = list(self.ASSUMED) * 2 if touched else [(0.0, 0.35)] * 3
        self.learn()

    def see(self, left: float, gained: float) -> None:
        self.seen.append((left, gained))
        self.learn()

    def learn(self) -> None:
        left, gained = np.array(self.seen).T
        lines = np.stack([np.ones_like(left), left if self.touched else np.zeros_like(left)], axis=1)
        self.line = np.linalg.lstsq(lines, gained, rcond=None)[0]
        apart = gained - lines @ self.line
        self.variance = (float(apart @ apart) + ASSUMED_OF_GAIN * SPREAD**2) / (len(self.seen) + ASSUMED_OF_GAIN)

    def of(self, left: float) -> float:
        """eV."""
        return float(self.line[0] + self.line[1] * left)


class Belief:
    """What starts of one route have come to.

    Attributes
    ----------
    missed : Spread
        eV; where a start would end by its point, less what was expected of it.
    gained : Gain
    calls, new : int
        Force calls, and the new minima in the window that they led to.
    fresh : Fresh
        How many of those that arrive are new.
    """

    def __init__(self, touched: bool) -> None:
        self.missed = Spread(0.0, 4.0 * KCAL)
        self.gained = Gain(touched)
        self.fresh = Fresh(touched)
        self.calls = self.new = 0

    def end(self, energy: float, left: float) -> float:
        """Where a start will end (eV), by its point and what is left below it."""
        return energy - self.gained.of(left)

    def before(self, expected: float, apart: float, levels: Sequence[float]) -> float:
        """The chance that a start leads to a new minimum below a level (eV), on average over levels.

        `apart` (radians) is by how much its torsions differ from the nearest that is known.
        """
        sd = sqrt(self.missed.variance + self.gained.variance)
        return self.fresh.share(apart) * below(expected + self.missed.mean, sd, levels)

    def after(self, end: float, apart: float, levels: Sequence[float]) -> float:
        """The same, once its point says where it will `end`."""
        return self.fresh.share(apart) * below(end, sqrt(self.gained.variance), levels)


class Fresh:
    """How many of the relaxations that end are new, by how far their start was from what was known.

    It begins with what molecules showed: of starts that are not at rest with all torsions within 15 degrees of a known
    one a tenth leads to a new minimum, of those with one that differs by more than 90 nearly all. Minima of the cheap
    potential are distinct there, however near.
    """

    EDGES = tuple(np.radians((15.0, 25.0, 40.0, 60.0, 90.0)))
    TOUCHED = (0.1, 0.2, 0.4, 0.5, 0.7, 0.9)
    AT_REST = (0.3, 0.4, 0.5, 0.6, 0.8, 0.95)
    WEIGHT = 4.0

    def __init__(self, touched: bool) -> None:
        self.before = self.TOUCHED if touched else self.AT_REST
        self.ended = [0] * len(self.before)
        self.new = [0] * len(self.before)

    def see(self, apart: float, new: bool) -> None:
        place = bisect(self.EDGES, apart)
        self.ended[place] += 1
        self.new[place] += new

    def share(self, apart: float) -> float:
        place = bisect(self.EDGES, apart)
        return (self.new[place] + self.WEIGHT * self.before[place]) / (self.ended[place] + self.WEIGHT)


def below(mean: float, sd: float, levels: Sequence[float]) -> float:
    """The chance that a normal variable is below a level, on average over levels; an infinite one is above all.

    >>> below(1.0, 0.5, [1.0, np.inf])
    0.75
    """
    scale = max(sd, 1e-6) * sqrt(2)
    return sum(0.5 * (1 + erf((level - mean) / scale)) if np.isfinite(level) else 1.0 for level in levels) / len(levels)
