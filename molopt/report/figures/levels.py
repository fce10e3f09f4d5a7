"""The conformers of an ensemble as levels: how high, how populated, how far from the lowest."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from molopt.drawing.canvas import DARK, Canvas, InlineFigure, canvas
from molopt.drawing.svg import own_prefix
from molopt.drawing.text import one_line, three_digits
from molopt.ensembles.ensemble import Ensemble
from molopt.ensembles.fields import Row

WIDTH, HEIGHT = 3.9, 3.6  # inches a panel
SMALL = (2.9, 1.9)  # inches, of the one panel beside a table
MARGINS = {"left": 0.17, "right": 0.97, "bottom": 0.24, "top": 0.95}  # given: to measure them takes most of the time
LEVELS, FEW = 1500, 200  # that are drawn, and on a page, which has a title for each of them
NAMED = 0.02  # the population from which a level has its number
LINE = 9  # points of the height of a figure, that the number of a level needs


class Kind(NamedTuple):
    """How conformers are marked."""

    colour: str
    face: str


MINIMUM, OTHER = Kind("#0072B2", "#0072B2"), Kind("#D55E00", "white")


def ensemble_figure(ensemble: Ensemble) -> InlineFigure:
    """Relative energies (kcal/mol) against populations (%), and against the RMSD (A) from the lowest conformer.

    Hollow marks are what is not known to be a minimum; numbers are those of the conformers.
    """
    rows = lowest(ensemble)
    with canvas(2, WIDTH, HEIGHT, ink=DARK, sharey=True) as drawing:
        left, right = drawing.panels
        draw_populations(drawing, left, rows)
        left.set(xlabel=f"population at {ensemble.temperature:g} K (%)", ylabel="above the lowest (kcal/mol)")
        right.set_xlabel("RMSD from the lowest (Å)")
        if rows:
            draw_distances(right, ensemble, rows)
        title = f"{ensemble.molecule.name}, {ensemble.potential}: {ensemble.counts}"
        drawing.figure.suptitle(one_line(title), fontsize=9.5)
        return drawing.figure


def ensemble_svg(ensemble: Ensemble) -> str:
    """Energies against populations alone, small, for a page."""
    with canvas(1, *SMALL, layout=None) as drawing:
        (panel,) = drawing.panels
        draw_populations(drawing, panel, lowest(ensemble)[:FEW])
        panel.set(xlabel=f"population at {ensemble.temperature:g} K (%)", ylabel="kcal/mol")
        drawing.figure.subplots_adjust(**MARGINS)
        prefix = own_prefix("levels", ensemble.energies, ensemble.populations)
        return drawing.svg(prefix, one_line(f"energies and populations of conformers: {ensemble.molecule.name}"))


def lowest(ensemble: Ensemble) -> list[Row]:
    return sorted(ensemble.rows(), key=lambda row: row.relative)[:LEVELS]


def draw_populations(drawing: Canvas, panel: Axes, rows: Sequence[Row]) -> None:
    for kind, there in kinds(rows).items():
        shares, heights = [100 * row.population for row in there], [row.relative for row in there]
        panel.hlines(heights, 0, shares, color=kind.colour, linewidth=1.6)
        (marks,) = panel.plot(shares, heights, **dots(kind, len(rows)))
        marks.set_in_layout(False)  # those at the axis reach beyond it
        drawing.say(marks, *map(described, there))
    top = max((row.relative for row in rows), default=0.0) or 1.0
    panel.set_xlim(left=0, right=max((118 * row.population for row in rows), default=0.0) or 1.0)
    panel.set_ylim(-0.05 * top, 1.05 * top)
    last, apart = -np.inf, LINE / (72 * drawing.figure.get_figheight()) * top
    for row in rows:
        if row.population >= NAMED and row.relative - last > apart:
            last = row.relative
            panel.annotate(
                str(row.number), (100 * row.population, row.relative), xytext=(6, 0), textcoords="offset points",
                va="center", fontsize=7.5, annotation_clip=False,
            )  # fmt: skip


def draw_distances(panel: Axes, ensemble: Ensemble, rows: Sequence[Row]) -> None:
    apart = ensemble.rmsd_from_lowest()
    for kind, there in kinds(rows).items():
        far = [apart[row.number - 1] for row in there]
        (marks,) = panel.plot(far, [row.relative for row in there], **dots(kind, len(rows)))
        marks.set_in_layout(False)
    panel.set_xlim(left=0, right=1.08 * max(0.1, float(apart.max())))


def kinds(rows: Sequence[Row]) -> dict[Kind, list[Row]]:
    """Minima, and others, as far as there are any."""
    found: dict[Kind, list[Row]] = {OTHER: [], MINIMUM: []}
    for row in rows:
        found[MINIMUM if row.conformer.verdict.stationary == "minimum" else OTHER].append(row)
    return {kind: there for kind, there in found.items() if there}


def dots(kind: Kind, count: int) -> dict[str, Any]:
    return {
        "color": kind.colour,
        "markerfacecolor": kind.face,
        "linestyle": "none",
        "marker": "o",
        "markersize": 4 if count <= FEW else 2.5,
        "clip_on": False,
        "zorder": 3,
    }


def described(row: Row) -> str:
    share = three_digits(100 * row.population)
    return f"conformer {row.number}: {row.relative:.2f} kcal/mol, {share} %, {row.conformer.verdict.stationary}"
