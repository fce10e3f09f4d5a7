"""Second derivatives of internal coordinates: how forces along them curve the energy in Cartesians."""

from collections.abc import Callable
from functools import partial

import numpy as np

from molopt.coordinates.kind import Local
from molopt.coordinates.primitives import Primitives
from molopt.rules.partition import Array

STEP = 1e-4  # Angstrom, of central differences of the exact first derivatives; errors are about 1e-8


def bending(primitives: Primitives, x: Array, gradient: Array) -> Array:
    """(3N, 3N) sum over coordinates of dE/dq d2q/dx2 at x (3N,), for a gradient dE/dq (nq,); eV/A^2.

    A Hessian less this is that of the energy as a function of the coordinates. Fragments and points are left out: their
    coordinates are linear in Cartesians, or nearly.

    >>> water = Primitives(3, stretches=np.array([[0, 1], [0, 2]]), angles=np.array([[1, 0, 2]]))
    >>> x = np.array([0, 0, 0, 0.96, 0, 0, -0.24, 0.93, 0])
    >>> bent = bending(water, x, np.array([1.0, 0.0, 0.0]))  # a pulled bond is stiff across itself: g / r
    >>> round(float(bent[4, 4]), 3)
    1.042
    """
    hessian = np.zeros((x.size, x.size))
    for kind, part in primitives.present:
        if isinstance(kind, Local):
            rows, along = kind.rows(primitives), gradient[part].reshape(-1, kind.width)
            p = x.reshape(-1, 3)[rows]
            for n in range(kind.width):
                slopes = partial(component, kind, primitives, n)
                add(hessian, rows, along[:, n, None, None] * second(slopes, p))
    return (hessian + hessian.T) / 2


def component(kind: Local, primitives: Primitives, number: int, p: Array) -> Array:
    """(n, k, 3) derivatives of one component of a kind at p (n, k, 3)."""
    return kind.slopes_at(primitives, p)[:, number]


def second(derivatives: Callable[[Array], Array], p: Array) -> Array:
    """(n, 3k, 3k) second derivatives of n coordinates of k atoms at p (n, k, 3)."""
    count, size = len(p), 3 * p.shape[1]
    blocks = np.zeros((count, size, size))
    for entry in range(size):
        step = np.zeros(p.shape[1:])
        step.flat[entry] = STEP
        blocks[:, entry] = (derivatives(p + step) - derivatives(p - step)).reshape(count, size) / (2 * STEP)
    return blocks


def add(hessian: Array, atoms: Array, blocks: Array) -> None:
    """Add the block of each row of atoms (n, k) in its place."""
    places = (3 * atoms[:, :, None] + np.arange(3)).reshape(len(atoms), -1)
    np.add.at(hessian, (places[:, :, None], places[:, None, :]), blocks)
