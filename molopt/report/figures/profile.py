"""Performance profiles of a study."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from molopt.comparison.problems import by_potential, converged
from molopt.comparison.profiles import Profile, Solved, profiles
from molopt.drawing.canvas import Canvas, canvas, logarithmic
from molopt.drawing.text import one_line
from molopt.record import Record
from molopt.report.figures.lines import handle, line_style, shown
from molopt.report.labels import Look, label

FURTHEST = 100.0  # times the best; beyond it lines are cut


def profile_figure(
    records: Sequence[Record], looks: Mapping[str, Look], solved: Solved = converged, prefix: str = "profile"
) -> str:
    """The performance profile of each optimizer, a panel a potential.

    Parameters
    ----------
    records : sequence of Record
        Of the whole study.
    looks : mapping of str to Look
        Of its optimizers (`molopt.report.labels.looks`).
    solved : callable
        `converged` or `converged_to_lowest`, as in `molopt.comparison.profiles`.
    prefix : str
        Begins the ids: another for each figure of a page.

    Returns
    -------
    str
        An `<svg>` element.
    """
    with canvas(panels_of(records), sharex=True, sharey=True) as drawing:
        draw_profiles(drawing, records, looks, solved)
        return drawing.svg(prefix, "performance profile")


def panels_of(records: Sequence[Record]) -> int:
    """How many potentials there are."""
    return len(by_potential(records))


def draw_profiles(
    drawing: Canvas, records: Sequence[Record], looks: Mapping[str, Look], solved: Solved = converged
) -> None:
    """Profiles and their legend, on a canvas of `panels_of` panels."""
    found = {potential: profiles(there, solved) for potential, there in by_potential(records).items()}
    everywhere = [profile for there in found.values() for profile in there.values()]
    until = furthest(everywhere)
    for panel, (potential, there) in zip(drawing.panels, found.items(), strict=False):
        for optimizer in shown(looks, list(there)):
            taus, fractions = cut(there[optimizer], until)
            style = line_style(looks[optimizer])
            (line,) = panel.plot(taus, fractions, drawstyle="steps-post", linewidth=1.7, **style)
            drawing.say(line, described(optimizer, there[optimizer]))
        panel.set_title(one_line(potential))
        panel.set(xlabel="force calls, times those of the best", ylim=(-0.02, 1.02), xlim=(0.97, until))
        logarithmic(panel, "x")
    drawing.panels[0].set_ylabel("fraction of problems solved")
    drawing.legend([handle(optimizer, looks[optimizer]) for optimizer in shown(looks, names(found))])


def names(found: Mapping[str, Mapping[str, Profile]]) -> list[str]:
    return [optimizer for there in found.values() for optimizer in there]


def furthest(found: Sequence[Profile]) -> float:
    """Where the axis ends: a little beyond the last rise."""
    finite = [float(profile.ratios[np.isfinite(profile.ratios)].max(initial=1.0)) for profile in found]
    return min(max([2.0, *(1.1 * ratio for ratio in finite)]), FURTHEST)


def cut(profile: Profile, until: float) -> tuple[np.ndarray, np.ndarray]:
    """The curve from where it leaves 0 to where the axis ends: no line hides another at 0."""
    taus, fractions = profile.curve()
    inside = (taus <= until) & (fractions > 0)
    taus, fractions = np.append(taus[inside], until), np.append(fractions[inside], fractions[inside][-1:])
    if len(fractions) < len(taus):  # nothing was solved as far as the axis goes
        return taus, np.zeros(len(taus))
    return np.append(taus[0], taus), np.append(0.0, fractions)


def described(optimizer: str, profile: Profile) -> str:
    shares = [profile.at(1), profile.at(2), profile.at(math.inf)]
    first, twice, ever = ("-" if math.isnan(share) else f"{100 * share:.0f} %" for share in shares)
    count = len(profile.ratios)
    return f"{label(optimizer)}: best on {first} of {count} problems, within twice the best on {twice}, solved {ever}"
