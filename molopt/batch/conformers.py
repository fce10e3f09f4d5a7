"""Internal coordinates of conformers where they begin, found out for all of them at once as far as can be."""

from collections import defaultdict

from molopt.coordinates.member import Member
from molopt.coordinates.primitives import Primitives
from molopt.coordinates.rigid import pulls_of
from molopt.optimizers.internals import Recipe, exceeds_noise
from molopt.rules.partition import Array


def members(recipe: Recipe, xs: Array, gradients: Array) -> list[Member]:
    """The coordinates of each of S conformers at xs (S, 3N), where the gradients (S, 3N) are known: as `Recipe.build`.

    Those that need the same list of coordinates have the very same one.
    """
    if recipe.surface is not None:
        return [recipe.build(x, gradient=gradient) for x, gradient in zip(xs, gradients, strict=True)]
    xyz = xs.reshape(len(xs), -1, 3)
    pulls, lists = pulls_of(xyz, gradients), recipe.lists.at(xs)
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
