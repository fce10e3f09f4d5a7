"""A scan as a figure of its own: a line for one coordinate, a map for two."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from molopt.constraining.coordinate import Coordinate
from molopt.drawing.canvas import DARK, InlineFigure, canvas
from molopt.drawing.svg import own_prefix
from molopt.drawing.text import one_line
from molopt.rules.partition import Array
from molopt.scanning.scan import Scan

WIDTH, HEIGHT = 6.0, 3.8  # inches
MAP = 5.2  # inches
SMALL = (2.9, 1.9)  # inches, of the panel beside a table
LINE, BAD = "#0072B2", "#D55E00"
LEVELS = 12  # lines of equal energy, about
FINE = 4  # a grid with fewer values an axis has no lines of equal energy
HIGH = 60.0  # kcal/mol: beyond, a map would show one colour for all that matters


def scan_figure(scan: Scan, first: int = 0) -> InlineFigure:
    """The energies above the lowest point, kcal/mol; atoms in labels count from `first`.

    A point that did not converge, or is no longer the molecule of the start, is a hollow mark; one without a geometry
    is a gap.
    """
    size = (WIDTH, HEIGHT) if len(scan.shape) == 1 else (MAP * 1.15, MAP)
    with canvas(1, *size, ink=DARK) as drawing:
        (panel,) = drawing.panels
        if len(scan.shape) == 1:
            draw_line(panel, scan, first)
        else:
            draw_map(panel, scan, first)
        panel.set_title(one_line(f"{scan.molecule.name}, {scan.potential}"))
        return drawing.figure


def scan_svg(scan: Scan) -> str:
    """The same, small, for a page."""
    with canvas(1, *SMALL) as drawing:
        (panel,) = drawing.panels
        if len(scan.shape) == 1:
            draw_line(panel, scan, 0)
            panel.set_ylabel("kcal/mol")
        else:
            draw_map(panel, scan, 0)
        prefix = own_prefix("scan", scan.energies, scan.values)
        return drawing.svg(prefix, one_line(f"energies of the scan: {scan.molecule.name}"))


def draw_line(panel: Axes, scan: Scan, first: int) -> None:
    (axis,) = scan.axes
    good = np.array([point.converged and point.kept for point in scan])
    style: dict[str, Any] = {"linestyle": "none", "marker": "o", "markersize": 4.5}
    panel.plot(axis.values, scan.relative, color=LINE, linewidth=1.6)
    panel.plot(axis.values[good], scan.relative[good], color=LINE, **style)
    panel.plot(axis.values[~good], scan.relative[~good], color=BAD, markerfacecolor="white", **style)
    panel.set(xlabel=titled(axis.coordinate, first), ylabel="above the lowest (kcal/mol)")
    ticks(panel, "x", axis.coordinate, axis.values)


def draw_map(panel: Axes, scan: Scan, first: int) -> None:
    x, y = scan.axes
    shown = np.ma.masked_invalid(scan.relative.T)  # (m, n): the first coordinate to the right
    most = min(HIGH, float(shown.max())) if shown.count() else 1.0
    mesh = panel.pcolormesh(x.values, y.values, shown, cmap="viridis", shading="nearest", vmin=0, vmax=most)
    mesh.set_rasterized(True)  # as polygons, thousands of them would take seconds to write, and megabytes
    if min(scan.shape) >= FINE and shown.count() and most > 0:
        panel.contour(x.values, y.values, shown, levels=np.linspace(0, most, LEVELS), colors="white", linewidths=0.5)
    bad = [point.values for point in scan if not (point.failed or (point.converged and point.kept))]
    if bad:
        panel.plot(*np.transpose(bad), color=BAD, linestyle="none", marker="o", markersize=5, markerfacecolor="none")
    panel.grid(visible=False)
    panel.set(xlabel=titled(x.coordinate, first), ylabel=titled(y.coordinate, first))
    ticks(panel, "x", x.coordinate, x.values)
    ticks(panel, "y", y.coordinate, y.values)
    bar = panel.figure.colorbar(mesh, ax=panel, label="above the lowest (kcal/mol)", extend=extent(shown, most))
    bar.outline.set_visible(False)
    if bar.solids is not None:
        bar.solids.set_rasterized(True)


def extent(shown: Any, most: float) -> str:
    """Whether colours end before the energies do."""
    return "max" if shown.count() and float(shown.max()) > most else "neither"


def titled(coordinate: Coordinate, first: int) -> str:
    return f"{coordinate.named(first)} ({'Å' if coordinate.unit == 'A' else '°'})"


def ticks(panel: Axes, which: str, coordinate: Coordinate, values: Array) -> None:
    """Dihedrals are numbered every 30, 60 or 90 degrees where they turn far."""
    low, high = float(values.min()), float(values.max())
    if coordinate.kind != "dihedral" or high - low < 90:
        return
    step = 60 if high - low > 180 else 30
    places = np.arange(np.ceil(low / step) * step, high + 1e-6, step)
    panel.set(**{f"{which}ticks": places})
