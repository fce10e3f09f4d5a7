"""The check of the curvature: what it infers, what a run does with it, and what a run keeps."""

import logging
import re
from io import StringIO

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
from ase.optimize.optimize import Optimizer, RestartError
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg

import molopt
from molopt import LBFGS, Adam, HeavyBall, Molecule, relax
from molopt.coordinates.linearization import of_system, reference_of
from molopt.directions.checks import Checks
from molopt.errors import InputError
from molopt.optimizers.internals import Recipe
from molopt.potentials import Counted
from molopt.rules.partition import Partition
from molopt.rules.state import Layout, axes, choose, from_plain, reindexed, to_plain
from molopt.stationary import known as posterior
from molopt.stationary.known import Known, Seen
from molopt.stationary.soft import inversions, rows_of, soft_motions

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


# What a few displacements tell of the Hessian


def some_hessian(random, size):
    """What the posterior expects, and a motion that is much softer than the model says."""
    noise = random.normal(0, posterior.SPREAD, (size, size))
    hessian = posterior.PRIOR * np.eye(size) + (noise + noise.T) / 2
    soft = random.normal(size=(2, size))
    hessian -= np.outer(soft[0], soft[0]) / (soft[0] @ soft[0])
    return (hessian + hessian.T) / 2, soft


def known_of(random, size, tried, spaced=0.0, noisy=0.0):
    """A posterior, and the Hessian that its exact products are of."""
    hessian, soft = some_hessian(random, size)
    steps = 0.02 * np.linalg.qr(random.normal(size=(size, size)))[0][:tried]
    offsets = -steps / 2 + spaced * random.normal(size=steps.shape)  # where the middle of each is the present point
    root = noisy * random.normal(size=(size, size))
    return Known(
        basis=np.eye(size),
        gradient=random.normal(size=size),
        soft=soft,
        spreads=random.uniform(0.1, 0.6, size=len(soft)),
        seen=Seen(steps, steps @ hessian - steps, offsets),
        noise=root @ root.T,
    ), hessian


seeds = st.integers(0, 2**32 - 1)


@settings(max_examples=20)
@given(seeds, st.integers(3, 9), st.integers(1, 3))
def test_what_was_seen_here_is_reproduced_and_the_mean_is_symmetric(seed, size, tried):
    known, hessian = known_of(np.random.default_rng(seed), size, tried)
    assert np.allclose(known.hessian, known.hessian.T, atol=1e-12)
    for direction in known.tried:
        missed = (known.hessian - hessian) @ direction
        surprise = (hessian - posterior.PRIOR * np.eye(size)) @ direction
        assert np.linalg.norm(missed) < 0.5 * posterior.ROUGH + 0.05 * np.linalg.norm(surprise)
        assert known.curvature(direction)[1] < 2 * posterior.ROUGH


@settings(max_examples=20)
@given(seeds, st.integers(2, 6), st.integers(0, 3), st.sampled_from([0.0, 0.05]), st.sampled_from([0.0, 1e-3]))
def test_mean_and_doubt_are_those_of_the_whole_hessian_as_one_gaussian(seed, size, tried, spaced, noisy):
    random = np.random.default_rng(seed)
    known, _ = known_of(random, size, min(tried, size), spaced, noisy)
    motions, motion_count = known.motions, len(known.motions)
    root = np.linalg.cholesky(known.spread)
    lengths = np.linalg.norm(known.seen.steps, axis=1)
    middles = known.seen.offsets + known.seen.steps / 2
    turns = middles @ known.soft.T

    def matrices():
        """All independent normal variables, as what each adds to H here, and to H at the middle of each step."""
        for i in range(size):
            for j in range(size):
                unit = np.zeros((size, size))
                unit[i, j] = 1.0
                part = root @ (unit + unit.T) / 2 @ root.T
                yield part, np.repeat(part[None], len(lengths), axis=0)
        for s in range(motion_count):
            rank_one = np.outer(motions[s], motions[s])
            yield known.spreads[s] * rank_one, np.repeat(known.spreads[s] * rank_one[None], len(lengths), axis=0)
            yield np.zeros((size, size)), known.bends[s] * turns[:, s, None, None] * rank_one

    here, there = zip(*matrices(), strict=True)
    here = np.array(here)  # (variables, r, r)
    direction = random.normal(size=size)
    direction /= np.linalg.norm(direction)
    prior = np.einsum("i,vij,j->v", direction, here, direction)
    variance = prior @ prior
    mean = posterior.PRIOR * np.eye(size)
    if len(lengths):
        design = np.array([np.einsum("kij,kj->ki", one, known.tried).ravel() for one in there]).T
        rough = (posterior.ROUGH * np.maximum(1.0, posterior.ROUGH_AT / lengths)) ** 2
        errors = rough + (posterior.DRIFTS * np.linalg.norm(middles, axis=1)) ** 2
        covariance = design @ design.T + np.diag(np.repeat(errors, size))
        for place, length in enumerate(lengths):
            block = slice(place * size, (place + 1) * size)
            covariance[block, block] += 2 * known.noise / length**2
        seen = known.tried + known.seen.lacks / lengths[:, None] - posterior.PRIOR * known.tried
        weights = design.T @ np.linalg.solve(covariance, seen.ravel())
        mean = mean + np.einsum("v,vij->ij", weights, here)
        variance -= prior @ design.T @ np.linalg.solve(covariance, design @ prior)
    assert np.allclose(known.hessian, mean, atol=1e-8)
    found, doubt = known.curvature(direction)
    assert found == pytest.approx(direction @ mean @ direction, abs=1e-8)
    assert doubt == pytest.approx(np.sqrt(max(variance, 0.0)), abs=1e-6)


@settings(max_examples=10)
@given(seeds, st.integers(3, 8))
def test_the_newton_step_is_downhill_and_its_gain_is_the_energy_left(seed, size):
    known, _ = known_of(np.random.default_rng(seed), size, 2)
    assert known.gradient @ known.newton < 0
    assert known.energy_left == pytest.approx(-0.5 * known.gradient @ known.newton)
    values = known.spectrum[0]
    if values.min() > posterior.SHALLOW:
        assert np.allclose(known.hessian @ known.newton, -known.gradient)
        down = known.gradient @ known.newton + 0.5 * known.newton @ known.hessian @ known.newton
        assert down == pytest.approx(-known.energy_left)


def test_the_span_of_what_is_known_is_orthonormal_in_the_metric_and_holds_it_all():
    atoms = placed(GLYCEROL)
    here, random = linearized(atoms), np.random.default_rng(3)
    soft = soft_motions(here)
    moves = 0.01 * random.normal(size=(2, here.x.size))
    moves -= moves @ here.held @ here.held.T
    steps = here.to_internal(moves.T).T
    lacks = (here.to_internal(here.solve_metric(random.normal(size=(here.x.size, 2))))).T
    offsets = 0.3 * steps
    known = Known.at(here, soft, steps, lacks, offsets)
    metric = here.apply(np.eye(len(steps[0])))
    assert np.allclose(known.basis.T @ metric @ known.basis, np.eye(known.size), atol=1e-6)
    assert np.allclose(known.seen.steps, steps @ metric @ known.basis, atol=1e-6)
    assert np.allclose(known.seen.lacks, lacks @ known.basis, atol=1e-5)
    assert np.allclose(known.seen.offsets, offsets @ metric @ known.basis, atol=1e-6)
    assert np.allclose(known.gradient, here.gradient @ known.basis, atol=1e-5)
    assert np.allclose(known.soft, soft.covectors.T @ known.basis, atol=1e-5)
    for step, coordinates in zip(steps, known.seen.steps, strict=True):  # nothing of them is outside of the span
        assert step @ metric @ step == pytest.approx(coordinates @ coordinates, rel=1e-6)
        assert np.allclose(known.basis @ coordinates, step, atol=1e-6)


def test_relative_curvatures_are_those_of_the_hessian_in_the_metric_of_the_model():
    atoms = placed("CCO")
    relax_in_place(atoms)
    here = linearized(atoms)
    hessian, random = hessian_of(atoms), np.random.default_rng(1)
    model = here.hessian
    move = 0.004 * soft_motions(here).replies[:, 0]
    moved = atoms.copy()
    moved.positions += here.to_cartesian(move).reshape(-1, 3)
    moved.calc = atoms.calc
    there = here.member.linearize(moved.positions.ravel(), -moved.get_forces().ravel())
    taken = here.member.between(here, there)
    lack = there.gradient - here.gradient - 0.5 * (here.apply(taken) + there.apply(taken))
    known = Known.at(here, soft_motions(here), taken[None], lack[None], -taken[None] / 2)
    along = here.to_cartesian(taken)
    exact = (along @ hessian @ along) / (along @ model @ along)
    found, doubt = known.curvature(known.tried[0])
    assert found == pytest.approx(exact, abs=2 * posterior.ROUGH)
    other = random.normal(size=known.size)
    assert known.curvature(other / np.linalg.norm(other))[1] > doubt


def relax_in_place(atoms, fmax=1e-4):
    LBFGS(atoms, logfile=None).run(fmax=fmax, steps=300)


# Soft motions, and forces of the model


def test_soft_motions_of_bonds_are_the_mean_turns_about_them():
    atoms = placed(GLYCEROL)
    here = linearized(atoms)
    primitives = here.member.primitives
    rows = rows_of(here.member, here.x)[0]
    entries = primitives.torsions
    random, step = np.random.default_rng(0), 1e-5
    for bond in range(primitives.central.max() + 1):
        about = entries[primitives.central == bond]
        move = random.normal(size=atoms.positions.shape)
        ends = []
        for sign in (1, -1):
            moved = atoms.copy()
            moved.positions += sign * step * move
            ends.append(np.radians([moved.get_dihedral(*map(int, atoms_of)) for atoms_of in about]))
        turn = (np.mod(ends[0] - ends[1] + np.pi, 2 * np.pi) - np.pi).mean() / (2 * step)
        assert rows[bond] @ move.ravel() == pytest.approx(turn, abs=1e-4), bond


def test_the_height_of_an_atom_over_its_neighbours_is_right_where_it_may_invert():
    atoms = planar_ammonia()

    def height(positions):
        first, second, third = positions[1:]
        normal = np.cross(second - first, third - first)
        length = np.linalg.norm(positions[1:] - positions[0], axis=1).mean()
        return float(normal @ (positions[0] - positions[1:].mean(axis=0)) / np.linalg.norm(normal) / length)

    found = inversions(atoms.positions, np.array([[0, 1, 2, 3]]))
    for entry in range(12):
        moved = np.zeros(12)
        moved[entry] = 1e-5
        moved = moved.reshape(4, 3)
        slope = (height(atoms.positions + moved) - height(atoms.positions - moved)) / 2e-5
        assert found[0, entry] == pytest.approx(slope, abs=1e-6)


@pytest.mark.parametrize("smiles", [GLYCEROL, "CN", "c1ccccc1", "O.O"])
def test_covectors_tell_the_change_of_a_motion_and_replies_are_what_the_model_answers(smiles):
    here = linearized(placed(smiles))
    soft = soft_motions(here)
    move = np.random.default_rng(0).normal(size=here.x.size)
    move -= here.held @ (here.held.T @ move)
    assert soft.covectors.shape == soft.replies.shape
    assert np.allclose(here.solve(soft.covectors), soft.replies, atol=1e-5 * np.abs(soft.replies).max())
    if smiles == GLYCEROL:
        rows = rows_of(here.member, here.x)[0]
        changes = rows @ move
        for told in soft.covectors.T @ here.to_internal(move):
            assert np.abs(changes - told).min() < 1e-6


def test_the_pull_of_a_displacement_is_the_longest_force_of_the_model():
    here = linearized(placed(GLYCEROL))
    model = here.hessian  # eV/A^2
    move = 0.01 * np.random.default_rng(2).normal(size=here.x.size)
    forces = (model @ move).reshape(-1, 3)
    assert here.pull(here.to_internal(move))[0] == pytest.approx(np.linalg.norm(forces, axis=1).max(), rel=1e-6)
    assert here.longest(here.to_internal(move))[0] == pytest.approx(
        np.linalg.norm((move - here.held @ (here.held.T @ move)).reshape(-1, 3), axis=1).max(), rel=1e-5
    )


@pytest.mark.parametrize("smiles", [GLYCEROL, "CC(=O)OCC", "NC(=O)CCO"])
def test_the_true_lowest_curvature_is_not_below_the_bound_and_what_is_told_is_not_above_it(smiles):
    atoms = placed(smiles)
    run = checked(atoms)
    assert run.run(fmax=0.05)
    told, here = run.curvature, reference_of(of_system(run.checking.linearization, 0))
    hessian, model = hessian_of(atoms), here.hessian
    assert np.linalg.norm(told.direction) == pytest.approx(1)
    along = told.direction.ravel()
    assert told.stiffness / told.lowest == pytest.approx(along @ model @ along, rel=1e-3)
    free = np.linalg.qr(np.hstack([here.held, np.eye(along.size)]))[0][:, here.held.shape[1] : along.size]
    lowest = linalg.eigvalsh(free.T @ hessian @ free, free.T @ model @ free)[0]
    assert told.bound <= lowest
    assert told.bound <= told.lowest < 1.2 * (along @ hessian @ along) / (along @ model @ along)


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


# Saddles that have the symmetry of the start


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
