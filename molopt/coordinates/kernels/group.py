"""Internal coordinates of several systems of one molecule, compiled: what `Internal` is, by kernels."""

import logging
from collections.abc import Sequence
from typing import Self

import numpy as np

from molopt.coordinates.base import Coordinates
from molopt.coordinates.kernels import elsewhere
from molopt.coordinates.kernels.back_transformation import move
from molopt.coordinates.kernels.compilable import scaling_of, tables_of
from molopt.coordinates.kernels.compiling import prepare
from molopt.coordinates.kernels.linearization import Compiled, together
from molopt.coordinates.kernels.linearize import linearize
from molopt.coordinates.member import HALVINGS, Member
from molopt.coordinates.metric_table import Scaling
from molopt.rules.partition import Array, Partition
from molopt.rules.state import Layout

log = logging.getLogger("molopt")


class Group(Coordinates[Compiled]):
    """Coordinates of conformers: they share one list of primitives and one table of springs.

    Parameters
    ----------
    members : sequence of Member
        One a system; `compilable` holds for each, and `alike` for all.
    """

    def __init__(self, members: Sequence[Member], scaling: Scaling | None = None) -> None:
        prepare()
        self.members = tuple(members)
        first, count = members[0], len(members)
        self.layout = Layout(Partition([first.primitives.count] * count), Partition([first.movable.size] * count))
        self.groups = Partition(np.ones(self.layout.entries.total, dtype=int))
        self.chart, self.springs, self.pattern = tables_of(first)
        if scaling is None:
            scaling = Scaling(*map(np.stack, zip(*map(scaling_of, members), strict=True)))
        self.scaling = scaling

    def linearize(self, x: Array, cartesian_gradient: Array) -> Compiled:
        rows = [np.array(part, dtype=float).reshape(self.layout.count, -1) for part in (x, cartesian_gradient)]
        return Compiled(self, *linearize(self.chart, self.pattern, self.springs, self.scaling, *rows))

    def between(self, old: Compiled, new: Compiled) -> Array:
        change = new.geometry.values - old.geometry.values
        torsions = change[:, self.chart.ends[2] : self.chart.ends[3]]
        torsions[:] = (torsions + np.pi) % (2 * np.pi) - np.pi
        change *= self.scaling.roots
        return change.ravel()

    def move(self, linearization: Compiled, displacement: Array) -> tuple[Array, Array]:
        rows = np.ascontiguousarray(displacement, dtype=float).reshape(self.layout.count, -1)
        geometry, stiff = linearization.geometry, linearization.stiff
        x, halvings = move(self.chart, self.pattern, geometry, stiff, self.scaling.roots, rows)
        for times in halvings[halvings > 0].tolist():
            if times > HALVINGS:
                log.info("the back-transformation did not converge: a short step in Cartesians is taken")
            else:
                log.info("the back-transformation did not converge: step divided by %d", 2**times)
        return x.ravel(), (halvings < HALVINGS) & stiff.definite

    @property
    def stiff(self) -> Array:
        return np.concatenate([member.stiff for member in self.members])

    def displacement(self, linearization: Compiled, x: Array) -> Array:
        return elsewhere.displacement(
            self.chart, self.scaling.roots, linearization.geometry.values, self.rows(x)
        ).ravel()

    def pull_back_at(self, x: Array, covector: Array) -> Array:
        return elsewhere.pull_back_at(self.chart, self.scaling.roots, self.rows(x), self.rows(covector)).ravel()

    def rows(self, vector: Array) -> Array:
        """(S, n) of a flat vector."""
        return np.ascontiguousarray(vector, dtype=float).reshape(self.layout.count, -1)

    def select(self, systems: Sequence[int]) -> Self:
        """The coordinates of these systems alone."""
        scaling = Scaling(*(rows.take(systems, axis=0) for rows in self.scaling))
        return type(self)([self.members[system] for system in systems], scaling)

    def joined(self, parts: Sequence[Compiled]) -> Compiled:
        return Compiled(self, *together(parts))
