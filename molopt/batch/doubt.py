"""Which coordinates may no longer describe their systems: looked at for all conformers at once, closely for few."""

from collections import defaultdict
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from ase.data import covalent_radii

from molopt.batch.crew import Crew
from molopt.coordinates import formulas
from molopt.coordinates.evaluation import FLAT, STRAIGHT
from molopt.coordinates.primitives import Primitives
from molopt.optimizers.bonding import BROKEN, FORMED
from molopt.optimizers.internals import Recipe
from molopt.rules.partition import Array


def nearest_of(recipe: Recipe | None, natoms: int, near: float) -> Array:
    """(N, N) distances, Angstrom, that two atoms keep unless they come `near` or form a bond."""
    if recipe is None:
        return np.full((natoms, natoms), near)
    radii = covalent_radii[recipe.numbers]
    limits = FORMED * (radii[:, None] + radii)
    i, j = recipe.bonds.T
    limits[i, j] = limits[j, i] = near
    return limits


class Signs(NamedTuple):
    """What a list of coordinates is looked at for."""

    angles: Array  # (n, 3) those that must not become straight
    pyramids: Array  # (n, 4) those that must not become flat
    bonds: Array  # (n, 2)
    longest: Array  # (n,) Angstrom

    @classmethod
    def of(cls, primitives: Primitives, numbers: Array) -> "Signs | None":
        """Those of a list; None of one that has straight angles, which are looked at closely."""
        if len(primitives.bends) or len(primitives.straight):
            return None
        bonds = primitives.stretches
        longest = BROKEN * covalent_radii[numbers[bonds]].sum(axis=1)
        return cls(np.concatenate([primitives.angles, primitives.arms]), primitives.pyramids, bonds, longest)

    def shown(self, xyz: Array) -> Array:
        """(S,) which systems show one at positions (S, N, 3)."""
        found = formulas.wider(xyz.take(self.angles, axis=1), STRAIGHT).any(axis=1)
        found |= (np.abs(formulas.plane_value(xyz.take(self.pyramids, axis=1))) < FLAT).any(axis=1)
        return found | (formulas.stretch_value(xyz.take(self.bonds, axis=1)) > self.longest).any(axis=1)


known: WeakKeyDictionary[Primitives, Signs | None] = WeakKeyDictionary()


def signs_of(primitives: Primitives, numbers: Array) -> Signs | None:
    """`Signs.of`, once a list."""
    if primitives not in known:
        known[primitives] = Signs.of(primitives, numbers)
    return known[primitives]


def doubtful(crew: Crew, x: Array, close: Array) -> Array:
    """(S,) which systems of a crew in internal coordinates must be looked at closely, at x (3N,).

    They are those whose step did not arrive, those whose atoms have come `close` (S,), and those with a long bond, a
    wide angle or a flat pyramid.
    """
    assert crew.memory is not None
    found = close | ~crew.memory.arrived
    together: dict[Primitives, list[int]] = defaultdict(list)
    for s, one in enumerate(crew.aboard):
        together[one.internal.primitives].append(s)
    places = crew.places
    for primitives, systems in together.items():
        signs = signs_of(primitives, crew.aboard[systems[0]].subject.numbers)
        if signs is None:
            found[systems] = True
            continue
        flat = x if len(systems) == len(crew) else np.concatenate([x[places.part(s)] for s in systems])
        found[systems] |= signs.shown(flat.reshape(len(systems), -1, 3))
    return found
