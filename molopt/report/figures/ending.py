"""What was left when the forces had become small."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from matplotlib.lines import Line2D

from molopt.comparison.problems import by_optimizer, by_potential
from molopt.comparison.summaries import above_floor
from molopt.record import Record
from molopt.report.figures.canvas import Canvas, canvas, handle, panels_of, points, shown
from molopt.report.figures.svg import INK
from molopt.report.figures.text import number, one_line
from molopt.report.labels import Look, label

MEV = 1e-3  # eV
FLOOR = 1e-3  # meV; less is drawn there
KINDS: dict[str, tuple[Callable[[Record], float], dict[str, Any]]] = {
    "estimated": (lambda record: record.outcome.energy_left, {"markerfacecolor": "none", "markeredgewidth": 0.8}),
    "above its floor": (above_floor, {"markeredgewidth": 0}),
}


def ending_figure(records: Sequence[Record], looks: Mapping[str, Look], prefix: str = "ending") -> str:
    """Energy left at the end (meV) against fmax at the end (eV/A), both logarithmic, a panel a potential.

    Hollow markers are what the run estimated, full ones its energy above where relaxing on came to rest, where that is
    known. Runs that failed are left out: they ended where they happened to be.

    Parameters
    ----------
    records, looks, prefix
        As in `profile_figure`.
    """
    with canvas(len(by_potential(records)), sharex=True, sharey=True) as drawing:
        for panel, there in panels_of(drawing, records, "fmax at the end (eV/Å)"):
            draw_potential(drawing, panel, there, looks)
        drawing.panels[0].set_ylabel("energy left (meV)")
        names = shown(looks, list(by_optimizer(records)))
        grey: dict[str, Any] = {"color": INK, "linestyle": "none", "marker": "o", "markersize": 4}
        kinds = [Line2D([], [], label=kind, **grey | style) for kind, (_, style) in KINDS.items()]
        drawing.legend([handle(name, looks[name], **points(looks[name])) for name in names] + kinds)
        return drawing.svg(prefix, "energy left against fmax")


def draw_potential(drawing: Canvas, panel: Any, records: Sequence[Record], looks: Mapping[str, Look]) -> None:
    runs = by_optimizer(record for record in records if record.outcome.ended in ("converged", "unconverged"))
    for optimizer in shown(looks, list(runs)):
        for kind, (value, style) in KINDS.items():
            drawn = [run for run in runs[optimizer] if math.isfinite(value(run)) and run.outcome.fmax > 0]
            if drawn:
                forces = [run.outcome.fmax for run in drawn]
                heights = [max(value(run) / MEV, FLOOR) for run in drawn]
                (markers,) = panel.plot(forces, heights, **points(looks[optimizer]) | style)
                drawing.say(markers, *(described(run, value(run), kind) for run in drawn))


def described(record: Record, left: float, kind: str) -> str:
    plan, outcome = record.plan, record.outcome
    start = f"{one_line(plan.molecule, longest=40)}, start {plan.seed}"
    return f"{label(plan.optimizer)}, {start}: {number(left / MEV)} meV {kind}, fmax {number(outcome.fmax)} eV/Å"
