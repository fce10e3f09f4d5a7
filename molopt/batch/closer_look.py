"""Which systems must be looked at closely, as their coordinates may no longer describe them: all at once."""

import numpy as np
from ase.data import covalent_radii
from scipy.spatial.distance import squareform

from molopt.batch.guards import LARGE
from molopt.batch.stack import Stack
from molopt.coordinates import formulas
from molopt.optimizers.bonding import BROKEN, FORMED
from molopt.optimizers.internals import Recipe
from molopt.rules.partition import Array, Partition


def nearest_of(recipe: Recipe | None, natoms: int, near: float) -> Array:
    """(n,) distances, Angstrom, that pairs of atoms keep unless they come `near` or form a bond, as SciPy's `pdist`.

    None of large systems, at whose distances nobody looks together.
    """
    if natoms > LARGE:
        return np.zeros(0)
    if recipe is None:
        return np.full(natoms * (natoms - 1) // 2, near)
    radii = covalent_radii[recipe.numbers]
    limits = FORMED * (radii[:, None] + radii)
    i, j = recipe.bonds.T
    limits[i, j] = limits[j, i] = near
    return squareform(limits, checks=False)


def doubtful(stack: Stack, x: Array, close: Array) -> Array:
    """(S,) which systems of a stack in internal coordinates must be looked at closely, at x (3N,).

    They are those whose step did not arrive, those whose atoms have come `close` (S,), those with a long bond, and
    those whose coordinates may have lost their meaning.
    """
    assert stack.memory is not None
    assert stack.coordinates is not None
    return close | ~stack.memory.arrived | stack.coordinates.outdated(x) | broken(stack, x)


def broken(stack: Stack, x: Array) -> Array:
    """(S,) which systems have a long bond at x (3N,)."""
    bondings = [one.recipe.bonding for one in stack.runs if one.recipe is not None]
    first = stack.places.bounds[:-1] // 3
    bonds = np.concatenate([bonding.bonds + atom for bonding, atom in zip(bondings, first.tolist(), strict=True)])
    ordinary = np.concatenate([bonding.ordinary for bonding in bondings])
    long = formulas.stretch_value(x.reshape(-1, 3).take(bonds, axis=0)) > BROKEN * ordinary
    return Partition([len(bonding.bonds) for bonding in bondings]).sum(long.astype(int)) > 0
