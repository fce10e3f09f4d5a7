"""Energy left: an estimate without force calls, for any optimizer and program, that knows noise when it sees it."""

import copy
import json
import logging

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.constraints import FixAtoms
from ase.optimize import BFGS

import molopt
from molopt import EnergyLeft, InputError, Molecule, energy_left, relax
from molopt.control.drive import Point
from molopt.coordinates.rigid import rigid_motions
from molopt.noise import Noise, agree, falls
from molopt.optimizers.energy_left import Estimator
from molopt.optimizers.internals import Recipe
from molopt.potentials import Counted


def in_mmff94(name):
    start = Molecule.named(name)
    atoms = start.atoms()
    atoms.calc = molopt.potential("mmff94", start)
    return atoms


class Noisy(Calculator):
    """MMFF94 with independent noise in each component of the forces, net force and torque taken out if `smooth`."""

    implemented_properties = ("energy", "forces")

    def __init__(self, atoms, sigma, smooth=False, seed=0):
        super().__init__()
        self.exact, self.sigma, self.smooth = atoms.calc, sigma, smooth
        self.random = np.random.default_rng(seed)

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        there = atoms.copy()
        there.calc = self.exact
        noise = self.random.normal(0.0, self.sigma, 3 * len(atoms))
        if self.smooth:
            rigid = rigid_motions(atoms.positions)
            noise -= rigid @ (rigid.T @ noise)
        forces = there.get_forces() + noise.reshape(-1, 3)
        self.results = {"energy": there.get_potential_energy(), "forces": forces}


# The estimate


def test_it_takes_no_force_call():
    atoms = in_mmff94("aladip")
    atoms.calc = Counted(atoms.calc)
    atoms.get_forces()
    energy_left(atoms)
    assert atoms.calc.force_calls == 1


def test_it_is_a_number_whose_shares_add_up():
    atoms = in_mmff94("peg4")
    atoms.get_forces()
    left = energy_left(atoms)
    assert float(left) == left.energy > 0
    assert sum(left.shares.values()) == pytest.approx(float(left))
    assert list(left.shares) == ["bonds", "angles", "torsions", "fragments"]
    assert len(left.top) == 3
    assert [part.energy for part in left.top] == sorted((part.energy for part in left.top), reverse=True)
    assert json.loads(json.dumps(left.as_dict()))["energy"] == float(left)
    assert "meV left" in str(left)


@pytest.mark.parametrize(
    ("change", "group", "meant", "factor"),
    [
        (lambda atoms: atoms.set_distance(0, 1, 0.03, add=True), "bonds", ("stretch", {0, 1}), 1.5),
        (
            lambda atoms: atoms.rotate_dihedral(0, 1, 2, 3, 10, indices=moved(atoms, 1, 2)),
            "torsions",
            ("torsion", {1, 2}),
            3,
        ),
    ],
    ids=["bond", "torsion"],
)
def test_a_stretched_bond_and_a_turned_torsion_are_named(change, group, meant, factor):
    result = relax(Molecule.from_smiles("CCCO"), fmax=0.001)
    atoms = result.molecule.atoms()
    change(atoms)
    atoms.calc = molopt.potential("mmff94", result.molecule)
    truth = atoms.get_potential_energy() - result.energy
    left = energy_left(atoms)
    assert max(left.shares, key=left.shares.get) == group
    kind, ends = meant
    assert left.top[0].kind == kind
    assert ends <= set(left.top[0].atoms)
    # Bonds are springs; of torsions the estimate takes 0.7 of the stiffness, which is right on the long way down.
    assert truth / factor < float(left) < truth * factor


def moved(atoms, fixed, first):
    """The atoms beyond the bond from `fixed` to `first`."""
    bonds = [set(pair) for pair in Molecule.from_atoms(atoms).bonds.tolist()]
    found, new = {fixed, first}, {first}
    while new:
        new = set().union(*(bond for bond in bonds if bond & new)) - found
        found |= new
    return sorted(found - {fixed})


def test_a_fragment_out_of_place_is_named():
    water = Molecule.from_smiles("O.O")
    result = relax(water, fmax=0.001)
    atoms = result.atoms.copy()
    second = [atom for atom in range(6) if atom in (1, 4, 5)]
    apart = atoms.positions[1] - atoms.positions[0]
    atoms.positions[second] += 0.1 * apart / np.linalg.norm(apart)
    atoms.calc = molopt.potential("mmff94", water)
    atoms.get_forces()
    left = energy_left(atoms)
    assert max(left.shares, key=left.shares.get) == "fragments"


def test_forces_of_any_program_will_do():
    atoms = in_mmff94("aladip")
    forces = atoms.get_forces()
    known = float(energy_left(atoms))
    atoms.calc = SinglePointCalculator(atoms, forces=forces)
    assert float(energy_left(atoms)) == known


def test_turning_the_molecule_changes_nothing():
    atoms = in_mmff94("aladip")
    atoms.get_forces()
    known = energy_left(atoms)
    atoms.rotate(50, (1, 2, 3))
    atoms.get_forces()
    # The forces of the turned molecule are those of the other to about ten digits.
    assert float(energy_left(atoms)) == pytest.approx(float(known), rel=1e-6)


@pytest.mark.parametrize(
    ("atoms", "said"),
    [
        (molecule("CH4"), "these atoms have no forces: set atoms.calc"),
        (molecule("CH4", calculator=EMT()), "forces of this geometry are not known: ask for atoms.get_forces"),
        (bulk("Cu", cubic=True), "for ase.Atoms that are not periodic, with a calculator; these are periodic"),
        ("CCO", "with a calculator; got a str"),
    ],
)
def test_what_has_no_estimate_is_refused_and_nothing_is_computed(atoms, said):
    with pytest.raises(InputError, match=said):
        energy_left(atoms)


def test_forces_of_another_geometry_are_not_taken():
    atoms = molecule("CH4", calculator=EMT())
    atoms.calc = SinglePointCalculator(atoms, forces=atoms.get_forces())
    atoms.positions[0, 0] += 0.1
    with pytest.raises(InputError, match="forces of this geometry are not known"):
        energy_left(atoms)


def test_fixed_atoms_have_no_share():
    atoms = in_mmff94("aladip")
    atoms.set_constraint(FixAtoms(range(len(atoms) - 1)))
    atoms.get_forces()
    assert {len(atoms) - 1} <= set(energy_left(atoms).top[0].atoms)
    free = in_mmff94("aladip")
    free.get_forces()
    assert float(energy_left(atoms)) < float(energy_left(free))


# In a run


@pytest.mark.parametrize("name", ["default", "adam/internal", "adam", "bfgs"])
def test_every_optimizer_stops_by_it_and_not_before(name):
    result = relax(Molecule.named("aladip"), name, steps=3000)
    assert result.ended == "converged"
    assert float(result.energy_left) <= 0.001
    assert result.fmax <= 0.05
    floor = relax(result.molecule, fmax=0.001).energy
    assert result.energy - floor < 0.003  # three times the criterion: the estimate is one


def test_without_it_bfgs_and_fire_stop_on_a_plateau_and_the_estimate_says_so():
    for name in ("bfgs", "fire"):
        result = relax(Molecule.named("aladip"), name, energy_left=None, steps=3000)
        assert result.converged
        floor = relax(result.molecule, fmax=0.001).energy
        assert result.energy - floor > 0.01
        assert float(result.energy_left) > 0.005


def test_a_number_sets_it():
    coarse = relax(Molecule.named("peg4"), energy_left=0.1, fmax=1.0, check=None)
    fine = relax(Molecule.named("peg4"), energy_left=1e-4, fmax=1.0, check=None)
    assert float(fine.energy_left) <= 1e-4 < float(coarse.energy_left) <= 0.1
    assert fine.force_calls > coarse.force_calls


def test_asking_an_optimizer_changes_nothing_of_its_run():
    asked, silent = in_mmff94("aladip"), in_mmff94("aladip")
    optimizer = molopt.LBFGS(asked, logfile=None)
    for _ in optimizer.irun(fmax=0.01):
        assert float(optimizer.energy_left) == float(optimizer.energy_left) >= 0
    molopt.LBFGS(silent, logfile=None).run(fmax=0.01)
    assert np.array_equal(asked.positions, silent.positions)


def test_what_the_run_showed_corrects_the_estimate():
    atoms = in_mmff94("aladip")
    optimizer = molopt.LBFGS(atoms, logfile=None)
    for _ in optimizer.irun(fmax=0.01):
        pass
    atoms_alone = atoms.copy()
    atoms_alone.calc = SinglePointCalculator(atoms_alone, forces=atoms.get_forces())
    assert float(optimizer.energy_left) != float(energy_left(atoms_alone))


@pytest.mark.parametrize("height", [0.2, 0.38])
def test_points_of_a_run_that_the_coordinates_of_its_end_cannot_describe_are_left_out(height):
    turns = 2 * np.pi * np.arange(3) / 3
    flat = np.vstack([np.zeros(3), np.column_stack([np.cos(turns), np.sin(turns), 0 * turns])])  # ammonia
    pyramid = flat + np.array([[0, 0, height], *3 * [[0, 0, 0]]])
    points = [Point(x.ravel(), np.random.default_rng(0).normal(size=12)) for x in (flat, pyramid)]
    queued, alone = (Estimator(Recipe.of(Atoms("NH3", pyramid))) for _ in range(2))
    for point in points:
        queued.see(point)
    alone.see(points[-1])
    assert float(queued.at()[0]) == float(alone.at()[0])


def test_a_criterion_on_what_has_no_estimate_is_refused_at_once():
    atoms = bulk("Cu", cubic=True)
    atoms.calc = EMT()
    with pytest.raises(InputError, match="not periodic"):
        molopt.LBFGS(atoms, logfile=None, criteria=EnergyLeft(0.001))
    with pytest.raises(InputError, match="not periodic"):
        relax(atoms, energy_left=0.001)


def test_periodic_atoms_stop_on_fmax_alone_and_the_log_says_so(caplog):
    atoms = bulk("Cu", cubic=True)
    atoms.rattle(0.05, seed=1)
    atoms.calc = EMT()
    result = relax(atoms)
    assert (result.ended, result.energy_left, result.as_dict()["energy_left"]) == ("converged", None, None)
    assert "stops on fmax alone" in caplog.text


@pytest.mark.parametrize(
    ("given", "said"), [("often", "'often'"), (0, "positive, got 0"), (-1.0, "positive, got -1.0")]
)
def test_a_limit_that_cannot_be_is_refused(given, said):
    with pytest.raises(InputError, match=f"energy_left must be .*{said}"):
        relax(Molecule.from_smiles("CCO"), energy_left=given)


# Noise


def test_noise_is_measured_by_the_jumps_of_net_force_and_torque():
    atoms, noise = in_mmff94("peg12"), Noise()
    exact = atoms.get_forces().ravel()
    random = np.random.default_rng(0)
    for _ in range(20):
        noise.see(atoms.positions.ravel(), random.normal(0.0, 0.003, exact.size) - exact, 0.0)
    # The larger of two means of 57 squares: some 20 % off.
    assert noise.sigma() == pytest.approx(0.003, rel=0.3)


def test_a_potential_without_noise_shows_none():
    atoms, noise = in_mmff94("peg4"), Noise()
    for _ in BFGS(atoms, logfile=None).irun(fmax=0.05):
        noise.see(atoms.positions.ravel(), -atoms.get_forces().ravel(), atoms.get_potential_energy())
    assert noise.sigma() < 1e-9


@pytest.mark.parametrize("smooth", [False, True], ids=["any noise", "no net force and torque"])
@pytest.mark.parametrize("sigma", [0.005, 0.01])
def test_a_run_that_came_down_to_the_noise_is_converged_and_says_so(sigma, smooth, caplog):
    caplog.set_level(logging.INFO)
    atoms = in_mmff94("glutathione")
    floor = relax(atoms, fmax=0.001).energy
    atoms.calc = Noisy(atoms, sigma, smooth)
    result = relax(atoms, steps=300)
    assert (result.ended, result.at_noise_floor) == ("converged", True)
    assert "only noise in the forces is left" in caplog.text
    assert result.force_calls < 100
    # 37 atoms: noise of 10 meV/A makes some 40 meV; a run that had stopped on the way would be higher.
    assert result.energy - floor < 0.06


@pytest.mark.parametrize(("name", "seed"), [("heavy-ball", 1), ("heavy-ball", 2), ("default", 0)])
def test_a_slope_that_noise_covers_is_not_the_floor(name, seed):
    atoms = in_mmff94("glutathione")
    exact, atoms.calc = atoms.calc, Noisy(atoms, 0.01, seed=seed)
    result = relax(atoms, name, steps=250, surrogate=None)
    if result.converged:
        there = result.atoms.copy()
        there.calc = exact
        floor = relax(there, "default?maxstep=0.05&rise=1e-9", fmax=0.001)
        # Here noise of 10 meV/A makes some 30 to 60 meV at each geometry, and 120 to 230 meV were left.
        assert there.get_potential_energy() - floor.energy < 0.03
    else:
        assert result.ended in ("unconverged", "stalled")


def test_forces_agree_where_their_mean_shows_more_than_the_limit_and_noise_alone_does_not():
    random = np.random.default_rng(0)
    slope = np.full(60, 1.0)  # its products are 60, those of the noise of one call with itself 60 * 16
    found = []
    for strength in (0.0, 1.0):
        gradients = strength * slope + random.normal(0.0, 4.0, (100, 32, 60))
        found.append(np.mean([agree(each @ each.T, limit=5.0) for each in gradients]))
    assert found[0] < 0.1
    assert found[1] > 0.9
    assert not agree(slope * slope[:, None], limit=0.6)


def test_energies_fall_where_they_do_so_by_more_than_the_limit_whatever_came_before():
    falling = np.concatenate([[100.0, 10.0], np.linspace(2.0, 1.0, 30)])
    assert falls(falling, limit=0.1)
    assert not falls(falling[2:], limit=0.6)
    random = np.random.default_rng(0)
    assert np.mean([falls(each, limit=0.0) for each in random.normal(size=(500, 32))]) < 0.08


@pytest.mark.parametrize(("start", "name"), [("aladip", "bfgs"), ("peg4", "adam/internal"), ("bithiophene", "fire")])
def test_a_run_without_noise_never_ends_at_a_noise_floor(start, name):
    result = relax(Molecule.named(start), name, energy_left=1e-6, steps=500)
    assert result.ended in ("converged", "unconverged")


def test_an_estimate_can_be_copied_and_compared():
    atoms = in_mmff94("aladip")
    atoms.get_forces()
    assert copy.deepcopy(energy_left(atoms)) == energy_left(atoms)


def test_single_atoms_and_pairs_have_an_estimate():
    for symbols, positions in (("H2", [[0, 0, 0], [0, 0, 0.8]]), ("He", [[0, 0, 0]])):
        atoms = Atoms(symbols, positions)
        forces = np.zeros((len(atoms), 3))
        if len(atoms) == 2:
            forces[:, 2] = [0.5, -0.5]
        atoms.calc = SinglePointCalculator(atoms, forces=forces)
        assert float(energy_left(atoms)) >= 0
