"""Forgetting."""

import numpy as np
import pytest

from molopt.landscapes.experiments import forgetting
from molopt.landscapes.replay import replay
from molopt.rules import Adagrad, RMSProp

STEEP_THEN_FLAT = np.array([[50.0]] * 20 + [[0.01]] * 500)


@pytest.fixture(scope="module")
def finding():
    pytest.importorskip("tblite")
    return forgetting.EXPERIMENT.run()


def test_on_the_model_every_figure_is_as_theory_says(finding):
    outcome = finding.outcomes["model surface"]
    assert outcome.holds, outcome.verdict
    assert sum(number.holds is True for number in outcome.numbers) == 4


def test_with_a_molecule_all_holds_but_the_root_of_the_calls(finding):
    numbers = finding.outcomes["molecule"].numbers
    assert [number.what for number in numbers if number.holds is False] == [
        "exponent of Adagrad's rate over the calls with GFN2-xTB"
    ]
    assert sum(number.holds is True for number in numbers) == 3
    assert -0.1 < numbers[0].measured < 0


def test_the_rate_of_adagrad_only_falls():
    rate = np.abs(replay(Adagrad(lr=0.1), STEEP_THEN_FLAT).displacements / STEEP_THEN_FLAT)
    assert (np.diff(rate, axis=0) < 0).all()


def test_the_rate_of_rmsprop_recovers():
    rate = np.abs(replay(RMSProp(lr=0.1), STEEP_THEN_FLAT).displacements / STEEP_THEN_FLAT)[:, 0]
    assert rate[19] == pytest.approx(0.1 / 50, rel=0.1)  # v has 1 - 0.9^20 = 88 % of its limit
    assert rate[-1] == pytest.approx(0.1 / 0.01, rel=1e-6)  # eps is 1e-6 of the gradient
