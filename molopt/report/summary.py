"""The table of a study in plain cells, for a page to show and to sort."""

import math
from collections.abc import Sequence

from molopt.comparison.ratios import Ratio
from molopt.comparison.summaries import Summary
from molopt.report.elements import Cell, Heading, Table
from molopt.report.labels import label
from molopt.stationary.verdict import ENDED, STATIONARY, meanings

MEV, MS = 1e-3, 1e-3  # eV, s
UNKNOWN = "-"


def summary_table(summaries: Sequence[Summary], reference: str) -> Table:
    """One row for each potential and optimizer.

    Parameters
    ----------
    summaries : sequence of Summary
        Made with the same reference.
    reference : str
        Its full name.
    """
    other, said = label(reference), meanings(STATIONARY)
    headings = [
        Heading("potential", "what gave energies and forces"),
        Heading("optimizer", "with the arguments that are not its defaults"),
        Heading("settings", "tuned: an argument was given; default: none was"),
        Heading("cap (Å)", "longest step of an atom"),
        Heading("runs", "molecules times starts"),
        Heading("failed", "runs that did not converge, whatever the way"),
        Heading("force calls", "geometric mean; a failed run counts as the step limit"),
        Heading(f"times {other}", "geometric mean over molecules of the ratio of force calls, seeds averaged first"),
        Heading("95 % interval", "of that mean: bootstrap over molecules"),
        Heading("own time (ms)", "median time of a step outside the potential"),
        Heading(
            "left, estimated (meV)",
            "median of the energy left at the end, as the run estimated it; ? where not every run looked at the "
            "curvature of its end",
        ),
        Heading("left (meV)", "median of the energy of the end above where relaxing on came to rest"),
        Heading("lower", f"runs that ended more than 5 meV below {other}"),
        Heading("higher", f"runs that ended more than 5 meV above {other}"),
        Heading("lowest basin", "share of runs that ended in a lowest basin (A, A-2, ...) found from the same start"),
        Heading("ends", f"what the ends are, by the runs' own checks or a look that was not counted. {said}"),
        Heading("bonds changed", "runs whose end is another molecule: it counts for no lowest end, and is in no basin"),
    ]
    caption = f"Point at a heading for what it means; ratios are to {other}."
    return Table("Summary", headings, [row(summary) for summary in summaries], caption)


def row(summary: Summary) -> list[Cell]:
    return [
        Cell(summary.potential, summary.potential),
        Cell(label(summary.optimizer), label(summary.optimizer)),
        Cell("tuned" if summary.tuned else "default", "tuned" if summary.tuned else "default"),
        cap(summary.maxstep),
        count(summary.runs),
        Cell(failures(summary), summary.failures),
        figure(summary.calls.mean, 1),
        figure(summary.ratio.mean, 2),
        interval(summary.ratio),
        figure(summary.own_time / MS, 2),
        estimated(summary),
        figure(summary.above_floor / MEV, 3),
        count(summary.lower),
        count(summary.higher),
        share(summary.lowest_basin),
        ends(summary),
        count(summary.rearranged),
    ]


def estimated(summary: Summary) -> Cell:
    """The energy left as runs estimated it."""
    text, value = figure(summary.energy_left / MEV, 3)
    return Cell(text if value is None or summary.checked == summary.runs else f"{text}?", value)


def ends(summary: Summary) -> Cell:
    """How many ends are what, sorted by the share of minima."""
    counts = [f"{summary.ends[word]} {word}" for word in STATIONARY if summary.ends[word]]
    return Cell(", ".join(counts), summary.ends["minimum"] / summary.runs)


def failures(summary: Summary) -> str:
    """How many, and how where it was not the cap of steps alone: `3: 2 unconverged, 1 crashed`."""
    ways = {way: times for way, times in sorted(summary.ended.items()) if not ENDED[way].converged}
    if not set(ways) - {"unconverged"}:
        return str(summary.failures)
    return f"{summary.failures}: {', '.join(f'{times} {way}' for way, times in ways.items())}"


def cap(maxstep: float | None) -> Cell:
    known = maxstep is not None and math.isfinite(maxstep)
    return Cell(f"{maxstep:g}", maxstep) if known else Cell(UNKNOWN, None)


def count(number: int) -> Cell:
    return Cell(str(number), number)


def figure(value: float, digits: int) -> Cell:
    return Cell(f"{value:.{digits}f}", value) if math.isfinite(value) else Cell(UNKNOWN, None)


def share(value: float) -> Cell:
    return Cell(f"{100 * value:.0f} %", value) if math.isfinite(value) else Cell(UNKNOWN, None)


def interval(ratio: Ratio) -> Cell:
    if not math.isfinite(ratio.low):
        return Cell(UNKNOWN, None)
    return Cell(f"{ratio.low:.2f} to {ratio.high:.2f}", ratio.low)
