"""Directions in which a geometry is not to move: as a whole, and as constraints forbid."""

from collections.abc import Sequence

import numpy as np

from molopt.coordinates.formulas import cross
from molopt.rules.partition import Array

FLAT = 1e-3  # a motion smaller than this part of the largest is none: the rotation of a straight molecule
HELD = 1e-4  # a motion, of length 1, that moves what is held fast by more is forbidden


def rigid_motions(positions: Array) -> Array:
    """(3N, r) orthonormal translations and rotations of points (N, 3): r is 6, 5 on a line, 3 for one point."""
    centred = positions - positions.mean(axis=0)
    size = np.sqrt((centred * centred).sum(axis=1).mean()) or 1.0
    motions = np.zeros((*positions.shape, 6))
    motions[:, [0, 1, 2], [0, 1, 2]] = 1.0
    x, y, z = centred.T / size
    motions[:, 1, 3], motions[:, 2, 3] = -z, y
    motions[:, 0, 4], motions[:, 2, 4] = z, -x
    motions[:, 0, 5], motions[:, 1, 5] = -y, x
    return spanned([motions.reshape(-1, 6)])


def nothing(x: Array) -> Array:
    """(3N, 0) no direction at all."""
    return np.zeros((x.size, 0))


def rigid_left_by(movable: Array, forbidden: Array, positions: Array) -> Array:
    """(3N, s) rigid motions of points (N, 3) that move only `movable` entries (3N,), none in `forbidden` (3N, k)."""
    motions = rigid_motions(positions)
    if movable.all() and not forbidden.shape[1]:
        return motions
    images = np.concatenate([motions[~movable], forbidden.T @ motions])
    values, combinations = np.linalg.eigh(images.T @ images)
    return motions @ combinations[:, values < HELD**2]


def spanned(parts: Sequence[Array]) -> Array:
    """(n, r) orthonormal columns that span all columns of the parts, each (n, any)."""
    together = np.concatenate(parts, axis=1)
    if together.shape[1] == 0:
        return together
    values, vectors = np.linalg.eigh(together.T @ together)
    kept = values > FLAT**2 * values.max()
    return together @ (vectors[:, kept] / np.sqrt(values[kept]))


def pulls_of(positions: Array, gradients: Array, first: Array) -> list[float]:
    """Norms of net force and torque on each of S molecules, eV/A (`molopt.noise.net`).

    Positions and gradients (N, 3) are of all one after another; `first` (S + 1,) says where each begins.
    """
    counts, owners = np.diff(first), np.repeat(np.arange(len(first) - 1), np.diff(first))

    def total(rows: Array) -> Array:
        found: Array = np.add.reduceat(rows, first[:-1], axis=0)
        return found

    arms = positions - (total(positions) / counts[:, None])[owners]
    moments = total(arms[:, :, None] * arms[:, None, :])  # (S, 3, 3)
    values, axes = np.linalg.eigh(np.trace(moments, axis1=1, axis2=2)[:, None, None] * np.eye(3) - moments)
    roots = np.where(values > 1e-6 * values[:, -1:], 1 / np.sqrt(np.maximum(values, 1e-300)), 0.0)
    torque = roots * np.einsum("sij,si->sj", axes, total(cross(arms, gradients)))
    force = total(gradients) / np.sqrt(counts)[:, None]
    return np.sqrt((torque**2).sum(axis=1) + (force**2).sum(axis=1)).tolist()
