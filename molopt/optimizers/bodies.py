"""What ASE can optimize, as bodies with neighbours."""

from typing import Any

import numpy as np
from ase import Atoms
from ase.constraints import FixAtoms, FixCartesian
from ase.filters import FrechetCellFilter, UnitCellFilter

from molopt.coordinates.elastic import Body, Deformation
from molopt.rules.partition import Array

FEWEST = 3  # atoms of a cluster
NONMETALS = [1, 2, *range(5, 11), *range(14, 19), *range(32, 37), *range(51, 55), 85, 86]  # B, Si, Ge, Sb and Te too


def body_of(target: Any) -> Body | None:
    """Atoms, or a filter of atoms and cell, as a body; None where x holds something else or is held otherwise."""
    if isinstance(target, Atoms):
        return of_atoms(target)
    if type(target) in (UnitCellFilter, FrechetCellFilter):
        return of_filter(target)
    return None


def of_atoms(atoms: Atoms) -> Body | None:
    movable = movable_of(atoms)
    if movable is None or len(atoms) == 0:
        return None
    return Body(atoms.numbers.copy(), atoms.cell.array.copy(), atoms.pbc.copy(), movable)


def of_filter(target: Any) -> Body | None:
    """A filter whose cell may deform in any way that its mask allows."""
    body = of_atoms(target.atoms)
    if body is None or target.hydrostatic_strain or target.constant_volume:
        return None
    if isinstance(target, FrechetCellFilter):
        deformation = Deformation(float(target.exp_cell_factor), float(target.cell_factor))
    else:
        deformation = Deformation(float(target.cell_factor))
    movable = np.concatenate([body.movable, np.asarray(target.mask, dtype=bool).ravel()])
    return body._replace(cell=np.array(target.orig_cell), movable=movable, deformation=deformation)


def movable_of(atoms: Atoms) -> Array | None:
    """(3N,) which entries may move; None where a constraint is of another kind."""
    movable = np.ones((len(atoms), 3), dtype=bool)
    for constraint in atoms.constraints:
        if isinstance(constraint, FixAtoms):
            movable[constraint.get_indices()] = False
        elif isinstance(constraint, FixCartesian):
            movable[constraint.get_indices()] &= ~np.asarray(constraint.mask)
        else:
            return None
    return movable.ravel()


def is_metal(target: Any) -> bool:
    """Whether these are three atoms or more, all of them metals, that make a body: a cluster."""
    if not isinstance(target, Atoms) or len(target) < FEWEST or target.pbc.any():
        return False
    return not np.isin(target.numbers, NONMETALS).any() and body_of(target) is not None


def is_extended(target: Any) -> bool:
    """Whether this is a body that is not a molecule: periodic atoms, or atoms and cell."""
    if isinstance(target, Atoms) and not target.pbc.any():
        return False
    return body_of(target) is not None
