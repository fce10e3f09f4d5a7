"""The charts of experiments, and the paths of optimizers on a surface."""

from collections.abc import Sequence
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from molopt.drawing.canvas import DARK, Canvas, InlineFigure, canvas, logarithmic
from molopt.drawing.text import one_line
from molopt.landscapes.chart import Chart, Drawing, Series, SurfaceMap
from molopt.report.labels import LOOKS, Look
from molopt.rules.partition import Array

WIDTH, HEIGHT = 6.4, 3.9  # inches
OTHERS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#E69F00",
    "#5C3D99",
    "#7A6A53",
)  # Okabe and Ito's first
LEVELS = 14  # lines of equal energy
POINTS_AN_INCH = 72
# Shapes and sizes of points, which are hollow: where two lie on each other, both are seen.
MARKS = (("o", 8.0), ("s", 6.0), ("x", 5.0), ("D", 5.0), ("^", 6.0), ("v", 6.0), ("P", 6.0), ("*", 8.0))
DASHES = ((2, 2), (6, 2), (1, 1), (6, 1.5, 1, 1.5))  # of theory
MARKED = 12  # points of a line that are few enough to be marked


def drawn(drawing: Drawing, ink: str = DARK) -> InlineFigure:
    """The figure that stands on white."""
    with canvas(1, WIDTH, HEIGHT, ink=ink) as board:
        draw(board, drawing)
        return board.figure


def svg(drawing: Drawing, prefix: str) -> tuple[str, list[dict[str, object]]]:
    """The figure for a page, and the paths that can be played: colour, name and points in units of the SVG."""
    with canvas(1, WIDTH, HEIGHT) as board:
        draw(board, drawing)
        paths = played(board, drawing) if isinstance(drawing, SurfaceMap) else []
        return board.svg(prefix, one_line(drawing.title)), paths


def draw(board: Canvas, drawing: Drawing) -> None:
    (panel,) = board.panels
    panel.set(title=one_line(drawing.title), xlabel=one_line(drawing.x), ylabel=one_line(drawing.y))
    handles = draw_map(board, panel, drawing) if isinstance(drawing, SurfaceMap) else draw_chart(board, panel, drawing)
    if len(handles) > 1:
        board.legend(handles)


def colours(names: Sequence[str]) -> list[Look]:
    """The look of each curve, that of its optimizer; others, and those that come twice, get colours in turn."""
    found: list[Look] = []
    free = iter(OTHERS * (1 + len(names) // len(OTHERS)))
    for name in names:
        look = LOOKS.get(name)
        if look is None or look.colour in [one.colour for one in found]:
            taken = {one.colour for one in found}
            look = Look(next((colour for colour in free if colour not in taken), OTHERS[0]))
        found.append(look)
    return found


def draw_chart(board: Canvas, panel: Axes, chart: Chart) -> list[Line2D]:
    curves = [one for one in chart.series if one.kind != "theory"]
    looks, marks, dashes = iter(colours([one.optimizer for one in curves])), cycle(MARKS), cycle(DASHES)
    handles = []
    for one in chart.series:
        style = of_theory(board.ink, next(dashes)) if one.kind == "theory" else of_curve(one, next(looks), next(marks))
        if one.kind == "band" and one.low is not None and one.high is not None:
            panel.fill_between(
                one.x, np.asarray(one.low), np.asarray(one.high), color=style["color"], alpha=0.18, linewidth=0
            )
        elif one.low is not None and one.high is not None:
            panel.vlines(one.x, np.asarray(one.low), np.asarray(one.high), color=style["color"], linewidth=1.0)
        (line,) = panel.plot(one.x, one.y, **style)
        board.say(line, one.label)
        handles.append(Line2D([], [], **style, label=one_line(one.label)))
    if chart.ticks:
        panel.set_xticks(range(len(chart.ticks)), [one_line(tick, 20) for tick in chart.ticks])
    if chart.log:
        logarithmic(panel, chart.log)
    return handles


def of_theory(ink: str, dashes: Sequence[float]) -> dict[str, Any]:
    return {"color": ink, "linestyle": (0, tuple(dashes)), "linewidth": 1.0, "alpha": 0.75, "zorder": 2.5}


def of_curve(one: Series, look: Look, mark: tuple[str, float]) -> dict[str, Any]:
    shape: dict[str, Any] = {"color": look.colour, "marker": mark[0], "markersize": mark[1]}
    if one.kind == "points":
        return shape | {"linestyle": "none", "markerfacecolor": "none", "markeredgewidth": 1.6}
    dashes: Any = (0, look.dashes) if look.dashes else "-"
    marked = {} if len(one.x) <= MARKED else {"marker": ""}
    return shape | {"linestyle": dashes, "linewidth": 1.6, "markersize": 3.5} | marked


def draw_map(board: Canvas, panel: Axes, shown: SurfaceMap) -> list[Line2D]:
    x, y, energies = shown.grid()
    panel.contour(
        x, y, energies, levels=levels(energies), colors=board.ink, linewidths=0.5, linestyles="solid", alpha=0.3
    )
    handles = []
    for track, look in zip(shown.tracks, colours([track.optimizer for track in shown.tracks]), strict=True):
        style: dict[str, Any] = {"color": look.colour, "linewidth": 1.3}
        (line,) = panel.plot(track.x[:, 0], track.x[:, 1], **style)
        board.say(line, track.label)
        panel.plot(*track.x[-1, :2], color=look.colour, marker="o", markersize=5)
        handles.append(Line2D([], [], **style, marker="o", markersize=5, label=one_line(track.label)))
    panel.plot(*shown.tracks[0].x[0, :2], color=board.ink, marker="x", markersize=6)
    panel.set(xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))
    panel.grid(visible=False)
    return handles


def levels(energies: Array) -> Array:
    """Energies whose lines have as much of the map between them, so that valleys and walls are both seen."""
    found = np.unique(np.quantile(energies, np.linspace(0.02, 0.97, LEVELS)))
    return found if len(found) > 1 else np.array([found[0], found[0] + 1.0])


def played(board: Canvas, shown: SurfaceMap) -> list[dict[str, object]]:
    """The paths in units of the SVG, force call by force call, those within the map."""
    (panel,) = board.panels
    board.figure.set_dpi(POINTS_AN_INCH)  # as an SVG has
    board.figure.draw_without_rendering()
    board.figure.set_layout_engine("none")  # what is measured now stays where it is
    height = board.figure.bbox.height
    found: list[dict[str, object]] = []
    for track, look in zip(shown.tracks, colours([track.optimizer for track in shown.tracks]), strict=True):
        pixels = panel.transData.transform(track.x[:, :2])
        low, high = panel.transAxes.transform([[0, 0], [1, 1]])
        inside = np.clip(np.nan_to_num(pixels), low, high)
        points = np.column_stack([inside[:, 0], height - inside[:, 1]]).round(1).tolist()
        energies = [float(f"{energy:.6g}") if np.isfinite(energy) else None for energy in track.energies]
        found.append({"name": track.label, "colour": look.colour, "points": points, "energies": energies})
    return found
