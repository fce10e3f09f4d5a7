"""Tables for the terminal."""

import math
from collections.abc import Sequence

from ase.units import kcal, mol
from rich.table import Table
from rich.text import Text

from molopt.comparison import above_best
from molopt.record import Outcome, Record
from molopt.report.escaping import shown
from molopt.report.labels import label
from molopt.result import Result
from molopt.stationary.verdict import ENDED, MOLECULE, left_text, short

MEV = 1e-3  # eV
KCAL_PER_MOL = kcal / mol  # eV
UNKNOWN = "-"


def comparison_table(records: Sequence[Record]) -> Table:
    """One row a run; all runs are of one molecule in one potential.

    "end" says what the end of a run that converged is, whoever looked at it, and how others ended. "above best" is
    known because another run went further down, "left" is what each run could know by itself. The table fits 80
    characters; long names of optimizers are folded.
    """
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    table.add_column("optimizer", overflow="fold")
    table.add_column("end", no_wrap=True)
    for heading in ("force\ncalls", "seconds", "above\nmeV", "best\nkcal/mol", "left\nmeV", "fmax\neV/A"):
        table.add_column(heading, justify="right", no_wrap=True)
    for record, above in zip(records, above_best(records), strict=True):
        end = record.outcome
        table.add_row(
            Text(shown(label(record.plan.optimizer))),
            ending(short(end.ended, end.end_is)),
            str(end.force_calls),
            number(end.seconds, 2),
            number(above / MEV, 1),
            number(above / KCAL_PER_MOL, 2),
            left_of(end),
            number(end.fmax, 4),
        )
    return table


WIDTH = 17  # characters of a molecule's name
HEADINGS = (
    f"{'molecule':<{WIDTH}}  {'end':<11}  {'calls':>5}  {'seconds':>7}  {'energy eV':>14}  {'left meV':>8}  {'fmax':>6}"
)


def row(result: Result) -> str:
    """A run as a line under `HEADINGS`, 80 characters wide."""
    name, verdict = shown(result.name, WIDTH), result.verdict
    left = left_text(verdict.energy_left, verdict.stationary)
    return (
        f"{name:<{WIDTH}}  {verdict.short:<11}  {result.force_calls:>5}  {result.seconds:>7.2f}  "
        f"{number(result.energy, 6):>14}  {left:>8}  {number(result.fmax, 4):>6}"
    )


def left_of(end: Outcome) -> str:
    """The energy left, meV, as the run estimated it; none where the end is a saddle, whoever saw that."""
    return left_text(end.energy_left, "saddle" if end.end_is == "saddle" else end.stationary)


def ending(word: str) -> Text:
    """A word of a verdict in the colour of what it means for a reader."""
    if word in ENDED and not ENDED[word].comparable:
        return Text(word, style="red")
    return Text(word, style="green" if word == "minimum" else "yellow")


def number(value: float, digits: int) -> str:
    """Fixed digits; scientific where that would be long; a dash where there is none."""
    if not math.isfinite(value):
        return UNKNOWN
    return f"{value:.{digits}f}" if abs(value) < 1e6 else f"{value:.1e}"


def remarks(result: Result | Outcome) -> list[str]:
    """What a reader of its row must know besides."""
    found = [] if result.error is None else [result.error]
    if result.surrogate is not None:
        found.append(
            f"guided by {result.surrogate}: {result.surrogate_calls} calls in {result.surrogate_seconds:.2f} s, "
            f"set up in {result.surrogate_setup_seconds:.2f} s"
        )
    if result.at_noise_floor:
        found.append("noise in the forces is all that is left above the floor")
    verdict = result.verdict
    evidence = verdict.why.removeprefix(result.error or "").removeprefix("; ")
    if verdict.molecule not in ("kept", "unknown"):
        return [*found, f"{verdict.molecule}: {evidence or MOLECULE[verdict.molecule].meaning}"]
    return found if verdict.stationary == "minimum" or not evidence else [*found, evidence]
