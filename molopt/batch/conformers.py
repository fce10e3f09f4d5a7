"""Internal coordinates of conformers where they begin: what their molecule needs is found out once."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from ase.data import covalent_radii

from molopt.batch.guards import LARGE
from molopt.coordinates import formulas
from molopt.coordinates.member import Built, Member
from molopt.coordinates.metric_table import MetricTable
from molopt.coordinates.primitives import Primitives
from molopt.coordinates.selection import Shape, listed, shapes
from molopt.coordinates.topology import covalent_bonds
from molopt.optimizers.bonding import FORMED
from molopt.optimizers.internals import Recipe, exceeds_noise
from molopt.rules.partition import Array


@dataclass(frozen=True, eq=False)
class Lists:
    """The lists of coordinates that conformers of one molecule have needed so far, with their tables of springs.

    Conformers share a list, and the very same arrays, where they need the same coordinates; they get those that
    `Recipe.build` gives them. Fragments, points, and bends with no atom on any side have directions of their own: such
    conformers share nothing.
    """

    recipe: Recipe
    known: dict[bytes, tuple[Primitives, MetricTable]] = field(default_factory=dict)

    def members(self, xs: Array, gradients: Array) -> list[Member]:
        """The coordinates of each of S conformers at xs (S, 3N), where the gradients (S, 3N) are known."""
        recipe, xyz = self.recipe, xs.reshape(len(xs), -1, 3)
        every = shapes(recipe.topology, xyz)
        keys = np.packbits(np.concatenate(every, axis=1), axis=1)
        touching, pulls = self.touching(xyz), pulls_of(xyz, gradients)
        found = []
        for s, (x, gradient) in enumerate(zip(xs, gradients, strict=True)):
            lists = self.of(keys[s].tobytes(), Shape(*(part[s] for part in every)), xyz[s])
            if lists is None or exceeds_noise(pulls[s], gradient):
                found.append(recipe.build(x, gradient=gradient))
                continue
            primitives, table = lists
            built = Built(recipe.bonding.lengths(x), touching[s])
            found.append(recipe.joined(primitives, table, recipe.frozen(primitives, table, x), True, built))
        return found

    def touching(self, xyz: Array) -> list[Array]:
        """(n, 2) atoms of each system as close as if they were bonded, at positions (S, N, 3)."""
        numbers = self.recipe.numbers
        if len(numbers) > LARGE:
            return [covalent_bonds(numbers, positions, FORMED) for positions in xyz]
        i, j = np.triu_indices(len(numbers), 1)
        near = formulas.stretch_value(np.stack([xyz[:, i], xyz[:, j]], axis=2)) < self.limits[i, j]
        return [np.stack([i[row], j[row]], axis=1) for row in near]

    @cached_property
    def limits(self) -> Array:
        """(N, N) distances, Angstrom, below which two atoms are that close."""
        radii = covalent_radii[self.recipe.numbers]
        return FORMED * (radii[:, None] + radii)

    def of(self, key: bytes, shape: Shape, xyz: Array) -> tuple[Primitives, MetricTable] | None:
        """The list for a shape, and its table; None where it has directions of its own."""
        if key not in self.known:
            primitives = listed(self.recipe.topology, shape, xyz, False, None)
            if len(primitives.fragments) or len(primitives.points) or (primitives.bends[:, 3] < 0).any():
                return None
            self.known[key] = primitives, self.recipe.table(primitives)
        return self.known[key]


def pulls_of(xyz: Array, gradients: Array) -> list[float]:
    """(S,) norms of net force and torque on molecules at positions (S, N, 3), eV/A (`molopt.noise.net`)."""
    rows = gradients.reshape(xyz.shape)
    arms = xyz - xyz.mean(axis=1, keepdims=True)
    inertia = np.einsum("sni,sni->s", arms, arms)[:, None, None] * np.eye(3) - np.einsum("sni,snj->sij", arms, arms)
    values, axes = np.linalg.eigh(inertia)
    roots = np.where(values > 1e-6 * values[:, -1:], 1 / np.sqrt(np.maximum(values, 1e-300)), 0.0)
    torque = roots * np.einsum("sij,si->sj", axes, np.cross(arms, rows).sum(axis=1))
    force = rows.sum(axis=1) / np.sqrt(xyz.shape[1])
    return np.sqrt((torque**2).sum(axis=1) + (force**2).sum(axis=1)).tolist()
