"""Rotation."""

import numpy as np
import pytest

from molopt.landscapes.experiments import rotation
from molopt.landscapes.replay import replay
from molopt.rules import Adam, PerAtomAdam

GRADIENTS = np.random.default_rng(2).normal(size=(200, 12)) + 0.3


@pytest.fixture(scope="module")
def finding():
    return rotation.EXPERIMENT.run()


def turned(vectors):
    """Rows of three, rotated by a fixed matrix that has no axis in common with the coordinates."""
    matrix, _ = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))
    return (vectors.reshape(len(vectors), -1, 3) @ matrix).reshape(vectors.shape)


def test_every_figure_is_as_theory_says(finding):
    for outcome in finding.outcomes.values():
        assert outcome.holds, outcome.verdict
    assert sum(number.holds is True for outcome in finding.outcomes.values() for number in outcome.numbers) == 18


def test_per_atom_adam_is_invariant_when_the_molecule_is_rotated():
    path = replay(PerAtomAdam(lr=0.03), GRADIENTS, group=3).displacements
    again = replay(PerAtomAdam(lr=0.03), turned(GRADIENTS), group=3).displacements
    np.testing.assert_allclose(again, turned(path), atol=1e-14)  # rounding of steps of 0.03


def test_adam_is_not_invariant_when_the_molecule_is_rotated():
    path = replay(Adam(lr=0.03), GRADIENTS, group=3).displacements
    again = replay(Adam(lr=0.03), turned(GRADIENTS), group=3).displacements
    assert np.abs(again - turned(path)).max() > 0.01


@pytest.mark.parametrize("condition", [30.0, 1000.0])
def test_at_45_degrees_adam_is_adam_with_one_scale_whatever_the_ravine(condition):
    runs = [rotation.turned(mover, 45.0, condition, 600) for mover in rotation.TEXTBOOK[:2]]
    adam, one_scale = (run.calls_until(rotation.DEPTH) for run in runs)
    assert adam == pytest.approx(one_scale, rel=0.02)
