"""What the end of a run is, by a look at its curvature that is not counted among the force calls of the run."""

import math
from typing import NamedTuple

import numpy as np
from ase import Atoms

from molopt.fitting.hessians import hessian
from molopt.molecules import Molecule
from molopt.optimizers.spec import OptimizerSpec
from molopt.potentials import Counted, potential
from molopt.potentials.force_field_terms import FORCE_FIELDS
from molopt.potentials.xtb import METHODS
from molopt.record import Outcome
from molopt.rules.partition import Array
from molopt.run import Run
from molopt.specification import parse

# Atoms up to which a whole Hessian takes no longer than a run, and eV/A^2 that differences of its forces blur: below
# it a motion of norm 1 A changes the energy by less than any criterion asks.
WHOLE = dict.fromkeys(FORCE_FIELDS, (60, 0.0003)) | dict.fromkeys(METHODS, (24, 0.001))
ARRIVED = 0.005  # eV above the floor, within which an end is called what its floor is
CHECK = OptimizerSpec.of("default?check=report")
STEP = 0.01  # A of the whole molecule, for differences of forces that may be as noisy as those of xTB


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
    """What the end of a run is.

    An end within 5 meV of its floor is what the floor is: a minimum, a saddle (relaxing on stays on a symmetric one) or
    flat. One that lies higher is a saddle where its own curvature is negative, as far as that is looked at, and else
    not stationary, but on a shelf, however small its forces. The curvature is that of the whole Hessian up to 60 atoms
    in molopt's force fields and 24 in xTB, beyond that what a check finds; potentials of others are not asked.

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
    settled = len(outcome.floor) > 0
    arrived = settled and outcome.energy - outcome.floor_energy <= ARRIVED
    there = molecule.with_positions(outcome.floor if arrived else outcome.end)
    largest, blur = WHOLE.get(parse(method)[0].lower(), (0, math.nan))
    if len(molecule) <= largest:
        end = by_hessian(there, method, blur)
        return End("not stationary", end.stiffness) if settled and not arrived and end.stationary != "saddle" else end
    if settled and not arrived:
        return End("not stationary")
    return by_check(there, method, limit, blur) if largest else End()


def by_hessian(molecule: Molecule, method: str, blur: float) -> End:
    """What a geometry is, from its whole Hessian by central differences of forces, good to `blur` eV/A^2."""
    atoms = molecule.atoms()
    atoms.calc = Counted(potential(method, molecule))
    lowest = softest(hessian(atoms), atoms.positions)
    return End("saddle" if lowest < -blur else "flat" if lowest <= blur else "minimum", lowest)


def by_check(molecule: Molecule, method: str, limit: float, blur: float) -> End:
    """What a geometry is, from a few force calls about it: those of a check, and two more that must confirm a saddle.

    One from which the check leads far down is a saddle, too.
    """
    run = Run(molecule, CHECK, method, limit, energy_left=None)
    run.go()
    found = run.result()
    if found.curvature is None or found.error is not None:
        return End()
    if found.trace[0].energy - found.energy > ARRIVED:
        return End("saddle")
    if found.curvature.stationary != "saddle":
        return End(found.curvature.stationary, found.curvature.stiffness)
    found.atoms.calc = Counted(potential(method, molecule))
    along = stiffness_along(found.atoms, found.curvature.direction)
    return End("saddle" if along < -blur else "unchecked", along)


def stiffness_along(atoms: Atoms, direction: Array) -> float:
    """The curvature (eV/A^2) along a direction (N, 3) of norm 1, by central differences of forces."""
    start, forces = atoms.positions.copy(), []
    for sign in (1, -1):
        atoms.positions = start + sign * STEP * direction
        forces.append(atoms.get_forces())
    return float(np.sum((forces[1] - forces[0]) * direction)) / (2 * STEP)


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
