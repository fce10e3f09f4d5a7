"""Sella, geomeTRIC and pyberny are counted and stopped as all others are."""

import pytest

from molopt.errors import InputError
from molopt.molecules import Molecule
from molopt.optimizers.names import choose
from molopt.optimizers.peers import PACKAGES, PEERS
from molopt.relaxation import relax


@pytest.fixture(params=sorted(PEERS))
def peer(request):
    pytest.importorskip(PACKAGES[request.param], reason="pip install 'molopt[peers]'")
    return request.param


def test_a_peer_ends_at_the_first_force_call_that_meets_the_criterion(peer):
    result = relax(Molecule.from_smiles("CCO"), peer, "mmff94", fmax=0.05, energy_left=None)
    assert result.converged
    assert result.force_calls == len(result.trace) == result.steps + 1
    assert [call.fmax < 0.05 for call in result.trace] == [False] * result.steps + [True]


def test_a_peer_makes_no_more_steps_than_it_may(peer):
    result = relax(Molecule.from_smiles("CCCCO"), peer, "mmff94", fmax=1e-6, energy_left=None, steps=3)
    assert (result.ended, result.steps, result.force_calls) == ("unconverged", 3, 4)


def test_a_peer_that_starts_at_the_end_makes_one_force_call(peer):
    rest = relax(Molecule.from_smiles("O"), "default", "mmff94", fmax=0.001).molecule
    result = relax(rest, peer, "mmff94", fmax=0.05, energy_left=None)
    assert (result.converged, result.steps, result.force_calls) == (True, 0, 1)


def test_a_peer_takes_no_arguments(peer):
    with pytest.raises(InputError, match="takes no arguments"):
        choose(f"{peer}?trust=0.1")
