"""Bias correction."""

import numpy as np
import pytest

from molopt.landscapes.experiments import bias_correction
from molopt.landscapes.replay import replay
from molopt.rules import Adam


@pytest.fixture(scope="module")
def finding():
    return bias_correction.EXPERIMENT.run()


def test_every_figure_is_as_theory_says(finding):
    for outcome in finding.outcomes.values():
        assert outcome.holds, outcome.verdict
    assert sum(number.holds is True for outcome in finding.outcomes.values() for number in outcome.numbers) == 7


def test_bias_correction_makes_the_first_step_of_size_lr_whatever_the_gradient_is():
    first = replay(Adam(lr=0.1, eps=0), np.array([[1e-3, 1.0, -50.0]])).displacements[0]
    np.testing.assert_allclose(first, [-0.1, -0.1, 0.1], rtol=1e-14)  # rounding of a few operations


@pytest.mark.parametrize(("b1", "b2"), [bias_correction.PAPER, bias_correction.MOLOPT])
def test_steps_without_correction_follow_theory_to_the_end(b1, b2):
    calls = np.arange(1, 501)
    theory = bias_correction.uncorrected(b1, b2, calls)
    np.testing.assert_allclose(bias_correction.steps(b1, b2, False, 500), theory, rtol=1e-9)
    np.testing.assert_allclose(bias_correction.steps(b1, b2, True, 500), 1.0, rtol=1e-9)


def test_the_first_step_without_correction_costs_electronvolts(finding):
    rise = {one.what: one.measured for one in finding.outcomes["molecule"].numbers if one.unit == "eV"}
    assert rise["rise of the energy, without"] > 10 * rise["rise of the energy, with correction"]
