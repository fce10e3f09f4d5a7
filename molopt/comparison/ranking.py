"""How runs from the same start in the same potential ended, one beside the other."""

import math
from collections.abc import Sequence

from molopt.record import Record


def best_energy(records: Sequence[Record]) -> float:
    """The lowest final energy, eV, of the runs that did not fail; NaN where all failed.

    A failing run may have fallen into a hole of its potential, and would make all others look bad.
    """
    ends = (record.outcome for record in records)
    return min((end.energy for end in ends if end.error is None), default=math.nan)


def above_best(records: Sequence[Record]) -> list[float]:
    """Final energies above the lowest, eV; NaN for runs that failed."""
    best = best_energy(records)
    return [record.outcome.energy - best if record.outcome.error is None else math.nan for record in records]
