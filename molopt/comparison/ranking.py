"""How runs from the same start in the same potential ended, one beside the other."""

import math
from collections.abc import Sequence

from molopt.comparison.problems import went_through
from molopt.record import Record


def counted(records: Sequence[Record]) -> list[Record]:
    """The runs whose ends are compared: those that went through, or where none did, those that did not fail.

    A failing run may have fallen into a hole of its potential, and one that broke bonds may be lower as another
    molecule: both would make all others look bad.
    """
    through = [record for record in records if went_through(record)]
    return through or [record for record in records if record.outcome.error is None]


def best_energy(records: Sequence[Record]) -> float:
    """The lowest final energy, eV, of the runs that are compared; NaN for none."""
    return min((record.outcome.energy for record in counted(records)), default=math.nan)


def above_best(records: Sequence[Record]) -> list[float]:
    """Final energies above the lowest, eV; NaN for runs that are not compared."""
    best, there = best_energy(records), {id(record) for record in counted(records)}
    return [record.outcome.energy - best if id(record) in there else math.nan for record in records]
