"""Tables for the terminal."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic

from rich.table import Table
from rich.text import Text

from molopt.columns import UNKNOWN, Column, Row
from molopt.comparison import above_best
from molopt.comparison.summaries import Summary
from molopt.record import Record
from molopt.report.escaping import shown
from molopt.report.labels import label
from molopt.report.summary import brief_columns
from molopt.schema import COMPARED, RELAXED, Outcome, Standing
from molopt.stationary.verdict import ENDED, MOLECULE, STATIONARY


def comparison_table(records: Sequence[Record]) -> Table:
    """One row a run; all runs are of one molecule in one potential.

    "end" says what the end of a run that converged is, whoever looked at it, and how others ended. "above best" is
    known because another run went further down, "left" is what each run could know by itself. The table fits 80
    characters; long names of optimizers are folded.
    """
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    table.add_column("optimizer", overflow="fold")
    for column in COMPARED:
        table.add_column(column.stacked, justify="right" if column.numeric else "left", no_wrap=True)
    for record, above in zip(records, above_best(records), strict=True):
        standing = Standing(record.outcome, record.outcome.energy - above)
        cells = [coloured(column.cell(standing).text) for column in COMPARED]
        table.add_row(Text(shown(label(record.plan.optimizer))), *cells)
    return table


def brief_table(summaries: Sequence[Summary], reference: str) -> Table:
    """One row an optimizer, over all starts in one potential; columns of which nothing is known are left out."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    columns = [column for column in brief_columns(label(reference)) if known(column, summaries)]
    for column in columns:
        table.add_column(column.stacked, justify="right" if column.numeric else "left", overflow="fold")
    for summary in summaries:
        table.add_row(*(Text(shown(column.cell(summary).text)) for column in columns))
    return table


def known(column: Column[Summary], summaries: Iterable[Summary]) -> bool:
    return any(column.cell(summary).text != UNKNOWN for summary in summaries)


LINE = 80  # characters


@dataclass(frozen=True)
class Lines(Generic[Row]):
    """A table that is printed line by line, 80 characters wide: a name, and columns of fixed widths.

    Attributes
    ----------
    columns : sequence of Column
    widths : mapping
        Characters of those that are wider than their headings, by their names.
    """

    columns: Sequence[Column[Row]]
    widths: Mapping[str, int]

    def width(self, column: Column[Row]) -> int:
        return self.widths.get(column.name, len(column.lined))

    @property
    def longest(self) -> int:
        """Characters of a name."""
        return LINE - sum(2 + self.width(column) for column in self.columns)

    @property
    def headings(self) -> str:
        return self.line("molecule", [column.lined for column in self.columns])

    def row(self, name: str, row: Row) -> str:
        """A line under the headings."""
        return self.line(shown(name, self.longest), [column.cell(row).text for column in self.columns])

    def line(self, name: str, cells: Sequence[str]) -> str:
        found = [f"{name:<{self.longest}}"]
        for column, cell in zip(self.columns, cells, strict=True):
            found.append(f"{cell:>{self.width(column)}}" if column.numeric else f"{cell:<{self.width(column)}}")
        return "  ".join(found)


RUNS = Lines(RELAXED, {"verdict": 11, "energy": 14})
HEADINGS = RUNS.headings


def row(name: str, outcome: Outcome) -> str:
    """A run as a line under `HEADINGS`."""
    return RUNS.row(name, Standing(outcome))


def coloured(word: str) -> Text | str:
    """A word of a verdict in the colour of what it means for a reader; anything else as it is."""
    if word in ENDED and not ENDED[word].comparable:
        return Text(word, style="red")
    if word in ENDED or word in STATIONARY:
        return Text(word, style="green" if word == "minimum" else "yellow")
    return word


def remarks(outcome: Outcome) -> list[str]:
    """What a reader of its row must know besides."""
    found = [] if outcome.error is None else [outcome.error]
    if outcome.surrogate is not None:
        found.append(
            f"guided by {outcome.surrogate}: {outcome.surrogate_calls} calls in {outcome.surrogate_seconds:.2f} s, "
            f"set up in {outcome.surrogate_setup_seconds:.2f} s"
        )
    if outcome.at_noise_floor:
        found.append("only noise in the forces is left above the floor")
    verdict = outcome.verdict
    evidence = verdict.why.removeprefix(outcome.error or "").removeprefix("; ")
    if verdict.molecule not in ("kept", "unknown"):
        return [*found, f"{verdict.molecule}: {evidence or MOLECULE[verdict.molecule].meaning}"]
    return found if verdict.stationary == "minimum" or not evidence else [*found, evidence]
