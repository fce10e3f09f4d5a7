"""What was left when the forces had become small."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, MaxNLocator

from molopt.comparison.problems import by_optimizer, by_potential
from molopt.comparison.summaries import above_floor
from molopt.drawing.canvas import Canvas, canvas, logarithmic
from molopt.drawing.svg import INK
from molopt.drawing.text import one_line, three_digits
from molopt.record import Record
from molopt.report.figures.lines import points, shown
from molopt.report.labels import Look, label
from molopt.stationary.verdict import ENDED

MEV = 1e-3  # eV
FLOOR = 1e-3  # meV; less is drawn there
WIDTH, HEIGHT, COLUMNS = 2.2, 1.9, 4  # inches a panel, and panels beside each other
LONGEST = 24  # letters of a title
KINDS: dict[str, tuple[Callable[[Record], float], dict[str, Any]]] = {
    "estimated": (lambda record: record.outcome.energy_left, {"markerfacecolor": "none", "markeredgewidth": 0.8}),
    "above its floor": (above_floor, {"markeredgewidth": 0}),
}


def ending_figure(records: Sequence[Record], looks: Mapping[str, Look], prefix: str = "ending") -> str:
    """Energy left at the end (meV) against fmax at the end (eV/A), both logarithmic, a panel an optimizer.

    Where all stop at the same fmax they would cover each other in one panel. Hollow markers are what the run estimated,
    full ones its energy above where relaxing on came to rest, where that is known. Runs that failed are left out: they
    ended where they happened to be.

    Parameters
    ----------
    records, looks, prefix
        As in `profile_figure`.
    """
    parts = {
        (potential, optimizer): runs[optimizer]
        for potential, there in by_potential(records).items()
        for runs in [by_optimizer(record for record in there if ENDED[record.outcome.ended].comparable)]
        for optimizer in shown(looks, list(runs))
    }
    several = len({potential for potential, _ in parts}) > 1
    with canvas(len(parts), WIDTH, HEIGHT, COLUMNS, sharex=True, sharey=True) as drawing:
        for panel, ((potential, optimizer), runs) in zip(drawing.panels, parts.items(), strict=False):
            draw_runs(drawing, panel, runs, looks[optimizer])
            name = one_line(label(optimizer), longest=LONGEST)
            panel.set_title(f"{name}\n{one_line(potential, longest=LONGEST)}" if several else name)
        for panel in drawing.panels:
            logarithmic(panel)
            low, high = panel.get_xlim()
            panel.xaxis.set_major_locator(MaxNLocator(3) if high < 10 * low else LogLocator(numticks=4))
        for panel in drawing.lowest:
            panel.set_xlabel("fmax (eV/Å)")
        for panel in drawing.panels[::COLUMNS]:
            panel.set_ylabel("energy left (meV)")
        grey: dict[str, Any] = {"color": INK, "linestyle": "none", "marker": "o", "markersize": 4}
        drawing.legend([Line2D([], [], label=kind, **grey | style) for kind, (_, style) in KINDS.items()])
        return drawing.svg(prefix, "energy left against fmax")


def draw_runs(drawing: Canvas, panel: Axes, runs: Sequence[Record], look: Look) -> None:
    for kind, (value, style) in KINDS.items():
        drawn = [run for run in runs if math.isfinite(value(run)) and run.outcome.fmax > 0]
        if drawn:
            forces = [run.outcome.fmax for run in drawn]
            heights = [max(value(run) / MEV, FLOOR) for run in drawn]
            (markers,) = panel.plot(forces, heights, **points(look) | style)
            drawing.say(markers, *(described(run, value(run), kind) for run in drawn))


def described(record: Record, left: float, kind: str) -> str:
    plan, outcome = record.plan, record.outcome
    start = f"{one_line(plan.molecule, longest=40)}, start {plan.seed}"
    height, fmax = three_digits(left / MEV), three_digits(outcome.fmax)
    return f"{label(plan.optimizer)}, {start}: {height} meV {kind}, fmax {fmax} eV/Å"
