"""One figure a molecule: how energy and forces fell, force call by force call."""

import math
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from molopt.comparison import best_energy
from molopt.drawing.canvas import DARK, canvas, logarithmic
from molopt.drawing.saving import saved
from molopt.drawing.text import one_line
from molopt.record import Record
from molopt.report.figures.lines import handle, line_style
from molopt.report.labels import Look, looks

FLOOR = 0.01  # meV; the best run itself would end at minus infinity
WIDTH, HEIGHT = 4.6, 2.9  # inches a panel
LEAST = 6.4  # inches, of the figure: the title and the legend need them


def draw(records: Sequence[Record], path: Path, criterion: float) -> None:
    """Write a figure of the runs of one molecule: a column a potential, energy above, fmax below.

    Energies are above the lowest that any run of the column ended at. The thin lines of fmax are every force call,
    the thick ones the lowest so far. A dot ends a run that converged, a cross one that failed.

    Parameters
    ----------
    records : sequence of Record
        Ordered by potential.
    path : Path
        Its ending says the format.
    criterion : float
        The fmax (eV/A) at which runs counted as converged.
    """
    groups = [list(group) for _, group in groupby(records, key=lambda record: record.plan.potential)]
    drawn, count = looks(record.plan.optimizer for record in records), len(groups)
    width = max(WIDTH, LEAST / count)
    with canvas(2 * count, width, HEIGHT, columns=count, ink=DARK, sharex=True, sharey="row") as drawing:
        upper, lower = drawing.panels[:count], drawing.panels[count:]
        for energies, forces, group in zip(upper, lower, groups, strict=True):
            draw_column(energies, forces, group, drawn)
            forces.axhline(criterion, color=drawing.ink, alpha=0.5, linewidth=0.6, zorder=0)
        upper[0].set_ylabel("energy above the best (meV)")
        lower[0].set_ylabel("lowest fmax so far (eV/Å)")
        drawing.legend([handle(optimizer, look) for optimizer, look in drawn.items()])
        drawing.figure.suptitle(one_line(records[0].plan.molecule))
        saved(drawing.figure, path)


def draw_column(energies: Axes, forces: Axes, records: Sequence[Record], drawn: Mapping[str, Look]) -> None:
    """The runs in one potential."""
    best = best_energy(records)
    energies.set_title(one_line(records[0].plan.potential))
    forces.set_xlabel("force calls")
    for record in records:
        if len(record.outcome.energies):
            draw_run(energies, forces, record, best, drawn[record.plan.optimizer])
    for panel in (energies, forces):
        logarithmic(panel)


def draw_run(energies: Axes, forces: Axes, record: Record, best: float, look: Look) -> None:
    style: dict[str, Any] = line_style(look) | {"linewidth": 1.8}
    outcome = record.outcome
    energy, fmax = outcome.energies, outcome.forces
    calls = np.arange(1, len(energy) + 1)
    above, lowest = np.maximum((energy - best) * 1e3, FLOOR), np.minimum.accumulate(fmax)
    ends = [(forces, fmax)]
    if math.isfinite(best):  # of the runs that came through there is a best
        energies.plot(calls, above, **style)
        ends.append((energies, above))
    forces.plot(calls, lowest, **style)
    forces.plot(calls, fmax, color=look.colour, linewidth=0.5, alpha=0.35)
    end = "X" if outcome.error is not None else "o" if outcome.converged else ""
    for panel, values in ends:
        panel.plot(calls[-1:], values[-1:], color=look.colour, marker=end, markersize=5)
