"""How much of a proposed step is taken: a rate that settles, a cap, rejection, and when memory is dropped."""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from molopt.directions import Direction, Limits, Proposal
from molopt.errors import InputError
from molopt.rules.base import Observation
from molopt.rules.state import Array, PerEntry, PerSystem, choose, reindexed

SMALLEST_STEP = 1e-300  # Angstrom; keeps a division by a step of zero away
SMALLEST_RATE = 1e-10  # noise in the forces may reject any step, but must not stop the run for ever


class ControlState(NamedTuple):
    rate: PerSystem  # (S,) factor on what the rule proposes
    ceiling: PerSystem  # (S,) the rate at the last rise, infinite before the first
    applied: PerSystem  # (S,) the factor of the last step, its cap included


class TrustState(NamedTuple):
    radius: PerSystem  # (S,) sqrt(eV); infinite before the first step that disappoints
    length: PerSystem  # (S,) of the last step
    limited: PerSystem  # (S,) 1 where the last step was shortened by the radius or a cap, else 0


class Point(NamedTuple):
    """A geometry whose forces are known."""

    x: PerEntry  # (N,) Cartesian coordinates
    gradient: PerEntry  # (N,) eV/A


class Memory(NamedTuple):
    """What a run remembers between two force calls: its last accepted point, and the states there and after it."""

    point: Point
    frame: Any  # of the coordinates at this point
    before: Any  # the direction's state when it came to the point
    after: Any  # and when it had seen the gradient there
    control: Any
    proposal: Proposal  # the step that was taken from the point

    def placed(self, here: Point, coordinates: Any) -> "Memory":
        """The memory of a run that was moved to another point from outside: there is no step of ours to judge."""
        promised = self.proposal._replace(predicted=np.full_like(self.proposal.predicted, np.nan))
        return self._replace(point=here, frame=coordinates.frame(*here), proposal=promised)

    def carried(self, here: Point, coordinates: Any, now: Array, before: Array) -> "Memory":
        """The memory in other coordinates: old entries `before` are new entries `now`, the others begin anew."""
        size = coordinates.systems.sizes.sum()
        moved = [reindexed(part, now, before, size) for part in (self.before, self.after, self.control, self.proposal)]
        moved = [part.rebuilt() if hasattr(part, "rebuilt") else part for part in moved]
        return Memory(here, None, *moved).placed(here, coordinates)


@dataclass(frozen=True)
class Control:
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
        """The state before the first step of `count` systems."""
        return ControlState(np.ones(count), np.full(count, np.inf), np.ones(count))

    def judge(self, slope: Array, work: Array, proposal: Proposal, state: ControlState) -> tuple[Array, ControlState]:
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

    def limits(self, state: ControlState) -> Limits:
        """No direction is limited: what it proposes is scaled."""
        return Limits(np.full_like(state.rate, np.inf), math.inf, math.inf)

    def limit(self, longest: Array, change: Array, proposal: Proposal, state: ControlState) -> ControlState:
        """The factors to apply to proposals whose longest atom moves by `longest` (S,) Angstrom.

        `change` (S,) is their largest change of an internal coordinate, Angstrom or rad.
        """
        cap = self.maxstep / np.maximum(longest, SMALLEST_STEP)
        turn = self.maxchange / np.maximum(change, SMALLEST_STEP)
        return ControlState(state.rate, state.ceiling, np.minimum(state.rate, np.minimum(cap, turn)))

    def factor(self, state: ControlState) -> Array:
        """(S,) what proposals are multiplied by."""
        return state.applied


@dataclass(frozen=True)
class Trust:
    r"""A trust radius that answers to predicted against real change of the energy.

    For directions that predict, as quasi-Newton does. With :math:`\rho = W / predicted`, where W is the work of the
    last step as in `Control`:

    - rho < `poor`: the radius becomes `shrink` times the length of that step;
    - rho > `good`, and the step had been limited: the radius grows by `growth`;
    - W > `rise`: the step is rejected; what it showed of the curvature is kept.

    Parameters
    ----------
    maxstep : float
        Longest move of an atom in one step, Angstrom. Larger than in Cartesians: in internals a far atom may swing.
    maxchange : float
        Largest change of an internal coordinate in one step, Angstrom or rad.
    poor, good, shrink, growth : float
    smallest : float
        Least radius, sqrt(eV): noise in the forces must not stop the run for ever.
    rise : float
        Largest accepted rise, eV.

    References
    ----------
    J. Nocedal, S. J. Wright, Numerical Optimization, 2nd ed., Springer 2006, algorithm 4.1.
    """

    maxstep: float = 1.0
    maxchange: float = 0.5
    poor: float = 0.25
    good: float = 0.6
    shrink: float = 0.5
    growth: float = 1.7
    smallest: float = 0.02
    rise: float = 1e-3

    def __post_init__(self) -> None:
        check_caps(self.maxstep, self.maxchange)
        if not 0 < self.poor <= self.good:
            raise InputError(f"poor must be positive and at most good, got {self.poor} and {self.good}")
        if not 0 < self.shrink < 1 < self.growth:
            raise InputError(f"shrink must be less than 1 and growth more, got {self.shrink} and {self.growth}")
        for name in ("smallest", "rise"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name} must be positive, got {getattr(self, name)}")

    def init(self, count: int) -> TrustState:
        """The state before the first step of `count` systems."""
        return TrustState(np.full(count, np.inf), np.zeros(count), np.zeros(count))

    def judge(self, slope: Array, work: Array, proposal: Proposal, state: TrustState) -> tuple[Array, TrustState]:
        """Which systems reject their last step (S,), and the radii that follow."""
        rho = work / np.minimum(proposal.predicted, -SMALLEST_STEP)
        radius = np.where((rho > self.good) & (state.limited > 0), state.radius * self.growth, state.radius)
        radius = np.where(rho < self.poor, np.maximum(state.length * self.shrink, self.smallest), radius)
        return work > self.rise, TrustState(radius, state.length, state.limited)

    def limits(self, state: TrustState) -> Limits:
        """What a direction must keep to."""
        return Limits(state.radius, self.maxstep, self.maxchange)

    def limit(self, longest: Array, change: Array, proposal: Proposal, state: TrustState) -> TrustState:
        """The state with what is known of the step that will be taken."""
        return TrustState(state.radius, proposal.length, proposal.limited)

    def factor(self, state: TrustState) -> Array:
        """(S,) one: directions keep to the limits themselves."""
        return np.ones_like(state.radius)


def check_caps(maxstep: float, maxchange: float) -> None:
    if not maxstep > 0:
        raise InputError(f"maxstep must be positive (Angstrom), got {maxstep}")
    if not maxchange > 0:
        raise InputError(f"maxchange must be positive (Angstrom or rad), got {maxchange}")


class Arrival(NamedTuple):
    """Where a run is once the last step has been judged, before the next is proposed."""

    here: Point  # the accepted point: the last one computed, or the one before it where that was rejected
    frame: Any
    seen: Observation
    state: Any  # of the direction, which has learned the step
    control: Any  # its state


def arrive(direction: Direction, control: Any, coordinates: Any, here: Point, memory: Memory | None) -> Arrival:
    """Learn the gradient that was just computed, and judge the step that led to it.

    Parameters
    ----------
    direction : Direction
    control : Control or Trust
    coordinates : Cartesian or Internal
    here : Point
    memory : Memory or None
        What `depart` returned; None at the first call.
    """
    systems = coordinates.systems
    frame = coordinates.frame(here.x, here.gradient)
    if memory is None:
        seen = coordinates.observe(frame, np.zeros_like(frame.gradient))
        return Arrival(here, frame, seen, direction.init(seen), control.init(systems.count))
    old = memory.frame
    taken = coordinates.between(old, frame)
    slope, end = systems.sum(old.gradient * taken), systems.sum(frame.gradient * taken)
    state = direction.learn(memory.after, old, frame, taken)
    measured = getattr(direction, "work", None)
    work = (slope + end) / 2 if measured is None else measured(memory.after, state, old, frame, taken)
    rejected, controlled = control.judge(slope, work, memory.proposal, memory.control)
    allowed = np.broadcast_to(memory.proposal.allowed, rejected.shape)
    checked = ~np.isnan(allowed)
    if checked.any():
        rejected = np.where(checked, work > allowed, rejected)
        controlled = choose(systems, checked, memory.control, controlled)
    if rejected.any():
        here = choose(systems, rejected, memory.point, here)
        frame = old if rejected.all() else coordinates.frame(*here)
        taken = np.where(systems.spread(rejected), 0.0, taken)
        retreated = direction.retreat(coordinates.observe(frame, taken), memory.before, state)
        state = choose(systems, rejected, retreated, state)
    return Arrival(here, frame, coordinates.observe(frame, taken), state, controlled)


def depart(direction: Direction, control: Any, coordinates: Any, arrival: Arrival) -> tuple[Array, Memory]:
    """The next point to compute (N,), from the last accepted one, and what to remember of it."""
    here, frame, seen, state, controlled = arrival
    systems = coordinates.systems
    proposal, after = direction.propose(frame, seen, state, control.limits(controlled))
    step = proposal.displacement
    checks = np.broadcast_to(~np.isnan(proposal.allowed), systems.count)
    if not checks.all():
        longest, change = coordinates.longest(frame, step), coordinates.change(frame, step)
        limited = control.limit(longest, change, proposal, controlled)
        controlled = choose(systems, checks, controlled, limited)
        step = step * systems.spread(np.where(checks, 1.0, control.factor(controlled)))
    return coordinates.move(frame, step), Memory(here, frame, state, after, controlled, proposal)
