"""The edge of stability."""

import numpy as np
import pytest

import molopt
from molopt.landscapes import surfaces
from molopt.landscapes.experiments import edge_of_stability
from molopt.landscapes.surface import Surface
from molopt.landscapes.track import follow


@pytest.fixture(scope="module")
def finding():
    return edge_of_stability.EXPERIMENT.run()


def test_every_figure_is_as_theory_says(finding):
    for outcome in finding.outcomes.values():
        assert sum(number.holds is not None for number in outcome.numbers) >= 5
        assert outcome.holds, outcome.verdict


def test_the_largest_root_is_one_at_the_edge_and_the_root_of_b1_below():
    assert edge_of_stability.largest_root(0.9, 2 * 1.9) == pytest.approx(1)
    assert edge_of_stability.largest_root(0.9, 1.9) == pytest.approx(np.sqrt(0.9))


LARGEST_STABLE_LR = {  # times 1 / k, at b1 = 0.9
    molopt.GradientDescent: 2.0,
    molopt.HeavyBall: 2 * 1.9,
    molopt.Momentum: 2 * 1.9 / 0.1,
}


def momentum_of(make):
    return {} if make is molopt.GradientDescent else {"b1": 0.9}


@pytest.mark.parametrize(("make", "limit"), LARGEST_STABLE_LR.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_at_b1_09_averaged_momentum_stands_19_times_the_rate_of_gradient_descent(make, limit):
    spring = surfaces.quadratic([50.0], [1.0])
    below, above = (
        follow(spring, make, 400, lr=side * limit / 50, control=None, **momentum_of(make)).x[-40:]
        for side in (0.98, 1.02)
    )
    assert np.abs(below).max() < 1e-3
    assert np.abs(above).max() > 1e3


@pytest.mark.parametrize("make", [molopt.HeavyBall, molopt.Momentum])
def test_at_the_largest_stable_lr_both_forms_of_momentum_are_19_times_as_fast_on_a_slope(make):
    slope = Surface("slope", lambda x: 0.2 * float(x[0]), lambda x: np.array([0.2]), [0.0])
    plain, fast = (
        follow(slope, each, 400, lr=LARGEST_STABLE_LR[each] / 50, control=None, **momentum_of(each)).steps[-1]
        for each in (molopt.GradientDescent, make)
    )
    assert fast / plain == pytest.approx(19)


def test_the_scale_is_that_of_adams_own_memory():
    made = []

    def make(surface, **arguments):
        made.append(molopt.Adam(surface, **arguments))
        return made[0]

    track = follow(surfaces.quadratic([4.0, 50.0], [1.0, -0.3]), make, 30, lr=0.03, b2=0.98, control=None)
    t, _, v = made[0].memory.after
    calls = int(t[0])
    scale = edge_of_stability.learned_scale(track)[calls - 1]
    np.testing.assert_allclose(scale, np.sqrt(v[:2] / (1 - 0.98**calls)), rtol=1e-12)
