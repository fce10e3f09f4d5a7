"""Who repels whom: radii and depths of a pair potential between atoms that are three bonds apart or more."""

import numpy as np
from ase.data import vdw_radii

from molopt.coordinates.metric_table import Repulsion
from molopt.rules.partition import Array

WIDENED = 1.15  # of the van der Waals radii: two atoms of a molecule are at their best distance a little farther out
WIDEST = 2.0  # Angstrom, of elements whose van der Waals radius is not known
DEPTH = 0.003  # eV


def van_der_waals(numbers: Array) -> Array:
    """(n,) radii of A. Bondi and S. Alvarez (in ASE), Angstrom."""
    known = vdw_radii[numbers]
    return np.where(np.isnan(known), WIDEST, known)


def generic_repulsion(numbers: Array) -> Repulsion:
    """One depth for all, and radii in proportion to the van der Waals radii of atoms (N,).

    Both are tuned on molecules apart from those reported (docs/notes/tuning.md).
    """
    elements, kinds = np.unique(numbers, return_inverse=True)
    radii = van_der_waals(elements)
    return Repulsion(kinds, WIDENED * (radii[:, None] + radii), np.full((len(elements), len(elements)), DEPTH))


def no_repulsion() -> Repulsion:
    """Of what no atom touches."""
    return Repulsion(np.zeros(0, dtype=int), np.zeros((0, 0)), np.zeros((0, 0)))
