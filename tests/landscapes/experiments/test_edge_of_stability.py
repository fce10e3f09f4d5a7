"""The edge of stability."""

import numpy as np
import pytest

import molopt
from molopt.landscapes import surfaces
from molopt.landscapes.experiments import edge_of_stability
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


@pytest.mark.parametrize(
    ("make", "limit"),
    [(molopt.GradientDescent, 2.0), (molopt.HeavyBall, 2 * 1.9), (molopt.Momentum, 2 * 1.9 / 0.1)],
    ids=["gradient descent", "heavy ball", "momentum"],
)
def test_at_b1_09_averaged_momentum_stands_19_times_the_rate_of_gradient_descent(make, limit):
    spring = surfaces.quadratic([50.0], [1.0])
    momentum = {} if make is molopt.GradientDescent else {"b1": 0.9}
    below, above = (
        follow(spring, make, 400, lr=side * limit / 50, control=None, **momentum).x[-40:] for side in (0.98, 1.02)
    )
    assert np.abs(below).max() < 1e-3
    assert np.abs(above).max() > 1e3


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
