"""Under constraints, internal coordinates hold what must not move and find the minimum that Cartesians find."""

import logging
from copy import deepcopy

import numpy as np
import pytest
from ase import Atoms
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
from molopt.optimizers.internals import Recipe
from molopt.optimizers.meeting_constraints import meet, wanted_of
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


@pytest.mark.parametrize("optimizer", ["default", "adam", "bfgs"])
def test_all_atoms_fixed_relax_to_where_they_are(optimizer):
    start = made("CCO", FixAtoms(range(9)))
    result = molopt.relax(start, optimizer)
    assert (result.ended, result.force_calls, result.energy_left) == ("converged", 1, None)
    np.testing.assert_array_equal(result.atoms.positions, start.positions)


@pytest.mark.parametrize("held", [FixAtoms([0, 1]), FixBondLengths([[0, 1]])], ids=["atoms", "bond"])
def test_where_nothing_is_free_to_move_there_is_no_curvature_to_look_at(held):
    hydrogen = Atoms("H2", [[0, 0, 0], [0, 0, 0.8]], constraint=held, calculator=EMT())
    result, looked = molopt.relax(hydrogen), molopt.check(hydrogen)
    assert (result.ended, result.force_calls) == ("converged", 1)
    for verdict in (result.verdict, looked.verdict):
        assert (verdict.stationary, verdict.why) == ("unchecked", "no atom is free to move")


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
def test_auto_goes_elastic_or_cartesian_there_and_says_so(what, caplog):
    with caplog.at_level(logging.INFO, logger="molopt"):
        optimizer = LBFGS(UNFIT[what](), logfile=None)
    extended = what in ("periodic atoms", "FrechetCellFilter", "UnitCellFilter")
    assert optimizer.sees == ("cartesian" if what in ("NEB", "FixScaled") else "elastic")
    assert ("periodic atoms and cells are elastic" if extended else what) in caplog.text


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


def made(smiles, constraint=None, potential="mmff94", relaxed=False):
    """A molecule's atoms under constraints, with a counted potential."""
    molecule = molopt.Molecule.from_smiles(smiles)
    atoms = molecule.atoms()
    atoms.calc = Counted(molopt.potential(potential, molecule))
    if relaxed:
        assert LBFGS(atoms, logfile=None).run(fmax=0.002)
        atoms.calc.force_calls = 0
    atoms.set_constraint(deepcopy(constraint))
    return atoms


def dihedral(degrees, *atoms):
    return FixInternals(dihedrals_deg=[[degrees, list(atoms)]])


DIPEPTIDE = "CC(=O)N[C@@H](C)C(=O)NC"
PHI, PSI = (1, 3, 4, 6), (3, 4, 6, 8)
FAR = {  # SMILES, what is constrained, its value, and most force calls from the unrelaxed start
    "butane": ("CCCC", dihedral(60, 0, 1, 2, 3), 12),
    "butane, eclipsed": ("CCCC", dihedral(0, 0, 1, 2, 3), 12),
    "2-methylbiphenyl": ("Cc1ccccc1-c1ccccc1", dihedral(30, 1, 6, 7, 8), 16),
    "two dihedrals of a peptide": (DIPEPTIDE, FixInternals(dihedrals_deg=[[60, [*PHI]], [60, [*PSI]]]), 25),
    "a peptide bond": (DIPEPTIDE, dihedral(0, 0, 1, 3, 4), 25),
    "a bond": ("CCCC", FixInternals(bonds=[[2.0, [1, 2]]]), 12),
    "a bond length": ("CCCC", FixBondLengths([[1, 2]], bondlengths=[2.0]), 12),
    "a wide angle": ("CCC", FixInternals(angles_deg=[[150, [0, 1, 2]]]), 12),
    "an angle that ASE alone cannot keep": ("CCC", FixInternals(angles_deg=[[174, [0, 1, 2]]]), 20),
    "a straight angle, bent": ("CC#CC", FixInternals(angles_deg=[[140, [0, 1, 2]]]), 12),
    "a distance that ASE alone cannot reach": ("CCCC", FixBondLengths([[0, 3]], bondlengths=[2.5]), 20),
    "a difference of bonds": ("CCCO", FixInternals(bondcombos=[[0.5, [[0, 1, 1.0], [1, 2, -1.0]]]]), 12),
    "a ring": ("C1CCCCC1", dihedral(0, 0, 1, 2, 3), 12),
    "the ends of a chain": ("CCCCCC", FixInternals(bonds=[[4.0, [0, 5]]]), 20),
}


# of Cartesian runs, which take hundreds of force calls, two
@pytest.mark.parametrize(
    ("name", "coordinates"),
    [*((name, "internal") for name in FAR), ("butane", "cartesian"), ("a wide angle", "cartesian")],
)
def test_a_start_far_from_where_constraints_hold_ends_whole_and_where_they_hold(name, coordinates):
    smiles, constraint, most = FAR[name]
    result = molopt.relax(made(smiles, constraint), fmax=0.01, coordinates=coordinates)
    assert result.converged
    assert result.bonds_kept
    assert result.stereo_kept in (True, None)
    assert result.force_calls <= (most if coordinates == "internal" else 200)
    assert max(abs(want.gap(result.atoms.positions.ravel())) for want in wanted_of(result.atoms)) < 1e-6


@pytest.mark.parametrize("optimizer", ["default", "adam", "bfgs"])
@pytest.mark.parametrize(
    ("smiles", "constraint"),
    [
        ("CCC", FixInternals(bonds=[[0.8, [0, 1]]])),
        ("O", FixInternals(angles_deg=[[30, [1, 0, 2]]])),
        ("O", FixInternals(bonds=[[1.5, [0, 1]]])),
    ],
    ids=["a bond pressed", "an angle closed", "a bond drawn"],
)
def test_what_constraints_cost_is_not_an_explosion(smiles, constraint, optimizer):
    result = molopt.relax(made(smiles, constraint), optimizer)
    assert result.ended == "converged"
    assert result.energy > result.trace[0].energy + len(result.atoms)  # eV
    assert max(abs(want.gap(result.atoms.positions.ravel())) for want in wanted_of(result.atoms)) < 1e-6


@pytest.mark.parametrize(
    ("smiles", "constraint"),
    [
        ("CCOC(=O)C", dihedral(180, 0, 1, 2, 3)),
        ("CCSCC", dihedral(-100, 0, 1, 2, 3)),
        ("CCCC", FixBondLengths([[0, 3]], bondlengths=[2.5])),
    ],
    ids=["an ester", "a sulfide", "a distance"],
)
def test_optimizers_of_ase_are_led_to_where_constraints_hold(smiles, constraint):
    result = molopt.relax(made(smiles, constraint), "bfgs", steps=20, energy_left=None)
    assert result.ended in ("converged", "unconverged")
    assert result.bonds_kept
    assert max(abs(want.gap(result.atoms.positions.ravel())) for want in wanted_of(result.atoms)) < 1e-6


@pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")  # of ASE
def test_where_ase_cannot_keep_a_constraint_its_optimizer_has_failed_in_one_line():
    result = molopt.relax(made("CCC", FixInternals(angles_deg=[[179.9, [0, 1, 2]]])), "bfgs", fmax=0.01)
    assert (result.ended, result.bonds_kept) == ("failed", True)
    assert "FixInternals.adjust_positions did not converge" in result.error


def test_far_starts_under_gfn2_xtb():
    result = molopt.relax(made("CCCC", dihedral(60, 0, 1, 2, 3), "gfn2-xtb"), fmax=0.01)
    assert result.converged
    assert result.bonds_kept
    assert result.atoms.get_dihedral(0, 1, 2, 3) == pytest.approx(60, abs=1e-5)
    assert result.force_calls <= 12


@pytest.mark.parametrize("optimizer", [LBFGS, Adam])
@pytest.mark.parametrize("coordinates", ["internal", "cartesian"])
def test_a_start_at_rest_is_not_converged_before_its_constraints_hold(optimizer, coordinates):
    atoms = made("CCCC", dihedral(100, 0, 1, 2, 3), relaxed=True)
    optimizer(atoms, coordinates=coordinates, logfile=None).run(fmax=0.05, steps=300)
    assert atoms.get_dihedral(0, 1, 2, 3) == pytest.approx(100, abs=1e-5)


def test_points_of_a_scan_from_one_start_are_those_of_a_scan_from_neighbour_to_neighbour():
    start, neighbour = (made("CCCC", relaxed=True) for _ in range(2))
    for degrees in range(180, 0, -15):
        neighbour.set_constraint(dihedral(degrees, 0, 1, 2, 3))
        LBFGS(neighbour, logfile=None).run(fmax=0.002)
        if degrees % 60 == 0:
            point = start.copy()
            point.set_constraint(dihedral(degrees, 0, 1, 2, 3))
            point.calc = neighbour.calc
            LBFGS(point, logfile=None).run(fmax=0.002)
            assert point.get_dihedral(0, 1, 2, 3) == pytest.approx(degrees, abs=1e-3)
            energy = point.get_potential_energy()
            assert energy == pytest.approx(neighbour.get_potential_energy(), abs=1e-3)


def test_what_hangs_on_a_bond_turns_as_a_whole():
    atoms = made("CCCC", dihedral(60, 0, 1, 2, 3), relaxed=True)
    table = Recipe.of(atoms).build(atoms.positions.ravel()).primitives
    before = table.values(atoms.positions.ravel())
    assert meet(atoms, None)
    change = table.values(atoms.positions.ravel()) - before
    assert np.abs(change[table.slices["stretch"]]).max() < 0.02
    assert np.rad2deg(np.abs(change[table.slices["angle"]]).max()) < 5
    about = (np.sort(table.torsions[:, 1:3], axis=1) == (1, 2)).all(axis=1)
    turned = np.rad2deg(change[table.slices["torsion"]][about]) % 360
    np.testing.assert_allclose(turned, turned[0], atol=5)
    assert atoms.calc.force_calls == 0


def test_the_way_is_the_shorter_one_round_and_is_logged(caplog):
    atoms = made("CCCC", relaxed=True)
    atoms.set_dihedral(0, 1, 2, 3, 170, mask=[0, 0, 0, 1, *[0] * 7, 1, 1, 1])
    atoms.set_constraint(dihedral(-160, 0, 1, 2, 3))
    with caplog.at_level(logging.INFO, logger="molopt"):
        assert meet(atoms, None)
    assert "the start is 30 degrees from where the constraints hold: going there in 2 parts" in caplog.text


IMPOSSIBLE = {
    "a small ring": ("C1CCC1", [dihedral(120, 0, 1, 2, 3)], r"dihedral 0-1-2-3 came from .* on the way to 120, .*bond"),
    "a ring turned over": ("c1ccccc1", [dihedral(180, 0, 1, 2, 3)], "eV"),
    "two values of one": ("CCCC", [dihedral(0, 0, 1, 2, 3), dihedral(90, 0, 1, 2, 3)], "contradict"),
    "a triangle": ("CCC", [FixInternals(bonds=[[1.5, [0, 1]], [1.5, [1, 2]], [4.0, [0, 2]]])], "contradict"),
    "fixed atoms": ("CCCC", [FixAtoms([0, 1, 2, 3]), dihedral(60, 0, 1, 2, 3)], "what is fixed"),
    "all atoms fixed": ("CCCC", [FixAtoms(range(14)), dihedral(60, 0, 1, 2, 3)], "all atoms are fixed"),
    "atoms on one spot": ("CCCC", [FixInternals(bonds=[[0.2, [1, 2]]])], "atoms 1 and 2 would be 0.20 A apart"),
    "a chain too short": ("CCC", [FixInternals(bonds=[[6.0, [0, 2]]])], "bond"),
    "a dihedral of a line": ("CC#CC", [dihedral(90, 0, 1, 2, 3)], "three atoms on a line"),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_constraints_that_cannot_be_met_are_one_line_and_the_start_stays(name):
    smiles, constraints, message = IMPOSSIBLE[name]
    atoms = made(smiles, constraints)
    before = atoms.positions.copy()
    with pytest.raises(InputError, match=message) as raised:
        LBFGS(atoms, logfile=None).run(fmax=0.01)
    assert "\n" not in str(raised.value)
    np.testing.assert_array_equal(atoms.positions, before)
    assert atoms.calc.force_calls == 1


WRONG = {
    "an angle of 200": FixInternals(angles_deg=[[200, [0, 1, 2]]]),
    "a negative angle": FixInternals(angles_deg=[[-10, [0, 1, 2]]]),
    "a negative bond": FixInternals(bonds=[[-1.0, [0, 1]]]),
    "a bond of NaN": FixBondLengths([[0, 1]], bondlengths=[np.nan]),
    "an atom that is not there": FixInternals(bonds=[[1.5, [0, 99]]]),
    "an atom twice": FixInternals(dihedrals_deg=[[60, [0, 1, 2, 0]]]),
}


@pytest.mark.parametrize("name", WRONG)
def test_values_that_no_geometry_has_are_refused_before_a_force_call(name):
    atoms = made("CCCC", WRONG[name])
    with pytest.raises(InputError, match="the constrained"):
        molopt.relax(atoms)
    with pytest.raises(InputError, match="the constrained"):
        Adam(atoms, logfile=None)
    assert atoms.calc.force_calls == 0


@pytest.mark.parametrize("first", ["fixed atoms", "the dihedral"])
def test_fixed_atoms_and_a_dihedral_hold_together(first):
    constraints = [FixAtoms([0, 1, 2]), dihedral(100, 0, 1, 2, 3)]
    atoms = made("CCCCO", constraints if first == "fixed atoms" else constraints[::-1])
    before = atoms.positions[:3].copy()
    optimizer = LBFGS(atoms, logfile=None)
    assert optimizer.run(fmax=0.01, steps=30)
    np.testing.assert_array_equal(atoms.positions[:3], before)
    assert atoms.get_dihedral(0, 1, 2, 3) == pytest.approx(100, abs=1e-4)
    lowest = atoms.get_potential_energy()
    atoms.positions[3:] += np.random.default_rng(1).normal(0, 0.02, atoms.positions[3:].shape)
    LBFGS(atoms, logfile=None).run(fmax=0.01, steps=30)  # no way down that both allow
    assert atoms.get_potential_energy() == pytest.approx(lowest, abs=1e-4)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_periodic_atoms_that_ase_would_tear_are_refused():
    atoms = made("CCCC", dihedral(60, 0, 1, 2, 3))
    atoms.cell, atoms.pbc, atoms.calc = [20, 20, 20], True, EMT()
    before = atoms.positions.copy()
    with pytest.raises(InputError, match="cannot be met from this start"):
        LBFGS(atoms, logfile=None).run(fmax=0.05, steps=5)
    np.testing.assert_array_equal(atoms.positions, before)


@pytest.mark.parametrize("steps", [1, 4])
def test_a_run_that_stopped_on_its_way_goes_on_as_if_it_had_not(tmp_path, steps):
    start = made("CCCC", dihedral(100, 0, 1, 2, 3))
    whole, halves = start.copy(), start.copy()
    whole.calc, halves.calc = start.calc, start.calc
    LBFGS(whole, logfile=None).run(fmax=0.01)
    LBFGS(halves, restart=tmp_path / "run.json", logfile=None).run(fmax=0.01, steps=steps)
    again = start.copy()
    again.calc = start.calc
    LBFGS(again, restart=tmp_path / "run.json", logfile=None).run(fmax=0.01)
    np.testing.assert_array_equal(again.positions, whole.positions)


def test_relax_takes_constraints_besides_those_of_the_atoms():
    butane = molopt.Molecule.from_smiles("CCCC")
    ours = molopt.constraints_of(butane, hold=[((0, 1, 2, 3), 60)])
    result = molopt.relax(butane, constraints=ours, check=None)
    assert result.converged
    assert result.atoms.get_dihedral(0, 1, 2, 3) == pytest.approx(60, abs=1e-4)
    atoms = butane.atoms()
    atoms.set_constraint(FixAtoms([5]))
    both = molopt.relax(atoms, potential="mmff94", constraints=ours, check=None)
    assert both.converged
    np.testing.assert_array_equal(both.atoms.positions[5], butane.positions[5])
    assert both.atoms.get_dihedral(0, 1, 2, 3) == pytest.approx(60, abs=1e-4)
    assert len(atoms.constraints) == 1
    assert not ours[0].initialized  # the caller's own are not used up
