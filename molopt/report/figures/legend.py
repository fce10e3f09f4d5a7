"""One legend for many small figures."""

from collections.abc import Mapping

from molopt.drawing.canvas import ROW, canvas
from molopt.report.figures.lines import handle
from molopt.report.labels import Look

WIDTH = 8.0  # inches


def legend_figure(looks: Mapping[str, Look], prefix: str = "legend") -> str:
    """The line and the name of each optimizer, as in all figures.

    Parameters
    ----------
    looks, prefix
        As in `profile_figure`.
    """
    with canvas(1, WIDTH, ROW / 2) as drawing:
        drawing.panels.pop().remove()
        drawing.legend([handle(optimizer, look) for optimizer, look in looks.items()])
        return drawing.svg(prefix, "legend")
