"""Tables for the terminal."""

import math
from collections.abc import Sequence

from ase.units import kcal, mol
from rich.table import Table
from rich.text import Text

from molopt.comparison import above_best
from molopt.report.labels import label
from molopt.result import Result

MEV = 1e-3  # eV
KCAL_PER_MOL = kcal / mol  # eV
UNKNOWN = "-"


def comparison_table(results: Sequence[Result]) -> Table:
    """One row a run; all runs are of one molecule in one potential.

    The table fits 80 characters; long names of optimizers are folded.
    """
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("optimizer", overflow="fold")
    table.add_column("converged", no_wrap=True)
    for heading in ("force\ncalls", "steps", "seconds", "above\nbest/meV", "\nkcal/mol", "fmax\neV/A"):
        table.add_column(heading, justify="right", no_wrap=True)
    for result, above in zip(results, above_best(results), strict=True):
        table.add_row(
            Text(label(result.optimizer)),
            outcome(result),
            str(result.force_calls),
            str(result.steps),
            f"{result.seconds:.2f}",
            number(above / MEV, 1),
            number(above / KCAL_PER_MOL, 2),
            number(result.fmax, 4),
        )
    return table


HEADINGS = f"{'molecule':<26}  {'converged':<9}  {'calls':>6}  {'seconds':>8}  {'energy eV':>14}  {'fmax':>7}"


def row(result: Result) -> str:
    """A run as a line under `HEADINGS`, 80 characters wide."""
    name = result.name if len(result.name) <= 26 else f"{result.name[:25]}…"
    return (
        f"{name:<26}  {outcome(result).plain:<9}  {result.force_calls:>6}  {result.seconds:>8.2f}  "
        f"{number(result.energy, 6):>14}  {number(result.fmax, 4):>7}"
    )


def outcome(result: Result) -> Text:
    if result.error is not None:
        return Text("failed", style="red")
    return Text("yes", style="green") if result.converged else Text("no", style="yellow")


def number(value: float, digits: int) -> str:
    """Fixed digits; scientific where that would be long; a dash where there is none."""
    if not math.isfinite(value):
        return UNKNOWN
    return f"{value:.{digits}f}" if abs(value) < 1e6 else f"{value:.1e}"


def remarks(result: Result) -> list[str]:
    """What a reader of its row must know besides."""
    found = [] if result.error is None else [result.error]
    if result.bonds_kept is False:
        found.append("bonds are not those of the start")
    elif result.stereo_kept is False:
        found.append("stereo is not that of the start")
    return found
