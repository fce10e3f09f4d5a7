"""Sella, geomeTRIC and pyberny by name: started, counted and stopped as all others are."""

import subprocess
import sys

import numpy as np
import pytest
from ase import Atoms
from ase.constraints import FixAtoms
from trouble import Raising

import molopt
from molopt.errors import InputError, MissingExtra
from molopt.optimizers import peers
from molopt.optimizers.peers import Peer
from molopt.optimizers.registry import PEERS
from molopt.optimizers.spec import OptimizerSpec

FMAX = 0.01


def installed(name):
    try:
        peers.require(name)
    except MissingExtra:
        return False
    return True


here = pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.skipif(not installed(name), reason=f"{name}: pip install 'molopt[peers]'"))
        for name in PEERS
    ],
)


def ethanol():
    return molopt.Molecule.from_smiles("CCO", name="ethanol")


@here
def test_a_peer_ends_in_the_minimum_that_others_find_and_is_stopped_by_the_same_fmax(name):
    result = molopt.relax(ethanol(), name, "mmff94", fmax=FMAX, energy_left=None)
    other = molopt.relax(ethanol(), "bfgs", "mmff94", fmax=0.001, energy_left=None)
    assert result.ended == "converged"
    assert result.optimizer == name
    assert result.energy == pytest.approx(other.energy, abs=1e-3)
    assert result.fmax <= FMAX
    assert all(call.fmax > FMAX for call in result.trace[:-1])


@here
def test_every_force_call_of_a_peer_is_counted_once_and_the_first_is_at_the_start(name):
    molecule = ethanol()
    result = molopt.relax(molecule, name, "mmff94", fmax=FMAX, energy_left=None)
    atoms = molecule.atoms()
    atoms.calc = molopt.potential("mmff94", molecule)
    assert result.trace[0].energy == atoms.get_potential_energy()
    assert result.force_calls == len(result.trace) == result.steps + 1
    energies = [call.energy for call in result.trace]
    assert len(set(energies)) == len(energies)


@pytest.mark.skipif(not installed("pyberny"), reason="pyberny: pip install 'molopt[peers]'")
@pytest.mark.parametrize(
    "used", ["molopt.relax(molopt.Molecule.from_smiles('O'), 'pyberny', 'mmff94')", "next(published('baker'))"]
)
def test_numpy_prints_after_pyberny_was_imported_as_before(used):
    script = f"""
import sys
import numpy as np
import molopt
from molopt.molecules.published import published
before = np.get_printoptions()
{used}
assert "berny" in sys.modules
assert np.get_printoptions() == before
"""
    subprocess.run([sys.executable, "-c", script], check=True)


@here
def test_a_peer_stops_at_the_cap(name):
    result = molopt.relax(ethanol(), name, "mmff94", fmax=1e-9, energy_left=None, steps=3)
    assert (result.ended, result.steps, result.force_calls) == ("unconverged", 3, 4)


@here
def test_a_peer_stops_where_the_start_is_converged(name):
    result = molopt.relax(ethanol(), name, "mmff94", fmax=1e3, energy_left=None)
    assert (result.ended, result.force_calls) == ("converged", 1)


@here
def test_a_potential_that_fails_under_a_peer_is_a_failure_with_its_reason(name):
    atoms = ethanol().atoms()
    atoms.calc = Raising()
    result = molopt.relax(atoms, name, energy_left=None)
    assert result.ended == "failed"
    assert "failed" in result.error


@here
def test_a_trajectory_of_a_peer_has_every_force_call(name, tmp_path):
    result = molopt.relax(ethanol(), name, "mmff94", fmax=FMAX, energy_left=None, trajectory=tmp_path / "a.traj")
    from ase.io import read

    frames = read(tmp_path / "a.traj", ":")
    assert len(frames) == result.force_calls
    np.testing.assert_array_equal(frames[-1].positions, result.atoms.positions)


@here
def test_a_peer_refuses_what_it_would_have_to_be_told_in_its_own_way(name):
    fixed = ethanol().atoms()
    fixed.set_constraint(FixAtoms([0]))
    for atoms in (fixed, Atoms("H2", [[0, 0, 0], [0, 0, 0.7]], cell=[5, 5, 5], pbc=True)):
        with pytest.raises(InputError, match="without constraints or periodic cell"):
            Peer(atoms, name)


@here
@pytest.mark.parametrize("text", ["{}?delta=1", "{}/internal"])
def test_a_peer_takes_no_arguments(name, text):
    with pytest.raises(InputError, match=r"takes no arguments|has internal coordinates of its own"):
        OptimizerSpec.of(text.format(name))


def test_a_peer_that_is_not_installed_says_what_brings_it(monkeypatch):
    monkeypatch.setattr(peers, "find_spec", lambda package: None)
    with pytest.raises(MissingExtra, match=r"pip install 'molopt\[peers\]'"):
        OptimizerSpec.of("sella")
