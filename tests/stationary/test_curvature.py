"""The check of the curvature: what a few displacements tell of the Hessian, and which motions are soft."""

import numpy as np
import pytest
from checked import GLYCEROL, checked, hessian_of, linearized, placed, planar_ammonia, relax_in_place
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg

from molopt.coordinates.linearization import of_system, reference_of
from molopt.stationary import known as posterior
from molopt.stationary.known import Known, Seen
from molopt.stationary.soft import inversions, rows_of, soft_motions

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
