"""One figure a molecule: how energy and forces fell, force call by force call."""

import math
from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from molopt.comparison import best_energy
from molopt.record import Record
from molopt.report.labels import label, look, plain

FLOOR = 0.01  # meV; the best run itself would end at minus infinity
WIDTH, HEIGHT = 4.6, 2.9  # inches a panel
LINE, LETTER, ROW = 0.9, 0.095, 0.23  # inches of the legend
LONGEST_TITLE = 80
GRID: dict[str, Any] = {"color": "#E5E5E5", "linewidth": 0.6}


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
    columns = [list(group) for _, group in groupby(records, key=lambda record: record.plan.potential)]
    width = WIDTH * max(len(columns), 1.4)
    labels = {label(record.plan.optimizer) for record in records}
    entries = max(1, int(width / (LINE + LETTER * max(map(len, labels)))))  # in a row of the legend
    height = 2 * HEIGHT + 0.7 + ROW * math.ceil(len(labels) / entries)
    figure = Figure(figsize=(width, height), layout="constrained")
    panels = figure.subplots(2, len(columns), squeeze=False, sharex=True, sharey="row")
    for (energies, forces), column in zip(panels.T, columns, strict=True):
        draw_column(energies, forces, column)
        forces.axhline(criterion, **GRID | {"color": "#999999"}, zorder=0)
    panels[0, 0].set_ylabel("energy above the best (meV)")
    panels[1, 0].set_ylabel("lowest fmax so far (eV/Å)")
    drawn = [line for panel in panels[0] for line in panel.get_lines() if not line.get_label().startswith("_")]
    lines = {line.get_label(): line for line in drawn}
    figure.legend(lines.values(), lines, loc="outside lower center", ncols=entries, frameon=False, handlelength=3.5)
    figure.suptitle(shortened(records[0].plan.molecule), parse_math=False)
    figure.savefig(path, dpi=150)


def draw_column(energies: Axes, forces: Axes, records: Sequence[Record]) -> None:
    """The runs in one potential."""
    best, variants = best_energy(records), Counter[str]()
    energies.set_title(records[0].plan.potential, parse_math=False)
    for panel in (energies, forces):
        panel.set(xscale="log", yscale="log")
        panel.xaxis.set_major_formatter("{x:g}")
        panel.yaxis.set_major_formatter("{x:g}")
        panel.grid(True, **GRID)
        panel.spines[["top", "right"]].set_visible(False)
    forces.set_xlabel("force calls")
    for record in records:
        name = plain(record.plan.optimizer)
        if len(record.outcome.energies):
            draw_run(energies, forces, record, best, variants[name])
        variants[name] += 1


def draw_run(energies: Axes, forces: Axes, record: Record, best: float, variant: int) -> None:
    colour, dashes, _ = look(record.plan.optimizer, variant)
    style: dict[str, Any] = {"color": colour, "linewidth": 1.8, "linestyle": (0, dashes) if dashes else "-"}
    outcome = record.outcome
    energy, fmax = outcome.energies, outcome.forces
    calls = np.arange(1, len(energy) + 1)
    above, lowest = np.maximum((energy - best) * 1e3, FLOOR), np.minimum.accumulate(fmax)
    energies.plot(calls, above, label=label(record.plan.optimizer), **style)
    forces.plot(calls, lowest, **style)
    forces.plot(calls, fmax, color=colour, linewidth=0.5, alpha=0.35)
    end = "X" if outcome.error is not None else "o" if outcome.converged else ""
    for panel, values in ((energies, above), (forces, fmax)):
        panel.plot(calls[-1:], values[-1:], color=colour, marker=end, markersize=5)


def shortened(title: str) -> str:
    return title if len(title) <= LONGEST_TITLE else f"{title[: LONGEST_TITLE - 1]}…"
