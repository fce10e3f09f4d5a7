"""What is said of the update rules, as experiments on gradients and small surfaces."""

import numpy as np
import pytest

from molopt.rules import (
    Adagrad,
    Adam,
    GradientDescent,
    HeavyBall,
    Momentum,
    Observation,
    PerAtomAdam,
    RMSProp,
)


def follow(rule, gradients, group=1):
    """The displacements for a stream of gradients (T, N), and the last state."""
    state, path = rule.init(Observation.single(gradients[0], group=group)), []
    for gradient in gradients:
        displacement, state = rule.update(Observation.single(gradient, group=group), state)
        path.append(displacement)
    return np.array(path), state


def descend(rule, slope, start, steps, state=None):
    """The positions (steps + 1, N) on the surface whose gradient is slope(x)."""
    path = [np.asarray(start, dtype=float)]
    state = rule.init(Observation.single(slope(path[0]))) if state is None else state
    for _ in range(steps):
        displacement, state = rule.update(Observation.single(slope(path[-1])), state)
        path.append(path[-1] + displacement)
    return np.array(path)


def coupled_wells(x):
    """Gradient of a stiff, a soft and a quartic direction that pull on each other, eV/A."""
    stiff, soft, quartic = x
    return np.array([30 * stiff + soft, 0.1 * soft + stiff + 0.2 * quartic, 4 * quartic**3 + 0.2 * soft])


# Moments


def test_oscillating_gradients_give_a_first_moment_near_0_and_a_second_of_100():
    gradients = np.array([[10.0], [-10.0]] * 10_000)
    _, state = follow(Adam(lr=0.01), gradients)
    assert abs(state.m[0]) < 0.53  # the rest of the last gradient: 10 (1 - b1) / (1 + b1)
    assert state.v[0] == pytest.approx(100, rel=1e-8)  # 0.999^20,000 = 2e-9 of the start at zero is left


def test_bias_correction_makes_the_first_step_of_size_lr():
    gradients = np.array([[1e-3, 1.0, -50.0]])
    path, _ = follow(Adam(lr=0.1, eps=0), gradients)
    np.testing.assert_allclose(path[0], [-0.1, -0.1, 0.1], rtol=1e-14)  # rounding of a few operations


def test_without_bias_correction_the_first_step_is_3_2_times_too_long():
    path, _ = follow(Adam(lr=0.1, correction=False), np.array([[1.0]]))
    assert -path[0, 0] / 0.1 == pytest.approx(0.1 / np.sqrt(0.001), rel=1e-6)  # = 3.162; eps is 3e-7 of the root
    assert round(-path[0, 0] / 0.1, 1) == 3.2


# Scales


@pytest.mark.parametrize("factor", [2.0**-20, 2.0**20])
def test_adam_is_unchanged_by_the_scale_of_the_forces(factor):
    rule, start = Adam(lr=0.03, eps=0), [0.3, 2.0, 1.0]
    plain = descend(rule, coupled_wells, start, 300)
    np.testing.assert_array_equal(descend(rule, lambda x: factor * coupled_wells(x), start, 300), plain)


def test_adam_is_unchanged_by_the_scale_of_single_coordinates_gradients():
    factors, rule, start = np.array([2.0**10, 2.0**-7, 1.0]), Adam(lr=0.03, eps=0), [0.3, 2.0, 1.0]
    plain = descend(rule, coupled_wells, start, 300)
    np.testing.assert_array_equal(descend(rule, lambda x: factors * coupled_wells(x), start, 300), plain)


@pytest.mark.parametrize("factors", [0.5, np.array([1.0, 1.0, 0.5])], ids=["all", "one"])
def test_gradient_descent_is_changed_by_the_scale_of_the_forces(factors):
    rule, start = GradientDescent(lr=0.03), [0.3, 2.0, 1.0]
    plain = descend(rule, coupled_wells, start, 300)
    assert np.abs(descend(rule, lambda x: factors * coupled_wells(x), start, 300) - plain).max() > 0.1


# Rates


def test_the_rate_of_adagrad_only_falls():
    gradients = np.array([[50.0]] * 20 + [[0.01]] * 500)
    path, _ = follow(Adagrad(lr=0.1), gradients)
    rate = np.abs(path / gradients)
    assert (np.diff(rate, axis=0) < 0).all()


def test_the_rate_of_rmsprop_recovers():
    gradients = np.array([[50.0]] * 20 + [[0.01]] * 500)
    path, _ = follow(RMSProp(lr=0.1), gradients)
    rate = np.abs(path / gradients)[:, 0]
    assert rate[19] == pytest.approx(0.1 / 50, rel=0.1)  # v has 1 - 0.9^20 = 88 % of its limit
    assert rate[-1] == pytest.approx(0.1 / 0.01, rel=1e-6)  # eps is 1e-6 of the gradient


def test_adam_with_b1_0_and_no_correction_is_rmsprop_exactly():
    gradients = np.random.default_rng(1).normal(size=(300, 6)) * 10.0 ** np.arange(-3, 3)
    adam, _ = follow(Adam(lr=0.01, b1=0, b2=0.9, correction=False), gradients)
    np.testing.assert_array_equal(adam, follow(RMSProp(lr=0.01, b2=0.9), gradients)[0])


# Plateaus


@pytest.mark.parametrize("slope", [1e-1, 1e-3, 1e-5])
def test_on_a_plateau_gradient_descent_crawls_and_adam_does_not(slope):
    gradients = np.full((100, 1), slope)
    crawled, walked = (-follow(rule, gradients)[0].sum() for rule in (GradientDescent(lr=0.01), Adam(lr=0.01)))
    assert crawled == pytest.approx(100 * 0.01 * slope)
    assert walked == pytest.approx(100 * 0.01, rel=2e-3)  # eps = 1e-8 is a thousandth of the smallest slope


def test_on_a_constant_slope_the_heavy_ball_reaches_ten_times_the_speed_of_gradient_descent():
    gradients = np.full((400, 1), 0.2)
    plain, _ = follow(GradientDescent(lr=0.01), gradients)
    heavy, _ = follow(HeavyBall(lr=0.01, b1=0.9), gradients)
    assert heavy[-1, 0] / plain[-1, 0] == pytest.approx(1 / (1 - 0.9))  # 0.9^400 of the start at rest is left


def test_on_a_constant_slope_averaged_momentum_reaches_only_the_speed_of_gradient_descent():
    gradients = np.full((400, 1), 0.2)
    plain, _ = follow(GradientDescent(lr=0.01), gradients)
    averaged, _ = follow(Momentum(lr=0.01, b1=0.9), gradients)
    assert (averaged > plain).all()  # both go down, the average is never ahead
    assert averaged[-1, 0] / plain[-1, 0] == pytest.approx(1)


LARGEST_STABLE_LR = {GradientDescent: 2.0, HeavyBall: 2 * 1.9, Momentum: 2 * 1.9 / 0.1}  # times 1 / k, at b1 = 0.9


@pytest.mark.parametrize(("rule", "limit"), LARGEST_STABLE_LR.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_averaged_momentum_stands_19_times_the_lr_of_gradient_descent_and_the_heavy_ball_1_9_times(rule, limit):
    stiffness = 50.0
    below = descend(rule(lr=0.98 * limit / stiffness), lambda x: stiffness * x, [1.0], 1000)
    above = descend(rule(lr=1.02 * limit / stiffness), lambda x: stiffness * x, [1.0], 1000)
    assert np.abs(below[-1, 0]) < 1e-3
    assert np.abs(above[-1, 0]) > 1e3


@pytest.mark.parametrize("rule", [HeavyBall, Momentum])
def test_at_the_largest_stable_lr_both_forms_of_momentum_are_19_times_as_fast_on_a_slope(rule):
    gradients = np.full((400, 1), 0.2)
    plain, _ = follow(GradientDescent(lr=LARGEST_STABLE_LR[GradientDescent] / 50), gradients)
    fast, _ = follow(rule(lr=LARGEST_STABLE_LR[rule] / 50), gradients)
    assert fast[-1, 0] / plain[-1, 0] == pytest.approx(19)


# Ravines and valleys


def test_momentum_damps_the_way_across_a_ravine_and_keeps_the_way_along():
    gradients = np.array([[10.0, 0.1], [-10.0, 0.1]] * 200)  # across, along
    plain, _ = follow(GradientDescent(lr=0.01), gradients)
    damped, _ = follow(Momentum(lr=0.01, b1=0.9), gradients)
    across, along = np.abs(damped[-1] / plain[-1])
    assert across == pytest.approx(0.1 / 1.9)  # (1 - b1) / (1 + b1)
    assert along == pytest.approx(1)


def test_momentum_reaches_the_end_of_a_ravine_in_less_than_half_the_steps():
    stiffness, start = np.array([100.0, 1.0]), [1.0, 1.0]
    rules = [GradientDescent(lr=2 / (100 + 1)), Momentum(lr=0.1, b1=0.9)]  # the best lr of gradient descent
    paths = [descend(rule, lambda x: stiffness * x, start, 1000) for rule in rules]
    zigzag, damped = (np.flatnonzero(np.abs(path).max(axis=1) > 1e-4)[-1] for path in paths)
    assert damped < zigzag / 2


@pytest.mark.parametrize("start", [0.0, 1e-3], ids=["bottom", "beside"])
def test_memory_of_a_long_slope_throws_adam_out_of_the_bottom_of_a_valley_and_resetting_cures_that(start):
    lr = 0.02
    rule = Adam(lr=lr)
    _, memory = follow(rule, np.full((1000, 1), -1.0))
    thrown = descend(rule, lambda x: 0.5 * x, [start], 500, state=memory)
    reset = descend(rule, lambda x: 0.5 * x, [start], 500)
    assert np.abs(thrown).max() > 7 * lr  # b1 / (1 - b1) = 9 steps of lr, less what the valley takes back
    assert np.abs(reset).max() < lr


# Rotation


def turned(vectors):
    """Rows of three, rotated by a fixed matrix that has no axis in common with the coordinates."""
    rotation, _ = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))
    return (vectors.reshape(len(vectors), -1, 3) @ rotation).reshape(vectors.shape)


def test_per_atom_adam_is_invariant_when_the_molecule_is_rotated():
    gradients = np.random.default_rng(2).normal(size=(200, 12)) + 0.3
    path, _ = follow(PerAtomAdam(lr=0.03), gradients, group=3)
    again, _ = follow(PerAtomAdam(lr=0.03), turned(gradients), group=3)
    np.testing.assert_allclose(again, turned(path), atol=1e-14)  # rounding of steps of 0.03


def test_adam_is_not_invariant_when_the_molecule_is_rotated():
    gradients = np.random.default_rng(2).normal(size=(200, 12)) + 0.3
    path, _ = follow(Adam(lr=0.03), gradients, group=3)
    again, _ = follow(Adam(lr=0.03), turned(gradients), group=3)
    assert np.abs(again - turned(path)).max() > 0.01
