"""Internal coordinates of conformers where they begin, found out for all of them at once as far as can be."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from molopt.batch.different import members_of_different
from molopt.coordinates.member import Member
from molopt.coordinates.primitives import Primitives
from molopt.coordinates.rigid import pulls_of
from molopt.optimizers.internals import Recipe, exceeds_noise
from molopt.rules.partition import Array


def first_members(recipes: Sequence[Recipe], xs: Sequence[Array], gradients: Sequence[Array]) -> list[Member]:
    """The coordinates of each system at x (3N,), where the gradient (3N,) is known; conformers have one recipe."""
    together: dict[int, list[int]] = defaultdict(list)
    for s, recipe in enumerate(recipes):
        together[id(recipe)].append(s)
    found: dict[int, Member] = {}
    different = [systems[0] for systems in together.values() if len(systems) == 1]
    if len(different) > 1:
        made = members_of_different(*([part[s] for s in different] for part in (recipes, xs, gradients)))
        found = {s: member for s, member in zip(different, made, strict=True) if member is not None}
    for systems in together.values():
        if systems[0] not in found:
            rows = (np.stack([part[s] for s in systems]) for part in (xs, gradients))
            found.update(zip(systems, members(recipes[systems[0]], *rows), strict=True))
    return [found[s] for s in range(len(recipes))]


def members(recipe: Recipe, xs: Array, gradients: Array) -> list[Member]:
    """The coordinates of each of S conformers at xs (S, 3N), where the gradients (S, 3N) are known: as `Recipe.build`.

    Those that need the same list of coordinates have the very same one.
    """
    if recipe.surface is not None:
        return [recipe.build(x, gradient=gradient) for x, gradient in zip(xs, gradients, strict=True)]
    first = len(recipe.numbers) * np.arange(len(xs) + 1)
    pulls, lists = pulls_of(xs.reshape(-1, 3), gradients.reshape(-1, 3), first), recipe.lists.at(xs)
    together: dict[Primitives | None, list[int]] = defaultdict(list)
    for s, primitives in enumerate(lists):
        together[None if exceeds_noise(pulls[s], gradients[s]) else primitives].append(s)
    found: dict[int, Member] = {s: recipe.build(xs[s], gradient=gradients[s]) for s in together.pop(None, [])}
    for shared, systems in together.items():
        assert shared is not None
        table = recipe.table(shared)
        for s, k in zip(systems, recipe.frozen(shared, table, xs[systems]), strict=True):
            found[s] = recipe.joined(shared, table, k, True, recipe.bonding.built(xs[s]))
    return [found[s] for s in range(len(xs))]
