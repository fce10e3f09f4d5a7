"""Under constraints, internal coordinates hold what must not move and find the minimum that Cartesians find."""

import logging
from copy import deepcopy

import numpy as np
import pytest
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from ase.constraints import (
    ExternalForce,
    FixAtoms,
    FixBondLength,
    FixBondLengths,
    FixCartesian,
    FixCom,
    FixedLine,
    FixedPlane,
    FixInternals,
    FixScaled,
    FixSubsetCom,
    Hookean,
)
from ase.filters import FrechetCellFilter, UnitCellFilter
from ase.mep import NEB
from ase.optimize import BFGS

import molopt
from molopt.errors import InputError
from molopt.optimizers import LBFGS, Adam, HeavyBall
from molopt.potentials import Counted

GLYCINE = "NCC(=O)O"  # N0 C1 C2 O3 O4, then hydrogens


def glycine(constraint=None):
    """Away from its minimum, with MMFF94."""
    molecule = molopt.Molecule.from_smiles(GLYCINE)
    atoms = molecule.atoms()
    atoms.rattle(0.03, seed=1)
    atoms.calc = molopt.potential("mmff94", molecule)
    atoms.set_constraint(deepcopy(constraint))
    return atoms


CONSTRAINTS = {
    "no atom": FixAtoms([]),
    "one atom": FixAtoms([2]),
    "two atoms": FixAtoms([0, 4]),
    "half of the atoms": FixAtoms([0, 1, 2, 3, 4]),
    "x of an atom": FixCartesian(1, mask=[True, False, False]),
    "x and y of three atoms": FixCartesian([0, 2, 3], mask=[True, True, False]),
    "a plane": FixedPlane(2, (1, 1, 0)),
    "planes": FixedPlane([0, 1, 2, 3], (0.2, 1, 0)),
    "a line": FixedLine(0, (1, 2, 3)),
    "lines": FixedLine([0, 3, 4], (1, 2, 3)),
    "a bond length": FixBondLength(1, 2),
    "bond lengths": FixBondLengths([[1, 2], [2, 3], [0, 4]], tolerance=1e-9),
    "the centre of mass": FixCom(),
    "a bond": FixInternals(bonds=[[1.6, [1, 2]]], epsilon=1e-9),
    "an angle": FixInternals(angles_deg=[[120, [0, 1, 2]]], epsilon=1e-9),
    "a torsion": FixInternals(dihedrals_deg=[[70, [0, 1, 2, 3]]], epsilon=1e-9),
    "a sum of bonds": FixInternals(bondcombos=[[2.7, [[1, 2, 1.0], [2, 3, 1.0]]]], epsilon=1e-9),
    "several kinds": [FixAtoms([0]), FixedPlane(3, (0, 0, 1)), FixBondLength(1, 2)],
    "a spring to a point": Hookean(0, (0.0, 0.0, 6.0), k=0.2, rt=3.0),
    "a pull": ExternalForce(0, 3, 0.3),
}


def held(atoms, name):
    """What must not change, from the atoms."""
    x, start = atoms.positions, glycine().positions
    ring = {"one atom": [2], "two atoms": [0, 4], "half of the atoms": [0, 1, 2, 3, 4]}
    directions = {"a plane": ([2], (1, 1, 0)), "planes": ([0, 1, 2, 3], (0.2, 1, 0))}
    if name in ring:
        return x[ring[name]] - start[ring[name]]
    if name == "x of an atom":
        return x[1, 0] - start[1, 0]
    if name == "x and y of three atoms":
        return x[[0, 2, 3], :2] - start[[0, 2, 3], :2]
    if name in directions:
        which, normal = directions[name]
        return (x - start)[which] @ np.array(normal)
    if name == "a line":
        return np.cross((x - start)[0], (1, 2, 3))
    if name == "lines":
        return np.cross((x - start)[[0, 3, 4]], (1, 2, 3))
    if name == "a bond length":
        return atoms.get_distance(1, 2) - glycine().get_distance(1, 2)
    if name == "bond lengths":
        return [atoms.get_distance(*pair) - glycine().get_distance(*pair) for pair in ([1, 2], [2, 3], [0, 4])]
    if name == "a bond":
        return atoms.get_distance(1, 2) - 1.6
    if name == "an angle":
        return np.deg2rad(atoms.get_angle(0, 1, 2) - 120)
    if name == "a torsion":
        return np.deg2rad(atoms.get_dihedral(0, 1, 2, 3) - 70)
    if name == "a sum of bonds":
        return atoms.get_distance(1, 2) + atoms.get_distance(2, 3) - 2.7
    return 0.0


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_what_is_constrained_holds_and_the_minimum_is_that_of_cartesians(name):
    ours, theirs = glycine(CONSTRAINTS[name]), glycine(CONSTRAINTS[name])
    assert LBFGS(ours, coordinates="internal", logfile=None).run(fmax=0.001, steps=200)
    BFGS(theirs, logfile=None).run(fmax=0.001, steps=1000)
    print(ours.get_potential_energy(), theirs.get_potential_energy())
    np.testing.assert_allclose(held(ours, name), 0.0, atol=1e-6)
    # both are within |f|^2 / 2k of the floor: 1e-5 eV for the softest torsion
    assert ours.get_potential_energy() < theirs.get_potential_energy() + 1e-4


@pytest.mark.parametrize("optimizer", [Adam, HeavyBall])
@pytest.mark.parametrize("name", ["two atoms", "a plane", "bond lengths", "a torsion"])
def test_rules_keep_constraints_too(optimizer, name):
    atoms = glycine(CONSTRAINTS[name])
    assert optimizer(atoms, coordinates="internal", logfile=None).run(fmax=0.01, steps=500)
    np.testing.assert_allclose(held(atoms, name), 0.0, atol=1e-6)


def test_a_start_that_violates_a_constraint_is_first_moved_to_where_it_holds():
    atoms = glycine(CONSTRAINTS["an angle"])
    angles = [atoms.get_angle(0, 1, 2) for _ in LBFGS(atoms, logfile=None).irun(fmax=0.01)]
    assert abs(angles[0] - 120) > 5
    np.testing.assert_allclose(angles[1:], 120, atol=1e-5)


def test_no_force_call_is_spent_on_finding_that_constraints_hold():
    molecule = molopt.Molecule.from_smiles(GLYCINE)
    counts = []
    for constraint in (None, FixBondLength(5, 1)):
        atoms = molecule.atoms()
        atoms.calc = Counted(molopt.potential("mmff94", molecule))
        atoms.set_constraint(constraint)
        LBFGS(atoms, coordinates="internal", logfile=None).run(fmax=0, steps=3)
        counts.append(atoms.calc.force_calls)
    assert counts == [4, 4]


def test_all_atoms_fixed_is_a_run_without_steps():
    atoms = glycine(FixAtoms(range(10)))
    assert LBFGS(atoms, coordinates="internal", logfile=None).run(fmax=0.01, steps=0)


def copper():
    atoms = bulk("Cu")
    atoms.calc = EMT()
    return atoms


def band():
    images = [molecule("H2O", calculator=EMT()) for _ in range(3)]
    images[-1].positions[1] += 0.3
    chain = NEB(images, method="improvedtangent")
    chain.interpolate()
    return chain


UNFIT = {
    "periodic atoms": copper,
    "FrechetCellFilter": lambda: FrechetCellFilter(copper()),
    "UnitCellFilter": lambda: UnitCellFilter(copper()),
    "NEB": band,
    "FixScaled": lambda: glycine(FixScaled(0, mask=(True, True, False))),
}


@pytest.mark.parametrize("what", UNFIT)
@pytest.mark.parametrize("optimizer", [LBFGS, Adam])
def test_what_internals_cannot_do_is_refused_with_the_remedy(what, optimizer):
    with pytest.raises(InputError, match=rf'{what}.*coordinates="cartesian"'):
        optimizer(UNFIT[what](), coordinates="internal", logfile=None)


@pytest.mark.parametrize("what", UNFIT)
def test_auto_goes_cartesian_there_and_says_so(what, caplog):
    with caplog.at_level(logging.WARNING, logger="molopt"):
        optimizer = LBFGS(UNFIT[what](), logfile=None)
    assert optimizer.sees == ("cartesian" if what in ("NEB", "FixScaled") else "elastic")
    assert what in caplog.text


@pytest.mark.parametrize("constraint", [FixSubsetCom([0, 1, 2]), FixCom()], ids=["FixSubsetCom", "FixCom"])
def test_a_held_centre_of_mass_stays_and_does_not_slow_the_run(constraint):
    molecule = molopt.Molecule.named("aladip")
    atoms = molecule.atoms()
    atoms.calc = molopt.potential("mmff94", molecule)
    atoms.rattle(0.05, seed=2)
    atoms.set_constraint(constraint)
    chosen = atoms[constraint.index] if isinstance(constraint, FixSubsetCom) else atoms
    before = np.average(chosen.positions, axis=0, weights=chosen.get_masses())
    optimizer = molopt.LBFGS(atoms, logfile=None, coordinates="internal")
    assert optimizer.run(fmax=0.02, steps=40)
    chosen = atoms[constraint.index] if isinstance(constraint, FixSubsetCom) else atoms
    after = np.average(chosen.positions, axis=0, weights=chosen.get_masses())
    np.testing.assert_allclose(after, before, atol=1e-6)
