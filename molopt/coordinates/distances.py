"""All distances of a small molecule at once: enough to say of nearly every geometry that nothing has changed."""

import numpy as np

from molopt.rules.partition import Array

FEW = 200  # atoms up to which all pairs are looked at at once
DOUBT = 1e-6  # A^2; squares that are nearer to a limit are computed again, pair by pair


def squares(positions: Array) -> Array:
    """(N, N) squared distances of points (N, 3), A^2, by one product of matrices.

    They are right to about 1e-15 of the square of the size.

    >>> squares(np.array([[0.0, 0.0, 0.0], [0.0, 3.0, 4.0]])).tolist()
    [[0.0, 25.0], [25.0, 0.0]]
    """
    centred = positions - positions[0]
    products = centred @ centred.T
    own = products.diagonal()
    found: Array = products * -2.0
    found += own
    found += own[:, None]
    return found


def wider(squares: Array, triples: Array, limit: float) -> bool:
    """Whether any of the angles may be wider than the limit, rad.

    `triples` (3, n) are the places in `squares` of i-j, j-k and i-k of each angle i-j-k.
    """
    one, other, across = squares.take(triples)
    return bool((one + other - across < 2 * np.cos(limit) * np.sqrt(np.maximum(one * other, 0.0)) + DOUBT).any())


def places(rows: Array, natoms: int) -> Array:
    """(3, n) the `triples` of angles (n, 3) of so many atoms."""
    i, j, k = rows.T
    return np.stack([i * natoms + j, j * natoms + k, i * natoms + k])
