"""How much of a proposed step is taken: a rate that settles, a cap, rejection, and when memory is dropped."""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from molopt.coordinates import Cartesian
from molopt.errors import InputError
from molopt.rules.base import Rule
from molopt.rules.state import Array, PerEntry, PerSystem, choose

SMALLEST_STEP = 1e-300  # Angstrom; keeps a division by a step of zero away
SMALLEST_RATE = 1e-10  # noise in the forces may reject any step, but must not stop the run for ever


class ControlState(NamedTuple):
    rate: PerSystem  # (S,) factor on what the rule proposes
    ceiling: PerSystem  # (S,) the rate at the last rise, infinite before the first
    applied: PerSystem  # (S,) the factor of the last step, its cap included


class Point(NamedTuple):
    """A geometry whose forces are known."""

    x: PerEntry  # (N,) coordinates
    gradient: PerEntry  # (N,) eV/A


class Memory(NamedTuple):
    """What a run remembers between two force calls: its last accepted point, and the states there and after it."""

    point: Point
    before: Any  # the rule's state when it came to the point
    after: Any  # and when it had seen the gradient there
    control: ControlState


@dataclass(frozen=True)
class Control:
    r"""A learning rate that settles, shared by all rules.

    With a constant learning rate a rule circles the minimum. Here its displacement is multiplied by a rate, one for
    each system, that answers to the work of the last step

    .. math:: W = \tfrac{1}{2} (g_{old} + g_{new}) \cdot taken,

    which is the change of the energy but for an error of third order in the step. It needs no energies, so it does
    not drown in their rounding near the minimum, and it serves bands and cells whose forces are no gradient of the
    reported energy.

    - W > 0: the rate shrinks by `shrink`. A small rise is accepted: momentum must be allowed to climb a little.
    - W <= 0: the rate grows, by `growth` while it is far below the rate of the last rise (or there was none yet), by
      `creep` near it and beyond. Growing fast there keeps the stiffest vibrations ringing for ever at the edge of
      stability.
    - W > `tolerance` x abs(g_old . taken): the step is rejected as well. The run goes back to the last accepted point
      and to its state there, with the momentum dropped (`Rule.forget`).

    Parameters
    ----------
    maxstep : float
        Longest move of an atom in one step, Angstrom (as in ASE's BFGS; ASE's FIRE caps the whole vector).
    growth, creep, shrink : float
        Factors of the rate: after a fall, after a fall near the rate of the last rise, and after a rise.
    tolerance : float
        Largest accepted rise, as a part of the change that the old gradient alone foretold.

    Notes
    -----
    The defaults come from a sweep over molecules apart from the benchmark set: docs/tuning.md.

    Examples
    --------
    >>> Control(shrink=1.2)
    Traceback (most recent call last):
        ...
    molopt.errors.InputError: shrink must be positive and at most 1, got 1.2
    """

    maxstep: float = 0.2
    growth: float = 1.05
    creep: float = 1.02
    shrink: float = 0.75
    tolerance: float = 0.2

    def __post_init__(self) -> None:
        if not self.maxstep > 0:
            raise InputError(f"maxstep must be positive (Angstrom), got {self.maxstep}")
        for name in ("growth", "creep"):
            if not getattr(self, name) >= 1:
                raise InputError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not 0 < self.shrink <= 1:
            raise InputError(f"shrink must be positive and at most 1, got {self.shrink}")
        if not self.tolerance >= 0:
            raise InputError(f"tolerance must be zero or positive, got {self.tolerance}")

    @classmethod
    def textbook(cls, maxstep: float = math.inf) -> "Control":
        """A control that takes every step as the rule proposes it; it can only cap."""
        return cls(maxstep=maxstep, growth=1.0, creep=1.0, shrink=1.0, tolerance=math.inf)

    def init(self, count: int) -> ControlState:
        """The state before the first step of `count` systems."""
        return ControlState(np.ones(count), np.full(count, np.inf), np.ones(count))

    def judge(self, slope: Array, work: Array, state: ControlState) -> tuple[Array, ControlState]:
        """Which systems reject their last step (S,), and the rates that follow.

        `slope` (S,) is g_old . taken, `work` (S,) is W; both in eV.
        """
        rises = work > 0
        allowed = self.tolerance * np.abs(slope) if math.isfinite(self.tolerance) else np.inf
        rejected = rises & (work > allowed)
        used = np.where(rejected, state.applied, state.rate)
        growth = np.where(used < self.shrink * state.ceiling, self.growth, self.creep)
        rate = np.maximum(used * np.where(rises, self.shrink, growth), SMALLEST_RATE)
        return rejected, ControlState(rate, np.where(rises, used, state.ceiling), state.applied)

    def limit(self, longest: Array, state: ControlState) -> ControlState:
        """The factors to apply to proposals whose longest atom moves by `longest` (S,) Angstrom."""
        cap = self.maxstep / np.maximum(longest, SMALLEST_STEP)
        return ControlState(state.rate, state.ceiling, np.minimum(state.rate, cap))


def advance(
    rule: Rule, control: Control, coordinates: Cartesian, here: Point, memory: Memory | None
) -> tuple[Array, Memory]:
    """From a point whose gradient was just computed to the next point to compute.

    Returns
    -------
    x : (N,) array
        The next point. Where the last step was rejected it starts from the last accepted point.
    memory : Memory
        To be given back at the next call.
    """
    systems = coordinates.systems
    if memory is None:
        seen = coordinates.observe(here.gradient, np.zeros_like(here.gradient))
        state, controlled = rule.init(seen), control.init(systems.count)
    else:
        old = memory.point
        taken = here.x - old.x
        slope, end = systems.sum(old.gradient * taken), systems.sum(here.gradient * taken)
        rejected, controlled = control.judge(slope, (slope + end) / 2, memory.control)
        here, state = choose(systems, rejected, old, here), memory.after
        if rejected.any():
            taken = np.where(systems.spread(rejected), 0.0, taken)
            forgotten = rule.forget(coordinates.observe(here.gradient, taken), memory.before)
            state = choose(systems, rejected, forgotten, state)
        seen = coordinates.observe(here.gradient, taken)
    displacement, after = rule.update(seen, state)
    controlled = control.limit(coordinates.longest(displacement), controlled)
    displacement = displacement * systems.spread(controlled.applied)
    return coordinates.move(here.x, displacement), Memory(here, state, after, controlled)
