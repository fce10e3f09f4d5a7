"""How much a relaxation may still gain: what is learned from those that ended."""

import numpy as np

from molopt.ensembles.effort import KCAL
from molopt.rules.partition import Array

FIRST, LAST = 2, 12  # force calls after which a margin is asked for; later calls have the last one
PRIOR = 8.0  # kcal/mol; that much lost nothing on any molecule tried
FEW = 12  # relaxations before their own gains are believed
SLACK = 1.5  # times the largest gain that was seen


class Margins:
    """Of each relaxation that ended: how far its lowest energy after k force calls still was above its end.

    >>> margins = Margins()
    >>> (margins.now() / KCAL).tolist()[:2]
    [8.0, 8.0]
    """

    def __init__(self) -> None:
        self.gains: list[Array] = []  # each (LAST - FIRST + 1,) eV

    def learn(self, energies: Array) -> None:
        """From the energies (calls,) of a relaxation, in eV."""
        lowest = np.minimum.accumulate(energies)
        at = np.minimum(np.arange(FIRST, LAST + 1), len(lowest)) - 1
        self.gains.append(lowest[at] - lowest[-1])

    def now(self) -> Array:
        """(LAST - FIRST + 1,) eV."""
        prior = np.full(LAST - FIRST + 1, PRIOR * KCAL)
        if len(self.gains) < FEW:
            return prior
        return np.minimum(prior, np.maximum(SLACK * np.max(self.gains, axis=0), 0.5 * KCAL))
