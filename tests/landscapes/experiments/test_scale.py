"""Scale."""

import numpy as np
import pytest

from molopt.landscapes import surfaces
from molopt.landscapes.experiments import scale

ADAM, RMSPROP, _, DESCENT = scale.ways(0.03, 0.03)


@pytest.fixture(scope="module")
def finding():
    return scale.EXPERIMENT.run()


def test_every_figure_is_as_theory_says(finding):
    for outcome in finding.outcomes.values():
        assert outcome.holds, outcome.verdict
    assert sum(number.holds is True for outcome in finding.outcomes.values() for number in outcome.numbers) == 16


@pytest.mark.parametrize("factor", [2.0**-20, 2.0**20, 2.0 ** np.arange(10, 0, -1)], ids=["small", "large", "each"])
@pytest.mark.parametrize("way", [ADAM, RMSPROP], ids=lambda way: way.kind)
def test_a_power_of_two_in_the_gradient_changes_no_bit_of_the_path(way, factor):
    chain = surfaces.torsion_chain()
    plain, scaled = scale.run(chain, way), scale.run(chain.scaled(factor), way)
    np.testing.assert_array_equal(scaled.x, plain.x)


@pytest.mark.parametrize("factor", [0.5, np.r_[np.ones(9), 0.5]], ids=["all", "one"])
def test_gradient_descent_is_changed_by_the_scale_of_the_forces(factor):
    chain = surfaces.torsion_chain()
    assert scale.apart(scale.run(chain, DESCENT), scale.run(chain.scaled(factor), DESCENT)) > 0.05


def test_an_eps_as_large_as_the_gradient_lets_adam_see_the_scale(finding):
    read = {number.what: number.measured for number in finding.outcomes["molecule"].numbers}
    distance = "Adam in internal coordinates, with molopt's arguments: distance, in kcal/mol"
    assert read[distance] > 0.1
    assert read["Adam, eps 1e-8: distance, in kcal/mol"] < 1e-5
