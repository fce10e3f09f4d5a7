"""Pairs of atoms that are close, in a time that grows with the number of atoms and not its square."""

import numpy as np
from scipy.spatial import cKDTree


def pairs_within(positions: np.ndarray, distance: float) -> np.ndarray:
    """(npairs, 2) sorted indices i < j of points (n, 3) no farther apart than this, in Angstrom."""
    pairs = cKDTree(positions).query_pairs(distance, output_type="ndarray")
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def lengths(positions: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """(npairs,) distances in Angstrom."""
    return np.linalg.norm(positions[pairs[:, 0]] - positions[pairs[:, 1]], axis=1)
