"""What the runs of one optimizer in one potential amount to."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from molopt.comparison.basins import basins
from molopt.comparison.problems import by_optimizer, by_potential, problem, went_through
from molopt.comparison.ratios import Ratio, geometric_mean_cost, ratio
from molopt.record import Record
from molopt.specification import parse
from molopt.stationary.verdict import ENDED, LOOKED_AT, MOLECULE

DIFFERENT = 0.005  # eV between two ends that count as lower and higher


@dataclass(frozen=True)
class Summary:
    """A row of the table of a study.

    Attributes
    ----------
    potential, optimizer : str
        The optimizer with every hyper-parameter.
    tuned : bool
        Whether an argument was given in its name: other than its defaults.
    maxstep : float or None
        The cap of a step, A; None where the name says none.
    runs : int
    ended : Counter
        Of the words in `molopt.stationary.verdict.ENDED`.
    calls, ratio : Ratio
        Geometric means of force calls, alone and relative to the reference; NaN where the reference was not run.
    own_time : float
        Median over runs of the seconds a step that are neither the potential's nor the surrogate's.
    energy_left, above_floor : float
        Median over runs of the energy left at the end, eV: as the run estimated it, and as relaxing on showed it.
    lower, higher : int
        Runs that converged more than 5 meV below and above where the reference converged on the same problem.
    lowest_basin : float
        The share of all runs that ended in a lowest basin (`Basin.lowest`) of their problem, whether they converged or
        not; NaN where no basins are known.
    rearranged : int
        Runs whose bonds at the end are not those of the start.
    checked : int
        Runs that looked at the curvature of their end themselves.
    ends : Counter
        Of the words in `molopt.stationary.verdict.STATIONARY`: what the ends of the runs are, by their own checks or by
        a look that was not counted.
    """

    potential: str
    optimizer: str
    tuned: bool
    maxstep: float | None
    runs: int
    ended: Counter[str]
    calls: Ratio
    ratio: Ratio
    own_time: float
    energy_left: float
    above_floor: float
    lower: int
    higher: int
    lowest_basin: float
    rearranged: int
    checked: int
    ends: Counter[str]

    @property
    def failures(self) -> int:
        """Runs that did not converge, whatever the way."""
        return sum(times for word, times in self.ended.items() if not ENDED[word].converged)


def summaries(records: Iterable[Record], reference: str) -> list[Summary]:
    """One summary for each potential and optimizer, in the order in which they appear.

    Parameters
    ----------
    records : iterable of Record
    reference : str
        Full name of the optimizer that the others are compared with.
    """
    found = []
    for potential, there in by_potential(records).items():
        optimizers, lowest = by_optimizer(there), in_lowest_basin(there)
        for optimizer, runs in optimizers.items():
            others = optimizers.get(reference, [])
            lower, higher = lower_and_higher(runs, others)
            known = [lowest[run.key] for run in runs if run.key in lowest]
            found.append(
                Summary(
                    potential=potential,
                    optimizer=optimizer,
                    tuned=runs[0].plan.tuned,
                    maxstep=maxstep(optimizer),
                    runs=len(runs),
                    ended=Counter(run.outcome.ended for run in runs),
                    calls=geometric_mean_cost(runs),
                    ratio=ratio(runs, others),
                    own_time=median(run.outcome.step_seconds for run in runs),
                    energy_left=median(run.outcome.energy_left for run in runs),
                    above_floor=median(map(above_floor, runs)),
                    lower=lower,
                    higher=higher,
                    lowest_basin=float(np.mean(known)) if known else math.nan,
                    rearranged=sum(not MOLECULE[run.outcome.identity].comparable for run in runs),
                    checked=sum(run.outcome.stationary in LOOKED_AT for run in runs),
                    ends=Counter(run.outcome.end_is for run in runs),
                )
            )
    return found


def maxstep(optimizer: str) -> float | None:
    """The cap of a step that a full name says, A.

    >>> maxstep("bfgs?maxstep=0.2&alpha=70.0"), maxstep("pyberny")
    (0.2, None)
    """
    said = parse(optimizer)[1].get("maxstep")
    return None if said is None else float(said)


def above_floor(record: Record) -> float:
    """The energy of the end above where relaxing on came to rest, eV; NaN where it is not known."""
    return record.outcome.energy - record.outcome.floor_energy


def median(values: Iterable[float]) -> float:
    """Of those that are known."""
    known = [value for value in values if math.isfinite(value)]
    return float(np.median(known)) if known else math.nan


def lower_and_higher(runs: Iterable[Record], others: Iterable[Record]) -> tuple[int, int]:
    """How many runs converged to a lower, and to a higher, end of this molecule than the other optimizer did."""
    ends = {problem(other): other.outcome.energy for other in others if arrived(other)}
    above = [run.outcome.energy - ends[problem(run)] for run in runs if arrived(run) and problem(run) in ends]
    return sum(energy < -DIFFERENT for energy in above), sum(energy > DIFFERENT for energy in above)


def arrived(record: Record) -> bool:
    return record.outcome.converged and went_through(record)


def in_lowest_basin(records: Iterable[Record]) -> dict[str, bool]:
    """Whether each run, by its key, ended in a lowest basin of its problem; problems without basins are left out."""
    problems: dict[object, list[Record]] = defaultdict(list)
    for record in records:
        problems[problem(record)].append(record)
    return {key: there for runs in problems.values() for key, there in lowest_of(runs).items()}


def lowest_of(runs: Sequence[Record]) -> dict[str, bool]:
    found = basins(runs)
    if not any(found):
        return {}
    return {run.key: basin is not None and basin.lowest for run, basin in zip(runs, found, strict=True)}
