"""The family tree."""

import numpy as np
import pytest

from molopt.errors import InputError
from molopt.landscapes.experiments import family_tree
from molopt.landscapes.replay import replay
from molopt.rules import Adam, RMSProp

GRADIENTS = np.random.default_rng(1).normal(size=(300, 6)) * 10.0 ** np.arange(-3, 3)


@pytest.fixture(scope="module")
def finding():
    return family_tree.EXPERIMENT.run()


def test_every_figure_is_as_theory_says(finding):
    for outcome in finding.outcomes.values():
        assert outcome.holds, outcome.verdict


def test_of_eight_pairs_seven_take_the_same_path_to_the_last_bit_wherever_they_run(finding):
    numbers = [number for outcome in finding.outcomes.values() for number in outcome.numbers]
    assert sum(number.predicted == 0 and number.measured == 0 for number in numbers) == 3 * 7


@pytest.mark.parametrize("pair", family_tree.tree(0.01, 0.01), ids=lambda pair: pair.one)
def test_relatives_propose_the_same_whatever_the_gradients_are(pair):
    one, other = (replay(rule, GRADIENTS).displacements for rule in pair.rules)
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-12 if pair.most else 0)


def test_with_bias_correction_adam_without_momentum_is_not_rmsprop():
    adam = replay(Adam(lr=0.01, b1=0, b2=0.9, eps=0), GRADIENTS).displacements
    rmsprop = replay(RMSProp(lr=0.01, b2=0.9, eps=0), GRADIENTS).displacements
    np.testing.assert_allclose(rmsprop[0] / adam[0], 1 / np.sqrt(1 - 0.9), rtol=1e-12)


def test_adam_itself_refuses_to_hold_v():
    with pytest.raises(InputError, match="b2 must be at least 0 and less than 1, got 1"):
        Adam(lr=0.01, b2=1.0)
