"""The problems of a study: what every optimizer was given alike, what solving it cost, and who solved it."""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from molopt.record import NEAR, Record


class Problem(NamedTuple):
    """A start of a molecule in a potential; `place` and not the name says which molecule, as two may share a name."""

    potential: str
    place: int
    seed: int


def problem(record: Record) -> Problem:
    return Problem(record.plan.potential, record.plan.place, record.plan.seed)


def by_problem(records: Iterable[Record]) -> dict[Problem, dict[str, Record]]:
    """The run of each optimizer, by its full name, on each problem."""
    found: dict[Problem, dict[str, Record]] = {}
    for record in records:
        found.setdefault(problem(record), {})[record.plan.optimizer] = record
    return found


def by_potential(records: Iterable[Record]) -> dict[str, list[Record]]:
    """The runs in each potential, in the order in which potentials first appear."""
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(record.plan.potential, []).append(record)
    return found


def by_optimizer(records: Iterable[Record]) -> dict[str, list[Record]]:
    """The runs of each optimizer, by its full name, in the order in which optimizers first appear."""
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(record.plan.optimizer, []).append(record)
    return found


def cost(record: Record) -> int:
    """Force calls of a run; one that did not converge counts the step limit, or its own calls if those are more."""
    made = record.outcome.force_calls
    return max(made, 1) if record.outcome.converged else max(made, record.plan.step_limit)


def went_through(record: Record) -> bool:
    """Whether its end is one of this molecule: it did not fail, and its bonds are not known to have changed.

    A run that fails may have fallen into a hole of its potential, and one that breaks bonds may end lower as another
    molecule: neither says how low this molecule goes.
    """
    return record.outcome.verdict.comparable


def lowest(runs: Iterable[Record]) -> float:
    """The lowest energy that any of the runs that went through found, at its end or relaxed on, eV; NaN for none.

    Where all changed their bonds, it is the lowest of those that did not fail.
    """
    ended = [run for run in runs if run.outcome.error is None]
    known = [(run.outcome.energy, run.outcome.floor_energy) for run in filter(went_through, ended)]
    known = known or [(run.outcome.energy, run.outcome.floor_energy) for run in ended]
    return min((energy for pair in known for energy in pair if math.isfinite(energy)), default=math.nan)


def converged(runs: Sequence[Record]) -> list[bool]:
    """Which runs of a problem solved it in the usual sense: their criteria were met."""
    return [run.outcome.converged for run in runs]


def converged_to_lowest(runs: Sequence[Record], within: float = NEAR) -> list[bool]:
    """Which runs converged with an end at most `within` eV above the lowest energy that any run of the problem found.

    This is the stricter sense: small forces on a plateau, or at the bottom of a higher basin, solve nothing.
    """
    bottom = lowest(runs)
    return [run.outcome.converged and went_through(run) and run.outcome.energy <= bottom + within for run in runs]
