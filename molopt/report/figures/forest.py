"""Force calls relative to a reference, with confidence intervals."""

import math
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes

from molopt.comparison.summaries import Summary
from molopt.drawing.canvas import Canvas, canvas, logarithmic
from molopt.drawing.svg import INK
from molopt.drawing.text import one_line, three_digits
from molopt.report.figures.lines import shown
from molopt.report.labels import Look, label

ROW, REST = 0.24, 0.9  # inches


def forest_figure(
    summaries: Sequence[Summary], looks: Mapping[str, Look], reference: str, prefix: str = "forest"
) -> str:
    """The geometric mean of force-call ratios of each optimizer with its 95 % interval, a panel a potential.

    Parameters
    ----------
    summaries : sequence of Summary
        Made with the same reference.
    looks, prefix
        As in `profile_figure`.
    reference : str
        Full name of the optimizer at 1.
    """
    panels: dict[str, dict[str, Summary]] = {}
    for summary in summaries:
        panels.setdefault(summary.potential, {})[summary.optimizer] = summary
    rows = shown(looks, [summary.optimizer for summary in summaries])
    with canvas(len(panels), height=REST + ROW * len(rows), sharey=True, sharex=True) as drawing:
        for panel, (potential, there) in zip(drawing.panels, panels.items(), strict=False):
            panel.axvline(1.0, color=INK, linewidth=0.8)
            for row, optimizer in enumerate(rows):
                if optimizer in there and math.isfinite(there[optimizer].ratio.mean):
                    draw_row(drawing, panel, row, there[optimizer], looks[optimizer])
            panel.set_yticks(range(len(rows)), [one_line(label(optimizer), longest=40) for optimizer in rows])
            panel.set(ylim=(len(rows) - 0.4, -0.6), xlabel=f"force calls, times those of {one_line(label(reference))}")
            panel.set_title(one_line(potential))
            logarithmic(panel, "x")
        return drawing.svg(prefix, "geometric means of force-call ratios")


def draw_row(drawing: Canvas, panel: Axes, row: int, summary: Summary, look: Look) -> None:
    mean, low, high, _ = summary.ratio
    if math.isfinite(low):
        (interval,) = panel.plot([low, high], [row, row], color=look.colour, linewidth=2.2, solid_capstyle="butt")
        drawing.say(interval, described(summary))
    (marker,) = panel.plot([mean], [row], color=look.colour, marker=look.marker, markersize=5.5)
    drawing.say(marker, described(summary))
    failed = f", {summary.failures} failed" if summary.failures else ""
    panel.annotate(
        f"{three_digits(mean)}{failed}", (max(mean, high) if math.isfinite(high) else mean, row), xytext=(6, 0),
        textcoords="offset points", va="center", fontsize=7.5, annotation_clip=False,
    )  # fmt: skip


def described(summary: Summary) -> str:
    mean, low, high, molecules = summary.ratio
    interval = f" ({three_digits(low)} to {three_digits(high)})" if math.isfinite(low) else ""
    failed = f"{summary.failures} of {summary.runs} runs failed"
    return f"{label(summary.optimizer)}: {three_digits(mean)}{interval} over {molecules} molecules, {failed}"
