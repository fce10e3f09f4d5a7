"""What an optimizer costs beside the potential."""

import math
from collections.abc import Mapping, Sequence

from molopt.comparison.problems import by_optimizer, by_potential
from molopt.comparison.summaries import median
from molopt.drawing.canvas import canvas, logarithmic
from molopt.drawing.text import one_line, three_digits
from molopt.record import Record
from molopt.report.figures.lines import handle, line_style, points, shown
from molopt.report.labels import Look, label

MS = 1e-3  # s


def own_time_figure(records: Sequence[Record], looks: Mapping[str, Look], prefix: str = "owntime") -> str:
    """Own time of a step (ms) against the number of atoms, both logarithmic, a panel a potential.

    A marker is the median over the runs of an optimizer on molecules of one size.

    Parameters
    ----------
    records, looks, prefix
        As in `profile_figure`.
    """
    found = by_potential(records)
    with canvas(len(found), sharex=True, sharey=True) as drawing:
        for panel, (potential, there) in zip(drawing.panels, found.items(), strict=False):
            runs = by_optimizer(there)
            for optimizer in shown(looks, list(runs)):
                times = by_size(runs[optimizer])
                if times:
                    sizes, heights = list(times), [seconds / MS for seconds in times.values()]
                    panel.plot(sizes, heights, linewidth=0.8, alpha=0.6, **line_style(looks[optimizer]))
                    (markers,) = panel.plot(sizes, heights, **points(looks[optimizer]))
                    drawing.say(markers, *(described(optimizer, *pair) for pair in times.items()))
            panel.set_title(one_line(potential))
            panel.set_xlabel("atoms")
            logarithmic(panel)
        drawing.panels[0].set_ylabel("own time of a step (ms)")
        names = shown(looks, list(by_optimizer(records)))
        styles = {optimizer: {"marker": looks[optimizer].marker, "markersize": 4} for optimizer in names}
        drawing.legend([handle(name, looks[name], **style, linewidth=0.8) for name, style in styles.items()])
        return drawing.svg(prefix, "own time of a step against the number of atoms")


def by_size(records: Sequence[Record]) -> dict[int, float]:
    """The median own time of a step, s, for each number of atoms, ascending."""
    times: dict[int, list[float]] = {}
    for record in records:
        if math.isfinite(record.outcome.step_seconds) and record.outcome.step_seconds > 0:
            times.setdefault(len(record.plan.numbers), []).append(record.outcome.step_seconds)
    return {size: median(times[size]) for size in sorted(times)}


def described(optimizer: str, size: int, seconds: float) -> str:
    return f"{label(optimizer)}: {three_digits(seconds / MS)} ms a step at {size} atoms"
