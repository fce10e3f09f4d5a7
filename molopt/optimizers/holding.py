"""What the constraints of atoms forbid, as directions."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from ase import Atoms
from ase.constraints import FixAtoms, FixBondLengths, FixCartesian, FixCom, FixedLine, FixedPlane, FixInternals

from molopt.coordinates.primitives import Primitives
from molopt.coordinates.rigid import spanned
from molopt.errors import InputError
from molopt.rules.partition import Array

HARMLESS = ("Hookean", "ExternalForce", "FixCom")  # they add forces, or hold what never moves


class Held(NamedTuple):
    """Entries that may move, (3N,) of bool, and the directions (3N, r) at x in which no constraint allows a move."""

    movable: Array
    forbidden: Callable[[Array], Array] | None


def held_of(atoms: Atoms) -> Held:
    """What internal coordinates must know of the constraints of atoms; ASE itself keeps them to the last digit.

    Raises
    ------
    InputError
        A constraint is of a kind whose directions are not known here.
    """
    movable = np.ones((len(atoms), 3), dtype=bool)
    normals: list[Array] = []
    rows: list[Callable[[Array], Array]] = []
    for constraint in atoms.constraints:
        if isinstance(constraint, FixAtoms):
            movable[constraint.get_indices()] = False
        elif isinstance(constraint, FixCartesian):
            movable[constraint.get_indices()] &= ~np.asarray(constraint.mask)
        elif isinstance(constraint, FixedPlane | FixedLine):
            normals.append(across(constraint, len(atoms)))
        elif isinstance(constraint, FixBondLengths):
            rows.append(lengths(constraint.pairs, len(atoms)))
        elif isinstance(constraint, FixInternals):
            rows += internals(constraint, len(atoms))
        elif not isinstance(constraint, FixCom) and type(constraint).__name__ not in HARMLESS:
            raise InputError(
                f'internal coordinates cannot keep the constraint {type(constraint).__name__}: use '
                'coordinates="cartesian"'
            )
    if not rows and not normals:
        return Held(movable.ravel(), None)
    return Held(movable.ravel(), lambda x: spanned([*normals, *(row(x).T for row in rows)]))


def across(constraint: Any, natoms: int) -> Array:
    """(3N, r) unit vectors in which atoms on a line or a plane do not move."""
    direction = np.asarray(constraint.dir, dtype=float)[:, None] / np.linalg.norm(constraint.dir)
    if isinstance(constraint, FixedLine):
        direction = np.linalg.svd(direction)[0][:, 1:]
    blocks = []
    for atom in constraint.get_indices():
        block = np.zeros((natoms, 3, direction.shape[1]))
        block[atom] = direction
        blocks.append(block.reshape(3 * natoms, -1))
    return np.concatenate(blocks, axis=1)


def lengths(pairs: Any, natoms: int) -> Callable[[Array], Array]:
    return rows_of(Primitives(natoms, stretches=np.asarray(pairs, dtype=int).reshape(-1, 2)))


def internals(constraint: FixInternals, natoms: int) -> list[Callable[[Array], Array]]:
    listed = Primitives(
        natoms,
        stretches=np.array([bond for _, bond in constraint.bonds], dtype=int).reshape(-1, 2),
        angles=np.array([angle for _, angle in constraint.angles], dtype=int).reshape(-1, 3),
        torsions=np.array([dihedral for _, dihedral in constraint.dihedrals], dtype=int).reshape(-1, 4),
    )
    found = [rows_of(listed)]
    for _, terms in constraint.bondcombos:
        weights = np.array([weight for *_, weight in terms], dtype=float)
        found.append(combined(np.array([bond[:2] for bond in terms], dtype=int), weights, natoms))
    return found


def combined(pairs: Array, weights: Array, natoms: int) -> Callable[[Array], Array]:
    rows = lengths(pairs, natoms)
    return lambda x: (weights @ rows(x))[None]


def rows_of(listed: Primitives) -> Callable[[Array], Array]:
    return lambda x: np.asarray(listed.jacobian(x).todense())
