"""Ensembles on the terminal: a table of the lowest conformers, and what must be said of a search."""

from collections.abc import Iterator, Sequence

from rich.table import Table
from rich.text import Text

from molopt.columns import UNKNOWN
from molopt.ensembles.ensemble import Ensemble
from molopt.ensembles.fields import NAMED
from molopt.report.escaping import shown
from molopt.report.table import coloured

SHOWN = ("number", "relative_energy", "population", "degeneracy", "free_energy", "stationary", "energy_left", "dipole",
         "radius_of_gyration", "source", "calls")  # fmt: skip
MOST = 20  # rows; the files have all
NAME = 30  # characters of a molecule's name in a list of many


def lowest_table(ensemble: Ensemble) -> Table:
    """One row a conformer, in their order; columns of which nothing is known are left out."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    rows = ensemble.rows()[:MOST]
    columns = [NAMED[name].column for name in SHOWN]
    columns = [column for column in columns if any(column.cell(row).text != UNKNOWN for row in rows)]
    for column in columns:
        table.add_column(column.stacked, justify="right" if column.numeric else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(as_cell(column.cell(row).text) for column in columns))
    return table


def as_cell(text: str) -> Text:
    found = coloured(shown(text))
    return found if isinstance(found, Text) else Text(found)


def sentences(ensemble: Ensemble) -> Iterator[str]:
    """What a reader must know beside the table, one sentence each."""
    if len(ensemble) > MOST:
        yield f"and {len(ensemble) - MOST} more, which the files have"
    minima = sum(verdict.stationary == "minimum" for verdict in ensemble.verdicts)
    lowest = f"the lowest at {ensemble.energies.min():.6f} eV in {ensemble.potential}" if len(ensemble) else ""
    yield f"{counted(len(ensemble), 'conformer')}, {counted(minima, 'certified minimum', 'certified minima')}, {lowest}"
    averages = ensemble.averages()
    if averages.energy is not None and len(ensemble):
        above = averages.energy - ensemble.energies.min()
        yield f"at {ensemble.temperature:g} K their mean energy is {1000 * above:.1f} meV above the lowest"
    calls = ", ".join(f"{count} in {name}" for name, count in ensemble.force_calls.items())
    spent = ensemble.force_calls.get(ensemble.potential)
    each = f" ({spent / len(ensemble):.1f} of {ensemble.potential} a conformer)" if spent and len(ensemble) else ""
    yield f"force calls: {calls}{each}; the search ended because {ensemble.stopped}"
    if ensemble.unseen is not None:
        share, error = ensemble.unseen
        yield f"embeddings alone have not seen {100 * share:.0f} +- {100 * error:.0f} % (Good and Turing's estimate)"
    reasons: dict[str, int] = {}
    for one in ensemble.set_aside:
        reasons[one.why] = reasons.get(one.why, 0) + 1
    for why, count in reasons.items():
        yield f"set aside, {count}: {why}"


def counted(count: int, one: str, many: str = "") -> str:
    """
    >>> counted(1, "conformer"), counted(2, "conformer"), counted(0, "minimum", "minima")
    ('1 conformer', '2 conformers', '0 minima')
    """
    return f"{count} {one if count == 1 else many or f'{one}s'}"


HEADINGS = f"{'molecule':<{NAME}}  atoms  conformers  minima  force calls      lowest, eV"


def line(name: str, ensemble: Ensemble) -> str:
    """A molecule of many, under `HEADINGS`."""
    minima = sum(verdict.stationary == "minimum" for verdict in ensemble.verdicts)
    calls = ensemble.force_calls.get(ensemble.potential, 0)
    lowest = f"{ensemble.energies.min():14.6f}" if len(ensemble) else ""
    return (
        f"{shown(name, NAME):<{NAME}}  {len(ensemble.molecule):5}  {len(ensemble):10}  {minima:6}  {calls:11}  {lowest}"
    )


def as_json(ensemble: Ensemble) -> dict[str, object]:
    """An ensemble without its geometries, in plain values."""
    rows: Sequence[dict[str, object]] = [
        {field.tagged: field.value(row) for field in NAMED.values()} for row in ensemble.rows()
    ]
    return {
        "potential": ensemble.potential,
        "temperature_K": ensemble.temperature,
        "force_calls": ensemble.force_calls,
        "stopped": ensemble.stopped,
        "unseen": ensemble.unseen,
        "notes": ensemble.notes,
        "set_aside": [{"source": one.source, "why": one.why} for one in ensemble.set_aside],
        "conformers": rows,
    }
