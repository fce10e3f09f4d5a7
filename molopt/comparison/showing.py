"""What a notebook shows of a study."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from molopt.columns import number
from molopt.comparison.problems import by_optimizer, by_potential
from molopt.comparison.ratios import geometric_mean_cost
from molopt.drawing.canvas import DARK, InlineFigure, canvas
from molopt.errors import InputError
from molopt.notebook import beside, html_facts, html_table
from molopt.record import Record
from molopt.report.figures.profile import draw_profiles, panels_of
from molopt.report.labels import label, looks
from molopt.report.study import light

if TYPE_CHECKING:
    from molopt.comparison.study import Study

MOST = 60  # runs that are read to be shown, at about 2 ms each
HEADINGS = ("potential", "optimizer", "runs", "failed", "force calls")


def html_of(study: "Study") -> str:
    """What was asked, and of a small study how each optimizer did."""
    settings, runs = study.settings, study.before + study.added
    facts = {
        "runs": str(runs),
        "molecules": ", ".join(settings.sources),
        "starts a molecule": str(settings.starts),
        "potentials": ", ".join(settings.potentials),
        "optimizers": ", ".join(map(label, settings.optimizers)),
        "fmax (eV/Å)": f"{settings.fmax:g}",
    }
    table = html_facts(str(study.folder), facts)
    return beside(table, counts_table(records_of(study))) if 0 < runs <= MOST else table


def records_of(study: "Study") -> list[Record]:
    """The runs, read anew: the study may have been closed, or be another thread's."""
    with type(study).open(study.folder) as opened:
        return [light(record) for record in opened.records()]


def counts_table(records: Sequence[Record]) -> str:
    rows = []
    for potential, there in by_potential(records).items():
        for optimizer, found in by_optimizer(there).items():
            failed = sum(not record.outcome.converged for record in found)
            calls = number(geometric_mean_cost(found).mean, 1)
            rows.append([potential, label(optimizer), str(len(found)), str(failed), calls])
    return html_table("force calls: geometric means; a failed run counts as the step limit", HEADINGS, rows)


def figure_of(study: "Study") -> InlineFigure:
    """The performance profile of the optimizers, a panel a potential."""
    records = records_of(study)
    if not records:
        raise InputError(f"the study {study.folder} has no runs yet: molopt compare --resume {study.folder}")
    drawn = looks(record.plan.optimizer for record in records)
    with canvas(panels_of(records), ink=DARK, sharex=True, sharey=True) as drawing:
        draw_profiles(drawing, records, drawn)
        return drawing.figure
