"""Performance profiles: which share of the problems is solved within which factor of the best."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from molopt.comparison.problems import by_optimizer, by_problem, converged
from molopt.record import Record
from molopt.rules.partition import Array

Solved = Callable[[Sequence[Record]], list[bool]]  # of the runs of one problem


@dataclass(frozen=True)
class Profile:
    """How one solver stands beside the best of all.

    Attributes
    ----------
    ratios : (nproblems,) array
        Force calls over those of the best solver of the problem, ascending; infinite where it was not solved.
    """

    ratios: Array

    def at(self, tau: float) -> float:
        """The fraction of problems solved within `tau` times the force calls of the best.

        >>> Profile(np.array([1.0, 3.0, math.inf])).at(3)
        0.6666666666666666
        """
        solved = (self.ratios <= tau) & np.isfinite(self.ratios)  # what is not solved is not, within any factor
        return float(np.mean(solved)) if len(self.ratios) else math.nan

    def curve(self) -> tuple[Array, Array]:
        """The factors at which the fraction rises, from 1, and the fraction from each of them on.

        >>> Profile(np.array([1.0, 3.0, 3.0, math.inf])).curve()
        (array([1., 3.]), array([0.25, 0.75]))
        """
        rises = np.unique(np.append(1.0, self.ratios[np.isfinite(self.ratios)]))
        return rises, np.searchsorted(self.ratios, rises, side="right") / max(len(self.ratios), 1)


def profiles(records: Iterable[Record], solved: Solved = converged) -> dict[str, Profile]:
    """The performance profile of each optimizer, on force calls.

    Parameters
    ----------
    records : iterable of Record
        A problem that one of their optimizers has not been run on, as in a study that is not finished, is left out for
        all: the others would be compared on other problems.
    solved : callable
        `converged` or `converged_to_lowest`: says of the runs of a problem which solved it.

    Returns
    -------
    dict of Profile
        By the full name of the optimizer, in the order in which they appear.

    References
    ----------
    E. D. Dolan, J. J. More, Math. Program. 91, 201 (2002), section 2.
    """
    records = list(records)
    solvers = list(by_optimizer(records))
    ratios: dict[str, list[float]] = {solver: [] for solver in solvers}
    for runs in by_problem(records).values():
        if len(runs) < len(solvers):
            continue
        done = dict(zip(runs, solved(list(runs.values())), strict=True))
        best = min((runs[solver].outcome.force_calls for solver in solvers if done[solver]), default=1)
        for solver in solvers:
            ratios[solver].append(runs[solver].outcome.force_calls / best if done[solver] else math.inf)
    return {solver: Profile(np.sort(np.array(found))) for solver, found in ratios.items()}
