"""A figure of panels in one style, with titles for what a pointer is over."""

import io
import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from matplotlib import rc_context
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator

from molopt.drawing.svg import INK, inline
from molopt.drawing.text import one_line

WIDTH, HEIGHT = 4.4, 3.0  # inches a panel
ALONE = 7.0  # inches, of one that has no other beside it
LINE, LETTER, ROW = 0.8, 0.088, 0.2  # inches of the legend
COLUMNS = 3  # panels beside each other
DARK = "#222222"  # ink on white
SCREEN, SHARP = 96, 2  # CSS pixels an inch, and pixels of a fine screen in each of them
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


class InlineFigure(Figure):
    """A figure that a notebook shows by itself: without pyplot, Jupyter prints no more than the size of others."""

    def savefig(self, *written: Any, **options: Any) -> None:
        """As matplotlib's, without a warning for each letter of a name that its font lacks."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph")
            super().savefig(*written, **options)

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        width, height = (round(SCREEN * inches) for inches in self.get_size_inches())
        written = io.BytesIO()
        self.savefig(written, format="png", dpi=SHARP * SCREEN, facecolor="white")
        return written.getvalue(), {"width": width, "height": height}


class Canvas:
    """Panels to draw in, then `svg` or `figure` to have them; used inside `canvas`.

    Attributes
    ----------
    figure : Figure
    panels : list of Axes
    ink : str
        The colour of text and axes.
    """

    def __init__(
        self,
        panels: int,
        width: float,
        height: float,
        columns: int,
        ink: str = INK,
        layout: Any = "constrained",
        **shared: Any,
    ) -> None:
        columns = min(panels, columns)
        rows = math.ceil(panels / columns)
        self.ink = ink
        self.figure = InlineFigure(figsize=(columns * width, rows * height), layout=layout)
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
    panels: int,
    width: float | None = None,
    height: float = HEIGHT,
    columns: int = COLUMNS,
    ink: str = INK,
    **shared: Any,
) -> Iterator[Canvas]:
    """A canvas of so many panels, each `width` x `height` inches, so many beside each other.

    Text and axes have the colour `ink`: by default the one that stands for a page's own, `DARK` for a figure that
    stands on white. `shared` as in `Figure.subplots`, or the layout.
    """
    width = width or (WIDTH if panels > 1 else ALONE)
    style = {key: ink if value == INK else value for key, value in STYLE.items()}
    with rc_context(style), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # the page has more fonts
        warnings.filterwarnings("ignore", "Attempting to set identical")  # all values of a panel may be one
        yield Canvas(max(panels, 1), width, height, columns, ink, **shared)


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
