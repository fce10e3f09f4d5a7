"""How a search for conformers went."""

from collections.abc import Mapping, Sequence

from molopt.drawing.canvas import canvas
from molopt.drawing.text import one_line
from molopt.ensembles.conformer import SOURCES, Round
from molopt.ensembles.ranking import KCAL_PER_MOL
from molopt.report.figures.conformers import HEIGHT, LETTERS, WIDTH, colour

FALL, RISE, TRIED = "#D55E00", "#0072B2", "#B9C1C9"


def lowest_figure(rounds: Sequence[Round], prefix: str = "lowest") -> str:
    """The lowest energy after each round above that of the last (kcal/mol), against force calls."""
    above = [(one.lowest - rounds[-1].lowest) / KCAL_PER_MOL for one in rounds]
    return stairs(rounds, above, FALL, "above the lowest of all (kcal/mol)", "kcal/mol above the lowest", prefix)


def minima_figure(rounds: Sequence[Round], prefix: str = "minima") -> str:
    """Distinct minima in the window after each round, against force calls."""
    return stairs(rounds, [float(one.minima) for one in rounds], RISE, "distinct minima", "minima", prefix)


def stairs(rounds: Sequence[Round], values: Sequence[float], ink: str, label: str, what: str, prefix: str) -> str:
    calls = [one.calls for one in rounds]
    with canvas(1, WIDTH, HEIGHT) as drawing:
        panel = drawing.panels[0]
        panel.plot(calls, values, color=ink, linewidth=1.6, drawstyle="steps-post")
        (points,) = panel.plot(calls, values, color=ink, marker="o", markersize=4, linestyle="none")
        texts = (f"round {n}: {call:,} force calls, {value:.4g} {what}"
                 for n, (call, value) in enumerate(zip(calls, values, strict=True), start=1))  # fmt: skip
        drawing.say(points, *texts)
        high = max(1.0 if what == "minima" else 0.1, *values, 0.0)
        panel.set(xlabel="force calls", ylabel=label, ylim=(-0.04 * high, 1.08 * high))
        panel.set_xlim(0, 1.05 * max(1, *calls))
        return drawing.svg(prefix, f"{label} against force calls")


def yields_figure(tried: Mapping[str, tuple[int, int]], prefix: str = "yields") -> str:
    """For each source how many starts were tried, and how many of them led to a new conformer."""
    sources = [*(source for source in SOURCES if source in tried), *sorted(set(tried) - set(SOURCES))][::-1]
    with canvas(1, WIDTH, max(1.2, 0.7 + 0.36 * len(sources))) as drawing:
        panel = drawing.panels[0]
        for place, source in enumerate(sources):
            starts, new = tried[source]
            (bar,) = panel.barh([place], [starts], height=0.66, color=TRIED)
            drawing.say(bar, f"{source}: {starts} starts")
            (bar,) = panel.barh([place], [new], height=0.66, color=colour(source))
            drawing.say(bar, f"{source}: {new} new conformers of {starts} starts")
            share = f"{new} of {starts}" + (f" ({100 * new / starts:.0f} %)" if starts else "")
            panel.annotate(share, (starts, place), xytext=(4, 0), textcoords="offset points", va="center", size=7.5)
        panel.set_yticks(range(len(sources)), [one_line(source, LETTERS) for source in sources])
        panel.set_xlim(0, 1.35 * max(1, *(starts for starts, _ in tried.values())))
        panel.set(xlabel="starts")
        panel.grid(axis="y", visible=False)
        return drawing.svg(prefix, "new conformers of each source")
