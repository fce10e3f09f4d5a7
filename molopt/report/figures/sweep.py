"""How sensitive an optimizer is to one of its arguments."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes

from molopt.comparison.problems import by_optimizer, by_potential
from molopt.comparison.ratios import geometric_mean_cost
from molopt.drawing.canvas import Canvas, canvas, logarithmic
from molopt.drawing.text import one_line, three_digits
from molopt.record import Record
from molopt.report.figures.lines import handle, line_style
from molopt.report.labels import Look, label, look
from molopt.specification import parse, specified

Swept = dict[str, dict[float, str]]  # family -> value of the key -> full name of the optimizer


def sweep_figure(records: Sequence[Record], looks: Mapping[str, Look], key: str, prefix: str = "sweep") -> str:
    """Geometric mean of force calls against a swept argument, both logarithmic, a panel a potential.

    A run that did not converge counts as in `molopt.comparison.problems.cost`; a hollow marker says that there were
    some, and a number beside it how many. Optimizers that were run with one value or without the argument are thin
    horizontal lines, to compare with.

    Parameters
    ----------
    records, looks, prefix
        As in `profile_figure`.
    key : str
        The argument, as in names of optimizers: "lr" in `adam?lr=0.01`.
    """
    families, others = swept(list(by_optimizer(records)), key)
    panels = by_potential(records)
    with canvas(len(panels), sharex=True, sharey=True) as drawing:
        for panel, (potential, there) in zip(drawing.panels, panels.items(), strict=False):
            runs = by_optimizer(there)
            for optimizer in others:
                draw_other(drawing, panel, optimizer, runs.get(optimizer, []), looks[optimizer])
            for family, values in families.items():
                draw_family(
                    drawing, panel, {value: runs[name] for value, name in values.items() if name in runs}, family
                )
            panel.set_title(one_line(potential))
            panel.set_xlabel(one_line(key))
            logarithmic(panel)
        drawing.panels[0].set_ylabel("force calls, geometric mean")
        entries = [handle(family, look(family), marker="o", markersize=4) for family in families]
        drawing.legend(entries + [handle(optimizer, looks[optimizer], linewidth=1.1) for optimizer in others])
        return drawing.svg(prefix, one_line(f"sensitivity to {key}"))


def swept(optimizers: Sequence[str], key: str) -> tuple[Swept, list[str]]:
    """The optimizers that differ in one argument alone, and those that do not.

    >>> swept(["adam?lr=0.1&b1=0.9", "adam?lr=0.01&b1=0.9", "fire?dt=0.1"], "lr")
    ({'adam?b1=0.9': {0.01: 'adam?lr=0.01&b1=0.9', 0.1: 'adam?lr=0.1&b1=0.9'}}, ['fire?dt=0.1'])
    """
    found: Swept = {}
    for optimizer in optimizers:
        name, keywords = parse(optimizer)
        value = keywords.pop(key, None)
        if isinstance(value, int | float) and value > 0:
            found.setdefault(specified(name, keywords), {})[float(value)] = optimizer
    families = {family: dict(sorted(values.items())) for family, values in found.items() if len(values) > 1}
    members = {optimizer for values in families.values() for optimizer in values.values()}
    return families, [optimizer for optimizer in optimizers if optimizer not in members]


def draw_family(drawing: Canvas, panel: Axes, runs: Mapping[float, Sequence[Record]], family: str) -> None:
    style = look(family)
    means = {value: geometric_mean_cost(there).mean for value, there in runs.items()}
    panel.plot(list(means), list(means.values()), linewidth=1.6, **line_style(style))
    for value, mean in means.items():
        failed = sum(not run.outcome.converged for run in runs[value])
        face = "none" if failed else style.colour
        (marker,) = panel.plot([value], [mean], color=style.colour, marker="o", markersize=5, markerfacecolor=face)
        drawing.say(marker, described(runs[value][0].plan.optimizer, mean, failed, len(runs[value])))
        if failed:
            panel.annotate(
                str(failed), (value, mean), xytext=(0, 6), textcoords="offset points", ha="center", fontsize=7.5
            )


def draw_other(drawing: Canvas, panel: Axes, optimizer: str, runs: Sequence[Record], style: Look) -> None:
    if runs:
        mean = geometric_mean_cost(runs).mean
        line = panel.axhline(mean, linewidth=1.1, **line_style(style))
        failed = sum(not run.outcome.converged for run in runs)
        drawing.say(line, described(optimizer, mean, failed, len(runs)))


def described(optimizer: str, mean: float, failed: int, runs: int) -> str:
    return f"{label(optimizer)}: {three_digits(mean)} force calls, {failed} of {runs} runs failed"
