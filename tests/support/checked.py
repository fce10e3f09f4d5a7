"""Molecules with potentials, symmetric starts, and optimizers that look at their ends, for the tests of checks."""

import numpy as np
from ase import Atoms

import molopt
from molopt import LBFGS, Adam, HeavyBall, Molecule
from molopt.optimizers.internals import Recipe
from molopt.potentials import Counted

GLYCEROL = "OCC(O)CO"


def placed(smiles, potential="mmff94", seed=7):
    start = Molecule.from_smiles(smiles, seed=seed)
    atoms = start.atoms()
    atoms.calc = Counted(molopt.potential(potential, start))
    return atoms


def checked(atoms, check="auto", kind=LBFGS, **keywords):
    return kind(atoms, logfile=None, check=check, **keywords)


def guided(atoms, **keywords):
    surrogate = molopt.potential("uff", Molecule.from_smiles(GLYCEROL, seed=7))
    return LBFGS(atoms, logfile=None, check="auto", surrogate=surrogate, **keywords)


def internal(kind):
    return lambda atoms, **keywords: checked(atoms, kind=kind, coordinates="internal", **keywords)


RUNS = {"lbfgs": checked, "guided": guided, "adam": internal(Adam), "heavy ball": internal(HeavyBall)}


def linearized(atoms):
    gradient = -atoms.get_forces().ravel()
    return Recipe.of(atoms).build(atoms.positions.ravel(), gradient).linearize(atoms.positions.ravel(), gradient)


def hessian_of(atoms, step=1e-4):
    """(3N, 3N) by central differences of forces, eV/A^2."""
    at, rows = atoms.positions.copy(), []
    for entry in range(at.size):
        pair = []
        for sign in (1, -1):
            moved = atoms.copy()
            moved.positions.flat[entry] += sign * step
            moved.calc = atoms.calc
            pair.append(-moved.get_forces().ravel())
        rows.append((pair[0] - pair[1]) / (2 * step))
    return (np.array(rows) + np.array(rows).T) / 2


def relax_in_place(atoms, fmax=1e-4):
    LBFGS(atoms, logfile=None).run(fmax=fmax, steps=300)


def flat_biphenyl():
    """Both rings in one plane: a saddle."""
    around = np.arange(6) * np.pi / 3
    out = np.array([np.cos(around), np.sin(around), 0 * around]).T
    ring, hydrogens, shift = 1.39 * out, 2.48 * out[1:], np.array([2.14, 0, 0])
    places = [ring - shift, shift - ring, hydrogens - shift, shift - hydrogens]
    return Atoms("C12H10", np.concatenate(places))


def planar_ammonia():
    around = np.arange(3) * 2 * np.pi / 3
    return Atoms("NH3", [[0, 0, 0], *np.array([np.cos(around), np.sin(around), 0 * around]).T])


def linear_water():
    return Atoms("OH2", [[0, 0, 0], [0, 0, 0.96], [0, 0, -0.96]])


def eclipsed_ethane():
    around = np.arange(3) * 2 * np.pi / 3
    ring = np.array([1.02 * np.cos(around), 1.02 * np.sin(around), 1.16 + 0 * around]).T
    return Atoms("C2H6", [[0, 0, 0.765], [0, 0, -0.765], *ring, *(ring * [1, 1, -1])])


def planar_cyclohexane():
    around = np.arange(6) * np.pi / 3
    out = np.array([np.cos(around), np.sin(around), 0 * around]).T
    return Atoms("C6H12", [*(1.53 * out), *(2.13 * out + [0, 0, 0.9]), *(2.13 * out - [0, 0, 0.9])])


def trans_peroxide():
    return Atoms("O2H2", [[0.73, 0, 0], [-0.73, 0, 0], [0.9, 0.95, 0], [-0.9, -0.95, 0]])


def calculated(atoms, potential="mmff94"):
    atoms.calc = Counted(molopt.potential(potential, Molecule.from_atoms(atoms)))
    return atoms
