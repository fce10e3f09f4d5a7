"""Every rule as an ASE optimizer: drop-in, restartable bit for bit, honest about bad forces."""

import inspect
import warnings
from copy import deepcopy
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc100, molecule
from ase.calculators.calculator import Calculator
from ase.calculators.emt import EMT
from ase.calculators.morse import MorsePotential
from ase.constraints import FixAtoms, FixBondLength, FixCom, FixedPlane, FixInternals
from ase.filters import FrechetCellFilter
from ase.io import read
from ase.io.trajectory import Trajectory
from ase.mep import NEB
from ase.optimize import BFGS
from ase.optimize.optimize import RestartError

import molopt.optimizers
from molopt import rules
from molopt.control import Control
from molopt.errors import Exploded, InputError, PotentialFailed
from molopt.molecules import Molecule
from molopt.optimizers import Adam, GradientDescent, HeavyBall, PerAtomAdam, RuleOptimizer
from molopt.potentials import potential

CLASSES = [getattr(molopt.optimizers, name) for name in molopt.optimizers.__all__ if name != "RuleOptimizer"]
RULES = [kind for kind in CLASSES if issubclass(kind, RuleOptimizer)]
every_class = pytest.mark.parametrize("optimizer", CLASSES, ids=lambda c: c.__name__)
every_rule = pytest.mark.parametrize("optimizer", RULES, ids=lambda c: c.__name__)


def ethanol():
    atoms = molecule("CH3CH2OH", calculator=EMT())
    atoms.rattle(0.05, seed=3)
    return atoms


@every_class
def test_an_interrupted_run_equals_an_uninterrupted_one_bit_for_bit(optimizer, tmp_path):
    whole, first, second = ethanol(), ethanol(), ethanol()
    optimizer(whole, logfile=None).run(fmax=0, steps=20)
    optimizer(first, logfile=None, restart=tmp_path / "run.json").run(fmax=0, steps=9)
    optimizer(second, logfile=None, restart=tmp_path / "run.json").run(fmax=0, steps=11)
    assert (second.positions == whole.positions).all()


def test_a_restart_restores_a_rejected_step_too(tmp_path):
    steep = {"lr": 0.3, "logfile": None}
    whole = ethanol()
    optimizer = HeavyBall(whole, **steep)
    points = [optimizer.memory.point for _ in optimizer.irun(fmax=0, steps=12) if optimizer.memory]
    assert any(now is before for before, now in pairwise(points))
    for done in range(1, 12):
        atoms, path = ethanol(), tmp_path / f"{done}.json"
        HeavyBall(atoms, restart=path, **steep).run(fmax=0, steps=done)
        HeavyBall(atoms, restart=path, **steep).run(fmax=0, steps=12 - done)
        assert (atoms.positions == whole.positions).all()


@pytest.mark.parametrize(
    "constraint",
    [FixAtoms([0]), FixBondLength(0, 1), FixCom(), FixedPlane(2, (1, 1, 0)), FixInternals(bonds=[[1.5, [0, 1]]])],
    ids=lambda c: type(c).__name__,
)
def test_a_restart_under_constraints_is_bit_for_bit_too(constraint, tmp_path):
    def constrained():
        atoms = ethanol()
        atoms.set_constraint(deepcopy(constraint))
        return atoms

    whole, first, second = constrained(), constrained(), constrained()
    Adam(whole, logfile=None).run(fmax=0, steps=12)
    Adam(first, logfile=None, restart=tmp_path / "run.json").run(fmax=0, steps=5)
    Adam(second, logfile=None, restart=tmp_path / "run.json").run(fmax=0, steps=7)
    assert (second.positions == whole.positions).all()


def test_the_textbook_rule_warns_of_nothing_where_there_is_no_force():
    atoms = Atoms("He2", [(0, 0, 0), (0, 0, 90)], calculator=MorsePotential())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Adam(atoms, control=None, logfile=None).run(fmax=-1, steps=3)


def test_a_restart_file_of_another_rule_is_refused(tmp_path):
    Adam(ethanol(), logfile=None, restart=tmp_path / "run.json").run(fmax=0, steps=2)
    with pytest.raises(RestartError, match=r"it was written by .*Adam\(lr=.*this is .*HeavyBall"):
        HeavyBall(ethanol(), logfile=None, restart=tmp_path / "run.json")


def test_a_restart_file_of_another_molecule_is_refused(tmp_path):
    Adam(ethanol(), logfile=None, restart=tmp_path / "run.json").run(fmax=0, steps=2)
    with pytest.raises(RestartError, match="it is of 9 atoms, these are 3"):
        Adam(molecule("H2O", calculator=EMT()), logfile=None, restart=tmp_path / "run.json")


@every_class
def test_positional_arguments_are_those_of_ase(optimizer):
    ours, theirs = (list(inspect.signature(c).parameters)[:6] for c in (optimizer, BFGS))
    assert ours == theirs


@every_rule
def test_the_signature_shows_the_hyper_parameters(optimizer):
    assert inspect.signature(optimizer).parameters["lr"].default == optimizer.entry.cartesian["lr"]


@every_class
def test_an_unknown_keyword_is_a_type_error(optimizer):
    with pytest.raises(TypeError, match="'alpha'"):
        optimizer(ethanol(), alpha=70)


def test_hyper_parameters_out_of_range_are_refused():
    with pytest.raises(InputError, match=r"lr must be positive, got -0\.1"):
        Adam(ethanol(), lr=-0.1)
    with pytest.raises(InputError, match="maxstep must be positive"):
        Adam(ethanol(), maxstep=0)


@pytest.mark.parametrize("maxstep", [0.01, 0.05])
@every_class
def test_no_atom_moves_further_than_maxstep(optimizer, maxstep):
    atoms = ethanol()
    path = [atoms.get_positions() for _ in optimizer(atoms, logfile=None, maxstep=maxstep).irun(fmax=0, steps=1)]
    moved = np.linalg.norm(path[1] - path[0], axis=1)
    assert moved.max() <= maxstep * (1 + 1e-12)  # rounding of the scaled step


@every_class
def test_fixed_atoms_stay_and_the_rest_relaxes(optimizer):
    atoms = fcc100("Cu", (2, 2, 2), vacuum=6)
    atoms.calc = EMT()
    atoms.rattle(0.05, seed=1)
    atoms.set_constraint(FixAtoms([0, 1, 2, 3]))
    start = atoms.get_positions()
    assert optimizer(atoms, logfile=None).run(fmax=0.02, steps=1000)
    assert (atoms.positions[:4] == start[:4]).all()
    assert (atoms.positions[4:] != start[4:]).any()


def test_without_eps_fixed_atoms_do_not_turn_into_nan():
    atoms = ethanol()
    atoms.set_constraint(FixAtoms([0, 1]))
    assert Adam(atoms, eps=0, logfile=None).run(fmax=0.05, steps=500)
    assert np.isfinite(atoms.positions).all()


def test_a_fixed_bond_keeps_its_length():
    atoms = ethanol()
    length = atoms.get_distance(0, 1)
    atoms.set_constraint(FixBondLength(0, 1))
    assert HeavyBall(atoms, logfile=None).run(fmax=0.03, steps=500)
    assert atoms.get_distance(0, 1) == pytest.approx(length, abs=1e-8)  # tolerance of ASE's own RATTLE loop


@pytest.mark.parametrize("optimizer", [Adam, HeavyBall])
def test_a_cell_relaxes_to_that_of_bfgs(optimizer):
    cells = []
    for kind in (optimizer, BFGS):
        atoms = bulk("Cu", a=3.7)
        atoms.calc = EMT()
        assert kind(FrechetCellFilter(atoms), logfile=None).run(fmax=1e-4, steps=1000)
        cells.append(atoms.cell.lengths())
    assert cells[0] == pytest.approx(cells[1], abs=1e-3)  # fmax 1e-4 over a bulk stiffness of about 10 eV/A^2


@pytest.mark.parametrize("optimizer", [Adam, PerAtomAdam, HeavyBall])
def test_a_band_of_seven_images_converges(optimizer):
    """A hydrogen atom passing between two others; a band's forces are not the gradient of its energy."""
    start = Atoms("H4", [(0, 0, 0), (2.4, 0, 0), (1.2, 1.3, 0), (1.2, -1.3, 0)])
    start.positions[0, 0] = 0.9
    end = start.copy()
    end.positions[0, 0] = 1.5
    images = [start] + [start.copy() for _ in range(5)] + [end]
    for image in images:
        image.calc = MorsePotential(epsilon=1.0, r0=1.3)
        image.set_constraint(FixAtoms([1]))
    for image in (start, end):
        BFGS(image, logfile=None).run(fmax=0.01)
    band = NEB(images, climb=True, method="improvedtangent")
    band.interpolate()
    assert optimizer(band, logfile=None).run(fmax=0.05, steps=500)


class Sick(Calculator):
    """A harmonic well whose forces become NaN at the fourth call."""

    implemented_properties = ("energy", "forces")
    calls = 0

    def calculate(self, atoms=None, properties=("energy",), system_changes=()):
        super().calculate(atoms, properties, system_changes)
        self.calls += 1
        forces = -atoms.positions
        if self.calls > 3:
            forces[1] = np.nan
        self.results = {"energy": 0.5 * float((atoms.positions**2).sum()), "forces": forces}


def test_nan_forces_stop_the_run_with_the_step_and_keep_what_was_written(tmp_path):
    atoms = Atoms("H2", [(0, 0, 1.0), (0, 2.0, 0)], calculator=Sick())
    with pytest.raises(PotentialFailed, match=r"sick failed at force call 4: the force on atom 1 \(H\)"):
        GradientDescent(atoms, logfile=None, trajectory=tmp_path / "run.traj").run(fmax=0.01)
    assert len(read(tmp_path / "run.traj", index=":")) >= 3


def test_a_run_that_explodes_stops_and_puts_the_atoms_back_where_they_were_best():
    peptide = Molecule.from_smiles("CC(=O)NC", seed=1)
    atoms = peptide.atoms()
    atoms.calc = potential("mmff94", peptide)
    optimizer = GradientDescent(atoms, lr=0.03, control=None, logfile=None)
    energies = []
    optimizer.attach(lambda: energies.append(atoms.get_potential_energy()))
    with pytest.raises(Exploded, match=r"^exploded at force call \d+: .*; the best geometry is that of force call 1$"):
        optimizer.run(steps=100)
    assert np.array_equal(atoms.positions, peptide.positions)
    assert len(energies) < 30
    GradientDescent(atoms, lr=0.002, control=None, logfile=None).run(steps=3)
    assert atoms.get_potential_energy() < energies[0]


def test_atoms_that_fly_out_of_reach_of_each_other_are_not_converged():
    atoms = ethanol()
    with pytest.raises(Exploded, match=r"the forces vanish .* eV per atom above the start"):
        GradientDescent(atoms, lr=0.1, control=None, logfile=None).run(fmax=0.05, steps=300)


class Overflowing(Calculator):
    """Forces of 1e300 eV/A from the second call on."""

    implemented_properties = ("energy", "forces")
    calls = 0

    def calculate(self, atoms=None, properties=("energy",), system_changes=()):
        super().calculate(atoms, properties, system_changes)
        self.calls += 1
        forces = np.random.default_rng(self.calls).normal(size=(len(atoms), 3))
        self.results = {"energy": -(1000.0**self.calls), "forces": forces * (1e300 if self.calls > 1 else 1.0)}


def test_a_run_whose_forces_overflow_ends_and_does_not_stand_still_for_ever():
    ester = Molecule.from_smiles("CCOC(=O)c1ccccc1", seed=3)
    atoms = ester.atoms()
    atoms.calc = Overflowing()
    with pytest.raises(PotentialFailed, match="failed at force call 2"):
        Adam(atoms, coordinates="internal", logfile=None).run(fmax=0.05, steps=50)


def test_atoms_moved_from_outside_begin_a_run_of_their_own():
    atoms = ethanol()
    optimizer = Adam(atoms, logfile=None)
    optimizer.run(fmax=0.05, steps=300)
    atoms.positions[-1] = atoms.positions[0] + [0.3, 0, 0]  # hundreds of eV higher, and no explosion
    optimizer.run(fmax=0.05, steps=30)
    assert np.isfinite(atoms.positions).all()


def test_without_control_the_path_is_the_textbook_rule():
    rule = rules.Adam(lr=0.02)
    atoms, by_hand = ethanol(), ethanol()
    RuleOptimizer(atoms, rule=rule, control=None, logfile=None).run(fmax=0, steps=15)
    state = None
    for _ in range(15):
        seen = rules.Observation.single(-by_hand.get_forces().ravel(), group=3)
        displacement, state = rule.update(seen, rule.init(seen) if state is None else state)
        by_hand.positions += displacement.reshape(-1, 3)
    assert (atoms.positions == by_hand.positions).all()


def test_adam_misses_the_minimum_of_a_sugar_at_a_constant_rate_and_settles_under_control():
    smiles = "OC[C@H]1O[C@H](O[C@H]2O[C@H](CO)[C@@H](O)[C@H](O)[C@H]2O)[C@H](O)[C@@H](O)[C@@H]1O"
    trehalose = Molecule.from_smiles(smiles, seed=1)
    converged = []
    for control in (None, Control()):
        atoms = trehalose.atoms()
        atoms.calc = potential("mmff94", trehalose)
        converged.append(Adam(atoms, lr=0.03, control=control, logfile=None).run(fmax=0.01, steps=1500))
    assert converged == [False, True]


@every_rule
def test_in_internal_coordinates_every_rule_takes_a_fifth_of_the_steps_of_bfgs(optimizer):
    peptide = Molecule.from_smiles("CC(=O)NCC(=O)NC", seed=1)
    steps = []
    for kind, keywords in ((optimizer, {"coordinates": "internal"}), (BFGS, {})):
        atoms = peptide.atoms()
        atoms.calc = potential("mmff94", peptide)
        run = kind(atoms, logfile=None, **keywords)
        assert run.run(fmax=0.01, steps=300)
        steps.append(run.nsteps)
    assert steps[0] < steps[1] / 5


def test_without_control_an_explicit_maxstep_still_caps():
    atoms = ethanol()
    optimizer = GradientDescent(atoms, lr=5.0, control=None, maxstep=0.05, logfile=None)
    before = atoms.get_positions()
    optimizer.run(fmax=0, steps=1)
    assert np.linalg.norm(atoms.positions - before, axis=1).max() == pytest.approx(0.05)


@pytest.mark.parametrize(("optimizer", "invariant"), [(PerAtomAdam, True), (Adam, False)])
def test_turning_the_molecule_changes_the_path_of_adam_but_not_of_per_atom_adam(optimizer, invariant):
    here, turned = ethanol(), ethanol()
    turned.rotate(40, (1, 2, 3), center="COM")
    for atoms in (here, turned):
        optimizer(atoms, logfile=None).run(fmax=0, steps=8)
    distances = [atoms.get_all_distances() for atoms in (here, turned)]
    assert np.allclose(*distances, atol=1e-9) is invariant  # rounding of eight steps


def test_a_run_goes_on_sensibly_after_the_atoms_were_moved_from_outside():
    atoms = ethanol()
    optimizer = Adam(atoms, logfile=None)
    optimizer.run(fmax=0, steps=10)
    atoms.positions += 5.0
    start = atoms.get_positions()
    optimizer.run(fmax=0, steps=1)
    assert np.linalg.norm(atoms.positions - start, axis=1).max() <= optimizer.maxstep * (1 + 1e-12)


def test_a_rule_of_ten_lines_by_an_outsider_runs():
    @dataclass(frozen=True)
    class SignDescent(rules.Rule):
        lr: float

        def update(self, seen, state):
            return -self.lr * seen.xp.sign(seen.gradient), state

    assert RuleOptimizer(ethanol(), rule=SignDescent(lr=0.02), logfile=None).run(fmax=0.05, steps=500)


def test_the_trajectory_names_direction_and_control(tmp_path):
    Adam(ethanol(), lr=0.05, logfile=None, trajectory=tmp_path / "run.traj").run(fmax=0, steps=1)
    description = Trajectory(tmp_path / "run.traj").description
    assert description["optimizer"] == "Adam"
    assert description["direction"].startswith("RuleDirection(rule=Adam(lr=0.05")
    assert description["control"] == repr(Control())
