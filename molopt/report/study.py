"""The report of a study: its records as tables, figures and molecules."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from molopt.comparison.basins import basins
from molopt.comparison.problems import by_problem, converged, converged_to_lowest, lowest
from molopt.comparison.study import Study
from molopt.comparison.summaries import Summary, summaries
from molopt.errors import InputError
from molopt.optimizers.spec import OptimizerSpec, abbreviated
from molopt.record import Record
from molopt.report.contents import End
from molopt.report.elements import Figure
from molopt.report.figures import (
    descent_figure,
    ending_figure,
    forest_figure,
    legend_figure,
    own_time_figure,
    profile_figure,
    sweep_figure,
)
from molopt.report.labels import VARIANTS, Look, label, looks, plain
from molopt.report.notes import notes, was_run
from molopt.report.page import write_page
from molopt.report.summary import tables
from molopt.specification import parse

REFERENCES = ("sella", "bfgs", "lbfgs", "fire")  # what others are compared with, the first that was run
DESCENTS = 60  # molecules times potentials that are drawn one by one; the page draws all of them on a click
FAMILY = 3  # values of one argument that make a sweep


def write_report(study: Study, path: Path, against: str | None = None) -> list[str]:
    """Write the page of a study, finished or not; remarks on what it lacks, one line each.

    Parameters
    ----------
    study : Study
    path : Path
    against : str, optional
        The optimizer that ratios are relative to: by default Sella, BFGS, LBFGS or FIRE, the first that was run.

    Raises
    ------
    InputError
        The study has no runs yet, or `against` was not run.
    """
    records = [light(record) for record in study.records()]
    run, reference = judged(study, records, against)
    return write_page(
        path,
        f"{study.folder.resolve().name}: force calls of {len(looks_of(run))} optimizers",
        Stored(study, {record.key for record in records}),
        figures(run, reference),
        tables(summaries(run, reference), reference),
        notes(records, study),
        study.settings.command,
        ends_of(run),
    )


def write_tables(study: Study, path: Path, against: str | None = None) -> None:
    """Write the tables of a study as Markdown; parameters and errors as of `write_report`."""
    found = [table.markdown() for table in tables(*summed_up(study, against))]
    path.write_text("\n\n".join(found) + "\n", encoding="utf-8", errors="backslashreplace")


def summed_up(study: Study, against: str | None = None) -> tuple[list[Summary], str]:
    """The summaries of a study, and the optimizer that they are relative to."""
    run, reference = judged(study, [light(record) for record in study.records()], against)
    return summaries(run, reference), reference


def judged(study: Study, records: Sequence[Record], against: str | None) -> tuple[list[Record], str]:
    """The records that tables and figures are of, potential by potential, and the optimizer that ratios are to."""
    if not records:
        raise InputError(f"the study {study.folder} has no runs yet: molopt compare --resume {study.folder}")
    ranks = {name: rank for rank, name in enumerate(study.settings.potentials)}
    run = sorted(covered(records) or records, key=lambda record: ranks[record.plan.potential])
    return run, reference_of(run, against)


class Stored:
    """Some records of a study, by their keys, read again each time: runs that end meanwhile are not among them."""

    def __init__(self, study: Study, keys: set[str]) -> None:
        self.study = study
        self.keys = keys

    def __iter__(self) -> Iterator[Record]:
        return (record for record in self.study.records() if record.key in self.keys)


def covered(records: Sequence[Record]) -> list[Record]:
    """Those of problems that any optimizer could be run on; there, one that could not be run is a failure."""
    return [
        record for runs in by_problem(records).values() if any(map(was_run, runs.values())) for record in runs.values()
    ]


def light(record: Record) -> Record:
    """The record without the geometries on the way, which no statistic needs, so that large studies fit into memory."""
    return replace(record, outcome=replace(record.outcome, frames=np.zeros((0, 0, 3)), frame_calls=np.zeros(0, int)))


def ends_of(records: Sequence[Record]) -> dict[str, End]:
    """In which basin each run ended, and how low its problem goes, by its key."""
    found: dict[str, End] = {}
    for runs in by_problem(records).values():
        there = list(runs.values())
        bottom = lowest(there)
        if math.isnan(bottom):  # all failed: heights are above the lowest that any of them came through
            seen = np.concatenate([record.outcome.energies for record in there])
            bottom = float(np.nanmin(seen, initial=math.inf)) if np.isfinite(seen).any() else math.nan
        found |= {record.key: End(basin, bottom) for record, basin in zip(there, basins(there), strict=True)}
    return found


def looks_of(records: Iterable[Record]) -> dict[str, Look]:
    return looks(record.plan.optimizer for record in records)


def reference_of(records: Sequence[Record], against: str | None) -> str:
    """The full name of the optimizer that ratios are relative to."""
    there = list(dict.fromkeys(record.plan.optimizer for record in records))
    if against is not None:
        name = str(OptimizerSpec.of(against))
        if name not in there:
            raise InputError(f"{against!r} was not run: give one of {', '.join(map(label, there))}")
        return name
    return next((name for known in REFERENCES for name in there if plain(name) == known), there[0])


def figures(records: Sequence[Record], reference: str) -> list[Figure]:
    """The figures of a study, in the order in which a reader asks."""
    drawn = looks_of(records)
    away = swept_away(drawn)
    few = [record for record in records if record.plan.optimizer not in away] or list(records)
    swept = f" The {len(away)} swept variants are in the figure of their sweep alone." if away else ""
    found = [
        Figure(
            "Performance profile",
            "The share of problems (molecule and start) that an optimizer solved within so many times the force calls "
            "of the best. Solved: the run converged. E. D. Dolan, J. J. Moré, Math. Program. 91, 201 (2002)." + swept,
            profile_figure(few, drawn, converged, "converged"),
        ),
        Figure(
            "Performance profile, to the lowest end",
            "The same, where solved means: converged, and ended within 1 meV of the lowest end that any optimizer "
            "found from this start. A run that stops on a plateau, or in a higher minimum, is not solved.",
            profile_figure(few, drawn, converged_to_lowest, "lowest"),
        ),
        Figure(
            f"Force calls relative to {label(reference)}",
            "Geometric means over molecules with their 95 % interval by bootstrap; a run that did not converge counts "
            "as the step limit.",
            forest_figure(summaries(records, reference), drawn, reference, "forest"),
        ),
    ]
    found += [
        Figure(
            f"Sensitivity to {key}",
            f"Geometric mean of force calls for each value of {key}; hollow markers have runs that did not converge.",
            sweep_figure(records, drawn, key, f"sweep-{number}"),
        )
        for number, key in enumerate(swept_keys(drawn))
    ]
    found += [
        Figure(
            "Energy left where a run ended",
            "Full markers: the end's height above where it came to rest when it was relaxed on, uncounted, to fmax "
            "0.001 eV/Å. Hollow: what the run estimated of that from its forces.",
            ending_figure(few, drawn, "ending"),
        ),
        Figure(
            "Own time",
            "Wall time of a step outside the potential and the surrogate, on the machine that ran the study, with "
            "whatever else it had to do; the median of each run, converged or not.",
            own_time_figure(few, drawn, "own"),
        ),
        descents(few, drawn),
    ]
    return found


def descents(records: Sequence[Record], drawn: dict[str, Look]) -> Figure:
    """Small drawings of the first starts, with one legend."""
    starts = [list(runs.values()) for runs in by_problem(records).values()]
    shown = [runs for runs in starts if runs[0].plan.seed == 0][:DESCENTS]
    svgs = [legend_figure(looks_of(records), "legend")]
    for number, runs in enumerate(shown):
        plan = runs[0].plan
        svgs.append(descent_figure(runs, drawn, f"{plan.molecule}, {plan.potential}", f"descent-{number}"))
    more = "" if len(shown) == len(starts) else f" {len(shown)} of {len(starts)} starts are here; below is every one."
    return Figure(
        "Energy above the lowest that any run of a start found",
        f"meV against force calls, both logarithmic. A dot ends a run that converged, a cross one that failed.{more}",
        "".join(svgs),
    )


def values(optimizers: Iterable[str]) -> dict[tuple[str, str], set[str]]:
    """The values that each argument of each optimizer takes."""
    found: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for optimizer in optimizers:
        name, arguments = parse(optimizer)
        for key, value in arguments.items():
            found[name, key].add(repr(value))
    return found


def swept_keys(optimizers: Iterable[str]) -> list[str]:
    """The arguments that were swept."""
    return list(dict.fromkeys(key for (_, key), said in values(optimizers).items() if len(said) >= FAMILY))


def swept_away(optimizers: Iterable[str]) -> set[str]:
    """Swept members of families that are too large to tell apart in a figure: their sweep is drawn by itself."""
    members = Counter(map(plain, optimizers))
    return {name for name in optimizers if members[plain(name)] > len(VARIANTS) and abbreviated(name) != plain(name)}
