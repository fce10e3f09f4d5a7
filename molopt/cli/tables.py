"""Tables of a comparison on the terminal: of each start as it is done, and of all of them at the end."""

from collections.abc import Sequence
from itertools import groupby

from rich.text import Text

from molopt.cli.terminal import console
from molopt.comparison.cases import Case
from molopt.comparison.study import Study
from molopt.record import Record
from molopt.report.escaping import sentence, shown
from molopt.report.labels import label
from molopt.report.study import summed_up
from molopt.report.table import brief_table, comparison_table, remarks

MOST = 10_000  # runs that are read into memory to be summed up


def show(case: Case, records: Sequence[Record], fmax: float) -> None:
    """A table for each potential, and what must be said of single runs."""
    printed = console()
    for potential, group in groupby(records, key=lambda record: record.plan.potential):
        rows = list(group)
        start = f", start {case.seed}" if case.seed else ""
        where = f"{len(case.molecule)} atoms in {shown(potential)}, to fmax {fmax:g} eV/A"
        printed.print(Text(f"{shown(case.molecule.name)}{start}: {where}", style="bold"))
        printed.print(comparison_table(rows))
        for record in rows:
            for remark in remarks(record.outcome):
                printed.print(sentence(f"{label(record.plan.optimizer)}: {remark}"))
        printed.print()


def sum_up(study: Study) -> None:
    """A table for each potential, over all starts; none of a single start, which has its own, or of a large study."""
    if study.before + study.added > MOST:
        return
    summaries, reference = summed_up(study)
    if max(summary.runs for summary in summaries) < 2:
        return
    printed = console()
    for potential, group in groupby(summaries, key=lambda summary: summary.potential):
        printed.print(Text(f"all starts in {shown(potential)}", style="bold"))
        printed.print(brief_table(list(group), reference))
        printed.print()
