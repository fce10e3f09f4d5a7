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
        wanted = np.asarray(systems, dtype=np.intp)
        return type(self)(self.group.select(systems), *chosen([self], np.zeros_like(wanted), wanted))

    def where(self, mine: Array, other: Self) -> Self:
        if np.all(mine) or not np.any(mine):
            return self if np.all(mine) else other
        return type(self)(self.group, *chosen([self, other], np.where(mine, 0, 1), np.arange(self.layout.count)))

    def rows(self, vectors: Array) -> Array:
        """(S, n, k) of flat vectors (S n,) or (S n, k)."""
        columns = 1 if vectors.ndim == 1 else vectors.shape[1]
        return np.ascontiguousarray(vectors, dtype=float).reshape(self.layout.count, -1, columns)

    def flat(self, found: Array, like: Array) -> Array:
        """The flat vectors of (S, n, k), as many as there are in `like`."""
        return found.ravel() if like.ndim == 1 else found.reshape(-1, like.shape[1])


def chosen(sources: Sequence[Compiled], which: Array, systems: Array) -> tuple[Geometry, Stiff, Model, Slopes]:
    """The arrays of some systems (n,), each named by its source (n,) and its number there."""

    def rows(*arrays: Array) -> Array:
        if len(arrays) == 1:
            taken: Array = arrays[0].take(systems, axis=0)
            return taken
        found: Array = np.empty((len(systems), *arrays[0].shape[1:]), arrays[0].dtype)
        for number, array in enumerate(arrays):
            found[which == number] = array.take(systems[which == number], axis=0)
        return found

    def all_rows(parts: Sequence[tuple]) -> tuple:
        return tuple(rows(*arrays) for arrays in zip(*parts, strict=True))

    models = [source.model for source in sources]
    before = np.cumsum([[0, 0], *(model.starts[-1] for model in models)], axis=0)[which]  # (n, 2)
    first = rows(*(model.starts[:-1] for model in models))
    lengths = rows(*(np.diff(model.starts, axis=0) for model in models))
    ends = np.cumsum(lengths, axis=0)

    def ragged(name: str, column: int) -> Array:
        number = lengths[:, column]
        shift = (before + first - ends + lengths)[:, column]
        arrays = [getattr(model, name) for model in models]
        whole = arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
        found: Array = whole.take(np.arange(number.sum()) + np.repeat(shift, number), axis=0)
        return found

    return (
        Geometry(*all_rows([source.geometry for source in sources])),
        Stiff(*all_rows([source.stiff for source in sources])),
        Model(
            starts=np.concatenate([np.zeros((1, 2), np.int64), ends]),
            pairs=ragged("pairs", 0),
            blocks=ragged("blocks", 0),
            order=rows(*(model.order for model in models)),
            columns=rows(*(model.columns for model in models)),
            below=ragged("below", 1),
            diagonal=rows(*(model.diagonal for model in models)),
            lower=ragged("lower", 1),
            definite=rows(*(model.definite for model in models)),
        ),
        Slopes(*all_rows([source.slopes for source in sources])),
    )


def together(sources: Sequence[Compiled]) -> tuple[Geometry, Stiff, Model, Slopes]:
    """The arrays of the systems of all sources, one source after another."""
    which = np.repeat(np.arange(len(sources)), [source.layout.count for source in sources])
    return chosen(sources, which, np.concatenate([np.arange(source.layout.count) for source in sources]))
