"""What is said of the update rules, as experiments on gradients and small surfaces; `molopt lab` has others."""

import numpy as np
import pytest

from molopt.landscapes.replay import replay
from molopt.rules import Adam, GradientDescent, HeavyBall, Momentum, Observation


def follow(rule, gradients):
    """The displacements for a stream of gradients (T, N), and the last state."""
    fed = replay(rule, gradients)
    return fed.displacements, fed.states[-1]


def descend(rule, slope, start, steps, state=None):
    """The positions (steps + 1, N) on the surface whose gradient is slope(x)."""
    path = [np.asarray(start, dtype=float)]
    state = rule.init(Observation.single(slope(path[0]))) if state is None else state
    for _ in range(steps):
        displacement, state = rule.update(Observation.single(slope(path[-1])), state)
        path.append(path[-1] + displacement)
    return np.array(path)


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
