"""Internal coordinates of S systems."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from molopt.coordinates.base import Coordinates, Linearization
from molopt.coordinates.kernels.compilable import compilable
from molopt.coordinates.member import Member
from molopt.coordinates.side_by_side import SideBySide, divided
from molopt.rules.partition import Array, Partition
from molopt.rules.state import Layout


class Internal(Coordinates[Linearization]):
    """Those of each member, side by side.

    Successive members are served together by compiled kernels where they can be (`molopt.coordinates.kernels`), all
    others one by one by NumPy and SciPy.

    Parameters
    ----------
    members : sequence of Member
        One a system.
    parts : sequence of Coordinates, optional
        Those that serve them together, where that is known.
    """

    def __init__(self, members: Sequence[Member], parts: Sequence[Coordinates[Any]] = ()) -> None:
        self.members = tuple(members)
        self.layout = Layout(
            Partition([member.primitives.count for member in members]), Partition([m.movable.size for m in members])
        )
        self.groups: Partition = Partition(np.ones(self.layout.entries.total, dtype=int))
        self.parts: list[Coordinates[Any]] = list(parts or served(self.members))
        self.entries: Partition = Partition([part.layout.entries.total for part in self.parts])  # of each part
        self.places: Partition = Partition([part.layout.places.total for part in self.parts])
        self.systems: Partition = Partition([part.layout.count for part in self.parts])

    def select(self, systems: Sequence[int]) -> "Internal":
        parts = [self.parts[number].select(own) for number, own in divided(self.systems, systems)]
        return Internal([self.members[system] for system in systems], parts)

    def joined(self, parts: Sequence[Linearization]) -> Linearization:
        whole = self.parts[0]
        alone = len(self.parts) == 1 and not any(isinstance(part, SideBySide) for part in parts)
        return whole.joined(parts) if alone else super().joined(parts)

    def linearize(self, x: Array, cartesian_gradient: Array) -> Linearization:
        found = []
        for n, part in enumerate(self.parts):
            own = self.places.part(n)
            found.append(part.linearize(x[own], cartesian_gradient[own]))
        return found[0] if len(found) == 1 else SideBySide(found)

    def between(self, old: Linearization, new: Linearization) -> Array:
        pairs = zip(self.parts, parts_of(old), parts_of(new), strict=True)
        return np.concatenate([part.between(before, after) for part, before, after in pairs])

    @property
    def stiff(self) -> Array:
        return np.concatenate([part.stiff for part in self.parts])

    def displacement(self, linearization: Linearization, x: Array) -> Array:
        pairs = enumerate(zip(self.parts, parts_of(linearization), strict=True))
        return np.concatenate([part.displacement(piece, x[self.places.part(n)]) for n, (part, piece) in pairs])

    def pull_back_at(self, x: Array, covector: Array) -> Array:
        parts = enumerate(self.parts)
        return np.concatenate(
            [part.pull_back_at(x[self.places.part(n)], covector[self.entries.part(n)]) for n, part in parts]
        )

    def outdated(self, x: Array) -> Array:
        return np.concatenate([part.outdated(x[self.places.part(n)]) for n, part in enumerate(self.parts)])

    def move(self, linearization: Linearization, displacement: Array) -> tuple[Array, Array]:
        pairs = enumerate(zip(self.parts, parts_of(linearization), strict=True))
        moved = [part.move(piece, displacement[self.entries.part(n)]) for n, (part, piece) in pairs]
        x, arrived = zip(*moved, strict=True)
        return np.concatenate(x), np.concatenate(arrived)


def served(members: Sequence[Member]) -> Iterator[Coordinates]:
    """The coordinates of successive members, as many together as kernels serve."""
    waiting: list[Member] = []
    for member in members:
        if waiting and not compilable(member):
            yield group_of(waiting)
            waiting = []
        if compilable(member):
            waiting.append(member)
        else:
            yield member
    if waiting:
        yield group_of(waiting)


def group_of(members: Sequence[Member]) -> Coordinates:
    from molopt.coordinates.kernels.group import Group  # numba takes its time

    return Group(members)


def parts_of(linearization: Linearization) -> Sequence[Linearization]:
    """The linearization of each part."""
    return linearization.parts if isinstance(linearization, SideBySide) else [linearization]
