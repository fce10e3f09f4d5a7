"""How optimizers are drawn, in all figures the same."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.lines import Line2D

from molopt.drawing.text import one_line
from molopt.report.labels import Look, label


def line_style(look: Look) -> dict[str, Any]:
    return {"color": look.colour, "linestyle": (0, look.dashes) if look.dashes else "-"}


def handle(optimizer: str, look: Look, **style: Any) -> Line2D:
    """An entry of a legend: a line, unless the style says otherwise."""
    return Line2D([], [], **line_style(look) | {"linewidth": 1.6} | style, label=one_line(label(optimizer)))


def points(look: Look) -> dict[str, Any]:
    """The style of points alone."""
    return {"color": look.colour, "linestyle": "none", "marker": look.marker, "markersize": 4}


def shown(looks: Mapping[str, Look], found: Sequence[str]) -> list[str]:
    """The optimizers that are drawn, in the order of the study."""
    return [optimizer for optimizer in looks if optimizer in found]
