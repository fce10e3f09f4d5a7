"""The next step of a crew: coordinates that are still good, what was learned, what the check says, and where to go."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from molopt.batch.conformers import members
from molopt.batch.crew import Crew, arrivals, grouped
from molopt.batch.doubt import doubtful
from molopt.batch.guards import Called, evaluated
from molopt.batch.passenger import Passenger
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
class Stride:
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

    def select(self, layout: Layout, systems: Sequence[int]) -> "Stride":
        wanted = list(systems)
        return Stride(select(layout, systems, self.call), self.met[wanted], self.out[wanted], self.close[wanted])


def stride(flown: "Round", crew: Crew, asked: Stride) -> list[Crew]:
    """Crews at the geometries that are asked about next; those whose coordinates were rebuilt go separately."""
    layout = Layout(crew.places, crew.places)
    apart = outdated_systems(crew, asked)
    stay = []
    for s in apart:
        one = with_rebuilt_coordinates(crew.select([s]), select(layout, [s], asked.call))
        stay += departed(flown, one, asked.select(layout, [s]))
    kept = [s for s in range(len(crew)) if s not in apart]
    if kept:
        stay += departed(flown, crew.select(kept), asked.select(layout, kept) if apart else asked)
    return stay


def outdated_systems(crew: Crew, asked: Stride) -> list[int]:
    """Systems whose coordinates no longer describe them."""
    if crew.memory is None or crew.aboard[0].recipe is None:
        return []
    places, memory = crew.places, crew.memory
    found = []
    for s in np.flatnonzero(doubtful(crew, asked.call.x, asked.close)).tolist():
        one = crew.aboard[s]
        assert one.recipe is not None
        own = memory._replace(arrived=memory.arrived[[s]])
        if outdated(one.recipe, one.internal, own, Point(*(part[places.part(s)] for part in asked.call[:2]))):
            found.append(s)
    return found


def with_rebuilt_coordinates(crew: Crew, call: Called) -> Crew:
    """One system with its coordinates rebuilt."""
    (one,) = crew.aboard
    assert one.recipe is not None
    assert crew.memory is not None
    here = Point(call.x, call.gradient)
    one.recipe, one.member, memory = rebuilt(one.recipe, one.internal, crew.memory, here, crew.kind.direction)
    return replace(crew, memory=memory, coordinates=crew.kind.joined(crew.members))


def departed(flown: "Round", crew: Crew, asked: Stride) -> list[Crew]:
    """The crew on its way to where it is asked about next, without those that land."""
    if crew.coordinates is None:
        crew, asked = begun(crew, asked)
    kind, call, coordinates = crew.kind, asked.call, crew.coordinates
    assert coordinates is not None
    arrival = arrive(kind.direction, kind.control, coordinates, Point(call.x, call.gradient), crew.memory)
    ends = asked.out
    if isinstance(kind.direction, Checked):
        arrival, settled = checked(crew, coordinates, arrival, asked)
        ends = asked.out | np.array([one.over for one in settled])
        for s in np.flatnonzero(ends).tolist():
            flown.leave(crew, s, call, settled[s].over, back=settled[s].back)
        going = np.flatnonzero(~ends).tolist()
        if not going:
            return []
        if len(going) < len(crew):
            crew = crew.select(going)
            whole, coordinates = coordinates, coordinates.select(going)
            arrival = arrivals(coordinates, whole, arrival, going)
    x, memory = depart(kind.direction, kind.control, coordinates, arrival)
    guarded = crew.guarded._replace(steps=crew.guarded.steps + 1)
    return [replace(crew, x=x, guarded=guarded, memory=memory, coordinates=coordinates)]


def begun(crew: Crew, asked: Stride) -> tuple[Crew, Stride]:
    """The crew with coordinates for its first step."""
    call, places = asked.call, crew.places
    together: dict[int, list[int]] = defaultdict(list)
    for s, one in enumerate(crew.aboard):
        if one.recipe is not None:
            together[id(one.recipe)].append(s)
    for systems in together.values():
        recipe = crew.aboard[systems[0]].recipe
        assert recipe is not None
        rows = [np.stack([flat[places.part(s)] for s in systems]) for flat in (call.x, call.gradient)]
        for s, member in zip(systems, members(recipe, *rows), strict=True):
            crew.aboard[s].member = member
    order = grouped(crew.aboard)
    crew, asked = crew.select(order), asked.select(Layout(places, places), order)
    return replace(crew, coordinates=crew.kind.joined(crew.members)), asked


def checked(
    crew: Crew, coordinates: Coordinates[Any], arrival: Arrival[Any, Any, Any], asked: Stride
) -> tuple[Arrival[Any, Any, Any], list[Settled]]:
    """What the check says of each system, and the arrival that knows it."""
    layout, settled = coordinates.layout, []
    changed: dict[int, Checks] = {}
    for s, one in enumerate(crew.aboard):
        found = of_one(crew, s, one, layout, arrival, asked)
        if found.arrival is not None:
            changed[s] = found.arrival.state
        settled.append(found)
    if changed:
        states = [changed.get(s) or select(layout, [s], arrival.state) for s in range(len(crew))]
        arrival = arrival._replace(state=concatenate(states))
    return arrival, settled


def of_one(
    crew: Crew, s: int, one: Passenger, layout: Layout, arrival: Arrival[Any, Any, Any], asked: Stride
) -> Settled:
    """What the check says of system s."""
    assert one.checking is not None
    assert isinstance(crew.kind.direction, Checked)
    call, places = asked.call, crew.places
    looking = crew.memory is not None and bool(crew.memory.after.checking[s])

    def arrived() -> Arrival[Any, Any, Any]:
        return arrival._replace(
            here=select(layout, [s], arrival.here),
            linearization=of_system(arrival.linearization, s),
            state=select(layout, [s], arrival.state),
        )

    def remember() -> Remembered:
        here = evaluated(s, places, crew.guarded, call)
        return Remembered(here.positions, here.results, here)

    x = call.x[places.part(s)]
    return one.checking.settled(bool(asked.met[s]), x, looking, crew.kind.direction, arrived, remember)
