"""Which kind of change is made next: more often those that have led to something."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np


@dataclass
class Chances:
    """How often each kind of change is drawn.

    A kind is drawn in proportion to its share at the start times the part of its tries that were worth it. What is new
    counts more than what is old, since a kind that has found all it can find no longer pays.

    Attributes
    ----------
    shares : mapping of str to float
        At the start, of any sum; 0 is a kind that the molecule does not have.
    doubt : float
        So many tries at the mean yield are added to those of each kind: a few do not decide.
    memory : float
        What earlier tries count when new ones are told, for each telling.
    least : float
        Of all draws, so many go to each kind at least.

    Examples
    --------
    >>> chances = Chances({"turn": 5, "flip": 5, "crankshaft": 0})
    >>> chances.tell({"turn": (40, 20), "flip": (40, 2)})
    >>> {kind: round(weight, 2) for kind, weight in chances.weights.items()}
    {'turn': 0.77, 'flip': 0.23, 'crankshaft': 0.0}
    """

    shares: Mapping[str, float]
    doubt: float = 20.0
    memory: float = 0.9
    least: float = 0.05
    told: dict[str, tuple[float, float]] = field(default_factory=dict)

    def tell(self, gains: Mapping[str, tuple[int, int]]) -> None:
        """How many starts of each kind were tried since the last telling, and how many of these were worth it."""
        for kind in self.shares:
            tried, worth = self.told.get(kind, (0.0, 0.0))
            more, good = gains.get(kind, (0, 0))
            self.told[kind] = self.memory * tried + more, self.memory * worth + good

    @property
    def weights(self) -> dict[str, float]:
        """The part of all draws that each kind has."""
        tried, worth = (sum(counts[k] for counts in self.told.values()) for k in (0, 1))
        mean = (worth + 1) / (tried + 2)
        counts = {kind: self.told.get(kind, (0.0, 0.0)) for kind in self.shares}
        yields = {
            kind: (good + self.doubt * mean) / (more + self.doubt) * self.shares[kind]
            for kind, (more, good) in counts.items()
        }
        total = sum(yields.values()) or 1.0
        floored = {kind: max(value / total, self.least) if value else 0.0 for kind, value in yields.items()}
        return {kind: value / (sum(floored.values()) or 1.0) for kind, value in floored.items()}

    def drawn(self, rng: np.random.Generator) -> str:
        """A kind at random."""
        weights = self.weights
        return list(weights)[int(rng.choice(len(weights), p=list(weights.values())))]
