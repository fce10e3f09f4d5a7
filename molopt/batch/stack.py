"""Runs that take their steps together, and how some of them leave, enter, or go apart for a while."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np

from molopt.batch.batched_run import BatchedRun
from molopt.batch.guards import Guarded
from molopt.batch.kind import Kind
from molopt.control.drive import Arrival, Memory, Point
from molopt.coordinates.base import Coordinates
from molopt.coordinates.kernels.compilable import compilable
from molopt.coordinates.member import Member
from molopt.rules.partition import Array, Partition
from molopt.rules.state import Layout, concatenate, select


@dataclass(frozen=True, eq=False)
class Stack:
    """S runs of one kind, their memory stacked in arrays, at geometries whose forces are asked for next.

    Attributes
    ----------
    kind : Kind
    runs : tuple of BatchedRun
        S of them.
    x : (3N,) array
        Angstrom, one system after another.
    guarded : Guarded
    memory : Memory or None
        None before the first step; of all systems or of none.
    coordinates : Coordinates or None
        Those of the memory.
    """

    kind: Kind
    runs: tuple[BatchedRun, ...]
    x: Array
    guarded: Guarded
    memory: Memory[Any, Any, Any] | None = None
    coordinates: Coordinates[Any] | None = None

    def __len__(self) -> int:
        return len(self.runs)

    @classmethod
    def fresh(cls, kind: Kind, runs: Sequence[BatchedRun], positions: Sequence[Array]) -> Self:
        """Systems before their first force call, at positions (N, 3)."""
        x = np.concatenate([part.ravel() for part in positions])
        return cls(kind, tuple(runs), x, Guarded.begin(x, len(runs)))

    @cached_property
    def places(self) -> Partition:
        """Which entries of x are of which system."""
        return Partition([3 * len(one.subject.numbers) for one in self.runs])

    @property
    def members(self) -> list[Coordinates[Any]]:
        """The coordinates of each system, once all have some."""
        return [one.member for one in self.runs if one.member is not None]

    def select(self, systems: Sequence[int]) -> "Stack":
        """These systems alone, in this order."""
        if list(systems) == list(range(len(self))):
            return self
        places = self.places
        layout = Layout(places, places)
        runs = tuple(self.runs[s] for s in systems)
        x, guarded = places.take(self.x, systems), select(layout, systems, self.guarded)
        if self.memory is None or self.coordinates is None or not len(systems):
            return Stack(self.kind, runs, x, guarded)
        memory = selected(self.coordinates.layout, self.memory, systems)
        return Stack(self.kind, runs, x, guarded, memory, self.coordinates.select(systems))

    @classmethod
    def together(cls, stacks: "Sequence[Stack]") -> "Stack":
        """Stacks of one kind as one; all have taken a step, or none has."""
        first = stacks[0]
        if len(stacks) == 1:
            return first
        runs = tuple(one for stack in stacks for one in stack.runs)
        x, guarded = np.concatenate([stack.x for stack in stacks]), concatenate([stack.guarded for stack in stacks])
        whole = cls(first.kind, runs, x, guarded)
        memories = [stack.memory for stack in stacks if stack.memory is not None]
        if memories:
            coordinates = first.kind.joined(whole.members)
            whole = replace(whole, memory=joined(coordinates, memories), coordinates=coordinates)
        return whole.select(grouped(runs))


def grouped(runs: Sequence[BatchedRun]) -> list[int]:
    """The order in which systems that kernels serve follow one another; else it stays."""
    apart = [not (isinstance(one.member, Member) and compilable(one.member)) for one in runs]
    return sorted(range(len(runs)), key=apart.__getitem__)


STATES = ("before", "after", "control", "proposal")  # of a memory


def joined(coordinates: Coordinates[Any], memories: Sequence[Memory[Any, Any, Any]]) -> Memory[Any, Any, Any]:
    """The memory of several stacks, whose coordinates together are these."""
    return Memory(
        point=concatenate([memory.point for memory in memories]),
        linearization=coordinates.joined([memory.linearization for memory in memories]),
        **{name: concatenate([getattr(memory, name) for memory in memories]) for name in STATES},
        arrived=np.concatenate([memory.arrived for memory in memories]),
    )


def selected(layout: Layout, memory: Memory[Any, Any, Any], systems: Sequence[int]) -> Memory[Any, Any, Any]:
    """The memory of these systems."""
    return Memory(
        point=select(layout, systems, memory.point),
        linearization=memory.linearization.select(systems),
        **{name: select(layout, systems, getattr(memory, name)) for name in STATES},
        arrived=memory.arrived[list(systems)],
    )


def arrivals(
    coordinates: Coordinates[Any], whole: Coordinates[Any], arrival: Arrival[Any, Any, Any], systems: Sequence[int]
) -> Arrival[Any, Any, Any]:
    """The arrival of these systems, whose coordinates are `coordinates`, of all that are in `whole`."""
    layout = whole.layout
    linearization = arrival.linearization.select(systems)
    taken = layout.entries.take(arrival.seen.taken, systems)
    here: Point = select(layout, systems, arrival.here)
    return Arrival(
        here,
        linearization,
        coordinates.observe(linearization, taken),
        select(layout, systems, arrival.state),
        select(layout, systems, arrival.control),
    )
