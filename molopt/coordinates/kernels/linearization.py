"""Internal coordinates of several systems of one molecule at one geometry each, compiled."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import numpy as np

from molopt.coordinates.base import Linearization
from molopt.coordinates.kernels import secants, solving
from molopt.coordinates.kernels.linearize import Geometry, Model, Slopes, Stiff
from molopt.coordinates.linearization import Linearized
from molopt.coordinates.secants import SecantStep
from molopt.rules.partition import Array

if TYPE_CHECKING:
    from molopt.coordinates.kernels.group import Group


class Compiled(Linearization):
    """What `Linearized` is for one system, for S of one molecule, by kernels; everything is known when it is made.

    Attributes
    ----------
    group : Group
        The coordinates.
    geometry, stiff, model, slopes
        Arrays of the systems, one a row.
    """

    def __init__(self, group: "Group", geometry: Geometry, stiff: Stiff, model: Model, slopes: Slopes) -> None:
        self.group = self.coordinates = group
        self.layout = group.layout
        self.apart: dict[int, Linearized] = {}
        self.geometry, self.stiff, self.model, self.slopes = geometry, stiff, model, slopes
        self.x, self.cartesian_gradient = geometry.x.ravel(), geometry.cartesian_gradient.ravel()

    @property
    def gradient(self) -> Array:
        return self.slopes.gradient.ravel()

    @property
    def newton(self) -> Array:
        return self.slopes.newton.ravel()

    @property
    def natural_gradient(self) -> Array:
        return self.slopes.natural_gradient.ravel()

    @property
    def energy_left(self) -> Array:
        return self.slopes.energy_left

    @property
    def definite(self) -> Array:
        """(S,) whether the model Hessian is positive definite but for rigid motions; else it was shifted."""
        return self.stiff.definite & self.model.definite

    def to_internal(self, move: Array) -> Array:
        return self.flat(solving.to_internal(self.group.chart, self.geometry, self.rows(move)), move)

    def pull_back(self, covector: Array) -> Array:
        return self.flat(solving.pull_back(self.group.chart, self.geometry, self.rows(covector)), covector)

    def to_cartesian(self, displacement: Array) -> Array:
        group, rows = self.group, self.rows(displacement)
        return self.flat(
            solving.to_cartesian(group.chart, group.pattern, self.geometry, self.stiff, rows), displacement
        )

    def solve_metric(self, covector: Array) -> Array:
        found = solving.solve_metric(self.group.pattern, self.geometry, self.stiff, self.rows(covector))
        return self.flat(found, covector)

    def apply_cartesian(self, move: Array) -> Array:
        return self.flat(solving.apply_hessian(self.model, self.rows(move)), move)

    def solve_cartesian(self, covector: Array) -> Array:
        return self.flat(solving.solve_hessian(self.geometry, self.model, self.rows(covector)), covector)

    def change(self, displacement: Array) -> Array:
        return np.abs(displacement.reshape(self.layout.count, -1) / self.group.scaling.roots).max(axis=1, initial=0.0)

    def longest_move(self, move: Array) -> Array:
        atoms = move.reshape(self.layout.count, -1, 3)
        return np.sqrt(np.einsum("sij,sij->si", atoms, atoms).max(axis=1, initial=0.0))

    def lack(self, old: Self, taken: Array) -> Array:
        before, now = ((part.geometry, part.stiff, part.model) for part in (old, self))
        slopes = (old.slopes.gradient, self.slopes.gradient)
        rows = np.ascontiguousarray(taken).reshape(slopes[0].shape)
        return secants.lack(self.group.chart, self.group.pattern, before, now, slopes, rows).ravel()

    def secant_step(
        self, steps: Array, lacks: Array, damping: float, radius: Array, maxstep: float, maxchange: float
    ) -> SecantStep:
        shape = (len(steps), self.layout.count, -1)
        displacement, *numbers = secants.secant_step(
            self.group.chart,
            self.group.pattern,
            self.geometry,
            self.stiff,
            self.model,
            self.group.scaling.roots,
            np.ascontiguousarray(steps).reshape(shape),
            np.ascontiguousarray(lacks).reshape(shape),
            float(damping),
            secants.Limits(np.ascontiguousarray(radius, dtype=float), float(maxstep), float(maxchange)),
        )
        return SecantStep(displacement.ravel(), *numbers)

    def system(self, number: int) -> Linearized:
        if number not in self.apart:
            member, (x, gradient) = self.group.members[number], self.geometry[:2]
            self.apart[number] = member.linearize(x[number], gradient[number])
        return self.apart[number]

    def select(self, systems: Sequence[int]) -> Self:
        if list(systems) == list(range(self.layout.count)):
            return self
        return type(self)(self.group.select(systems), *chosen([self], [(0, system) for system in systems]))

    def where(self, mine: Array, other: Self) -> Self:
        places = [(0 if own else 1, system) for system, own in enumerate(np.asarray(mine).tolist())]
        return type(self)(self.group, *chosen([self, other], places))

    def rows(self, vectors: Array) -> Array:
        """(S, n, k) of flat vectors (S n,) or (S n, k)."""
        columns = 1 if vectors.ndim == 1 else vectors.shape[1]
        return np.ascontiguousarray(vectors, dtype=float).reshape(self.layout.count, -1, columns)

    def flat(self, found: Array, like: Array) -> Array:
        """The flat vectors of (S, n, k), as many as there are in `like`."""
        return found.ravel() if like.ndim == 1 else found.reshape(-1, like.shape[1])


def chosen(sources: Sequence[Compiled], places: Sequence[tuple[int, int]]) -> tuple[Geometry, Stiff, Model, Slopes]:
    """The arrays of some systems, each named by its source and its number there."""

    def rows(arrays: Sequence[Array]) -> Array:
        return np.stack([arrays[source][system] for source, system in places])

    def gathered(name: str) -> tuple:
        parts = [getattr(source, name) for source in sources]
        return tuple(rows([part[field] for part in parts]) for field in range(len(parts[0])))

    models = [source.model for source in sources]
    pieces = [(models[source], *models[source].starts[system : system + 2]) for source, system in places]
    lengths = [end - begin for _, begin, end in pieces]
    starts = np.concatenate([np.zeros((1, 2), np.int64), np.cumsum(lengths, axis=0)])

    def ragged(name: str, column: int) -> Array:
        return np.concatenate([getattr(model, name)[begin[column] : end[column]] for model, begin, end in pieces])

    fixed = {
        name: rows([getattr(model, name) for model in models]) for name in ("order", "columns", "diagonal", "definite")
    }
    shared = {name: ragged(name, 0) for name in ("pairs", "blocks")} | {
        name: ragged(name, 1) for name in ("below", "lower")
    }
    return (
        Geometry(*gathered("geometry")),
        Stiff(*gathered("stiff")),
        Model(starts=starts, **fixed, **shared),
        Slopes(*gathered("slopes")),
    )
