"""Wide and narrow wells."""

import numpy as np
import pytest

from molopt.landscapes import surfaces
from molopt.landscapes.experiments import wide_and_narrow


@pytest.fixture(scope="module")
def finding():
    return wide_and_narrow.EXPERIMENT.run()


def figures(outcome):
    return {number.what: number.measured for number in outcome.numbers}


def test_on_the_double_well_momentum_settles_in_the_wide_one_as_theory_says(finding):
    outcome = finding.outcomes["model surface"]
    assert sum(number.holds is not None for number in outcome.numbers) >= 8
    assert outcome.holds, outcome.verdict


def test_on_a_molecule_it_settles_in_lower_minima_which_are_narrower_and_the_verdict_says_so(finding):
    outcome = finding.outcomes["molecule"]
    found = figures(outcome)
    assert found["share of these that are lower, b1 0.99"] > 0.75
    assert found["p of that, if it were chance (energy)"] < 1e-4
    assert found["share of these that are wider, b1 0.99"] < 0.5
    assert found["correlation of energy and width, over all minima"] > 0.5
    assert not outcome.holds
    assert outcome.verdict.startswith("Does not hold as stated")


def test_wells_on_the_line_are_those_of_the_surface():
    surface = surfaces.double_well()
    for x in (-1.9, -0.83, 0.1, 1.2):
        assert wide_and_narrow.energies(np.array([x]))[0] == pytest.approx(surface.energy(np.array([x, 0.0])))
        assert wide_and_narrow.slopes(np.array([x]))[0] == pytest.approx(surface.gradient(np.array([x, 0.0]))[0])


def test_a_sign_test_of_nothing_is_not_significant():
    assert wide_and_narrow.chance_of(np.array([], dtype=bool)) == 1
    assert wide_and_narrow.chance_of(np.ones(20, dtype=bool)) < 1e-5
