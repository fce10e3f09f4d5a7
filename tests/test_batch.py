"""Many systems in flight: each as if it were alone, none harmed by another."""

import numpy as np
import pytest

from molopt import Molecule, relax, relax_batch
from molopt.optimizers.registry import RULES

ETHANOL = Molecule.from_smiles("CCO", name="ethanol")
GLYCINE = Molecule.from_smiles("NCC(=O)O", name="glycine")
ALANINE = Molecule.named("aladip")
CONFORMERS = list(ETHANOL.conformers(3)) + list(GLYCINE.conformers(3))
QUICK = {"potential": "mmff94", "fmax": 0.01, "energy_left": None, "check": None}


def assert_same(batched, single):
    """That a result of a batch is that of a run alone."""
    assert (batched.force_calls, batched.steps, batched.error) == (single.force_calls, single.steps, single.error)
    assert str(batched.verdict) == str(single.verdict)
    assert batched.energy == pytest.approx(single.energy, abs=1e-6)
    assert batched.atoms.positions == pytest.approx(single.atoms.positions, abs=1e-4)
    traces = [np.array([call[:2] for call in one.trace]) for one in (batched, single)]
    assert traces[0] == pytest.approx(traces[1], abs=1e-6)
    assert batched.at_noise_floor == single.at_noise_floor
    assert (batched.bonds_kept, batched.stereo_kept) == (single.bonds_kept, single.stereo_kept)
    assert float(batched.energy_left) == pytest.approx(float(single.energy_left), abs=1e-6)


@pytest.mark.parametrize("coordinates", ["cartesian", "internal"])
@pytest.mark.parametrize("rule", sorted(RULES))
def test_every_rule_takes_the_steps_of_runs_alone(rule, coordinates):
    keywords = QUICK | {"optimizer": rule, "coordinates": coordinates, "steps": 25}
    for start, result in zip(CONFORMERS[1:5], relax_batch(CONFORMERS[1:5], **keywords, ordered=True), strict=True):
        assert_same(result, relax(start, **keywords))
