"""The energies of conformers, and how many molecules are in each."""

from collections.abc import Sequence

import numpy as np

from molopt.drawing.canvas import canvas
from molopt.drawing.svg import INK
from molopt.drawing.text import one_line, three_digits
from molopt.ensembles.conformer import SOURCES
from molopt.ensembles.fields import Row

INKS = ("#0072B2", "#56B4E9", "#5A646E", "#D55E00", "#009E73", "#CC79A7", "#B8860B", "#8C564B")
COLOURS = dict(zip(SOURCES, INKS, strict=True))
OTHER = "#5C3D99"
MOST = 24  # conformers whose populations are drawn one by one
LETTERS = 12  # of the name of a source
LEVELS = 1500  # that are drawn
WIDTH, HEIGHT = 5.0, 3.2  # inches, of a figure that has another beside it
LENGTH = 16.0  # points, of a level


def colour(source: str) -> str:
    """Of a source, in all figures of an ensemble."""
    return COLOURS.get(source, OTHER)


def ladder_figure(rows: Sequence[Row], prefix: str = "ladder") -> str:
    """Relative energies (kcal/mol), a column for each source; a pointer over a level shows its conformer.

    Parameters
    ----------
    rows : sequence of Row
        In any order; the lowest `LEVELS` are drawn.
    prefix : str
        Of the ids in the SVG.
    """
    drawn = sorted(rows, key=lambda row: row.relative)[:LEVELS]
    found = {row.conformer.source for row in drawn}
    sources = [*(source for source in SOURCES if source in found), *sorted(found - set(SOURCES))]
    with canvas(1, WIDTH, HEIGHT) as drawing:
        panel = drawing.panels[0]
        for place, source in enumerate(sources):
            there = [row for row in drawn if row.conformer.source == source]
            (levels,) = panel.plot(
                [place] * len(there), [row.relative for row in there], color=colour(source), linestyle="none",
                marker="_", markersize=LENGTH, markeredgewidth=1.6,
            )  # fmt: skip
            drawing.say(levels, *map(described, there))
        panel.set_xticks(range(len(sources)), [one_line(source, LETTERS) for source in sources])
        panel.set(xlim=(-0.7, len(sources) - 0.3), ylabel="above the lowest (kcal/mol)")
        panel.grid(axis="x", visible=False)
        panel.set_ylim(bottom=-0.04 * max(1.0, panel.get_ylim()[1]))
        return drawing.svg(prefix, "relative energies of the conformers")


def populations_figure(rows: Sequence[Row], prefix: str = "populations") -> str:
    """The populations (%) of the most populated conformers, and how many molecules are in one of these."""
    most = sorted(rows, key=lambda row: -row.population)[:MOST]
    together = 100 * np.cumsum([row.population for row in most])
    with canvas(1, WIDTH, HEIGHT) as drawing:
        panel = drawing.panels[0]
        for place, row in enumerate(most):
            (bar,) = panel.bar([place], [100 * row.population], width=0.72, color=colour(row.conformer.source))
            drawing.say(bar, described(row))
        (line,) = panel.plot(range(len(most)), together, color=INK, linewidth=1.0, alpha=0.6)
        (points,) = panel.plot(range(len(most)), together, color=INK, marker="o", markersize=2.5, linestyle="none")
        drawing.say(points, *(f"the {n} most populated: {share:.1f} %" for n, share in enumerate(together, start=1)))
        line.set_zorder(3)
        stride = max(1, -(-len(most) // 12))
        panel.set_xticks(range(0, len(most), stride), [str(row.number) for row in most[::stride]])
        panel.set(xlabel="conformer", ylabel="population (%)", ylim=(0, 105))
        panel.grid(axis="x", visible=False)
        return drawing.svg(prefix, "populations of the conformers")


def described(row: Row) -> str:
    share = three_digits(100 * row.population)
    return f"conformer {row.number}: {row.relative:.2f} kcal/mol, {share} %, {row.conformer.source}"
