"""Plateau and fmax."""

import numpy as np
import pytest

from molopt.landscapes.experiments import plateau_and_fmax
from molopt.landscapes.experiments.plateau_and_fmax import Torsion


@pytest.fixture(scope="module")
def finding():
    return plateau_and_fmax.EXPERIMENT.run()


def test_every_figure_is_as_theory_says(finding):
    for outcome in finding.outcomes.values():
        assert sum(number.holds is not None for number in outcome.numbers) >= 3
        assert outcome.holds, outcome.verdict


def test_more_than_half_of_the_ends_at_fmax_005_are_too_high_on_butane_and_its_like(finding):
    false, highest = finding.outcomes["molecule"].numbers[:2]
    assert false.measured > 18
    assert highest.measured > 0.15


def test_below_two_thirds_of_fmax_no_torsion_has_a_gradient_of_fmax():
    angles = np.linspace(0, 2 * np.pi, 1001)
    limit = 2 * plateau_and_fmax.FMAX / 3
    assert np.abs(Torsion(0.999 * limit).slope(angles)).max() < plateau_and_fmax.FMAX
    assert np.abs(Torsion(1.001 * limit).slope(angles)).max() > plateau_and_fmax.FMAX


def test_near_the_bottom_the_estimate_is_the_truth_and_on_the_top_nothing():
    torsion, bottom = Torsion(0.1), np.pi / 3
    assert torsion.estimate(bottom + 0.01) == pytest.approx(torsion.above(bottom + 0.01), rel=1e-3)
    assert torsion.estimate(0.0) == 0
    assert torsion.softness(0.0) == -1


def test_the_gradient_is_that_of_the_energy():
    torsion, x, h = Torsion(0.2), np.array([0.03, 0.4]), 1e-6
    steps = h * np.eye(2)
    found = [(torsion.energy(x + step) - torsion.energy(x - step)) / (2 * h) for step in steps]
    np.testing.assert_allclose(found, torsion.gradient(x), atol=1e-8)
