"""How one run came down: energy and forces, force call by force call."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from molopt.drawing.canvas import DARK, Canvas, InlineFigure, canvas, logarithmic
from molopt.drawing.svg import own_prefix
from molopt.drawing.text import one_line, three_digits
from molopt.rules.partition import Array

MEV = 1e-3  # eV
LEAST = 0.01  # meV, and meV/A; less is drawn there
ENERGY, FORCE, BAD = "#0072B2", "#009E73", "#D55E00"
WIDTH, HEIGHT = 6.0, 2.2  # inches a panel
SMALL = (2.9, 1.9)  # inches, of the one panel beside a table
MARGINS = {"left": 0.2, "right": 0.97, "bottom": 0.24, "top": 0.95}  # given: to measure them takes most of the time
MARKED, LONG = 60, 300  # force calls up to which each has a dot, and up to which the line is thick
DASHED: dict[str, Any] = {"linewidth": 0.9, "linestyle": (0, (4, 3)), "alpha": 0.6}


@dataclass(frozen=True)
class Descent:
    """What the figure of a run shows.

    Attributes
    ----------
    energies, forces : (ncalls,) array
        Of each force call that worked: eV, and fmax in eV/A.
    end : int
        The place of the result among them, from 0.
    left : float or None
        eV above the floor of the basin at the end, as estimated; None where it is not known.
    most_left, fmax : float or None
        The criteria, eV and eV/A; None where they were not asked for.
    good : bool
        Whether the run converged.
    name, potential, ended : str
        Any text.
    """

    energies: Array
    forces: Array
    end: int
    left: float | None
    most_left: float | None
    fmax: float | None
    good: bool
    name: str
    potential: str
    ended: str

    @property
    def calls(self) -> Array:
        """(ncalls,) from 1."""
        return np.arange(1, len(self.energies) + 1)

    @property
    def heights(self) -> Array:
        """(ncalls,) meV above the floor of the basin, or above the end where the floor is not known."""
        return (self.energies - self.energies[self.end] + (self.left or 0.0)) / MEV

    @property
    def above(self) -> str:
        return "above the end" if self.left is None else "above the floor"


def run_figure(run: Descent) -> InlineFigure:
    """Energy above the floor of the basin (meV) and fmax (eV/A), both logarithmic, against force calls.

    The floor is where the run estimates it; where it does not, energies are above that of the end. A large dot is the
    end of a run that converged, a cross that of any other. Dashed lines are the criteria.
    """
    with canvas(2, WIDTH, HEIGHT, 1, DARK, sharex=True) as drawing:
        energy, force = drawing.panels
        energy.tick_params(labelbottom=False)
        energy.set_title(one_line(f"{run.name}, {run.potential}: {run.ended}"))
        energy.set_ylabel(f"{run.above} (meV)")
        force.set(xlabel="force calls", ylabel="fmax (eV/Å)")
        if len(run.energies):
            draw_energies(drawing, energy, run)
            draw_forces(drawing, force, run)
        drawing.figure.align_ylabels()
        return drawing.figure


def run_svg(run: Descent) -> str:
    """The energies alone, small, for a page."""
    with canvas(1, *SMALL, layout=None) as drawing:
        (panel,) = drawing.panels
        draw_energies(drawing, panel, run)
        panel.set(xlabel="force calls", ylabel=f"meV {run.above}")
        drawing.figure.subplots_adjust(**MARGINS)
        prefix = own_prefix("run", run.energies)
        return drawing.svg(prefix, one_line(f"energy against force calls: {run.name}"))


def draw_energies(drawing: Canvas, panel: Axes, run: Descent) -> None:
    draw_calls(panel, run, np.maximum(run.heights, LEAST), ENERGY)
    limit = None if run.most_left is None else run.most_left / MEV
    if run.left is not None and limit is not None:
        draw_limit(drawing, panel, limit, f"{three_digits(limit)} meV left")
    finish(panel, run)


def draw_forces(drawing: Canvas, panel: Axes, run: Descent) -> None:
    draw_calls(panel, run, np.maximum(run.forces, LEAST * MEV), FORCE)
    if run.fmax is not None:
        draw_limit(drawing, panel, run.fmax, f"{three_digits(run.fmax)} eV/Å")
    finish(panel, run)


def draw_calls(panel: Axes, run: Descent, values: Array, colour: str) -> None:
    """A line through the values of all calls, and the end."""
    dots: dict[str, Any] = {"marker": "o", "markersize": 3} if len(values) <= MARKED else {}
    width = 1.6 if len(values) <= LONG else 0.9
    panel.plot(run.calls, values, color=colour, linewidth=width, **dots)
    end, sign = [run.end], "o" if run.good else "X"
    panel.plot(
        run.calls[end], values[end], color=colour if run.good else BAD, linestyle="none", markersize=6, marker=sign
    )


def draw_limit(drawing: Canvas, panel: Axes, limit: float, said: str) -> None:
    """A criterion, named at its left, where lines have not come down yet."""
    panel.axhline(limit, color=drawing.ink, zorder=1, **DASHED)
    place: dict[str, Any] = {"xytext": (3, 2.5), "textcoords": "offset points", "xycoords": ("axes fraction", "data")}
    panel.annotate(said, (0, limit), fontsize=7.5, alpha=0.75, **place)


def finish(panel: Axes, run: Descent) -> None:
    beyond = max(0.5, 0.02 * len(run.energies))
    panel.set_xlim(1 - beyond, len(run.energies) + beyond)
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    panel.margins(y=0.12)
    logarithmic(panel, "y")
