"""Hessians to learn from: of small molecules, at the start and at the minimum, by finite differences of forces."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms

from molopt.errors import InputError, PotentialFailed
from molopt.molecules import Molecule
from molopt.optimizers import LBFGS
from molopt.potentials import Counted, potential
from molopt.rules.partition import Array
from molopt.signs import stage

STEP = 0.005  # Angstrom, of central differences
FMAX = 0.003  # eV/A at the minimum
STEPS = 300


@dataclass(frozen=True, eq=False)
class Sample:
    """One Hessian.

    Attributes
    ----------
    name : str
        Of the molecule.
    atoms : ase.Atoms
        The geometry, without a calculator.
    relaxed : bool
        Whether it is the minimum; otherwise it is the embedding, not relaxed.
    gradient : (3N,) array
        eV/A.
    hessian : (3N, 3N) array
        eV/A^2, symmetric.
    """

    name: str
    atoms: Any
    relaxed: bool
    gradient: Array
    hessian: Array


def samples_of(molecule: Molecule, method: str) -> list[Sample]:
    """The Hessians of one molecule in a potential: where it was embedded, and where it comes to rest.

    Raises
    ------
    InputError, PotentialFailed
        The potential has no parameters for the molecule, or fails.
    """
    atoms = molecule.atoms()
    atoms.calc = Counted(potential(method, molecule))
    with stage("measuring", molecule.name, len(atoms)):
        return measured(molecule, atoms)


def measured(molecule: Molecule, atoms: Atoms) -> list[Sample]:
    """As `samples_of`, of atoms with a calculator."""
    start = sample(molecule.name, atoms, relaxed=False)
    LBFGS(atoms, logfile=None, coordinates="internal", model="fischer-almlof").run(fmax=FMAX, steps=STEPS)
    return [start, sample(molecule.name, atoms, relaxed=True)]


def samples_or_reason(molecule: Molecule, method: str) -> list[Sample] | str:
    """The Hessians of one molecule, or in one line why it has none."""
    try:
        return samples_of(molecule, method)
    except (InputError, PotentialFailed, RuntimeError) as error:  # calculators raise RuntimeError of their own
        return " ".join(str(error).split())


def sample(name: str, atoms: Any, relaxed: bool) -> Sample:
    bare = atoms.copy()
    gradient = -atoms.get_forces().ravel()
    return Sample(name, bare, relaxed, gradient, hessian(atoms))


def hessian(atoms: Any) -> Array:
    """(3N, 3N) by central differences of the forces; the atoms come back as they were."""
    start = atoms.positions.copy()
    rows = np.zeros((start.size, start.size))
    for entry in range(start.size):
        for sign in (1, -1):
            there = start.copy()
            there.flat[entry] += sign * STEP
            atoms.positions = there
            rows[entry] -= sign * atoms.get_forces().ravel() / (2 * STEP)
    atoms.positions = start
    return (rows + rows.T) / 2
