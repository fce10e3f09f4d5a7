"""A run looked at call by call: what is left, how far its steps go, which way its gradients turn."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from molopt.drawing.canvas import DARK, Canvas, InlineFigure, canvas, logarithmic
from molopt.drawing.run import DASHED
from molopt.drawing.svg import own_prefix
from molopt.drawing.text import one_line
from molopt.landscapes.diagnosis.calls import Calls
from molopt.landscapes.diagnosis.diagnosis import Diagnosis, spelled
from molopt.report.elements import Figure
from molopt.rules.partition import Array

WIDTH, HEIGHT = 4.6, 2.5  # inches a panel
SMALL = (2.9, 1.9)  # inches, of the panel beside a table
COLOURS = {"bonds": "#0072B2", "angles": "#009E73", "torsions": "#D55E00", "fragments": "#CC79A7", "atoms": "#56B4E9"}
LEFT, FORCE, TURN, AGAINST, BAD = "#0072B2", "#009E73", "#0072B2", "#D55E00", "#D55E00"
MEV = 1e-3  # eV
LEAST = 1e-2  # meV and meV/A; less is drawn there
SHORTEST, LONGEST = 1e-4, 1e2  # rates are drawn between these
RANGE = (-1.0, 3.0)  # of the change of the energy over the foretold one: beyond, marks stand at the edge
MARKED = 60  # force calls up to which each has a dot
LINES = {"v": "--", "s": "--", "largest": ":", "total": "--"}  # of second moments


class Panel(NamedTuple):
    """One of the panels."""

    title: str
    caption: str
    draw: Callable[[Canvas, Axes, Diagnosis], None]
    shown: Callable[[Calls], bool] = lambda calls: True


def diagnosis_figure(diagnosis: Diagnosis) -> InlineFigure:
    """Panels over force calls: energy left and fmax, rates of the classes, cosines, change over promise, memory."""
    panels = [panel for panel in PANELS if panel.shown(diagnosis.calls)]
    with canvas(len(panels), WIDTH, HEIGHT, 2, DARK) as drawing:
        for axes, panel in zip(drawing.panels, panels, strict=True):
            panel.draw(drawing, axes, diagnosis)
            axes.set_title(panel.title)
        patterns = ", ".join(advice.pattern for advice in diagnosis.advice) or "no known trouble"
        drawing.figure.suptitle(one_line(f"{diagnosis.named}: {patterns}"), fontsize=10)
        return drawing.figure


def diagnosis_figures(diagnosis: Diagnosis) -> list[Figure]:
    """The same panels, each a figure for a page."""
    found = []
    for place, panel in enumerate(PANELS):
        if panel.shown(diagnosis.calls):
            with canvas(1, WIDTH, HEIGHT) as drawing:
                panel.draw(drawing, drawing.panels[0], diagnosis)
                prefix = own_prefix(f"diagnosis{place}", diagnosis.calls.energy)
                svg = drawing.svg(prefix, one_line(f"{panel.title}: {diagnosis.named}"))
                found.append(Figure(panel.title, panel.caption, svg))
    return found


def small_svg(diagnosis: Diagnosis) -> str:
    """What is left, small, beside a table."""
    with canvas(1, *SMALL) as drawing:
        draw_left(drawing, drawing.panels[0], diagnosis)
        return drawing.svg(own_prefix("diagnosis", diagnosis.calls.energy), one_line(f"energy left: {diagnosis.named}"))


def draw_left(drawing: Canvas, panel: Axes, diagnosis: Diagnosis) -> None:
    """Energy left, or without a molecule energies above the lowest; and fmax."""
    calls = diagnosis.calls
    known = bool(np.isfinite(calls.left).any())
    height = calls.left if known else calls.energy - calls.energy.min()
    what = "energy left" if known else "energy above the lowest"
    plot(panel, calls, np.maximum(height / MEV, LEAST), LEFT, f"{what} (meV)")
    plot(panel, calls, np.maximum(calls.fmax / MEV, LEAST), FORCE, "fmax (meV/Å)")
    finish(panel, calls)
    logarithmic(panel, "y")


def draw_rates(drawing: Canvas, panel: Axes, diagnosis: Diagnosis) -> None:
    """How far each class of coordinates goes; crosses go backwards."""
    calls = diagnosis.calls
    panel.axhline(1.0, color=drawing.ink, zorder=1, **DASHED)
    for group, rate in calls.rates.items():
        if np.isfinite(rate).any():
            sizes = np.clip(np.abs(rate), SHORTEST, LONGEST)
            plot(panel, calls, np.where(rate > 0, sizes, np.nan), COLOURS[group], group)
            back = np.flatnonzero(rate < 0)
            panel.plot(back + 1, sizes[back], color=COLOURS[group], linestyle="none", marker="x", markersize=4)
    finish(panel, calls)
    panel.set_ylabel("of the Newton step")
    logarithmic(panel, "y")


def draw_cosines(drawing: Canvas, panel: Axes, diagnosis: Diagnosis) -> None:
    calls = diagnosis.calls
    panel.axhline(0.0, color=drawing.ink, zorder=1, **DASHED)
    plot(panel, calls, calls.turn, TURN, "gradients, one call and the next")
    if np.isfinite(calls.against).any():
        plot(panel, calls, calls.against, AGAINST, "memory and gradient")
    finish(panel, calls)
    panel.set(ylim=(-1.08, 1.08), ylabel="cosine")


def draw_promise(drawing: Canvas, panel: Axes, diagnosis: Diagnosis) -> None:
    """The change of the energy over the foretold one; crosses were rejected, hollow marks capped."""
    calls = diagnosis.calls
    ratio = np.clip(calls.change / calls.predicted, *RANGE)
    rejected, capped = calls.rejected == 1, (calls.shortened == 1) & (calls.rejected != 1)
    free = ~rejected & ~capped
    panel.axhline(1.0, color=drawing.ink, zorder=1, **DASHED)
    style: dict[str, Any] = {"linestyle": "none", "markersize": 4 if len(calls) <= MARKED else 2.5, "color": LEFT}
    for which, label, own in (
        (free, "taken", {"marker": "o"}),
        (capped, "capped", {"marker": "o", "markerfacecolor": "none"}),
        (rejected, "rejected", {"marker": "x", "color": BAD}),
    ):
        if np.isfinite(ratio[which]).any():
            panel.plot(calls_of(calls)[which], ratio[which], label=label, **style | own)
    finish(panel, calls)
    panel.set(ylim=(RANGE[0] - 0.15, RANGE[1] + 0.15), ylabel="real / foretold")


def draw_memory(drawing: Canvas, panel: Axes, diagnosis: Diagnosis) -> None:
    """What the rule remembers of each class of coordinates; second moments are dashed."""
    calls = diagnosis.calls
    for name, groups in calls.by_class.items():
        for group, norm in groups.items():
            label = f"{spelled(name)}, {group}"
            plot(panel, calls, np.where(norm > 0, norm, np.nan), COLOURS[group], label, linestyle=LINES.get(name, "-"))
    finish(panel, calls)
    panel.set_ylabel("√eV" if "atoms" not in diagnosis.remembers else "eV/Å")
    logarithmic(panel, "y")


def draw_curvature(drawing: Canvas, panel: Axes, diagnosis: Diagnosis) -> None:
    calls = diagnosis.calls
    panel.axhline(0.0, color=drawing.ink, zorder=1, **DASHED)
    plot(panel, calls, np.clip(calls.curvature, *RANGE), LEFT, "along the step")
    finish(panel, calls)
    panel.set(ylim=(RANGE[0] - 0.15, RANGE[1] + 0.15), ylabel="of the model's")


def any_known(values: Array) -> bool:
    return bool(np.isfinite(values).any())


PANELS = (
    Panel(
        "What is left",
        "The energy above the floor of the basin, as estimated at each call, and the longest force.",
        draw_left,
    ),
    Panel(
        "How far bonds, angles and torsions go",
        "As a part of the model's Newton step; crosses go backwards.",
        draw_rates,
        lambda calls: bool(calls.rates),
    ),
    Panel(
        "Which way the gradients point",
        "Where gradients of successive calls are near -1 the run zig-zags; memory below 0 pushes uphill.",
        draw_cosines,
    ),
    Panel(
        "Change of the energy, real over foretold",
        "Foretold by the optimizer, or where it does not say by the model Hessian. Marks at the edge lie beyond.",
        draw_promise,
        lambda calls: any_known(calls.predicted),
    ),
    Panel(
        "Curvature along the steps",
        "Relative to the model's; below 0 the energy bends down. Values at the edge lie beyond.",
        draw_curvature,
        lambda calls: any_known(calls.curvature),
    ),
    Panel(
        "What the rule remembers",
        "The norm of its first moment, and the root of its second (dashed), in each class of coordinates.",
        draw_memory,
        lambda calls: any((norm > 0).any() for groups in calls.by_class.values() for norm in groups.values()),
    ),
)


def calls_of(calls: Calls) -> Array:
    """(n,) from 1."""
    return np.arange(1, len(calls) + 1)


def plot(panel: Axes, calls: Calls, values: Array, colour: str, label: str, **style: Any) -> None:
    dots: Mapping[str, Any] = {"marker": "o", "markersize": 2.5} if len(calls) <= MARKED else {}
    panel.plot(calls_of(calls), values, color=colour, label=label, **{"linewidth": 1.3, **dots, **style})


def finish(panel: Axes, calls: Calls) -> None:
    beyond = max(0.5, 0.02 * len(calls))
    panel.set_xlim(1 - beyond, len(calls) + beyond)
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    panel.margins(y=0.1)
    panel.set_xlabel("force calls")
    if len(panel.get_legend_handles_labels()[0]):
        panel.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22), fontsize=7.5, ncols=3, handlelength=1.8)
