"""Internal coordinates of several systems, compiled: what `Internal` is, by kernels."""

import logging
from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from molopt.coordinates.base import Coordinates
from molopt.coordinates.kernels import elsewhere
from molopt.coordinates.kernels.back_transformation import move
from molopt.coordinates.kernels.compilable import scaling_of, shelf_of
from molopt.coordinates.kernels.compiling import prepare
from molopt.coordinates.kernels.linearization import Compiled, Known, put_together
from molopt.coordinates.kernels.linearize import linearize
from molopt.coordinates.member import HALVINGS, Member
from molopt.coordinates.metric_table import Scaling
from molopt.rules.partition import Array, Partition
from molopt.rules.state import Layout

log = logging.getLogger("molopt")


class Group(Coordinates[Compiled]):
    """Coordinates of systems of any molecules.

    Parameters
    ----------
    members : sequence of Member
        One a system; `compilable` holds for each.
    tables, scaling : optional
        A list of tables and which of them are each system's (S,), and what belongs to each alone, where they are known.
    """

    def __init__(
        self,
        members: Sequence[Member],
        tables: tuple[Any, Array] | None = None,
        scaling: Scaling | None = None,
    ) -> None:
        prepare()
        self.members = tuple(members)
        sizes = [(member.primitives.count, member.movable.size) for member in members]
        self.layout = Layout(*map(Partition, zip(*sizes, strict=True)))
        self.groups = Partition(np.ones(self.layout.entries.total, dtype=int))
        self.shelf, self.which = tables or shelf_of(members)
        if scaling is None:
            scaling = Scaling(*map(np.concatenate, zip(*map(scaling_of, members), strict=True)))
        self.scaling = scaling

    def linearize(self, x: Array, cartesian_gradient: Array) -> Compiled:
        x, gradient = (np.array(part, dtype=float) for part in (x, cartesian_gradient))  # copies: they are kept
        pages, where, slopes = linearize(self.shelf, self.which, self.scaling, x, gradient)
        return Compiled(self, pages, where, Known(x, gradient, *slopes))

    def between(self, old: Compiled, new: Compiled) -> Array:
        return elsewhere.between(*old.on_pages, *new.on_pages[2:], self.scaling.roots)

    def move(self, linearization: Compiled, displacement: Array) -> tuple[Array, Array]:
        du = np.ascontiguousarray(displacement, dtype=float)
        x, halvings = move(*linearization.on_pages, self.scaling.roots, du, self.layout.places.total)
        for times in halvings[halvings > 0].tolist():
            if times > HALVINGS:
                log.info("the back-transformation did not converge: a short step in Cartesians is taken")
            else:
                log.info("the back-transformation did not converge: step divided by %d", 2**times)
        return x, (halvings < HALVINGS) & linearization.known.stiff_definite

    @property
    def stiff(self) -> Array:
        return np.concatenate([member.stiff for member in self.members])

    def displacement(self, linearization: Compiled, x: Array) -> Array:
        return elsewhere.displacement(*linearization.on_pages, self.scaling.roots, np.ascontiguousarray(x, dtype=float))

    def pull_back_at(self, x: Array, covector: Array) -> Array:
        rows = [np.ascontiguousarray(part, dtype=float) for part in (x, covector)]
        return elsewhere.pull_back_at(self.shelf, self.which, self.scaling.roots, *rows)

    def outdated(self, x: Array) -> Array:
        return elsewhere.outdated(self.shelf, self.which, np.ascontiguousarray(x, dtype=float))

    def select(self, systems: Sequence[int]) -> Self:
        """The coordinates of these systems alone."""
        scaling = Scaling(*(self.layout.entries.take(part, systems) for part in self.scaling))
        return type(self)([self.members[s] for s in systems], (self.shelf, self.which[list(systems)]), scaling)

    def joined(self, parts: Sequence[Compiled]) -> Compiled:
        return put_together(self, parts)
