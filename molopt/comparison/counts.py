"""What runs that got there, and runs that did not, count in force calls until something was reached."""

import math
from typing import NamedTuple

from molopt.record import FLOOR, STOP, Record


class Count(NamedTuple):
    """Force calls of a run until it reached something.

    Attributes
    ----------
    calls : float
        Of a run that did not get there the step limit, or its own calls if those are more; NaN where it was not to go
        that far, or was not given the time.
    missed : bool
        Whether it was to get there, and did not.
    """

    calls: float
    missed: bool


def to_stop(record: Record) -> Count:
    """(a) until fmax was first at most 0.01 eV/A."""
    return count(record, record.stop_calls, STOP)


def to_floor(record: Record) -> Count:
    """(b) until the energy was first within 1 meV of the lowest of the run, which converged at 0.001 eV/A."""
    return count(record, record.floor_calls, FLOOR)


def count(record: Record, calls: int | None, needed: float) -> Count:
    if calls is not None:
        return Count(float(calls), False)
    if record.plan.fmax_limit > needed or record.outcome.ended == "timed out":
        return Count(math.nan, False)
    return Count(float(max(record.outcome.force_calls, record.plan.step_limit)), True)


def energy_at_stop(record: Record) -> float:
    """The energy of the force call that ends count (a), eV; NaN where there is none."""
    at = record.stop_calls
    return math.nan if at is None else float(record.outcome.energies[at - 1])
