"""The next step of a stack: coordinates that are still good, what was learned, what the check says, and where to go."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from molopt.batch.batched_run import BatchedRun
from molopt.batch.closer_look import doubtful
from molopt.batch.conformers import first_members
from molopt.batch.guards import Called, evaluated
from molopt.batch.stack import Stack, arrivals, grouped
from molopt.control.drive import Arrival, Point, arrive, depart
from molopt.coordinates.base import Coordinates
from molopt.coordinates.linearization import of_system
from molopt.directions import Checked
from molopt.directions.checks import Checks
from molopt.optimizers.checking import Settled
from molopt.optimizers.rebuilding import outdated, rebuilt
from molopt.optimizers.watched import Remembered
from molopt.rules.partition import Array
from molopt.rules.state import Layout, concatenate, select

if TYPE_CHECKING:
    from molopt.batch.round import Round


@dataclass(frozen=True)
class Judged:
    """What is known of S systems before their next step.

    Attributes
    ----------
    call : Called
    met : (S,) array of bool
        Who may stop, but for the check.
    out : (S,) array of bool
        Who must stop.
    close : (S,) array of bool
        Whose bonds may have changed.
    """

    call: Called
    met: Array
    out: Array
    close: Array

    def select(self, layout: Layout, systems: Sequence[int]) -> "Judged":
        wanted = list(systems)
        return Judged(select(layout, systems, self.call), self.met[wanted], self.out[wanted], self.close[wanted])


def stepped(turn: "Round", stack: Stack, judged: Judged) -> list[Stack]:
    """Stacks at the geometries that are asked about next; those whose coordinates were rebuilt go separately."""
    layout = Layout(stack.places, stack.places)
    apart = outdated_systems(stack, judged)
    stay = []
    for s in apart:
        one = with_rebuilt_coordinates(stack.select([s]), select(layout, [s], judged.call))
        stay += departed(turn, one, judged.select(layout, [s]))
    kept = [s for s in range(len(stack)) if s not in apart]
    if kept:
        stay += departed(turn, stack.select(kept), judged.select(layout, kept) if apart else judged)
    return stay


def outdated_systems(stack: Stack, judged: Judged) -> list[int]:
    """Systems whose coordinates no longer describe them."""
    if stack.memory is None or stack.runs[0].recipe is None:
        return []
    places, memory = stack.places, stack.memory
    found = []
    for s in np.flatnonzero(doubtful(stack, judged.call.x, judged.close)).tolist():
        one = stack.runs[s]
        assert one.recipe is not None
        own = memory._replace(arrived=memory.arrived[[s]])
        if outdated(one.recipe, one.internal, own, Point(*(part[places.part(s)] for part in judged.call[:2]))):
            found.append(s)
    return found


def with_rebuilt_coordinates(stack: Stack, call: Called) -> Stack:
    """One system with its coordinates rebuilt."""
    (one,) = stack.runs
    assert one.recipe is not None
    assert stack.memory is not None
    here = Point(call.x, call.gradient)
    one.recipe, one.member, memory = rebuilt(one.recipe, one.internal, stack.memory, here, stack.kind.direction)
    return replace(stack, memory=memory, coordinates=stack.kind.joined(stack.members))


def departed(turn: "Round", stack: Stack, judged: Judged) -> list[Stack]:
    """The stack on its way to where it is asked about next, without those that end."""
    if stack.coordinates is None:
        stack, judged = begun(stack, judged)
    kind, call, coordinates = stack.kind, judged.call, stack.coordinates
    assert coordinates is not None
    arrival = arrive(kind.direction, kind.control, coordinates, Point(call.x, call.gradient), stack.memory)
    ends = judged.out
    if isinstance(kind.direction, Checked):
        arrival, settled = checked(stack, coordinates, arrival, judged)
        ends = judged.out | np.array([one.over for one in settled])
        for s in np.flatnonzero(ends).tolist():
            turn.leave(stack, s, call, settled[s].over, back=settled[s].back)
        going = np.flatnonzero(~ends).tolist()
        if not going:
            return []
        if len(going) < len(stack):
            stack = stack.select(going)
            whole, coordinates = coordinates, coordinates.select(going)
            arrival = arrivals(coordinates, whole, arrival, going)
    x, memory = depart(kind.direction, kind.control, coordinates, arrival)
    guarded = stack.guarded._replace(steps=stack.guarded.steps + 1)
    return [replace(stack, x=x, guarded=guarded, memory=memory, coordinates=coordinates)]


def begun(stack: Stack, judged: Judged) -> tuple[Stack, Judged]:
    """The stack with coordinates for its first step."""
    call, places = judged.call, stack.places
    begin = [(s, one.recipe) for s, one in enumerate(stack.runs) if one.recipe is not None]
    if begin:
        systems, recipes = zip(*begin, strict=True)
        x, gradients = ([flat[places.part(s)] for s in systems] for flat in (call.x, call.gradient))
        for s, member in zip(systems, first_members(recipes, x, gradients), strict=True):
            stack.runs[s].member = member
    order = grouped(stack.runs)
    stack, judged = stack.select(order), judged.select(Layout(places, places), order)
    return replace(stack, coordinates=stack.kind.joined(stack.members)), judged


def checked(
    stack: Stack, coordinates: Coordinates[Any], arrival: Arrival[Any, Any, Any], judged: Judged
) -> tuple[Arrival[Any, Any, Any], list[Settled]]:
    """What the check says of each system, and the arrival that knows it."""
    layout, settled = coordinates.layout, []
    changed: dict[int, Checks] = {}
    for s, one in enumerate(stack.runs):
        found = of_one(stack, s, one, layout, arrival, judged)
        if found.arrival is not None:
            changed[s] = found.arrival.state
        settled.append(found)
    if changed:
        states = [changed.get(s) or select(layout, [s], arrival.state) for s in range(len(stack))]
        arrival = arrival._replace(state=concatenate(states))
    return arrival, settled


def of_one(
    stack: Stack, s: int, one: BatchedRun, layout: Layout, arrival: Arrival[Any, Any, Any], judged: Judged
) -> Settled:
    """What the check says of system s."""
    assert one.checking is not None
    assert isinstance(stack.kind.direction, Checked)
    call, places = judged.call, stack.places
    looking = stack.memory is not None and bool(stack.memory.after.checking[s])

    def arrived() -> Arrival[Any, Any, Any]:
        return arrival._replace(
            here=select(layout, [s], arrival.here),
            linearization=of_system(arrival.linearization, s),
            state=select(layout, [s], arrival.state),
        )

    def remember() -> Remembered:
        here = evaluated(s, places, stack.guarded, call)
        return Remembered(here.positions, here.results, here)

    x = call.x[places.part(s)]
    return one.checking.settled(bool(judged.met[s]), x, looking, stack.kind.direction, arrived, remember)
