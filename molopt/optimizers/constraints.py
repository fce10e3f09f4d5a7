"""What the constraints of atoms forbid, as directions."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from ase import Atoms
from ase.constraints import (
    ExternalForce,
    FixAtoms,
    FixBondLengths,
    FixCartesian,
    FixCom,
    FixedLine,
    FixedPlane,
    FixInternals,
    FixSymmetry,
    Hookean,
)

from molopt.coordinates.primitives import Primitives
from molopt.coordinates.rigid import nothing, rigid_left_by, spanned
from molopt.errors import InputError
from molopt.rules.partition import Array
from molopt.stationary.frequencies import straightened


class Held(NamedTuple):
    """What constraints say.

    Attributes
    ----------
    movable : (3N,) array of bool
        Entries that may move.
    forbidden : callable
        The directions (3N, k) at x (3N,) in which no constraint allows a move.
    outside : bool
        Whether a constraint pulls at atoms from outside of the molecule.
    """

    movable: Array
    forbidden: Callable[[Array], Array]
    outside: bool

    def left_of(self, gradient: Array, x: Array) -> Array:
        """The gradient (3N,) at x (3N,) without what constraints hold together; ASE takes them one after the other."""
        left = np.where(self.movable, gradient, 0.0)
        held = spanned([self.forbidden(x) * self.movable[:, None]])
        return left - held @ (held.T @ left)

    def freedoms(self, positions: Array) -> int:
        """How many independent moves of points (N, 3) change their shape, or where they are if that matters."""
        forbidden = self.forbidden(positions.ravel())
        rigid = nothing(positions) if self.outside else rigid_left_by(self.movable, forbidden, straightened(positions))
        return int(self.movable.sum()) - spanned([forbidden * self.movable[:, None], rigid]).shape[1]


def held_of(atoms: Atoms) -> Held:
    """What internal coordinates must know of the constraints of atoms; ASE itself keeps them to the last digit.

    Raises
    ------
    InputError
        A constraint is of a kind whose directions are not known here.
    """
    movable = np.ones((len(atoms), 3), dtype=bool)
    rows: list[Callable[[Array], Array]] = []
    outside = False
    for constraint in atoms.constraints:
        if isinstance(constraint, FixAtoms):
            movable[constraint.get_indices()] = False
        elif isinstance(constraint, FixCartesian):
            movable[constraint.get_indices()] &= ~np.asarray(constraint.mask)
        elif isinstance(constraint, FixedPlane | FixedLine):
            rows.append(across(constraint, len(atoms)))
        elif isinstance(constraint, FixBondLengths):
            rows.append(lengths(constraint.pairs, len(atoms)))
        elif isinstance(constraint, FixInternals):
            rows += internals(constraint, len(atoms))
        elif isinstance(constraint, Hookean | ExternalForce):
            outside = True
        elif isinstance(constraint, FixCom):  # FixSubsetCom is one
            rows.append(centre(constraint.index, atoms.get_masses()))
        elif isinstance(constraint, FixSymmetry):
            rows.append(asymmetric(constraint, atoms))
        else:
            raise InputError(
                f"internal coordinates cannot keep the constraint {type(constraint).__name__}: use "
                'coordinates="cartesian"'
            )
    if not rows:
        return Held(movable.ravel(), nothing, outside)
    return Held(movable.ravel(), lambda x: spanned([row(x).T for row in rows]), outside)


def across(constraint: Any, natoms: int) -> Callable[[Array], Array]:
    """Rows (k, 3N) of unit vectors in which atoms on a line or a plane do not move."""
    direction = np.asarray(constraint.dir, dtype=float)[:, None] / np.linalg.norm(constraint.dir)
    if isinstance(constraint, FixedLine):
        direction = np.linalg.svd(direction)[0][:, 1:]
    held = constraint.get_indices()
    rows = np.zeros((len(held), direction.shape[1], natoms, 3))
    rows[np.arange(len(held)), :, held] = direction.T
    return lambda x: rows.reshape(-1, x.size)


def asymmetric(constraint: FixSymmetry, atoms: Atoms) -> Callable[[Array], Array]:
    """Rows (k, 3N) of the motions that break the symmetry: P u = 0, P the mean of all its operations on a motion u."""
    cell = atoms.cell[:].T
    natoms = len(atoms)
    mean = np.zeros((natoms, 3, natoms, 3))
    for rotation, goes_to in zip(constraint.rotations, constraint.symm_map, strict=True):
        turned = cell @ rotation @ np.linalg.inv(cell)
        for atom, other in enumerate(goes_to):
            mean[other, :, atom] += turned / len(constraint.rotations)
    matrix = mean.reshape(3 * natoms, 3 * natoms)
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    rows = vectors[:, values < 0.5].T
    return lambda x: rows


def centre(atoms: Any, masses: Array) -> Callable[[Array], Array]:
    """The centre of mass of these atoms."""
    weights = np.zeros(len(masses))
    weights[atoms] = masses[atoms]
    rows = np.kron(weights / np.linalg.norm(weights), np.eye(3))
    return lambda x: rows


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
