"""How runs from the same start in the same potential ended, one beside the other."""

import math
from collections.abc import Sequence

from molopt.result import Result


def best_energy(results: Sequence[Result]) -> float:
    """The lowest final energy, eV, of the runs that did not fail; NaN where all failed.

    A failing run may have fallen into a hole of its potential, and would make all others look bad.
    """
    return min((result.energy for result in results if result.error is None), default=math.nan)


def above_best(results: Sequence[Result]) -> list[float]:
    """Final energies above the lowest, eV; NaN for runs that failed."""
    best = best_energy(results)
    return [result.energy - best if result.error is None else math.nan for result in results]
