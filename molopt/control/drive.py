"""From one force call to the next: what a run remembers, how a step is judged, how the next is found."""

from typing import Generic, NamedTuple, TypeVar

import numpy as np

from molopt.control.base import C, Proposal, StepControl
from molopt.coordinates.base import Coordinates, Linearization
from molopt.directions.base import Direction
from molopt.rules.base import Observation
from molopt.rules.state import Array, PerPlace, choose, reindexed

D = TypeVar("D", bound=tuple)
L = TypeVar("L", bound=Linearization)


class Point(NamedTuple):
    """A geometry whose forces are known."""

    x: PerPlace  # (3N,) Cartesian coordinates
    gradient: PerPlace  # (3N,) the Cartesian gradient, eV/A


class Memory(NamedTuple, Generic[L, D, C]):
    """What a run remembers between two force calls: its last accepted point, and the states there and after it."""

    point: Point
    linearization: L  # of the coordinates at this point
    before: D  # the direction's state when it came to the point
    after: D  # and when it had seen the gradient there
    control: C
    proposal: Proposal  # the step that was taken from the point
    arrived: Array  # (S,) whether the coordinates could take it there

    def placed(self, here: Point, coordinates: Coordinates[L]) -> "Memory[L, D, C]":
        """The memory of a run that was moved to another point from outside: there is no step of ours to judge."""
        promised = self.proposal._replace(predicted=np.full_like(self.proposal.predicted, np.nan))
        return self._replace(point=here, linearization=coordinates.linearize(*here), proposal=promised)

    def carried(
        self, direction: Direction[L, D], here: Point, coordinates: Coordinates[L], now: Array, before: Array
    ) -> "Memory[L, D, C]":
        """The memory in other coordinates: old entries `before` are new entries `now`, the others start afresh."""
        size = coordinates.layout.entries.total

        def moved(state: D) -> D:
            return direction.rebuilt(reindexed(state, now, before, size))

        proposal = reindexed(self.proposal, now, before, size)
        arrived = np.ones_like(self.arrived)
        states = moved(self.before), moved(self.after), self.control, proposal, arrived
        return Memory(here, coordinates.linearize(*here), *states).placed(here, coordinates)


class Arrival(NamedTuple, Generic[L, D, C]):
    """Where a run is once the last step has been judged, before the next is proposed."""

    here: Point  # the accepted point: the last one computed, or the one before it where that was rejected
    linearization: L
    seen: Observation
    state: D  # of the direction, which has learned the step
    control: C  # its state


def arrive(
    direction: Direction[L, D],
    control: StepControl[C],
    coordinates: Coordinates[L],
    here: Point,
    memory: Memory[L, D, C] | None,
) -> Arrival[L, D, C]:
    """Learn the gradient that was just computed, and judge the step that led to it.

    Parameters
    ----------
    direction, control, coordinates
        Of S systems.
    here : Point
    memory : Memory or None
        What `depart` returned; None at the first call.
    """
    layout = coordinates.layout
    systems = layout.entries
    new = coordinates.linearize(here.x, here.gradient)
    if memory is None:
        seen = coordinates.observe(new, np.zeros_like(new.gradient))
        return Arrival(here, new, seen, direction.init(seen), control.init(layout.count))
    old = memory.linearization
    taken = coordinates.between(old, new)
    slope = systems.sum(old.gradient * taken)
    state = direction.learn(memory.after, old, new, taken)
    work = direction.work(memory.after, state, old, new, taken)
    rejected, controlled = control.judge(slope, work, memory.proposal, memory.control)
    allowed = memory.proposal.allowed
    checked = ~np.isnan(allowed)
    if checked.any():
        rejected = np.where(checked, work > allowed, rejected)
        controlled = choose(layout, checked, memory.control, controlled)
    if rejected.any():
        here = choose(layout, rejected, memory.point, here)
        new = old if rejected.all() else new.where(~rejected, old)
        taken = np.where(systems.spread(rejected), 0.0, taken)
        retreated = direction.retreat(coordinates.observe(new, taken), memory.before, state)
        state = choose(layout, rejected, retreated, state)
    return Arrival(here, new, coordinates.observe(new, taken), state, controlled)


def depart(
    direction: Direction[L, D], control: StepControl[C], coordinates: Coordinates[L], arrival: Arrival[L, D, C]
) -> tuple[Array, Memory[L, D, C]]:
    """The next point to compute (3N,), from the last accepted one, and what to remember of it."""
    here, linearization, seen, state, controlled = arrival
    layout = coordinates.layout
    proposal, after = direction.propose(linearization, seen, state, control.limits(controlled))
    step = proposal.displacement
    checks = ~np.isnan(proposal.allowed)
    if not checks.all():
        longest = change = np.full(layout.count, np.inf)
        if control.measures:
            longest, change = linearization.longest(step), linearization.change(step)
        limited = control.limit(longest, change, proposal, controlled)
        controlled = choose(layout, checks, controlled, limited)
        step = step * layout.entries.spread(np.where(checks, 1.0, control.factor(controlled)))
    x, arrived = coordinates.move(linearization, step)
    return x, Memory(here, linearization, state, after, controlled, proposal, arrived)
