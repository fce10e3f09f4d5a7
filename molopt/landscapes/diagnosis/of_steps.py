"""Patterns that the steps of an optimizer show: its rate, its cap, its memory."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from molopt.landscapes.diagnosis.advice import Advice, Pattern, held_most, median
from molopt.landscapes.diagnosis.recorded import sequences
from molopt.landscapes.diagnosis.walk import Walk
from molopt.rules.partition import Array


@dataclass(frozen=True)
class ZigZag(Pattern):
    """Successive gradients point against each other, because steps go too far across a valley.

    Gradient descent with a rate of 2 over the stiffest curvature rings for ever (turn -1, overshoot 2).

    Attributes
    ----------
    window : int
        Calls over which the mean turn is taken: good optimizers turn a few times as they learn, and then do not.
    turn : float
        The mean cosine of successive gradients below which they point against each other. Near the end of good runs
        means of -0.4 are seen, as what is left is tried out; of a rate that is too large it is near -1.
    share : float
        Of the steps, where the run has got over it.
    overshoot : float
        The median overshoot from which steps are too long: 1 is the bottom, 2 as high on the other side.
    settled : float
        Energy left at the end, eV, below which the run came through all the same: what `molopt.relax` asks for.
    """

    name: ClassVar = "zig-zag"
    window: int = 6
    turn: float = -0.6
    share: float = 0.2
    overshoot: float = 1.5
    settled: float = 1e-3

    def look(self, walk: Walk) -> Advice | None:
        calls = walk.calls
        taken = np.flatnonzero(np.isfinite(calls.turn) & (calls.rejected != 1))
        if len(taken) < self.window or calls.left[-1] < self.settled:
            return None
        means = np.convolve(calls.turn[taken], np.ones(self.window) / self.window, "valid")
        marked = np.zeros(len(taken), dtype=bool)
        for place in np.flatnonzero(means < self.turn):
            marked[place : place + self.window] = True
        stretches = [taken[begin:end] for begin, end in sequences(marked.tolist())]
        stretches = [
            part
            for part in stretches
            if median(calls.overshoot[part]) >= self.overshoot
            and (part[-1] == taken[-1] or len(part) >= self.share * len(taken))
        ]
        if not stretches:
            return None
        part = max(stretches, key=len)
        far = median(calls.overshoot[part])
        across = self.across(walk, part)
        return self.advice(
            int(part[0]),
            int(part[-1]),
            f"successive gradients point against each other (mean cosine {calls.turn[part].mean():.2f}), and the steps "
            f"go {far:.1f} times as far as the bottom along them{across}",
            f"divide the learning rate or maxstep by {max(2, round(far))}"
            + ("" if calls.control else ", or let control do that (its default, not None)")
            + ("" if calls.memory else "; momentum averages it out"),
        )

    def across(self, walk: Walk, part: Array) -> str:
        """Which coordinate turns most."""
        steps = [step for step in walk.steps if step.end in set(part.tolist())]
        steps = [step for step in steps if step.member is steps[-1].member]
        if not steps:
            return ""
        flips = np.sum([step.flips for step in steps], axis=0)
        return f", most in {held_most(steps[-1].member, flips, walk.recorded.atoms.numbers)}"


@dataclass(frozen=True)
class Capped(Pattern):
    """Nearly all steps are cut to one length, though the energy falls as foretold: the cap is what the run waits for.

    Attributes
    ----------
    share : float
        Of the steps. A run from a bad start is capped at first, and no longer near its end.
    least : int
        Capped steps.
    same : float
        Relative difference of lengths that are one cap, where nobody noted it: caps are exact, to rounding.
    kept : float
        Part of the foretold fall that the median step must show; else the cap, or radius, is as short as it must be.
    """

    name: ClassVar = "all steps capped"
    share: float = 0.7
    least: int = 10
    same: float = 1e-3
    kept: float = 0.5

    def look(self, walk: Walk) -> Advice | None:
        calls = walk.calls
        taken = np.flatnonzero(np.isfinite(calls.longest))
        capped, how = self.capped(walk)
        count = int(capped[taken].sum())
        if count < max(self.least, self.share * len(taken)):
            return None
        kept = median((calls.change / calls.predicted)[capped])
        if kept < self.kept:
            return None
        shown = np.flatnonzero(capped)
        full = median(np.array([step.newton for step in walk.steps if capped[step.end]]))
        foretold = "" if np.isnan(kept) else f"; the energy fell by {kept:.2f} of what was foretold"
        longer = "" if np.isnan(full) else f", while the model's Newton step is {full:.0f} times as long"
        return self.advice(
            int(shown[0]),
            int(shown[-1]),
            f"{count} of {len(taken)} steps were {how}{longer}{foretold}",
            "raise maxstep: the surface allows longer steps",
        )

    def capped(self, walk: Walk) -> tuple[Array, str]:
        """(n,) of bool, and how they were: as the optimizer noted it, or as their equal lengths show it."""
        calls = walk.calls
        if walk.recorded.is_ours:
            capped = calls.shortened == 1
            return capped, f"shortened, to {median(calls.longest[capped]):.3g} A of the farthest atom (median)"
        best, how = np.zeros(len(calls), dtype=bool), ""
        for lengths, what in (
            (calls.longest, "cut to {:.3g} A of the farthest atom"),
            (calls.whole, "cut to a length of {:.3g} A"),
        ):
            most = np.nanmax(lengths, initial=0.0)
            alike = lengths >= most * (1 - self.same)
            if alike.sum() > best.sum():
                best, how = alike, what.format(most)
        return best, how


@dataclass(frozen=True)
class AgainstMemory(Pattern):
    """Momentum carries the run uphill: it remembers a slope that has ended.

    Attributes
    ----------
    cosine : float
        Of memory and gradient (of step and downhill, where no memory was noted), below which the one works against the
        other; noise and coupled coordinates make less.
    stretch : int
        Successive calls: a rule with b1 = 0.9 that swings through a minimum comes back before.
    share : float
        Of all calls.
    """

    name: ClassVar = "memory against gradient"
    cosine: float = -0.1
    stretch: int = 3
    share: float = 0.25

    def look(self, walk: Walk) -> Advice | None:
        calls = walk.calls
        noted = bool(np.isfinite(calls.against).any())
        cosines = calls.against if noted else calls.downhill
        found: list[Array] = []
        for begin, end in sequences((cosines < self.cosine).tolist()):
            part = np.arange(begin, end)
            if len(part) >= self.stretch and calls.energy[end - 1] > calls.energy[begin - 1]:
                found.append(part)
        against = sum(len(part) for part in found)
        if not found or against < self.share * len(calls):
            return None
        climbed = sum(float(calls.energy[part[-1]] - calls.energy[part[0] - 1]) for part in found)
        places = np.concatenate(found)
        what = "momentum" if noted else "the steps"
        return self.advice(
            int(places[0]),
            int(places[-1]),
            f"{what} pointed against the downhill direction for {against} of {len(calls)} calls (median cosine "
            f"{median(cosines[places]):.2f}), in which the energy rose by {climbed:.2g} eV",
            "lower b1, or let control drop the momentum where the energy rises (its default, not None)",
        )
