"""Molecules in boxes: files of periodic programs that hold one molecule, whole, in a cell."""

import logging

import numpy as np
from ase import Atoms
from ase.neighborlist import natural_cutoffs, neighbor_list

from molopt.coordinates.topology import Topology
from molopt.errors import InputError

log = logging.getLogger("molopt")

REACH = 1.3  # times the sum of covalent radii: as bonds are perceived elsewhere
SMALLEST = 1e-3  # A^3; a cell without volume bounds nothing


def without_cell(atoms: Atoms, name: str) -> Atoms:
    """The atoms, changed in place, without the cell of a file, where it holds one molecule and no bond leaves it.

    Raises
    ------
    InputError
        A bond crosses the cell, or there are several molecules in it, as in a crystal.
    """
    if not atoms.pbc.any():
        atoms.cell = None
        return atoms
    if atoms.cell.rank < 3 or abs(np.linalg.det(atoms.cell.array)) < SMALLEST:
        raise InputError(f"{name} is periodic, and a molecule is not: give its atoms without a cell")
    first, second, shifts = neighbor_list("ijS", atoms, natural_cutoffs(atoms, mult=REACH))
    if shifts.any():
        raise InputError(
            f"{name} is periodic, and bonds cross its cell: take one molecule out of it, whole, and give it as XYZ"
        )
    bonds = np.stack([first, second], axis=1)[first < second]
    fragments = len(Topology(atoms.numbers, bonds).fragments)
    if fragments > 1:
        raise InputError(
            f"{name} is periodic, with {fragments} molecules in its cell: take one of them out, and give it as XYZ"
        )
    log.warning("%s: its cell was dropped: it holds one molecule that does not touch its images", name)
    atoms.pbc = False
    atoms.cell = None
    return atoms
