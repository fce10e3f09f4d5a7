"""The rotation that lays one set of points on another.

W. Kabsch, Acta Cryst. A 32, 922 (1976).
"""

import numpy as np

from molopt.rules.partition import Array


def best_turn(points: Array, target: Array) -> Array:
    """(3, 3) rotation, never a reflection, that brings rows (m, 3) nearest to those of the target: `points @ turn`.

    >>> corner, quarter = np.eye(3), np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]])
    >>> bool(np.allclose(best_turn(corner, corner @ quarter), quarter))
    True
    """
    left, _, right = np.linalg.svd(points.T @ target)
    left[:, -1] *= 1.0 if np.linalg.det(left @ right) > 0 else -1.0
    return left @ right


def laid(positions: Array, target: Array, atoms: Array) -> tuple[Array, float]:
    """Positions (N, 3) moved rigidly so that some atoms lie on those of the target, and the RMSD of these, A."""
    here, there = positions[atoms].mean(axis=0), target[atoms].mean(axis=0)
    moved = (positions - here) @ best_turn(positions[atoms] - here, target[atoms] - there) + there
    return moved, float(np.sqrt(((moved[atoms] - target[atoms]) ** 2).sum(axis=1).mean()))
