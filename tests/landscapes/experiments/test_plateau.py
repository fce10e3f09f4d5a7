"""Crossing a plateau."""

import pytest

from molopt.landscapes.experiments import plateau


@pytest.fixture(scope="module")
def finding():
    return plateau.EXPERIMENT.run()


def test_every_figure_is_as_theory_says(finding):
    for outcome in finding.outcomes.values():
        assert sum(number.holds is not None for number in outcome.numbers) >= 3
        assert outcome.holds, outcome.verdict


@pytest.mark.parametrize(("name", "turned"), [("gradient-descent", 3), ("adam", 30)])
def test_on_a_molecule_gradient_descent_hardly_turns_the_torsion_and_adam_does(finding, name, turned):
    (there,) = [number for number in finding.outcomes["molecule"].numbers if number.what.startswith(f"turn of {name}")]
    assert there.measured < turned if name == "gradient-descent" else there.measured > turned
