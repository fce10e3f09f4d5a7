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


# Ravines


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
