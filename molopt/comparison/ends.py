"""What the end of a run is, by a look at its curvature that is not counted among the force calls of the run."""

import math
from typing import NamedTuple

import numpy as np

from molopt.fitting.hessians import hessian
from molopt.molecules import Molecule
from molopt.potentials import Counted, potential
from molopt.potentials.force_field_terms import FORCE_FIELDS
from molopt.record import Outcome
from molopt.rules.partition import Array
from molopt.specification import parse

LARGEST = 60  # atoms; the Hessian of more would take longer than their runs
FLAT = 3e-4  # eV/A^2: a motion of norm 1 A changes the energy by 0.15 meV, less than any criterion asks
ARRIVED = 0.005  # eV above the floor, within which an end is called what its floor is


class End(NamedTuple):
    """What an end is.

    Attributes
    ----------
    stationary : str
        A word of `molopt.stationary.verdict.STATIONARY`.
    stiffness : float
        The lowest curvature, eV/A^2, of motions other than rigid ones; NaN where it was not looked at.
    """

    stationary: str = "unchecked"
    stiffness: float = math.nan


def end_of(molecule: Molecule, method: str, outcome: Outcome, limit: float) -> End:
    """What the end of a run is, from a whole Hessian by central differences of forces.

    An end within 5 meV of its floor is what the floor is: a minimum, a saddle (relaxing on stays on a symmetric one) or
    flat. One that lies higher is a saddle where its own curvature is negative, and else not stationary, but on a
    shelf, however small its forces. Unchecked where the potential is not a force field of molopt, or there are more
    than 60 atoms.

    Parameters
    ----------
    molecule : Molecule
        Whose run it was.
    method : str
        Name of the potential.
    outcome : Outcome
        With the floor, where there is one.
    limit : float
        The fmax, eV/A, at which runs counted as converged.

    Raises
    ------
    InputError, PotentialFailed
        The potential does not know the molecule, or fails near its end.
    """
    if not outcome.fmax <= limit:
        return End("not stationary")
    if parse(method)[0].lower() not in FORCE_FIELDS or len(molecule) > LARGEST:
        return End()
    settled = len(outcome.floor) > 0
    arrived = settled and outcome.energy - outcome.floor_energy <= ARRIVED
    atoms = molecule.with_positions(outcome.floor if arrived else outcome.end).atoms()
    atoms.calc = Counted(potential(method, molecule))
    lowest = softest(hessian(atoms), atoms.positions)
    if lowest < -FLAT:
        return End("saddle", lowest)
    if settled and not arrived:
        return End("not stationary", lowest)
    return End("flat" if lowest <= FLAT else "minimum", lowest)


def softest(hessian: Array, positions: Array) -> float:
    """The lowest eigenvalue (eV/A^2) of a Hessian (3N, 3N) among motions that are not rigid; infinite for one atom."""
    motions = rigid(positions)
    left, sizes, _ = np.linalg.svd(motions)
    rank = int((sizes > 1e-6 * sizes.max()).sum())  # 5 where all atoms are on a line
    others = left[:, rank:]
    return float(np.linalg.eigvalsh(others.T @ hessian @ others).min(initial=np.inf))


def rigid(positions: Array) -> Array:
    """(3N, 6) displacements of translations and rotations of atoms (N, 3)."""
    centred = positions - positions.mean(axis=0)
    axes = np.eye(3)
    shifts = [np.tile(axis, (len(positions), 1)) for axis in axes]
    turns = [np.cross(axis, centred) for axis in axes]
    return np.stack([motion.ravel() for motion in (*shifts, *turns)], axis=1)
