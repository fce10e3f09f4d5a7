"""A learning rate that settles."""

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from molopt.control.base import SMALLEST_STEP, Limits, Proposal, StepControl, check_caps
from molopt.errors import InputError
from molopt.rules.state import Array, PerSystem

SMALLEST_RATE = 1e-10  # noise in the forces may reject any step, but must not stop the run for ever


class ControlState(NamedTuple):
    rate: PerSystem  # (S,) factor on what the rule proposes
    ceiling: PerSystem  # (S,) the rate at the last rise, infinite before the first
    applied: PerSystem  # (S,) the factor of the last step, its cap included


@dataclass(frozen=True)
class Control(StepControl[ControlState]):
    r"""A learning rate that settles, shared by all rules.

    With a constant learning rate a rule circles the minimum. Here its displacement is multiplied by a rate, one for
    each system, that answers to the work of the last step

    .. math:: W = \tfrac{1}{2} (g_{old} + g_{new}) \cdot taken,

    which is the change of the energy but for an error of third order in the step. It needs no energies, so it does
    not drown in their rounding near the minimum, and it serves bands and cells whose forces are not the gradient of the
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
    maxchange : float
        Largest change of an internal coordinate in one step, Angstrom or rad.
    growth, creep, shrink : float
        Factors of the rate: after a fall, after a fall near the rate of the last rise, and after a rise.
    tolerance : float
        Largest accepted rise, as a part of the change that the old gradient alone foretold.

    Notes
    -----
    The defaults come from a sweep over molecules apart from the benchmark set: docs/notes/tuning.md.

    Examples
    --------
    >>> Control(shrink=1.2)
    Traceback (most recent call last):
        ...
    molopt.errors.InputError: shrink must be positive and at most 1, got 1.2
    """

    retries: ClassVar[bool] = False

    maxstep: float = 0.2
    growth: float = 1.05
    creep: float = 1.02
    shrink: float = 0.75
    tolerance: float = 0.2
    maxchange: float = 0.5

    def __post_init__(self) -> None:
        check_caps(self.maxstep, self.maxchange)
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
        return cls(maxstep, growth=1.0, creep=1.0, shrink=1.0, tolerance=math.inf, maxchange=math.inf)

    def init(self, count: int) -> ControlState:
        return ControlState(np.ones(count), np.full(count, np.inf), np.ones(count))

    def judge(self, slope: Array, work: Array, proposal: Proposal, state: ControlState) -> tuple[Array, ControlState]:
        rises = work > 0
        allowed = self.tolerance * np.abs(slope) if math.isfinite(self.tolerance) else np.inf
        rejected = rises & (work > allowed)
        used = np.where(rejected, state.applied, state.rate)
        growth = np.where(used < self.shrink * state.ceiling, self.growth, self.creep)
        rate = np.maximum(used * np.where(rises, self.shrink, growth), SMALLEST_RATE)
        return rejected, ControlState(rate, np.where(rises, used, state.ceiling), state.applied)

    def limits(self, state: ControlState) -> Limits:
        """No direction is limited: what it proposes is scaled."""
        return Limits(np.full_like(state.rate, np.inf), math.inf, math.inf)

    def limit(self, longest: Array, change: Array, proposal: Proposal, state: ControlState) -> ControlState:
        cap = self.maxstep / np.maximum(longest, SMALLEST_STEP)
        turn = self.maxchange / np.maximum(change, SMALLEST_STEP)
        return ControlState(state.rate, state.ceiling, np.minimum(state.rate, np.minimum(cap, turn)))

    def factor(self, state: ControlState) -> Array:
        return state.applied

    def shortened(self, state: ControlState) -> Array:
        """(S,) whether `maxstep` or `maxchange` did."""
        return state.applied < state.rate
