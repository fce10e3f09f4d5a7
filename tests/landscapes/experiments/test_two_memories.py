"""Two memories."""

import numpy as np
import pytest

from molopt.landscapes.experiments import two_memories
from molopt.landscapes.replay import replay
from molopt.rules import Adam


@pytest.fixture(scope="module")
def finding():
    return two_memories.EXPERIMENT.run()


def test_of_what_is_claimed_only_that_m_vanishes_does_not_hold(finding):
    numbers = [number for outcome in finding.outcomes.values() for number in outcome.numbers]
    assert [number.what for number in numbers if number.holds is False] == [
        "what is left of m, over the amplitude of the gradient"
    ]
    assert sum(number.holds is True for number in numbers) == 8


def test_oscillating_gradients_leave_a_nineteenth_in_the_first_moment_and_100_in_the_second():
    fed = replay(Adam(lr=0.01), np.array([[10.0], [-10.0]] * 10_000))
    m, v = fed.memory("m")[-1, 0], fed.memory("v")[-1, 0]
    assert abs(m) == pytest.approx(10 / 19)  # (1 - b1) / (1 + b1)
    assert v == pytest.approx(100, rel=1e-8)  # 0.999^20,000 = 2e-9 of the start at zero is left


def test_what_m_keeps_of_an_oscillation_is_what_theory_says(finding):
    (chart,) = [figure for figure in finding.outcomes["model surface"].figures if figure.x == "period (calls)"]
    measured = {one.label: (one.x, one.y) for one in chart.series if one.kind == "points"}
    for b1 in two_memories.MEMORIES:
        period, kept = measured[f"m, b1 = {b1}"]
        np.testing.assert_allclose(kept, two_memories.gain(b1, period), rtol=1e-3)


def test_torsions_are_remembered_and_stiff_bonds_are_not(finding):
    vibrations = finding.outcomes["molecule"].figures[1].series[0]
    assert vibrations.y[0] > 0.9  # the softest, 0.26 eV/A^2: a torsion
    assert max(vibrations.y[-5:]) < 0.05  # the stiffest, bonds to hydrogen
