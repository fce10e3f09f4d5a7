"""Control: a rate that settles, rejection, and the same bits alone and in a batch."""

from typing import NamedTuple

import numpy as np
import pytest

from molopt import rules
from molopt.control import Control
from molopt.control.drive import Point, arrive, depart
from molopt.control.rate import SMALLEST_RATE
from molopt.coordinates import Cartesian
from molopt.directions import Proposal, RuleDirection
from molopt.rules.partition import Partition

RULES = [
    rules.GradientDescent(0.01),
    rules.Momentum(0.1),
    rules.HeavyBall(0.01),
    rules.Nesterov(0.01),
    rules.Adagrad(0.05),
    rules.RMSProp(0.01),
    rules.Adadelta(1.0),
    rules.Adam(0.03),
    rules.PerAtomAdam(0.03),
    rules.AMSGrad(0.03),
    rules.NAdam(0.03),
    rules.RAdam(0.03),
    rules.AdaBelief(0.03),
    rules.Prodigy(),
    rules.Lion(0.003),
    rules.Apollo(0.1),
]
every_rule = pytest.mark.parametrize("rule", RULES, ids=lambda r: type(r).__name__)

UNKNOWN = Proposal(*[np.full(1, np.nan)] * 6)  # a rule predicts nothing, and `Control` asks for nothing


def advance(direction, control, coordinates, here, memory):
    """From a point whose gradient was just computed to the next point to compute."""
    return depart(direction, control, coordinates, arrive(direction, control, coordinates, here, memory))


AXES = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0]


def ravine(x):
    """Gradient of a well 3000 times stiffer along one axis than along another, neither of them x, y or z."""
    rows = x.reshape(-1, 3) @ AXES
    return ((np.array([0.02, 1.0, 60.0]) * rows + 4 * rows**3) @ AXES.T).ravel()


def run(rule, control, coordinates, x, steps):
    path, memory = [x], None
    for _ in range(steps):
        x, memory = advance(RuleDirection(rule), control, coordinates, Point(x, ravine(x)), memory)
        path.append(x)
    return np.array(path), memory


def starts():
    random = np.random.default_rng(5)
    return random.normal(size=9), random.normal(size=15)


@every_rule
def test_two_systems_take_the_same_bits_alone_and_side_by_side(rule):
    small, large = starts()
    together = Cartesian(Partition([9, 15]), Partition([3] * 8), Partition([3] * 8), Partition([3, 5]))
    path, _ = run(rule, Control(), together, np.concatenate([small, large]), 60)
    for columns, x in ((slice(0, 9), small), (slice(9, 24), large)):
        alone, _ = run(rule, Control(), Cartesian.of(x.size), x, 60)
        assert (path[:, columns] == alone).all()


@every_rule
def test_every_rule_settles_at_the_minimum_under_control(rule):
    path, _ = run(rule, Control(), Cartesian.of(9), starts()[0], 4000)
    assert np.abs(ravine(path[-1])).max() < 1e-3


def test_a_rejected_step_restores_point_and_state():
    direction, control, coordinates = RuleDirection(rules.HeavyBall(1.0)), Control(maxstep=10.0), Cartesian.of(3)
    here = Point(np.array([0.0, 0.0, 0.1]), ravine(np.array([0.0, 0.0, 0.1])))
    far, memory = advance(direction, control, coordinates, here, None)
    assert ravine(far)[2] * (far - here.x)[2] > 0
    again, memory = advance(direction, control, coordinates, Point(far, ravine(far)), memory)
    assert memory.point is here
    assert (memory.before.m == 0).all()
    factor = (again - here.x)[2] / (far - here.x)[2]
    assert factor == pytest.approx(control.shrink)


def test_the_rate_grows_fast_far_below_the_last_rise_slowly_near_it_and_shrinks_after_a_rise():
    control = Control()
    slope, work = np.full(4, -1.0), np.array([-0.5, -0.5, 0.1, 0.3])
    state = control.init(4)._replace(ceiling=np.array([np.inf, 1.1, np.inf, np.inf]))
    rejected, after = control.judge(slope, work, UNKNOWN, state)
    assert rejected.tolist() == [False, False, False, True]
    assert after.rate.tolist() == [control.growth, control.creep, control.shrink, control.shrink]
    assert after.ceiling.tolist() == [np.inf, 1.1, 1.0, 1.0]


def test_a_rejected_capped_step_becomes_shorter_not_just_its_rate():
    control = Control(maxstep=0.1)
    state = control.limit(np.array([5.0]), np.zeros(1), UNKNOWN, control.init(1))
    _, after = control.judge(np.array([-1.0]), np.array([3.0]), UNKNOWN, state)
    assert after.rate[0] * 5.0 == pytest.approx(control.shrink * 0.1)


def test_the_largest_change_of_an_internal_coordinate_caps_a_step_too():
    state = Control(maxstep=1.0, maxchange=0.5).limit(np.array([1.5]), np.array([2.0]), UNKNOWN, Control().init(1))
    assert state.applied[0] * 2.0 == pytest.approx(0.5)


def test_noise_cannot_stop_a_run_for_ever():
    control = Control()
    state = control.init(1)
    for _ in range(1000):
        state = control.limit(np.array([1.0]), np.zeros(1), UNKNOWN, state)
        _, state = control.judge(np.array([-1e-12]), np.array([1.0]), UNKNOWN, state)
    assert state.rate[0] == SMALLEST_RATE


def test_the_work_is_the_change_of_energy_on_a_quadratic_surface():
    stiffness = np.array([0.1, 1.0, 40.0])
    old, new = np.array([1.0, 2.0, 0.1]), np.array([0.4, -1.0, 0.3])
    work = (stiffness * (old + new)) @ (new - old) / 2
    assert work == pytest.approx(0.5 * stiffness @ (new**2 - old**2), rel=1e-12)  # exact but for rounding


def test_scaling_all_forces_does_not_change_the_path_of_adam_under_control():
    x = starts()[0]
    paths = []
    for scale in (2.0**-20, 1.0, 2.0**20):
        here, memory = x, None
        for _ in range(50):
            here, memory = advance(
                RuleDirection(rules.Adam(0.03, eps=0)),
                Control(),
                Cartesian.of(9),
                Point(here, scale * ravine(here)),
                memory,
            )
        paths.append(here)
    assert (paths[0] == paths[1]).all()
    assert (paths[2] == paths[1]).all()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"maxstep": 0}, "maxstep must be positive"),
        ({"maxchange": 0}, "maxchange must be positive"),
        ({"growth": 0.9}, "growth must be at least 1"),
        ({"creep": 0.9}, "creep must be at least 1"),
        ({"shrink": 0}, "shrink must be positive and at most 1"),
        ({"tolerance": float("nan")}, "tolerance must be zero or positive"),
    ],
)
def test_settings_out_of_range_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        Control(**wrong)


class Coupled(NamedTuple):
    """A geometry whose metric couples coordinates: the natural gradient is not the gradient."""

    gradient: np.ndarray
    energy_left: float = 0.25


def test_a_step_that_scales_turned_along_the_level_line_goes_down_the_natural_gradient():
    seen = rules.Observation.single([1.0, -0.5])  # natural: its slope along the gradient is positive
    lion = RuleDirection(rules.Lion(1.0))
    proposal, _ = lion.propose(Coupled(np.array([1.0, 1.0])), seen, lion.init(seen), None)
    np.testing.assert_allclose(proposal.displacement, [-np.sqrt(8 / 5), np.sqrt(2 / 5)])  # as long as Lion's -1, +1


def test_momentum_may_climb():
    seen = rules.Observation.single([1.0, -0.5])
    ball = RuleDirection(rules.HeavyBall(1.0))
    state = ball.init(seen)._replace(m=np.array([-9.0, -9.0]))
    proposal, _ = ball.propose(Coupled(np.array([1.0, 1.0])), seen, state, None)
    np.testing.assert_allclose(proposal.displacement, [7.1, 8.6])  # -(0.9 m + g): as the rule said
