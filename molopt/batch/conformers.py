"""Internal coordinates of conformers where they begin: what their molecule needs is found out once."""

from dataclasses import dataclass, field

import numpy as np

from molopt.coordinates.member import Built, Member
from molopt.coordinates.metric_table import MetricTable
from molopt.coordinates.primitives import Primitives
from molopt.coordinates.selection import Shape, listed, shapes
from molopt.coordinates.topology import covalent_bonds
from molopt.noise import net
from molopt.optimizers.internals import FORMED, Recipe, exceeds_noise
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
        found = []
        for s, (x, gradient) in enumerate(zip(xs, gradients, strict=True)):
            lists = self.of(keys[s].tobytes(), Shape(*(part[s] for part in every)), xyz[s])
            if lists is None or exceeds_noise(float(np.linalg.norm(net(x, gradient))), gradient):
                found.append(recipe.build(x, gradient=gradient))
                continue
            primitives, table = lists
            k = recipe.frozen(primitives, table, x)
            built = Built(recipe.lengths(x), covalent_bonds(recipe.numbers, xyz[s], FORMED))
            found.append(recipe.joined(primitives, table, k, True, built))
        return found

    def of(self, key: bytes, shape: Shape, xyz: Array) -> tuple[Primitives, MetricTable] | None:
        """The list for a shape, and its table; None where it has directions of its own."""
        if key not in self.known:
            primitives = listed(self.recipe.topology, shape, xyz, False, None)
            if len(primitives.fragments) or len(primitives.points) or (primitives.bends[:, 3] < 0).any():
                return None
            self.known[key] = primitives, self.recipe.table(primitives)
        return self.known[key]
