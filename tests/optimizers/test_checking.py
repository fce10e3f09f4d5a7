"""A run that looks at its end is a run: steps, restarts, what it keeps, and what may be asked for."""

import logging
import re
from io import StringIO

import numpy as np
import pytest
from ase import Atoms
from ase.io import read
from ase.optimize.optimize import Optimizer, RestartError
from checked import (
    GLYCEROL,
    RUNS,
    calculated,
    checked,
    placed,
    planar_cyclohexane,
)

import molopt
from molopt import LBFGS, Adam, HeavyBall, Molecule
from molopt.directions.checks import Checks
from molopt.errors import InputError
from molopt.potentials import Counted
from molopt.rules.partition import Partition
from molopt.rules.state import Layout, axes, choose, from_plain, reindexed, to_plain

# A run with a check is a run


@pytest.mark.parametrize("name", RUNS)
def test_steps_of_the_check_are_steps(name, tmp_path):
    atoms = placed(GLYCEROL)
    run = RUNS[name](atoms, trajectory=tmp_path / "run.traj")
    seen = []
    run.attach(lambda: seen.append(atoms.positions.copy()))
    yields = list(run.irun(fmax=0.05))
    frames = read(tmp_path / "run.traj", ":")
    back = len(seen) - run.nsteps - 1  # once more where the last step was taken back
    assert yields == [False] * run.nsteps + [True]
    assert atoms.calc.force_calls == run.nsteps + 1
    assert back in (0, 1)
    assert len(frames) == len(seen)
    assert all((frame.positions == at).all() for frame, at in zip(frames, seen, strict=True))
    assert (frames[-1].positions == atoms.positions).all()
    assert frames[-1].get_potential_energy() == atoms.get_potential_energy()
    assert atoms.calc.force_calls == run.nsteps + 1
    assert run.curvature.stationary == "minimum"
    assert run.curvature.calls <= 8


def test_what_is_known_of_the_curvature_can_be_asked_at_every_step():
    atoms = placed("O")
    assert LBFGS(atoms, logfile=None).run(fmax=1e-3)
    run = checked(atoms)
    told = [run.curvature for _ in run.irun(fmax=0.05)]
    assert {str(one) for one in told[:-1]} <= {"its check is under way"}  # criteria are met, and nothing is seen yet
    assert np.isnan(told[0].stiffness)
    assert told[-1].stationary == "minimum"


def test_the_log_marks_what_a_step_was_besides(caplog):
    caplog.set_level(logging.INFO, "molopt")
    atoms, file = calculated(planar_cyclohexane()), StringIO()
    run = LBFGS(atoms, logfile=file, check="auto")
    assert run.run(fmax=0.05)
    lines = file.getvalue().splitlines()[1:]
    marks = [line.split()[5] for line in lines if len(line.split()) > 5]
    assert len(lines) == run.nsteps + 1
    assert set(marks) <= {"probe", "check", "push"}
    assert marks.count("push") >= run.curvature.pushes > 0
    assert sum("a ridge" in message for message in caplog.messages) >= 1
    assert caplog.messages[-1].endswith("a minimum")


@pytest.mark.parametrize("name", RUNS)
def test_a_checked_run_killed_after_any_step_is_the_uninterrupted_one(name, tmp_path):
    whole = placed(GLYCEROL)
    first = RUNS[name](whole)
    assert first.run(fmax=0.05)
    for done in range(1, first.nsteps + 1):
        path = tmp_path / f"{done}.json"
        killed = RUNS[name](placed(GLYCEROL), restart=path)
        steps = Optimizer.irun(killed, 0.05)  # a kill leaves no time to go back
        for _ in range(done + 1):
            next(steps)
        atoms = placed(GLYCEROL)
        second = RUNS[name](atoms, restart=path)
        assert second.run(fmax=0.05)
        assert second.nsteps == first.nsteps - done
        assert (atoms.positions == whole.positions).all()
        told, was = second.curvature, first.curvature
        for what in ("stationary", "lowest", "calls", "pushes"):
            assert getattr(told, what) == getattr(was, what)


def test_a_push_survives_a_restart(tmp_path):
    whole = calculated(planar_cyclohexane())
    first = checked(whole)
    assert first.run(fmax=0.05)
    assert first.curvature.pushes >= 1
    for done in range(1, first.nsteps):
        path = tmp_path / f"{done}.json"
        checked(calculated(planar_cyclohexane()), restart=path).run(fmax=0.05, steps=done)
        atoms = calculated(planar_cyclohexane())
        second = checked(atoms, restart=path)
        assert second.run(fmax=0.05)
        assert second.curvature.pushes == first.curvature.pushes
        assert (atoms.positions == whole.positions).all()


def test_the_file_of_a_run_with_another_check_is_refused(tmp_path):
    path = tmp_path / "run.json"
    checked(placed(GLYCEROL), restart=path).run(fmax=0.05, steps=3)
    for other in (None, "report", "auto?calls=3", "auto?pushes=1"):
        with pytest.raises(RestartError, match="written by"):
            checked(placed(GLYCEROL), other, restart=path)
    checked(placed(GLYCEROL), restart=path)


def test_the_memory_of_a_check_is_data():
    run = checked(placed(GLYCEROL))
    run.run(fmax=0.05, steps=5)
    state = run.memory.after
    assert isinstance(state, Checks)
    assert state.steps.any(axis=1).sum() == 4  # the last step is learned with the next
    again = from_plain(state, to_plain(state))
    assert all(np.array_equal(*pair) for pair in zip(state[1:], again[1:], strict=True))
    size = state.steps.shape[-1]
    turned = np.arange(size)[::-1]
    moved = reindexed(state, turned, np.arange(size), size)
    assert (moved.steps == state.steps[:, ::-1]).all()
    assert set(axes(Checks).values()) == {"state", "entry", "system"}
    fresh = run.direction.init(run.coordinates.observe(run.memory.linearization, np.zeros(size)))
    chosen = choose(Layout(Partition([size]), Partition([run.atoms.positions.size])), np.array([False]), fresh, state)
    assert (chosen.steps == state.steps).all()
    assert not choose(
        Layout(Partition([size]), Partition([run.atoms.positions.size])), np.array([True]), fresh, state
    ).steps.any()
    assert not run.direction.rebuilt(state).steps.any()


# What a run keeps


class Plain(molopt.potentials.RDKitForceField):
    """MMFF94 that counts how often it is computed."""

    computed = 0

    def calculate(self, *args, **kwargs):
        super().calculate(*args, **kwargs)
        self.computed += 1


@pytest.mark.parametrize("counted", [True, False])
@pytest.mark.parametrize("smiles", [GLYCEROL, "CCO", "CC(=O)OCC", "NCCO"])
def test_after_a_run_the_atoms_hold_its_geometry_and_forces_without_a_call(smiles, counted):
    start = Molecule.from_smiles(smiles, seed=7)
    atoms, calculator = start.atoms(), Plain(start)
    atoms.calc = Counted(calculator) if counted else calculator
    run = checked(atoms)
    assert run.run(fmax=0.05)
    assert calculator.computed == run.nsteps + 1
    forces, energy = atoms.get_forces(), atoms.get_potential_energy()
    assert np.linalg.norm(forces, axis=1).max() <= 0.05
    assert calculator.computed == run.nsteps + 1
    fresh = atoms.copy()
    fresh.calc = molopt.potential("mmff94", start)
    assert np.allclose(fresh.get_forces(), forces, atol=1e-12)
    assert fresh.get_potential_energy() == pytest.approx(energy)


def test_a_last_step_that_rose_is_taken_back():
    atoms = placed("OCCO", seed=2)
    run = checked(atoms)
    assert run.run(fmax=0.05)
    end = [call.energy for call in atoms.calc.trace]
    assert end[-1] > end[-2] + 2e-4  # else this start shows nothing: take another
    assert atoms.get_potential_energy() == end[-2]


def stopping_at(atoms, step, how):
    """Make a run of these atoms stop at a step, in one of the ways in which runs stop."""
    if how == "steps":
        return lambda run: run.run(fmax=0.05, steps=step)

    def interrupted(run):
        def observer():
            if run.nsteps == step:
                raise KeyboardInterrupt

        run.attach(observer)
        with pytest.raises(KeyboardInterrupt):
            run.run(fmax=0.05)

    return interrupted


@pytest.mark.parametrize("how", ["steps", "interrupt"])
def test_a_run_stopped_while_it_is_checked_keeps_where_its_criteria_were_met(how, tmp_path):
    smiles = "O.O"
    whole = checked(placed(smiles, seed=13))
    whole.run(fmax=0.05)
    assert whole.curvature.calls >= 2
    undecided = 0
    for step in range(whole.nsteps - whole.curvature.calls + 1, whole.nsteps):
        atoms, path = placed(smiles, seed=13), tmp_path / f"{how}{step}.traj"
        run = checked(atoms, trajectory=path)
        stopping_at(atoms, step, how)(run)
        calls = atoms.calc.force_calls
        assert run.curvature.stationary == "unchecked"
        if run.checking.interrupted:
            undecided += 1
            assert np.linalg.norm(atoms.get_forces(), axis=1).max() <= 0.05
            assert run.curvature.why == "the run was stopped while it was checked"
        assert (read(path).positions == atoms.positions).all()
        assert read(path).get_potential_energy() == atoms.get_potential_energy()
        assert atoms.calc.force_calls == calls == step + 1
    assert undecided


def test_a_run_stopped_while_it_is_checked_goes_on_where_it_was():
    atoms = placed("O.O", seed=13)
    run = checked(atoms)
    whole = checked(placed("O.O", seed=13))
    whole.run(fmax=0.05)
    run.run(fmax=0.05, steps=whole.nsteps - 1)
    assert run.run(fmax=0.05)
    assert run.curvature.stationary == "minimum"


def test_a_run_killed_while_it_is_checked_knows_where_its_criteria_were_met(tmp_path):
    whole = checked(placed("O.O", seed=13))
    whole.run(fmax=0.05)
    kept = 0
    for done in range(whole.nsteps - whole.curvature.calls + 1, whole.nsteps):
        path = tmp_path / f"{done}.json"
        killed = checked(placed("O.O", seed=13), restart=path)
        steps = Optimizer.irun(killed, 0.05)
        for _ in range(done + 1):
            next(steps)
        atoms = placed("O.O", seed=13)
        second = checked(atoms, restart=path)
        second.run(fmax=0.05, steps=0)
        if second.checking.interrupted:
            kept += 1
            assert np.linalg.norm(atoms.get_forces(), axis=1).max() <= 0.05
            assert atoms.calc.force_calls == 1
            assert second.curvature.stationary == "unchecked"
    assert kept


@pytest.mark.parametrize("smiles", [GLYCEROL, "CCO"])
def test_run_called_again_at_its_end_takes_no_step(smiles):
    atoms = placed(smiles)
    run = checked(atoms)
    assert run.run(fmax=0.05)
    steps, told = run.nsteps, run.curvature
    assert run.run(fmax=0.05)
    assert run.nsteps == steps
    assert atoms.calc.force_calls == steps + 1
    assert run.curvature.lowest == told.lowest
    assert run.run(fmax=0.002)
    assert np.linalg.norm(atoms.get_forces(), axis=1).max() <= 0.002


@pytest.mark.parametrize("far", [0.02, 0.1, 0.3])
def test_atoms_that_were_moved_from_outside_are_looked_at_anew(far):
    atoms = placed(GLYCEROL)
    run = checked(atoms)
    run.run(fmax=0.05)
    atoms.rattle(far, seed=1)
    assert run.curvature.stationary == "unchecked"
    assert "moved" in run.curvature.why
    there = atoms.positions.copy()
    run.run(fmax=0.05, steps=0)
    assert (atoms.positions == there).all()
    assert run.run(fmax=0.05)
    assert run.curvature.stationary == "minimum"
    assert (atoms.positions != there).any()


# What is asked for


@pytest.mark.parametrize("make", [LBFGS, Adam, HeavyBall])
def test_a_run_without_a_check_is_what_it_was(make):
    coordinates = {} if make is LBFGS else {"coordinates": "internal"}
    plain, without = placed(GLYCEROL), placed(GLYCEROL)
    one = make(plain, logfile=None, **coordinates)
    other = make(without, logfile=None, check=None, **coordinates)
    assert one.run(fmax=0.02) == other.run(fmax=0.02)
    assert (plain.positions == without.positions).all()
    assert repr(one.direction) == repr(other.direction)
    assert "Checked" not in repr(other.direction)
    assert one.curvature is None


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ("auto?calls=0", "calls of check must be positive, got 0"),
        ("auto?calls=2.5", "calls of check must be a whole number, got 2.5"),
        ("auto?pushes=-1", "pushes of check must be positive, got -1"),
        ("auto?steps=3", "check has no argument 'steps'; known are calls, pushes"),
        ("yes", 'check must be "auto", "report" or none, got \'yes\''),
        (3, 'check must be "auto", "report" or none, got 3'),
        (True, 'check must be "auto", "report" or none, got True'),
        ("", "has no name"),
    ],
)
def test_what_is_not_a_check_is_refused_in_a_line(asked, why):
    with pytest.raises(InputError) as told:
        checked(placed("O"), asked)
    assert why in str(told.value)
    assert "\n" not in str(told.value)


def test_report_names_a_saddle_and_stays_there(caplog):
    caplog.set_level(logging.INFO, "molopt")
    stays, leaves = calculated(planar_cyclohexane()), calculated(planar_cyclohexane())
    run = checked(stays, "report")
    assert run.run(fmax=0.05)
    assert run.curvature.stationary == "saddle"
    assert run.curvature.lowest < 0 > run.curvature.stiffness
    assert np.isnan(run.curvature.energy_left)
    assert run.curvature.pushes == 0
    assert np.abs(stays.positions[:6, 2]).max() < 0.1
    assert checked(leaves).run(fmax=0.05)
    assert leaves.get_potential_energy() < stays.get_potential_energy() - 0.02


def test_a_report_stays_on_a_saddle_from_which_its_probes_led_away():
    around = 2 * np.pi / 3 * np.arange(3)
    flat = np.vstack([np.zeros(3), np.column_stack([np.cos(around), np.sin(around), np.zeros(3)])])
    atoms = calculated(Atoms("NH3", flat))
    run = checked(atoms, "report", coordinates="internal")
    assert run.run(fmax=0.05)
    assert (run.curvature.stationary, run.curvature.why) == ("saddle", "")
    assert run.curvature.lowest < 0
    assert np.linalg.norm(atoms.get_forces(), axis=1).max() <= 0.05
    assert atoms.calc.force_calls == run.nsteps + 1 < 10
    assert np.abs(atoms.positions @ [0, 0, 1]).max() < 0.1


def test_budgets_hold_and_are_logged(caplog):
    caplog.set_level(logging.INFO, "molopt")
    whole = checked(placed("O.O", seed=13))
    whole.run(fmax=0.05)
    assert whole.curvature.calls > 2
    caplog.clear()
    run = checked(placed("O.O", seed=13), "auto?calls=1")
    assert run.run(fmax=0.05)
    looks = [re.search(r"check (\d+) of 1:", message) for message in caplog.messages]
    assert max(int(look[1]) for look in looks if look) <= 1
    assert run.curvature.stationary in ("unchecked", "saddle")
    assert "force calls of its check" in run.curvature.why


def test_no_more_ridges_are_left_than_asked_for():
    run = checked(calculated(planar_cyclohexane()), "auto?pushes=1")
    assert run.run(fmax=0.05)
    assert run.curvature.pushes == 1
