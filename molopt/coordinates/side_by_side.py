"""Linearizations of several groups of systems as one."""

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Self

import numpy as np

from molopt.coordinates.base import Coordinates, Linearization
from molopt.coordinates.secants import SecantStep
from molopt.errors import InputError
from molopt.rules.partition import Array, Partition
from molopt.rules.state import Layout


class SideBySide(Linearization):
    """Each part answers for its own systems, which come one part after another.

    Attributes
    ----------
    parts : tuple of Linearization
    """

    def __init__(self, parts: Sequence[Linearization]) -> None:
        self.parts = tuple(parts)
        layouts = [part.layout for part in parts]
        self.layout = Layout.joined(layouts)
        self.x = np.concatenate([part.x for part in parts])
        self.cartesian_gradient = np.concatenate([part.cartesian_gradient for part in parts])
        self.entries = Partition([layout.entries.total for layout in layouts])  # of each part
        self.places = Partition([layout.places.total for layout in layouts])
        self.systems = Partition([layout.count for layout in layouts])

    @property
    def coordinates(self) -> Coordinates:  # type: ignore[override]  # read-only: it only refuses
        """Refused: the directions that ask for them serve one system."""
        raise InputError("linearizations of several molecules have no coordinates in common: take one system at a time")

    def each(self, function: Callable[[Linearization, Array], Array], partition: Partition, vectors: Array) -> Array:
        """What the function makes of each part and its piece of the vectors, put together."""
        return np.concatenate([function(part, vectors[partition.part(n)]) for n, part in enumerate(self.parts)])

    def to_internal(self, move: Array) -> Array:
        return self.each(lambda part, piece: part.to_internal(piece), self.places, move)

    def pull_back(self, covector: Array) -> Array:
        return self.each(lambda part, piece: part.pull_back(piece), self.entries, covector)

    def solve_metric(self, covector: Array) -> Array:
        return self.each(lambda part, piece: part.solve_metric(piece), self.places, covector)

    def apply_cartesian(self, move: Array) -> Array:
        return self.each(lambda part, piece: part.apply_cartesian(piece), self.places, move)

    def solve_cartesian(self, covector: Array) -> Array:
        return self.each(lambda part, piece: part.solve_cartesian(piece), self.places, covector)

    def change(self, displacement: Array) -> Array:
        return self.each(lambda part, piece: part.change(piece), self.entries, displacement)

    def longest_move(self, move: Array) -> Array:
        return self.each(lambda part, piece: part.longest_move(piece), self.places, move)

    def select(self, systems: Sequence[int]) -> Linearization:
        found = [self.parts[number].select(own) for number, own in divided(self.systems, systems)]
        return found[0] if len(found) == 1 else type(self)(found)

    def where(self, mine: Array, other: Self) -> Self:
        pairs = enumerate(zip(self.parts, other.parts, strict=True))
        return type(self)([one.where(mine[self.systems.part(n)], two) for n, (one, two) in pairs])

    def net(self) -> Array:
        return np.concatenate([part.net() for part in self.parts])

    def lack(self, old: Self, taken: Array) -> Array:
        pairs = enumerate(zip(self.parts, old.parts, strict=True))
        return np.concatenate([new.lack(before, taken[self.entries.part(n)]) for n, (new, before) in pairs])

    def secant_step(
        self, steps: Array, lacks: Array, damping: float, radius: Array, maxstep: float, maxchange: float
    ) -> SecantStep:
        found = []
        for n, part in enumerate(self.parts):
            own, systems = self.entries.part(n), self.systems.part(n)
            found.append(part.secant_step(steps[:, own], lacks[:, own], damping, radius[systems], maxstep, maxchange))
        return SecantStep(*(np.concatenate(pieces) for pieces in zip(*found, strict=True)))


def divided(parts: Partition, systems: Sequence[int]) -> list[tuple[int, list[int]]]:
    """Successive systems of one part: the part, and their numbers there."""
    found = []
    owners = parts.spread(np.arange(parts.count))
    for number, group in groupby(systems, key=lambda system: int(owners[system])):
        first = int(parts.bounds[number])
        found.append((number, [system - first for system in group]))
    return found
