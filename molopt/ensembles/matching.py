"""The RMSD of molecules that have too many symmetric numberings to try each."""

from itertools import product

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from molopt.ensembles.superposing import best_turn
from molopt.rules.partition import Array

ROUNDS = 20  # of matching and superposing; most need three


def matched_rmsd(one: Array, other: Array, classes: Array, reflects: bool) -> float:
    """The RMSD, A, of two centred outlines (n, 3), where each atom is matched with the nearest of its class.

    The two are laid upon each other by their principal axes, in each of the ways there are; then atoms are matched and
    the outlines superposed until nothing changes. Bonds play no part: where the RMSD is small, atoms that match have
    the same neighbours, and two geometries are one; where it is large, it may be too small.

    Parameters
    ----------
    classes : (n,) array of int
        Atoms of one class may be matched.
    reflects : bool
        Whether mirror images are one.
    """
    one, other = on_axes(one), on_axes(other)
    groups = [np.flatnonzero(classes == each) for each in np.unique(classes)]
    best = np.inf
    for signs in product((1.0, -1.0), repeat=3):
        if reflects or np.prod(signs) > 0:
            best = min(best, refined(one, other * signs, groups))
    return best


def on_axes(outline: Array) -> Array:
    """The outline (n, 3) in the right-handed frame of its principal axes."""
    axes = np.linalg.svd(outline.T @ outline)[0]
    axes[:, 2] *= np.linalg.det(axes)
    return outline @ axes


def refined(one: Array, other: Array, groups: list[Array]) -> float:
    """The RMSD, A, where matching and superposing (n, 3) and (n, 3) come to rest."""
    order = np.arange(len(one))
    for _ in range(ROUNDS):
        before = order.copy()
        for group in groups:
            if len(group) > 1:
                order[group] = group[linear_sum_assignment(cdist(one[group], other[group], "sqeuclidean"))[1]]
        other = other @ best_turn(other[order], one)
        if (order == before).all():
            break
    return float(np.sqrt(((one - other[order]) ** 2).sum() / len(one)))
