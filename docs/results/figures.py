"""How each figure that is claimed is computed from stored data.

A figure in claims.toml names the data and a function of this file, `what`, with its arguments. Functions of studies
take runs (`stored.runs`), the others rows of text (`stored.rows`).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache

import numpy as np
import stored
from stored import Row, Rows

from molopt.comparison.problems import by_optimizer, by_problem, converged, converged_to_lowest, lowest, went_through
from molopt.comparison.profiles import profiles
from molopt.comparison.ratios import Ratio
from molopt.comparison.ratios import ratio as ratio_of
from molopt.comparison.summaries import Summary, summaries
from molopt.optimizers.spec import abbreviated
from molopt.record import Record

Sizes = Sequence[int]  # the least and the most atoms
EVERY: Sizes = (1, 10**6)
BOTTOM = 1e-3  # eV between floors that are one level: as of molopt.comparison.basins, whose geometries are not stored


# Of studies


@cache
def runs(data: str, atoms: tuple[int, int] = tuple(EVERY)) -> dict[str, list[Record]]:
    """The runs of molecules of these sizes, by the short name of the optimizer."""
    low, high = atoms
    there = [record for record in stored.runs(data) if low <= len(record.plan.numbers) <= high]
    return {short(name): found for name, found in by_optimizer(there).items()}


def short(optimizer: str) -> str:
    """The name as it is typed: with the arguments that are not the defaults.

    >>> short("bfgs?maxstep=0.2&alpha=70.0"), short(str(OptimizerSpec.of("default?check=auto")))
    ('bfgs', 'default?check=auto')
    """
    return abbreviated(optimizer)


def all_runs(data: str, atoms: Sizes = EVERY) -> list[Record]:
    return [record for found in runs(data, tuple(atoms)).values() for record in found]


def common(data: str, atoms: Sizes = EVERY) -> list[Record]:
    """The runs of the starts that all optimizers have been run on."""
    there, every = all_runs(data, atoms), len(runs(data))
    return [record for problem in by_problem(there).values() if len(problem) == every for record in problem.values()]


def interval(data: str, of: str, to: str, atoms: Sizes = EVERY) -> Ratio:
    """Force calls relative to another optimizer's: the geometric mean over molecules with its 95 % interval."""
    there = runs(data, tuple(atoms))
    return ratio_of(there[of], there[to])


def ratio(data: str, of: str, to: str, atoms: Sizes = EVERY, in_common: bool = False) -> float:
    """That mean; `in_common` over the starts alone that all optimizers have been run on."""
    if not in_common:
        return interval(data, of, to, atoms).mean
    there = {short(name): found for name, found in by_optimizer(common(data, atoms)).items()}
    return ratio_of(there[of], there[to]).mean


def common_starts(data: str) -> float:
    return len(by_problem(common(data)))


def lowest_ratio(data: str, of: Sequence[str], to: str, atoms: Sizes = EVERY) -> float:
    return min(ratio(data, name, to, atoms) for name in of)


def highest_ratio(data: str, of: Sequence[str], to: str, atoms: Sizes = EVERY) -> float:
    return max(ratio(data, name, to, atoms) for name in of)


@cache
def summed(data: str, to: str) -> dict[str, Summary]:
    """The row of each optimizer in the table of the study, by its short name."""
    full = next(record.plan.optimizer for record in runs(data)[to])
    return {short(row.optimizer): row for row in summaries(all_runs(data), full)}


def lower(data: str, of: str, to: str) -> float:
    """Runs that converged more than 5 meV below where the other converged from the same start."""
    return summed(data, to)[of].lower


def higher(data: str, of: str, to: str) -> float:
    return summed(data, to)[of].higher


def failed(data: str, of: str) -> float:
    """Runs that did not converge."""
    return sum(not record.outcome.converged for record in runs(data)[of])


def left(data: str, of: str) -> float:
    """The median of the energy of the end above the floor of its basin, meV."""
    above = [record.outcome.energy - record.outcome.floor_energy for record in runs(data)[of]]
    return 1e3 * float(np.nanmedian(above))


def minima(data: str, of: str, atoms: Sizes = EVERY) -> float:
    """The share of the ends that are minima."""
    return ends(data, of, "minimum", atoms)


def ends(data: str, of: str, end: str, atoms: Sizes = EVERY) -> float:
    """The share of the ends that are what the word says, by a look that was not counted."""
    return float(np.mean([record.outcome.end_is == end for record in runs(data, tuple(atoms))[of]]))


def called_minimum(data: str, of: str, end: str | None = None) -> float:
    """Runs whose own check called their end a minimum; with `end`, of these the ones that the later look calls so."""
    called = [record.outcome for record in runs(data)[of] if record.outcome.stationary == "minimum"]
    return sum(end is None or outcome.end_stationary == end for outcome in called)


def lowest_basin(data: str, of: str) -> float:
    """The share of runs whose floor is within 1 meV of the lowest that any run found from the same start.

    A run whose bonds changed is not one, unless those of all runs of its start did: then the start is left out.
    """
    found = []
    for problem in by_problem(all_runs(data)).values():
        floors = [run.outcome.floor_energy for run in problem.values() if went_through(run)]
        bottom = min(filter(math.isfinite, floors), default=math.nan)
        run = next((run for name, run in problem.items() if short(name) == of), None)
        if run is not None and math.isfinite(bottom):
            found.append(went_through(run) and run.outcome.floor_energy <= bottom + BOTTOM)
    return float(np.mean(found))


def within(data: str, of: str, factor: float, to_lowest: bool = False) -> float:
    """The share of starts solved within so many times the fewest calls: the performance profile.

    It is among the optimizers that have been run on all starts; NaN for the others.
    """
    whole = {name for name, found in runs(data).items() if len(found) == starts(data)}
    if of not in whole:
        return math.nan
    there = [record for name in whole for record in runs(data)[name]]
    there = profiles(there, converged_to_lowest if to_lowest else converged)
    return next(profile.at(factor) for name, profile in there.items() if short(name) == of)


def above_lowest(data: str, of: str, meV: float) -> float:
    """The share of runs that end more than so much above the lowest energy that any run found from their start."""
    found = []
    for problem in by_problem(all_runs(data)).values():
        run = next((run for name, run in problem.items() if short(name) == of), None)
        if run is None:
            continue
        found.append(not run.outcome.energy - lowest(problem.values()) <= 1e-3 * meV)
    return float(np.mean(found))


def starts(data: str, atoms: Sizes = EVERY) -> float:
    return len(by_problem(all_runs(data, atoms)))


def molecules(data: str, atoms: Sizes = EVERY) -> float:
    return len({(record.plan.potential, record.plan.place) for record in all_runs(data, atoms)})


def largest(data: str) -> float:
    """Atoms of the largest molecule."""
    return max(len(record.plan.numbers) for record in all_runs(data))


# Of rows


def chosen(rows: Rows, where: Mapping[str, str | list[str]]) -> Rows:
    """Those with these values, or with one of several."""
    allowed = {name: [value] if isinstance(value, str) else value for name, value in where.items()}
    return [row for row in rows if all(row[name] in values for name, values in allowed.items())]


def number(row: Row, column: str, missing: str | None = None) -> float:
    """A cell; where it is empty, that of the column `missing`."""
    return float(row[column] or (row[missing] if missing else "nan"))


def values(
    data: str,
    column: str,
    over: str | None = None,
    where: Mapping[str, str | list[str]] | None = None,
    atoms: Sizes = EVERY,
) -> list[float]:
    """A column, or its ratios to another one, of the rows that have these values and sizes."""
    found = chosen(stored.rows(data), where or {})
    there = [row for row in found if atoms[0] <= float(row.get("atoms") or atoms[0]) <= atoms[1]]
    return [number(row, column) / (number(row, over) if over else 1.0) for row in there]


def column(data: str, reduce: str, **what: object) -> float:
    """`values` made into one figure by a word of REDUCE."""
    return REDUCE[reduce](values(data, **what))  # type: ignore[arg-type]  # the keys of claims.toml


def paired(
    data: str,
    reduce: str,
    column: str | Sequence[str],
    by: Sequence[str],
    of: Mapping[str, str | list[str]],
    to: Mapping[str, str | list[str]],
    missing: str | None = None,
) -> float:
    """The ratios of a column in the rows `of` to that in the rows `to` with the same `by`, made into one figure.

    Of several columns all ratios are taken; rows without a partner are left out.
    """
    rows, ratios = stored.rows(data), []
    for name in [column] if isinstance(column, str) else column:
        beside = {tuple(row[key] for key in by): number(row, name, missing) for row in chosen(rows, to)}
        for row in chosen(rows, of):
            if (place := tuple(row[key] for key in by)) in beside:
                ratios.append(number(row, name, missing) / beside[place])
    return REDUCE[reduce](ratios)


def counted(data: str, column: str, below: float, where: Mapping[str, str | list[str]] | None = None) -> float:
    """Rows whose value is below a limit."""
    return sum(value < below for value in values(data, column, where=where))


def geometric(numbers: Sequence[float]) -> float:
    return math.exp(math.fsum(map(math.log, numbers)) / len(numbers))


REDUCE: dict[str, Callable[[Sequence[float]], float]] = {
    "geometric mean": geometric,
    "mean": lambda numbers: math.fsum(numbers) / len(numbers),
    "sum": math.fsum,
    "least": min,
    "most": max,
    "count": len,
}
WHAT: dict[str, Callable[..., float]] = {
    function.__name__: function
    for function in (
        *(ratio, lowest_ratio, highest_ratio, lower, higher, failed, left, minima, ends, lowest_basin, within),
        *(above_lowest, starts, molecules, largest, common_starts, called_minimum, column, paired, counted),
    )
}
