"""Force calls of one optimizer relative to another's, with the confidence that the molecules give."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from molopt.comparison.problems import cost, problem
from molopt.record import Record
from molopt.rules.partition import Array

CONFIDENCE = 0.95
RESAMPLES = 9999
SEED = 7  # one study, one interval
DRAWN = 1_000_000  # values that are in memory at a time


class Ratio(NamedTuple):
    """A geometric mean with its confidence interval; NaN where there are too few molecules for one."""

    mean: float
    low: float
    high: float
    molecules: int


def ratio(runs: Iterable[Record], others: Iterable[Record]) -> Ratio:
    """The geometric mean of the ratios of force calls, with a 95 % confidence interval.

    Runs are paired by problem (potential, molecule, seed). Logarithms are averaged over the seeds of a molecule, then
    over molecules, so that no molecule counts more for its starts. The interval is the percentile bootstrap's with
    molecules resampled 9,999 times: it says how far the mean would move with other molecules of this kind. A run that
    did not converge counts as in `cost`.

    Parameters
    ----------
    runs, others : iterable of Record
        Of one optimizer each; problems that only one of them was run on are left out.
    """
    return mean_of(by_molecule(log_ratios(runs, others)))


def log_ratios(
    runs: Iterable[Record], others: Iterable[Record], count: Callable[[Record], float] = cost
) -> list[tuple[Record, float]]:
    """Each run with ln(count / count of the other), where both are known."""
    beside = {problem(other): count(other) for other in others}
    pairs = [(run, math.log(count(run) / beside[problem(run)])) for run in runs if problem(run) in beside]
    return [(run, log) for run, log in pairs if math.isfinite(log)]


def by_molecule(values: Iterable[tuple[Record, float]]) -> Array:
    """(nmolecules,) the mean of the values of each molecule's runs."""
    seeds: dict[int, list[float]] = defaultdict(list)
    for record, value in values:
        seeds[record.plan.place].append(value)
    return np.array([np.mean(seeds[place]) for place in sorted(seeds)])


def geometric_mean_cost(runs: Iterable[Record]) -> Ratio:
    """Force calls of one optimizer in one potential, averaged as in `ratio`: against one force call, so to speak."""
    return mean_of(by_molecule((run, math.log(cost(run))) for run in runs))


def geometric_mean(logs: Array) -> float:
    """Of the values with these logarithms, (nmolecules,); NaN for none."""
    return math.exp(np.mean(logs)) if len(logs) else math.nan


def mean_of(logs: Array) -> Ratio:
    """The geometric mean of the values with these logarithms, (nmolecules,).

    >>> mean_of(np.log([2.0, 8.0])).mean
    4.0
    """
    if not len(logs):
        return Ratio(math.nan, math.nan, math.nan, 0)
    mean = geometric_mean(logs)
    if len(logs) < 2:
        return Ratio(mean, math.nan, math.nan, len(logs))
    from scipy.stats import bootstrap  # takes a second to load

    batch = max(1, DRAWN // len(logs))  # the same draws in any batches
    drawn = bootstrap(
        (logs,), np.mean, n_resamples=RESAMPLES, batch=batch, confidence_level=CONFIDENCE, method="percentile", rng=SEED
    )
    low, high = np.exp(drawn.confidence_interval)
    return Ratio(mean, float(low), float(high), len(logs))
