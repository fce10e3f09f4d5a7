"""One run from a start geometry to a result: what it returns, what it leaves alone, how it fails."""

import json
import time
from contextlib import suppress
from functools import partial

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.calculator import Calculator
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones
from ase.constraints import FixAtoms
from ase.io import read
from ase.optimize import BFGS, BFGSLineSearch

import molopt.optimizers
from molopt import Molecule, potential, relax
from molopt.comparison import cases
from molopt.comparison.problems import cost, went_through
from molopt.comparison.running import compare
from molopt.control import Control
from molopt.errors import InputError, PotentialFailed
from molopt.optimizers.named import CLASSES
from molopt.optimizers.registry import PEERS, optimizer_names
from molopt.optimizers.spec import OptimizerSpec
from molopt.relaxation import Result
from molopt.rules import HeavyBall, Rule

ALANINE = "C[C@H](N)C(=O)O"


class Failing(EMT):
    """EMT that does at one force call what `failure` says."""

    def __init__(self, at, failure):
        super().__init__()
        self.left, self.failure = at, failure

    def calculate(self, *args, **kwargs):
        super().calculate(*args, **kwargs)
        self.left -= 1
        if self.left == 0:
            self.failure(self)


def raising(calculator):
    raise ValueError("no convergence\nin 250 iterations")


def nan_forces(calculator):
    calculator.results["forces"][1] = np.nan


WITHOUT_EXTRAS = [name for name in optimizer_names() if name not in PEERS]  # the peers have tests of their own


def infinite_energy(calculator):
    calculator.results["energy"] = np.inf


def methane(calculator=None):
    atoms = molecule("CH4", calculator=calculator or EMT())
    atoms.rattle(0.1, seed=1)
    return atoms


# What a result holds


def test_every_optimizer_by_name_relaxes_a_molecule():
    start = Molecule.from_smiles("CO")
    for name in WITHOUT_EXTRAS:
        arguments = "?dt=0.05" if name == "mdmin" else ""  # ASE's own 0.2 circles the minimum
        result = relax(start, name + arguments, steps=3000)
        assert result.converged, name
        assert result.fmax <= 0.05
        assert result.bonds_kept


def test_the_argument_is_never_changed():
    atoms = methane()
    atoms.info["name"] = "mine"
    calculator, before = atoms.calc, atoms.positions.copy()
    forces = atoms.get_forces().copy()
    result = relax(atoms)
    assert np.array_equal(atoms.positions, before)
    assert atoms.calc is calculator
    assert np.array_equal(atoms.get_forces(), forces)
    assert not np.array_equal(result.atoms.positions, before)
    start = Molecule.from_smiles(ALANINE)
    before = start.positions
    relax(start, steps=3)
    assert np.array_equal(start.positions, before)


def test_the_result_carries_energy_and_forces_of_its_geometry():
    start = Molecule.from_smiles(ALANINE, name="alanine")
    result = relax(start)
    again = result.atoms.copy()
    again.calc = potential("mmff94", start)
    assert result.atoms.get_potential_energy() == result.energy == again.get_potential_energy()
    assert np.array_equal(result.atoms.get_forces(), again.get_forces())
    assert np.array_equal(result.molecule.positions, result.atoms.positions)
    assert (result.name, result.molecule.smiles, result.stereo_kept) == ("alanine", ALANINE, True)


def test_the_trace_has_an_entry_for_each_force_call_and_ends_at_the_result():
    for optimizer in ("adam", "bfgs", "fire"):
        result = relax(methane(), optimizer)
        assert len(result.trace) == result.force_calls == result.steps + 1
        assert (result.trace[-1].energy, result.trace[-1].fmax) == (result.energy, result.fmax)
        inside = sum(call.seconds for call in result.trace)
        assert 0 < result.optimizer_seconds < result.seconds
        assert result.optimizer_seconds + inside == pytest.approx(result.seconds)


def test_force_calls_of_line_searches_are_counted_too():
    result = relax(methane(), BFGSLineSearch)
    assert result.force_calls > result.steps + 1


def test_steps_are_the_cap_and_fmax_the_criterion():
    result = relax(methane(), "gradient-descent", steps=2)
    assert (result.steps, result.converged, result.error) == (2, False, None)
    assert relax(methane(), fmax=100.0, energy_left=None, check=None).force_calls == 1


def test_constraints_hold_and_fmax_does_not_see_fixed_atoms():
    atoms = methane()
    atoms.positions[1] += 0.1 * (atoms.positions[1] - atoms.positions[0])
    atoms.set_constraint(FixAtoms([0, 1]))
    result = relax(atoms, fmax=0.01)
    assert result.converged
    assert np.array_equal(result.atoms.positions[:2], atoms.positions[:2])
    assert np.linalg.norm(result.atoms.get_forces(apply_constraint=False)[1]) > 1


def test_periodic_atoms_relax_and_are_no_molecule():
    atoms = bulk("Cu", cubic=True)
    atoms.rattle(0.05, seed=1)
    atoms.calc = EMT()
    result = relax(atoms)
    assert result.converged
    assert (result.molecule, result.bonds_kept, result.stereo_kept) == (None, None, None)
    assert result.as_dict()["atoms"]["pbc"] == [True, True, True]


def test_a_molecule_that_falls_apart_is_said_not_to_be_kept():
    hydrogen = Atoms("H2", [[0, 0, 0], [0.8, 0, 0]], calculator=LennardJones(sigma=2.0, rc=20.0))
    assert relax(hydrogen).bonds_kept is False


def test_a_result_as_plain_values_survives_json():
    result = relax(Molecule.from_smiles(ALANINE), steps=5)
    plain = json.loads(json.dumps(result.as_dict(), allow_nan=False))
    assert list(plain) == [*Result.__dataclass_fields__, "converged", "ended"]
    assert plain["energy"] == result.energy
    assert plain["atoms"]["positions"] == result.atoms.positions.tolist()
    assert plain["trace"]["fmax"] == [call.fmax for call in result.trace]


def test_the_same_run_gives_the_same_bits():
    first, second = (relax(Molecule.from_smiles(ALANINE)) for _ in range(2))
    assert np.array_equal(first.atoms.positions, second.atoms.positions)


# Potentials


def test_a_molecule_relaxes_in_mmff94_and_atoms_in_their_own_calculator_by_default():
    start = Molecule.from_smiles("CO")
    assert relax(start).potential == "mmff94"
    assert relax(methane()).potential == "emt"
    assert relax(start, potential=EMT()).potential == "emt"
    assert relax(start.atoms(), potential="uff").potential == "uff"


def test_gfn2_xtb_relaxes_to_a_lower_energy():
    pytest.importorskip("tblite", reason="pip install 'molopt[xtb]'")
    result = relax(Molecule.from_smiles("CO"), potential="gfn2-xtb")
    assert result.converged
    assert result.energy < result.trace[0].energy


def test_a_result_goes_on_in_another_potential():
    first = relax(Molecule.from_smiles("CCO"))
    again = relax(first.molecule, "bfgs", "uff")
    assert again.converged
    with pytest.raises(InputError, match="energy of one geometry only"):
        relax(first.atoms)


@pytest.mark.parametrize(
    ("target", "keywords", "said"),
    [
        (Atoms("H2", [[0, 0, 0], [0, 0, 0.7]]), {}, "no calculator"),
        (5, {}, "a SMILES or the path of a file, got 5"),
        (methane(), {"potential": 3}, "must be a name or an ASE calculator, got 3$"),
        (methane(), {"potential": max}, r"got <built-in .*>: a function of many molecules is for molopt\.relax_batch$"),
        (methane(), {"optimizer": 3}, "optimizer must be a name"),
        (methane(), {"fmax": 0}, "fmax must be positive, got 0"),
        (methane(), {"fmax": float("nan")}, "fmax must be a finite number"),
        (methane(), {"steps": 0}, "steps must be positive, got 0"),
        (methane(), {"steps": -1}, "steps must be positive, got -1"),
        (methane(), {"optimizer": "adam?lr=0"}, "lr must be positive, got 0"),
    ],
)
def test_what_cannot_be_relaxed_is_refused(target, keywords, said):
    with pytest.raises(InputError, match=said):
        relax(target, **keywords)


# Failures


FAILURES = [
    (raising, "no convergence in 250"),
    (nan_forces, "force on atom 1"),
    (infinite_energy, "energy is inf"),
]


@pytest.mark.parametrize(("failure", "said"), FAILURES)
@pytest.mark.parametrize("optimizer", ["adam", "bfgs"])
def test_a_failure_on_the_way_stops_the_run_with_its_step_and_keeps_the_last_good_geometry(
    optimizer, failure, said, tmp_path
):
    path = tmp_path / "run.traj"
    result = relax(methane(Failing(4, failure)), optimizer, fmax=1e-6, trajectory=path, logfile=tmp_path / "run.log")
    assert not result.converged
    assert result.error.startswith("stopped at step 3: ")
    assert said in result.error
    assert "\n" not in result.error
    assert (result.force_calls, len(result.trace), result.steps) == (4, 3, 3)
    assert np.isfinite(result.energy)
    frames = read(path, ":")
    assert np.array_equal(frames[-1].positions, result.atoms.positions)
    assert len((tmp_path / "run.log").read_text().splitlines()) == 4  # a heading and three geometries


class Broken(Calculator):
    """A harmonic bond that from one force call on is what `wrong` makes of it."""

    implemented_properties = ("energy", "forces")

    def __init__(self, wrong, at=2):
        super().__init__()
        self.wrong, self.left = wrong, at

    def calculate(self, atoms=None, properties=(), system_changes=()):
        super().calculate(atoms, properties, system_changes)
        bond = atoms.positions[1] - atoms.positions[0]
        length = np.linalg.norm(bond)
        pull = 20.0 * (length - 0.7) * bond / length
        self.results = {"energy": 10.0 * (length - 0.7) ** 2, "forces": np.array([pull, -pull])}
        self.left -= 1
        if self.left < 0:
            self.wrong(self.results)


def rising(results):
    results["energy"] += 100.0
    results["forces"] *= 10.0


def falling(results):
    results["energy"] -= 1e4
    results["forces"] *= 10.0


def steep(results):
    results["forces"] = np.array([[1e6, 0, 0], [-1e6, 0, 0]])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (rising, "eV per atom above that of the start"),
        (falling, "eV per atom below that of the start"),
        (steep, "a force is"),
    ],
)
@pytest.mark.parametrize("optimizer", ["bfgs", "fire", "adam", "default"])
def test_a_run_that_no_longer_makes_sense_ends_exploded_with_its_best_geometry(optimizer, wrong, said):
    atoms = Atoms("H2", [[0, 0, 0], [1.4, 0, 0]], calculator=Broken(wrong))
    result = relax(atoms, optimizer, fmax=1e-9, energy_left=None, steps=100)
    assert (result.ended, result.converged) == ("exploded", False)
    assert said in result.error
    assert "\n" not in result.error
    sensible = [call.energy for call in result.trace[:2]]
    assert result.energy == min(sensible) == result.atoms.get_potential_energy()
    assert f"the best geometry is that of force call {1 + int(np.argmin(sensible))}" in result.error
    assert result.fmax == pytest.approx(np.linalg.norm(result.atoms.get_forces(), axis=1).max())
    assert result.force_calls == len(result.trace) <= 10
    json.dumps(result.as_dict(), allow_nan=False)


class Sloping(Calculator):
    """Two atoms on a potential without a minimum: `pull` is the force between them at a distance."""

    implemented_properties = ("energy", "forces")

    def __init__(self, energy, pull):
        super().__init__()
        self.energy, self.pull = energy, pull

    def calculate(self, atoms=None, properties=(), system_changes=()):
        super().calculate(atoms, properties, system_changes)
        bond = atoms.positions[1] - atoms.positions[0]
        length = np.linalg.norm(bond)
        force = self.pull(length) * bond / length
        self.results = {"energy": self.energy(length), "forces": np.array([force, -force])}


@pytest.mark.parametrize(
    ("sloping", "said"),
    [
        (Sloping(lambda r: 2 * r, lambda r: 2.0), "atoms 0 and 1, counted from 0, are less than 0.1 A from each other"),
        (Sloping(lambda r: -0.1 * r, lambda r: -0.1), "atoms 0 and 1, counted from 0, were bonded and are"),
    ],
    ids=["onto each other", "apart"],
)
def test_atoms_that_fall_onto_each_other_or_fly_apart_are_an_explosion(sloping, said):
    atoms = Atoms("H2", [[0, 0, 0], [0.75, 0, 0]], calculator=sloping)
    rate = 0.01 if "less than" in said else 100.0
    result = relax(atoms, f"gradient-descent?lr={rate}&control=none", energy_left=None, steps=100)
    assert result.ended == "exploded"
    assert said in result.error
    assert 0.1 < result.atoms.get_distance(0, 1) < 100.0


@pytest.mark.parametrize("optimizer", ["gradient-descent?lr=10", "heavy-ball?lr=0.2", "adam?lr=3"])
def test_the_textbook_rule_with_a_far_too_large_rate_explodes(optimizer):
    start = Molecule.from_smiles("CCO")
    result = relax(start, optimizer + "&control=none")
    assert result.ended == "exploded"
    assert result.error.startswith(f"stopped at step {result.steps}: exploded at force call ")
    assert result.energy == min(call.energy for call in result.trace)
    assert result.bonds_kept
    assert result.force_calls < 20


def test_one_step_that_makes_no_sense_is_rejected():
    def once(results):
        if calculator.left == -1:
            rising(results)

    calculator = Broken(once, at=3)
    result = relax(Atoms("H2", [[0, 0, 0], [1.1, 0, 0]], calculator=calculator), energy_left=None, fmax=1e-6)
    assert result.ended == "converged"
    assert max(call.energy for call in result.trace) > 100


def test_a_run_has_exploded_whatever_its_optimizer_makes_of_that():
    class Deaf(BFGS):
        def run(self, fmax, steps):
            for _ in range(steps):
                self.atoms.positions *= 3.0
                with suppress(PotentialFailed):
                    self.atoms.get_forces()
            return True

    result = relax(methane(), Deaf, steps=20)
    assert (result.ended, result.converged) == ("exploded", False)
    assert "the best geometry is that of force call 1" in result.error


@pytest.mark.parametrize("optimizer", ["default", "adam", "bfgs", "fire"])
def test_a_start_with_atoms_on_one_another_is_not_an_explosion(optimizer):
    start = Molecule.from_smiles(ALANINE)
    random = np.random.default_rng(1)
    positions = start.positions + random.normal(0.0, 0.25, start.positions.shape)
    positions[1] = positions[0] + [0.15, 0.0, 0.0]
    result = relax(start.with_positions(positions), optimizer, steps=100)
    assert result.trace[0].energy > 10 * len(start)
    assert result.ended in ("converged", "unconverged")
    assert result.energy < 0.01 * result.trace[0].energy


def test_a_start_with_atoms_on_one_another_relaxes_in_gfn2_xtb_too():
    pytest.importorskip("tblite", reason="pip install 'molopt[xtb]'")
    start = Molecule.from_smiles("CCO")
    positions = start.positions + np.random.default_rng(1).normal(0.0, 0.2, start.positions.shape)
    positions[1] = positions[0] + [0.15, 0.0, 0.0]
    result = relax(start.with_positions(positions), potential="gfn2-xtb", steps=200)
    assert result.trace[0].energy > result.energy + 10 * len(start)
    assert result.converged


def test_an_exploded_run_in_a_comparison_counts_as_one_that_did_not_converge():
    water = Molecule.from_smiles("O")
    (record,) = compare(cases([water], optimizers=["gradient-descent?lr=10&control=none"]), steps=50)
    assert record.outcome.ended == "exploded"
    assert cost(record) == 50
    assert not went_through(record)
    assert np.array_equal(record.outcome.end, water.positions)


def test_a_failure_at_the_start_is_raised_with_its_cause():
    with pytest.raises(PotentialFailed, match="force call 1") as failure:
        relax(methane(Failing(1, raising)))
    assert isinstance(failure.value.__cause__, ValueError)


def test_an_interrupt_passes_through():
    def interrupt(counted):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        relax(methane(), on_call=interrupt)


def test_a_mistake_in_a_rule_is_not_hidden():
    class Broken(Rule):
        def update(self, seen, state):
            return seen.nonsense

    with pytest.raises(AttributeError, match="nonsense"):
        relax(methane(), Broken())


# Watching


def test_a_run_is_silent_unless_asked(capfd):
    for optimizer in ("adam", "bfgs", BFGS):
        relax(methane(), optimizer)
    assert capfd.readouterr() == ("", "")
    relax(methane(), logfile="-")
    assert "fmax" in capfd.readouterr().out


def test_on_call_sees_every_force_call_and_its_time_is_not_that_of_the_run():
    seen, spent = [], []

    def slow(counted):
        begin = time.perf_counter()
        seen.append(counted.force_calls)
        time.sleep(0.1)
        spent.append(time.perf_counter() - begin)

    begin = time.perf_counter()
    result = relax(methane(), on_call=slow)
    assert seen == list(range(1, result.force_calls + 1))
    assert result.seconds + sum(spent) <= time.perf_counter() - begin


def test_the_trajectory_has_every_step(tmp_path):
    result = relax(methane(), trajectory=tmp_path / "run.traj")
    frames = read(tmp_path / "run.traj", ":")
    assert [frame.get_potential_energy() for frame in frames] == [call.energy for call in result.trace]


# Optimizers by name


def test_a_name_a_class_and_a_rule_are_the_same_run():
    by_name = relax(methane(), "heavy-ball?lr=0.02")
    by_rule = relax(methane(), HeavyBall(lr=0.02, b1=0.95))
    by_class = relax(methane(), lambda atoms, **kwargs: molopt.optimizers.HeavyBall(atoms, lr=0.02, **kwargs))
    assert by_name.optimizer == by_rule.optimizer
    assert by_name.trace[-1].energy == by_rule.trace[-1].energy == by_class.trace[-1].energy


def test_the_name_in_a_result_repeats_the_run():
    for name in [*WITHOUT_EXTRAS, "adam?lr=0.02&b1=0.8", "adam?control=none", "lion?control=none&maxstep=0.1", "gd"]:
        full = str(OptimizerSpec.of(name))
        assert str(OptimizerSpec.of(full)) == full
    first = relax(methane(), "adam?lr=0.02&shrink=0.7")
    assert relax(methane(), first.optimizer).trace[-1].energy == first.energy


def test_control_none_is_the_textbook_rule():
    named = OptimizerSpec.of("adam?control=none").make(methane())
    assert named.control == Control.textbook() == molopt.optimizers.Adam(methane(), control=None).control
    assert OptimizerSpec.of("adam?control=none").abbreviated == "adam?control=none"
    assert OptimizerSpec.of("adam?control=none&maxstep=0.1").make(methane()).maxstep == 0.1


def test_defaults_by_name_are_those_of_the_classes():
    for name, kind in CLASSES.items():
        named, classed = OptimizerSpec.of(name).make(methane()), kind(methane(), logfile=None)
        assert (named.rule, named.control) == (classed.rule, classed.control)


@pytest.mark.parametrize(
    ("spelt", "meant"),
    [
        ("Adam", "adam"),
        ("heavyball", "heavy-ball"),
        ("HEAVY_BALL", "heavy-ball"),
        ("gd", "gradient-descent"),
        ("GradientDescent", "gradient-descent"),
        ("PerAtomAdam", "per-atom-adam"),
        ("LBFGS", "lbfgs"),
    ],
)
def test_names_are_found_in_any_case_with_or_without_hyphens(spelt, meant):
    assert OptimizerSpec.of(spelt).abbreviated == meant


def test_an_unknown_optimizer_is_answered_with_the_nearest_names():
    with pytest.raises(InputError, match="did you mean rmsprop"):
        OptimizerSpec.of("rmsporp")
    with pytest.raises(InputError, match="weight decay would pull atoms to the origin"):
        OptimizerSpec.of("AdamW")


def test_atoms_that_make_no_molecule_still_relax_with_their_own_calculator():
    atoms = Atoms("Cu2", [(0, 0, 0), (0, 0, 2.4)], magmoms=[2.5, 2.5], calculator=EMT())
    result = relax(atoms)
    assert result.converged
    assert result.molecule is None


@pytest.mark.parametrize("steps", [0.5, 1.5])
def test_half_a_step_is_refused(steps):
    with pytest.raises(InputError, match="steps must be a whole number"):
        relax(methane(), steps=steps)


def test_numbers_of_numpy_are_numbers():
    assert relax(methane(), fmax=np.float32(0.05), steps=np.int64(100)).converged


def test_a_class_is_named_with_its_hyper_parameters():
    assert relax(methane(), optimizer=molopt.Adam).optimizer == str(OptimizerSpec.of("adam"))
    assert str(OptimizerSpec.of(partial(molopt.Adam, lr=0.01))).endswith("Adam?lr=0.01")


def test_a_fraction_where_a_count_belongs_is_refused():
    with pytest.raises(InputError, match=r"memory of lbfgs must be a whole number, got 2\.5"):
        OptimizerSpec.of("lbfgs?memory=2.5")


def test_the_log_of_a_run_by_name_says_the_name(capsys):
    relax(methane(), "adam", logfile="-")
    assert "Adam:    0" in capsys.readouterr().out


class SlowDipole(EMT):
    """EMT with a dipole, which ASE's trajectories ask for, and which takes its time."""

    implemented_properties = (*EMT.implemented_properties, "dipole")

    def get_property(self, name, atoms=None, allow_calculation=True):
        if name == "dipole":
            time.sleep(0.02)
            return np.zeros(3)
        return super().get_property(name, atoms, allow_calculation)


def test_what_a_trajectory_asks_of_the_potential_is_no_time_of_the_run(tmp_path):
    result = relax(methane(SlowDipole()), "adam", energy_left=None, trajectory=tmp_path / "a.traj")
    assert result.force_calls > 10
    assert 0 < result.optimizer_seconds <= result.seconds
