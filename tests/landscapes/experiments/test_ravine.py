"""Down a ravine."""

import numpy as np
import pytest

from molopt.landscapes.experiments import ravine


@pytest.fixture(scope="module")
def finding():
    return ravine.EXPERIMENT.run()


def test_every_figure_is_as_theory_says(finding):
    assert [sum(number.holds is not None for number in one.numbers) for one in finding.outcomes.values()] == [9, 4]
    for outcome in finding.outcomes.values():
        assert outcome.holds, outcome.verdict


def test_the_calls_of_the_heavy_ball_grow_with_the_root_of_the_condition_number(finding):
    rates = next(iter(finding.outcomes.values())).figures[1]
    shares = next(one.y for one in rates.series if one.label == "heavy-ball")
    slope = np.polyfit(np.log(ravine.CONDITIONS[1:]), np.log(shares[1:]), 1)[0]
    assert slope == pytest.approx(-0.5, abs=0.03)


def test_the_best_heavy_ball_has_the_double_root_of_polyak():
    low, high = 0.3, 70.0
    best = ravine.best_heavy_ball(low, high)
    for curvature in (low, high):
        roots = np.roots([1, -(1 + best["b1"] - best["lr"] * curvature), best["b1"]])
        np.testing.assert_allclose(np.abs(roots), ravine.rate_of_heavy_ball(high / low), rtol=1e-6)
