"""The tables of a study, a row for each potential and optimizer."""

import math
from collections.abc import Callable, Sequence

from molopt.columns import SCALES, UNKNOWN, Cell, Column, number
from molopt.comparison.summaries import Reaching, Summary
from molopt.record import FLOOR, STOP
from molopt.report.elements import Table
from molopt.report.labels import label
from molopt.stationary.verdict import ENDED, MEV, STATIONARY, meanings


def tables(summaries: Sequence[Summary], reference: str) -> list[Table]:
    """What each optimizer needed, how soon it would have met other criteria where runs went far enough, where it ended.

    Parameters
    ----------
    summaries : sequence of Summary
        Made with the same reference.
    reference : str
        Its full name.
    """
    other = label(reference)
    counts = [counts_table(summaries, other)] if any(math.isfinite(row.to_stop.ratio) for row in summaries) else []
    return [
        Table.of("Force calls and time", (*NAMES, *of_costs(other)), summaries, f"Ratios are to {other}."),
        *counts,
        Table.of("Ends", (*NAMES, *of_ends(other)), summaries, "What the runs came to, whether they converged or not."),
    ]


def brief_columns(other: str) -> tuple[Column[Summary], ...]:
    """What a terminal 80 characters wide has room for, the counts included."""
    known = {column.name: column for column in (*NAMES, *of_costs(other), *of_counts(other), *of_ends(other))}
    names = ("optimizer", "runs", "failed", "force calls", f"times {other}", "(a)", "(b)", "lowest basin", "left")
    return tuple(known[name] for name in names)


def counts_table(summaries: Sequence[Summary], other: str) -> Table:
    caption = (
        f"Force calls relative to {other}, geometric means over molecules, seeds averaged first: (a) until fmax was "
        f"first at most {STOP:g} eV/Å, (b) until the energy was first within 1 meV of the lowest of a run that "
        f"converged at {FLOOR:g} eV/Å. A run that did not get there counts as the step limit."
    )
    return Table.of("Force calls on the way", (*NAMES, *of_counts(other)), summaries, caption)


def text(name: str, meaning: str, said: Callable[[Summary], str]) -> Column[Summary]:
    return Column(name, name, lambda summary: Cell(said(summary)), meaning=meaning, numeric=False)


def count(name: str, meaning: str, counted: Callable[[Summary], int]) -> Column[Summary]:
    return Column(name, name, lambda summary: Cell(str(counted(summary)), counted(summary)), meaning=meaning)


def figure(name: str, meaning: str, value: Callable[[Summary], float], digits: int, unit: str = "") -> Column[Summary]:
    return Column(name, name, lambda summary: cell(value(summary) / SCALES.get(unit, 1.0), digits), unit, meaning)


NAMES = (
    text("potential", "what gave energies and forces", lambda summary: summary.potential),
    text("optimizer", "with the arguments that are not its defaults", lambda summary: label(summary.optimizer)),
)


def of_costs(other: str) -> tuple[Column[Summary], ...]:
    """What runs needed, beside an optimizer with this label."""
    return (
        text(
            "settings",
            "tuned: an argument was given; default: none was",
            lambda summary: "tuned" if summary.tuned else "default",
        ),
        Column("cap", "cap", cap, "A", "longest step of an atom"),
        count("runs", "molecules times starts", lambda summary: summary.runs),
        Column("failed", "failed", failures, meaning="runs that did not converge, whatever the way"),
        figure(
            "force calls",
            "geometric mean; a failed run counts as the step limit",
            lambda summary: summary.calls.mean,
            1,
        ),
        figure(
            f"times {other}",
            "geometric mean over molecules of the ratio of force calls, seeds averaged first",
            lambda summary: summary.ratio.mean,
            2,
        ),
        Column("interval", "95 % interval", interval, meaning="of that mean: bootstrap over molecules"),
        figure("own time", "median time of a step outside the potential", lambda summary: summary.own_time, 2, "ms"),
    )


def of_ends(other: str) -> tuple[Column[Summary], ...]:
    """Where runs ended, beside an optimizer with this label."""
    return (
        Column(
            "left, estimated",
            "left, estimated",
            estimated,
            "meV",
            "median of the energy left at the end, as the run estimated it; ? where not every run looked at the "
            "curvature of its end",
        ),
        figure(
            "left",
            "median of the energy of the end above where relaxing on came to rest",
            lambda summary: summary.above_floor,
            3,
            "meV",
        ),
        count("lower", f"runs that ended more than 5 meV below {other}", lambda summary: summary.lower),
        count("higher", f"runs that ended more than 5 meV above {other}", lambda summary: summary.higher),
        Column(
            "lowest basin",
            "lowest basin",
            share,
            meaning="share of runs that ended in a lowest basin (A, A-2, ...) found from the same start",
        ),
        Column(
            "ends",
            "ends",
            ends,
            meaning="what the ends are, by the runs' own checks or a check that was not counted. "
            + meanings(STATIONARY),
        ),
        count(
            "bonds changed",
            "runs whose end is another molecule: it counts for no lowest end, and is in no basin",
            lambda summary: summary.rearranged,
        ),
    )


def of_counts(other: str) -> tuple[Column[Summary], ...]:
    """When runs would have met other criteria, beside an optimizer with this label."""

    def ratio(name: str, meaning: str, value: Callable[[Summary], float]) -> Column[Summary]:
        return figure(name, meaning, value, 3)

    def reached(part: Callable[[Summary], Reaching], name: str) -> tuple[Column[Summary], ...]:
        return (
            ratio(name, "over all starts", lambda summary: part(summary).ratio),
            ratio(f"{name} worst", "the largest ratio of a start", lambda summary: part(summary).worst),
            count(f"{name} missed", "runs that did not get there", lambda summary: part(summary).missed),
        )

    return (
        count("runs", "molecules times starts", lambda summary: summary.runs),
        *reached(lambda summary: summary.to_stop, "(a)"),
        *reached(lambda summary: summary.to_floor, "(b)"),
        count("lower", f"runs more than 5 meV below {other} at the end of (a)", lambda summary: summary.lower_at_stop),
        count(
            "higher", f"runs more than 5 meV above {other} at the end of (a)", lambda summary: summary.higher_at_stop
        ),
        figure("median", "of these differences", lambda summary: summary.above_at_stop, 2, "meV"),
        count("same basin", f"runs that came to rest where {other} did", lambda summary: summary.same_basin),
        ratio("(a) there", "over these runs alone", lambda summary: summary.to_stop.same),
        ratio("(b) there", "over these runs alone", lambda summary: summary.to_floor.same),
    )


def cell(value: float, digits: int) -> Cell:
    return Cell(number(value, digits), value if math.isfinite(value) else None)


def cap(summary: Summary) -> Cell:
    known = summary.maxstep is not None and math.isfinite(summary.maxstep)
    return Cell(f"{summary.maxstep:g}", summary.maxstep) if known else Cell(UNKNOWN)


def failures(summary: Summary) -> Cell:
    """How many, and how where it was not the cap of steps alone: `3: 2 unconverged, 1 crashed`."""
    ways = {way: times for way, times in sorted(summary.ended.items()) if not ENDED[way].converged}
    if not set(ways) - {"unconverged"}:
        return Cell(str(summary.failures), summary.failures)
    listed = ", ".join(f"{times} {way}" for way, times in ways.items())
    return Cell(f"{summary.failures}: {listed}", summary.failures)


def interval(summary: Summary) -> Cell:
    low, high = summary.ratio.low, summary.ratio.high
    return Cell(f"{low:.2f} to {high:.2f}", low) if math.isfinite(low) else Cell(UNKNOWN)


def estimated(summary: Summary) -> Cell:
    """The energy left as runs estimated it."""
    found = cell(summary.energy_left / MEV, 3)
    return found if found.value is None or summary.checked == summary.runs else found._replace(text=f"{found.text}?")


def share(summary: Summary) -> Cell:
    value = summary.lowest_basin
    return Cell(f"{100 * value:.0f} %", value) if math.isfinite(value) else Cell(UNKNOWN)


def ends(summary: Summary) -> Cell:
    """How many ends are what, sorted by the share of minima."""
    counts = [f"{summary.ends[word]} {word}" for word in STATIONARY if summary.ends[word]]
    return Cell(", ".join(counts), summary.ends["minimum"] / summary.runs)
