"""A figure of panels in one style, with titles for what a pointer is over."""

import io
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from matplotlib import rc_context
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator

from molopt.report.figures.svg import INK, inline
from molopt.report.figures.text import one_line
from molopt.report.labels import Look, label

WIDTH, HEIGHT = 4.4, 3.0  # inches a panel
ALONE = 7.0  # inches, of one that has no other beside it
LINE, LETTER, ROW = 0.8, 0.088, 0.2  # inches of the legend
COLUMNS = 3  # panels beside each other
NARROW = 50  # high end over low, below which powers of ten are too few ticks
STYLE = {
    "axes.edgecolor": INK,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 9,
    "axes.linewidth": 0.7,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 9.5,
    "figure.facecolor": "none",
    "font.family": ["DejaVu Sans"],  # as wide as any that a page may use
    "font.size": 9,
    "grid.alpha": 0.13,
    "grid.color": INK,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "path.simplify": False,
    "svg.fonttype": "none",
    "text.color": INK,
    "text.parse_math": False,
    "text.usetex": False,
    "xtick.color": INK,
    "xtick.labelsize": 8,
    "ytick.color": INK,
    "ytick.labelsize": 8,
}


class Canvas:
    """Panels to draw in, then `svg` to have them; used inside `canvas`."""

    def __init__(
        self, panels: int, width: float, height: float, columns: int, layout: Any = "constrained", **shared: Any
    ) -> None:
        columns = min(panels, columns)
        rows = math.ceil(panels / columns)
        self.figure = Figure(figsize=(columns * width, rows * height), layout=layout)
        grid = self.figure.subplots(rows, columns, squeeze=False, **shared)
        self.panels: list[Axes] = list(grid.flat[:panels])
        self.lowest = self.panels[-columns:]
        for panel in self.lowest:
            panel.tick_params(labelbottom=True)  # shared axes have their numbers in the last row alone
        for spare in grid.flat[panels:]:
            spare.remove()
        self.titles: dict[str, Sequence[str]] = {}

    def say(self, artist: Artist, *titles: str) -> None:
        """What a pointer over the artist shows: one text, or one for each of its markers."""
        name = f"said{len(self.titles)}"
        artist.set_gid(name)
        self.titles[name] = [one_line(title, longest=300) for title in titles]

    def legend(self, handles: Sequence[Line2D]) -> None:
        """Below the panels, the figure as much taller."""
        width, height = self.figure.get_size_inches()
        longest = max((len(str(handle.get_label())) for handle in handles), default=1)
        entries = max(1, int(width / (LINE + LETTER * longest)))
        self.figure.set_size_inches(width, height + ROW * math.ceil(len(handles) / entries))
        self.figure.legend(handles=handles, loc="outside lower center", ncols=entries, handlelength=3.2)

    def svg(self, prefix: str, name: str) -> str:
        written = io.StringIO()
        with rc_context({"svg.hashsalt": prefix}):
            self.figure.savefig(written, format="svg", metadata={"Date": None})
        return inline(written.getvalue(), self.titles, prefix, name)


@contextmanager
def canvas(
    panels: int, width: float | None = None, height: float = HEIGHT, columns: int = COLUMNS, **shared: Any
) -> Iterator[Canvas]:
    """A canvas of so many panels, each `width` x `height` inches, so many beside each other.

    `shared` as in `Figure.subplots`, or the layout.
    """
    width = width or (WIDTH if panels > 1 else ALONE)
    with rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # the page has more fonts
        warnings.filterwarnings("ignore", "Attempting to set identical")  # all values of a panel may be one
        yield Canvas(max(panels, 1), width, height, columns, **shared)


def line_style(look: Look) -> dict[str, Any]:
    return {"color": look.colour, "linestyle": (0, look.dashes) if look.dashes else "-"}


def handle(optimizer: str, look: Look, **style: Any) -> Line2D:
    """An entry of a legend: a line, unless the style says otherwise."""
    return Line2D([], [], **line_style(look) | {"linewidth": 1.6} | style, label=one_line(label(optimizer)))


def points(look: Look) -> dict[str, Any]:
    """The style of points alone."""
    return {"color": look.colour, "linestyle": "none", "marker": look.marker, "markersize": 4}


def logarithmic(panel: Axes, axes: str = "xy") -> None:
    """Logarithmic axes with plain numbers; call it when everything is drawn."""
    for axis in axes:
        panel.set(**{f"{axis}scale": "log"})
        low, high = panel.get_xlim() if axis == "x" else panel.get_ylim()
        there = panel.xaxis if axis == "x" else panel.yaxis
        if high / low < NARROW:
            there.set_major_locator(LogLocator(subs=(1, 2, 5)))
        there.set_major_formatter("{x:g}")
        there.set_minor_formatter("")


def shown(looks: Mapping[str, Look], found: Sequence[str]) -> list[str]:
    """The optimizers that are drawn, in the order of the study."""
    return [optimizer for optimizer in looks if optimizer in found]
