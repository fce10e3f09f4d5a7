"""How the energy of one molecule fell in each run."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from molopt.comparison.problems import lowest
from molopt.drawing.canvas import canvas, logarithmic
from molopt.drawing.text import one_line, three_digits
from molopt.record import Record
from molopt.report.figures.lines import line_style
from molopt.report.labels import Look, label
from molopt.rules.partition import Array
from molopt.stationary.verdict import ENDED

MEV = 1e-3  # eV
FLOOR = 0.01  # meV; the best run itself would end at minus infinity
BINS = 30  # of which each leaves two points
WIDTH, HEIGHT = 3.9, 2.5  # inches
MARGINS = {"left": 0.17, "right": 0.985, "bottom": 0.17, "top": 0.9}  # given: to measure them takes most of the time


def descent_figure(
    records: Sequence[Record], looks: Mapping[str, Look], title: str = "", prefix: str = "descent"
) -> str:
    """Energy above the lowest that any of the runs found (meV) against force calls, both logarithmic.

    There may be hundreds of these in a page, so that each is small: no legend (`legend_figure` is one for all), about
    60 points a line. A dot ends a run that converged, a cross one that failed, nothing one that stopped
    before.

    Parameters
    ----------
    records : sequence of Record
        Of one molecule, potential and seed.
    looks, prefix
        As in `profile_figure`.
    title : str
        Any text, such as the molecule's name.
    """
    best = lowest(records)
    order = list(looks)
    with canvas(1, WIDTH, HEIGHT, layout=None) as drawing:
        panel = drawing.panels[0]
        for record in sorted(records, key=lambda record: order.index(record.plan.optimizer)):
            if len(record.outcome.energies) and math.isfinite(best):
                line = draw_run(panel, record, best, looks[record.plan.optimizer])
                drawing.say(line, described(record, best))
        if title:
            panel.set_title(one_line(title, longest=48))
        panel.set(xlabel="force calls", ylabel="energy above the best (meV)")
        logarithmic(panel)
        panel.minorticks_off()
        drawing.figure.subplots_adjust(**MARGINS)
        return drawing.svg(prefix, one_line(f"energy against force calls: {title}"))


def draw_run(panel: Axes, record: Record, best: float, look: Look) -> Line2D:
    above = np.maximum((record.outcome.energies - best) / MEV, FLOOR)
    calls, heights = thinned(above)
    end = "o" if record.outcome.converged else "" if ENDED[record.outcome.ended].comparable else "X"
    (line,) = panel.plot(calls, heights, linewidth=1.5, **line_style(look))
    panel.plot(calls[-1:], heights[-1:], color=look.colour, marker=end, markersize=4.5, linestyle="none")
    return line


def thinned(values: Array) -> tuple[Array, Array]:
    """Calls, from 1, and values that look like all of them on a logarithmic axis, about 60 at most.

    Of each of `BINS` bins, equally wide in the logarithm, the lowest and the highest value stay, so that neither spikes
    nor the way down are lost; the first and the last always stay.

    >>> thinned(np.array([5.0, 3.0, 4.0]))
    (array([1, 2, 3]), array([5., 3., 4.]))
    """
    calls = np.arange(1, len(values) + 1)
    edges = np.geomspace(1, len(values) + 1, BINS + 1)
    bins = np.searchsorted(edges, calls, side="right")
    kept = {0, len(values) - 1}
    for bin_ in np.unique(bins):
        inside = np.flatnonzero(bins == bin_)
        kept |= {int(inside[values[inside].argmin()]), int(inside[values[inside].argmax()])}
    places = np.array(sorted(kept))
    return calls[places], values[places]


def described(record: Record, best: float) -> str:
    outcome = record.outcome
    above = (outcome.energies[-1] - best) / MEV
    height = f"{three_digits(above)} meV above the best" if above >= FLOOR else "at the best"
    return f"{label(record.plan.optimizer)}: {outcome.ended}, {outcome.force_calls} force calls, {height}"
