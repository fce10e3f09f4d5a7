"""The learned scale."""

import numpy as np
import pytest

from molopt.landscapes.experiments import learned_scale


@pytest.fixture(scope="module")
def finding():
    return learned_scale.EXPERIMENT.run()


def test_every_figure_is_as_theory_says(finding):
    for outcome in finding.outcomes.values():
        assert sum(number.holds is not None for number in outcome.numbers) >= 3
        assert outcome.holds, outcome.verdict


def test_the_model_hessian_divides_out_all_but_a_hundredth_of_the_differences_in_stiffness(finding):
    spreads = [n.measured for n in finding.outcomes["molecule"].numbers if n.what.startswith("95th percentile")]
    assert spreads[1] > 1000
    assert spreads[2] < 30


def test_a_slope_is_that_of_the_power_and_its_line_goes_through_the_points():
    x = np.geomspace(1, 100, 9)
    assert learned_scale.slope(x, 3 * x**0.5) == pytest.approx(0.5)
    np.testing.assert_allclose(learned_scale.line(0.5, x, 3 * x**0.5), 3 * x**0.5)
