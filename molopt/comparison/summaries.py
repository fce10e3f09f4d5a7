"""What the runs of one optimizer in one potential amount to."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from molopt.comparison.basins import Basin, basins
from molopt.comparison.counts import Count, energy_at_stop, to_floor, to_stop
from molopt.comparison.problems import by_optimizer, by_potential, by_problem, problem, went_through
from molopt.comparison.ratios import Ratio, by_molecule, geometric_mean, geometric_mean_cost, log_ratios, ratio
from molopt.record import Record
from molopt.specification import parse
from molopt.stationary.verdict import ENDED, LOOKED_AT, MOLECULE

DIFFERENT = 0.005  # eV between two ends that count as lower and higher


class Reaching(NamedTuple):
    """What the runs of an optimizer needed to reach something, beside the reference's.

    Attributes
    ----------
    ratio : float
        Geometric mean over molecules of the ratio of force calls, seeds averaged first; NaN where it is not known.
    worst : float
        The largest ratio of a start.
    same : float
        The ratio, of starts alone from which both came to rest in the same basin.
    missed : int
        Runs that did not get there: they count as the step limit.
    """

    ratio: float
    worst: float
    same: float
    missed: int


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
    to_stop, to_floor : Reaching
        Counts (a) and (b): until fmax was first at most 0.01 eV/A, and until the energy was first within 1 meV of the
        lowest of the run, as `molopt.comparison.counts` has them.
    lower_at_stop, higher_at_stop : int
        Runs whose energy at the end of (a) is more than 5 meV below and above the reference's there.
    above_at_stop : float
        The median of these differences, eV.
    same_basin : int
        Starts from which this optimizer and the reference came to rest in the same basin.
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
    to_stop: Reaching
    to_floor: Reaching
    lower_at_stop: int
    higher_at_stop: int
    above_at_stop: float
    same_basin: int

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
        optimizers, there_basins = by_optimizer(there), basins_of(there)
        for optimizer, runs in optimizers.items():
            others = optimizers.get(reference, [])
            lower, higher = lower_and_higher(runs, others)
            at_stop = above_at_stop(runs, others)
            same = in_same_basin(runs, others, there_basins)
            known = [in_lowest(there_basins[run.key]) for run in runs if run.key in there_basins]
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
                    to_stop=reaching(runs, others, same, to_stop),
                    to_floor=reaching(runs, others, same, to_floor),
                    lower_at_stop=sum(energy < -DIFFERENT for energy in at_stop),
                    higher_at_stop=sum(energy > DIFFERENT for energy in at_stop),
                    above_at_stop=median(at_stop),
                    same_basin=len(same),
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


def above_at_stop(runs: Iterable[Record], others: Iterable[Record]) -> list[float]:
    """Energies where count (a) ends above the other optimizer's there, eV, of the starts from which both got there."""
    ends = {problem(other): energy_at_stop(other) for other in others}
    above = [energy_at_stop(run) - ends[problem(run)] for run in runs if problem(run) in ends]
    return [energy for energy in above if math.isfinite(energy)]


def reaching(
    runs: Sequence[Record], others: Sequence[Record], same: Sequence[Record], count: Callable[[Record], Count]
) -> Reaching:
    """What a count of these runs amounts to; `same` are those that ended in the other optimizer's basin."""

    def calls(record: Record) -> float:
        return count(record).calls

    logs, keys = log_ratios(runs, others, calls), {run.key for run in same}
    return Reaching(
        ratio=geometric_mean(by_molecule(logs)),
        worst=math.exp(max((log for _, log in logs), default=math.nan)),
        same=geometric_mean(by_molecule((run, log) for run, log in logs if run.key in keys)),
        missed=sum(count(run).missed for run in runs),
    )


def basins_of(records: Iterable[Record]) -> dict[str, Basin | None]:
    """The basin of each run, by its key; runs of problems of which no basin is known are left out."""
    found: dict[str, Basin | None] = {}
    for by_name in by_problem(records).values():
        runs = list(by_name.values())
        there = basins(runs)
        if any(there):
            found |= {run.key: basin for run, basin in zip(runs, there, strict=True)}
    return found


def in_lowest(basin: Basin | None) -> bool:
    return basin is not None and basin.lowest


def in_same_basin(runs: Iterable[Record], others: Iterable[Record], found: Mapping[str, Basin | None]) -> list[Record]:
    """The runs that came to rest in the basin where the other optimizer did from the same start."""
    beside = {problem(other): found.get(other.key) for other in others}
    return [run for run in runs if (basin := found.get(run.key)) is not None and beside.get(problem(run)) == basin]
