"""Where a checked run ends: symmetric starts, constraints, what cannot be looked at, pushes, scripts of ASE."""

import logging

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.calculator import Calculator
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones
from ase.constraints import (
    FixAtoms,
    FixBondLengths,
    FixCartesian,
    FixInternals,
    FixSymmetry,
)
from ase.io import read
from ase.optimize.optimize import Optimizer
from checked import (
    GLYCEROL,
    calculated,
    checked,
    eclipsed_ethane,
    flat_biphenyl,
    linear_water,
    placed,
    planar_ammonia,
    planar_cyclohexane,
    relax_in_place,
    trans_peroxide,
)

import molopt
from molopt import LBFGS, Molecule, relax
from molopt.potentials import Counted

# Saddles that have the symmetry of the start


SYMMETRIC = [
    (make, potential)
    for make in (eclipsed_ethane, planar_cyclohexane, trans_peroxide, linear_water, planar_ammonia, flat_biphenyl)
    for potential in ("mmff94", "gfn2-xtb")
]


@pytest.mark.parametrize(("make", "potential"), SYMMETRIC)
def test_a_symmetric_start_ends_in_a_minimum_and_always_in_the_same(make, potential):
    atoms, again = calculated(make(), potential), calculated(make(), potential)
    run = checked(atoms)
    assert run.run(fmax=0.05)
    assert run.curvature.stationary == "minimum"
    checked(again).run(fmax=0.05)
    assert (atoms.positions == again.positions).all()
    end = atoms.get_potential_energy()
    nearby = atoms.copy()
    nearby.rattle(0.1, seed=1)
    nearby.calc = atoms.calc
    relax_in_place(nearby, fmax=0.005)
    assert end < nearby.get_potential_energy() + 2e-3


# Constraints, and what cannot be checked


def test_a_torsion_that_is_held_on_its_maximum_is_not_pushed():
    atoms = calculated(eclipsed_ethane())
    torsion = [2, 0, 1, 5]
    atoms.set_constraint(FixInternals(dihedrals_deg=[[atoms.get_dihedral(*torsion), torsion]]))
    run = checked(atoms)
    assert run.run(fmax=0.05)
    assert (run.curvature.stationary, run.curvature.pushes) == ("minimum", 0)
    assert abs(atoms.get_dihedral(*torsion, mic=False) + 180) % 360 - 180 == pytest.approx(0, abs=0.5)


@pytest.mark.parametrize(
    "constraint",
    [
        lambda atoms: FixAtoms([0, 1, 2, 5]),
        lambda atoms: FixAtoms(range(len(atoms) - 1)),
        lambda atoms: FixBondLengths([(0, 1)]),
        lambda atoms: FixCartesian([0, 1], mask=(True, False, True)),
        FixSymmetry,
    ],
    ids=["atoms", "all atoms but one", "bond", "cartesian", "symmetry"],
)
def test_what_constraints_hold_is_projected_out(constraint):
    atoms = calculated(eclipsed_ethane())
    if constraint is FixSymmetry:
        pytest.importorskip("spglib")
        atoms.cell = [12.0, 12.0, 12.0]  # where it looks for symmetry
    held = constraint(atoms)
    atoms.set_constraint(held)
    run = checked(atoms)
    assert run.run(fmax=0.05)
    told = run.curvature
    assert told.stationary == "minimum"
    if isinstance(held, FixAtoms):
        assert not told.direction[held.index].any()
    if isinstance(held, FixAtoms | FixSymmetry):
        assert told.pushes == 0
    if isinstance(held, FixSymmetry):
        assert atoms.get_dihedral(2, 0, 1, 5) % 120 == pytest.approx(0, abs=0.5)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: Atoms("He", calculator=LennardJones()), "no atom is free to move"),
        (lambda: held(placed("CCO"), range(9)), "no atom is free to move"),
        (lambda: bulk_copper(), "the run is in elastic coordinates, and a check needs internal ones"),
    ],
    ids=["atom", "all fixed", "crystal"],
)
def test_where_nothing_can_be_looked_at_the_end_is_unchecked_with_the_reason(make, why):
    run = checked(make())
    assert run.run(fmax=0.05)
    assert (run.curvature.stationary, run.curvature.why) == ("unchecked", why)


def test_cartesian_coordinates_are_not_checked():
    run = checked(placed("O"), coordinates="cartesian")
    assert run.run(fmax=0.05)
    assert "cartesian coordinates" in run.curvature.why


def held(atoms, indices):
    atoms.set_constraint(FixAtoms(indices))
    return atoms


def bulk_copper():
    atoms = bulk("Cu", cubic=True)
    atoms.rattle(0.05)
    atoms.calc = EMT()
    return atoms


@pytest.mark.parametrize("name", ["N2", "H2O", "CH4", "C2H2", "CO2"])
def test_small_and_stiff_molecules_cost_a_call_or_two(name):
    atoms = molecule(name)
    atoms.rattle(0.03, seed=2)
    atoms = calculated(atoms, "gfn2-xtb")
    run = checked(atoms)
    assert run.run(fmax=0.05)
    assert run.curvature.stationary == "minimum"
    assert run.curvature.calls <= 2


def test_two_fragments_are_checked_too():
    run = checked(placed("O.O"))
    assert run.run(fmax=0.05)
    assert run.curvature.stationary in ("minimum", "flat")


# Pushes that make another molecule


def planar_triplet():
    """1-chloro-2-fluoroethene, trans, as a triplet, at rest on a saddle: from flat the bond turns to 90 degrees."""
    tblite = pytest.importorskip("tblite.ase")
    start = Molecule.from_smiles("Cl/C=C/F")
    atoms = start.atoms()
    flat = atoms.positions - atoms.positions.mean(axis=0)
    atoms.positions = flat @ np.linalg.svd(flat)[2].T * [1, 1, 0]
    atoms.calc = tblite.TBLite(method="GFN2-xTB", multiplicity=3, verbosity=0)
    assert LBFGS(atoms, logfile=None).run(fmax=0.02)
    atoms.calc = Counted(atoms.calc)
    return atoms


def test_a_push_that_changes_stereo_is_undone(tmp_path, caplog):
    caplog.set_level(logging.INFO, "molopt")
    atoms = planar_triplet()
    run = checked(atoms, trajectory=tmp_path / "run.traj")
    assert run.run(fmax=0.05)
    told, calls = run.curvature, atoms.calc.force_calls
    assert (told.stationary, told.why, told.pushes) == ("saddle", "a push changed stereo: bond C1-C2", 1)
    assert told.lowest < 0
    assert abs(atoms.get_dihedral(0, 1, 2, 3) - 180) < 20
    assert (read(tmp_path / "run.traj").positions == atoms.positions).all()
    assert np.linalg.norm(atoms.get_forces(), axis=1).max() <= 0.05
    assert any("the run goes back" in message for message in caplog.messages)
    assert run.run(fmax=0.05)
    assert atoms.calc.force_calls == calls == run.nsteps + 1
    assert run.curvature.why == told.why


def test_a_result_whose_push_was_undone_is_a_saddle_that_kept_its_molecule():
    atoms = planar_triplet()
    result = relax(atoms, potential=atoms.calc.calculator, energy_left=None, check="auto")
    assert not result.converged
    verdict = result.verdict
    assert (verdict.ended, verdict.stationary, verdict.molecule) == ("unconverged", "saddle", "kept")
    assert "a push changed stereo: bond C1-C2" in verdict.why


def test_a_push_is_undone_after_a_restart_too(tmp_path):
    whole = planar_triplet()
    first = checked(whole)
    first.run(fmax=0.05)
    for done in (first.nsteps - 5, first.nsteps):
        path = tmp_path / f"{done}.json"
        steps = Optimizer.irun(checked(planar_triplet(), restart=path), 0.05)
        for _ in range(done + 1):
            next(steps)
        atoms = planar_triplet()
        second = checked(atoms, restart=path)
        assert second.run(fmax=0.05)
        assert (second.curvature.stationary, second.curvature.why) == ("saddle", first.curvature.why)
        assert (atoms.positions == whole.positions).all()


# In scripts of ASE


class Bare:
    """A calculator that is nothing but two functions, as those of users are."""

    def __init__(self, inner):
        self.inner, self.calls, self.parameters, self.name = inner, 0, {}, "bare"

    def get_potential_energy(self, atoms=None, force_consistent=False):
        return self.inner.get_potential_energy(atoms)

    def get_forces(self, atoms=None):
        self.calls += 1
        return self.inner.get_forces(atoms)

    def get_property(self, name, atoms=None, allow_calculation=True):
        return self.get_forces(atoms) if name == "forces" else self.get_potential_energy(atoms)


def test_any_calculator_can_be_checked():
    start = Molecule.from_smiles(GLYCEROL, seed=7)
    for calculator in (EMT(), Bare(molopt.potential("mmff94", start))):
        atoms = start.atoms()
        atoms.calc = calculator
        run = checked(atoms)
        assert run.run(fmax=0.05, steps=150)
        assert run.curvature.stationary in ("minimum", "flat", "unchecked")
        assert np.linalg.norm(atoms.get_forces(), axis=1).max() <= 0.05


def test_the_curvature_may_be_asked_for_at_any_step():
    atoms = placed("CCO")
    assert LBFGS(atoms, logfile=None, coordinates="internal").run(fmax=1e-3)
    run = checked(atoms)
    told = [run.curvature for _ in run.irun(fmax=0.05)]
    assert (told[0].stationary, told[0].why) == ("unchecked", "its check is under way")
    assert (told[-1].stationary, told[-1].why) == ("minimum", "")


def test_a_context_and_a_loop_that_is_left_are_as_in_ase():
    atoms = placed(GLYCEROL)
    with checked(atoms) as run:
        for step, converged in enumerate(run.irun(fmax=0.05)):
            assert (step, converged) == (run.nsteps, False)
            if step == 3:
                break
    assert run.curvature.stationary == "unchecked"
    assert atoms.calc.force_calls == 4
    assert isinstance(atoms.calc, Counted | Calculator)
