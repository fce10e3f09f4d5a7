"""Pairs of atoms that are close, in a time that grows with the number of atoms and not its square."""

import numpy as np
from ase.data import covalent_radii
from scipy.spatial import cKDTree


def pairs_within(positions: np.ndarray, distance: float) -> np.ndarray:
    """(npairs, 2) sorted indices i < j of points (n, 3) no farther apart than this, in Angstrom."""
    pairs = cKDTree(positions).query_pairs(distance, output_type="ndarray")
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def contacts(numbers: np.ndarray, positions: np.ndarray, factor: float) -> np.ndarray:
    """(npairs, 2) sorted indices i < j of atoms within `factor` times the sum of their covalent radii.

    The radii are ASE's: B. Cordero et al., Dalton Trans. 2832 (2008).

    >>> contacts(np.array([8, 1, 1]), np.array([[0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]]), 1.25).tolist()
    [[0, 1], [0, 2]]
    """
    radii = covalent_radii[numbers]  # (natoms,) A
    pairs = pairs_within(positions, 2 * factor * float(radii.max()))
    return pairs[lengths(positions, pairs) < factor * radii[pairs].sum(axis=1)]


def lengths(positions: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """(npairs,) distances in Angstrom."""
    return np.linalg.norm(positions[pairs[:, 0]] - positions[pairs[:, 1]], axis=1)
