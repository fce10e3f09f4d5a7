"""A trajectory carries what the optimizer knew of each step, ASE reads it as ever, and the run is the same."""

import numpy as np
import pytest
from ase.build import molecule
from ase.calculators.emt import EMT
from ase.io import Trajectory, read, write

import molopt
from molopt.landscapes.diagnosis.recorded import Recorded
from molopt.optimizers.noted import GROUPS, Noted


def started(name="aladip"):
    one = molopt.Molecule.named(name)
    atoms = one.atoms()
    atoms.calc = molopt.potential("mmff94", one)
    return atoms


def run_of(optimizer, coordinates, trajectory=None, steps=8):
    atoms = started()
    run = getattr(molopt, optimizer)(atoms, coordinates=coordinates, logfile=None, trajectory=trajectory)
    run.run(0.01, steps)
    return run


@pytest.mark.parametrize("coordinates", ["cartesian", "internal"])
@pytest.mark.parametrize("optimizer", ["Adam", "LBFGS"])
def test_noting_changes_no_bit_of_the_run(optimizer, coordinates, tmp_path):
    silent, noted = run_of(optimizer, coordinates), run_of(optimizer, coordinates, tmp_path / "run.traj")
    assert np.array_equal(silent.atoms.positions, noted.atoms.positions)


@pytest.mark.parametrize("coordinates", ["cartesian", "internal"])
def test_the_memory_in_the_file_is_that_of_the_rule(coordinates, tmp_path):
    path = tmp_path / "run.traj"
    run = run_of("Adam", coordinates, path)
    note = Recorded.of(path).notes[-1]
    state = run.memory.after
    assert note.step == run.nsteps
    assert set(note.memory) == {"m", "v"}
    for name in ("m", "v"):
        assert np.allclose(note.memory[name], getattr(state, name), rtol=1e-6)
    assert np.allclose(note.proposed, run.memory.proposal.displacement, rtol=1e-6)
    assert np.allclose(note.gradient, run.memory.linearization.natural_gradient, rtol=1e-6)
    kinds = {GROUPS[group] for group in note.groups}
    assert kinds == ({"atoms"} if coordinates == "cartesian" else {"bonds", "angles", "torsions"})


def test_quasi_newton_notes_its_promise_and_its_radius(tmp_path):
    path = tmp_path / "run.traj"
    run = run_of("LBFGS", "internal", path)
    note = Recorded.of(path).notes[-1]
    assert note.predicted == float(run.memory.proposal.predicted[0])
    assert note.control["radius"] == float(run.memory.control.radius[0])
    assert not note.memory  # its memory are steps


def test_ase_reads_frames_and_says_nothing_of_notes(tmp_path):
    path = tmp_path / "run.traj"
    run = run_of("Adam", "internal", path)
    frames = read(path, ":")
    assert len(frames) == run.nsteps + 1
    assert np.array_equal(frames[-1].positions, run.atoms.positions)
    assert np.array_equal(frames[-1].get_forces(), run.atoms.get_forces())
    assert frames[-1].info.keys() == run.atoms.info.keys()


def test_a_trajectory_that_a_run_was_given_open_carries_them_too(tmp_path):
    path = tmp_path / "run.traj"
    molopt.relax("aladip", "adam/internal?lr=0.3", trajectory=path)
    assert all(note is not None for note in Recorded.of(path).notes[1:])


def test_a_run_that_goes_on_in_another_process_starts_its_steps_where_the_first_one_ended(tmp_path):
    path, restart = tmp_path / "run.traj", tmp_path / "run.json"
    molopt.Adam(started(), restart=restart, coordinates="internal", logfile=None, trajectory=path).run(0.001, 4)
    atoms = started()
    again = molopt.Adam(
        atoms, restart=restart, coordinates="internal", logfile=None, trajectory=path, append_trajectory=True
    )
    again.run(0.001, 4)
    recorded = Recorded.of(path)
    known = [(place, start) for place, start in enumerate(recorded.starts()) if start is not None]
    assert len(known) >= 7
    for place, start in known:
        note = recorded.notes[place]
        moved = np.linalg.norm(recorded.positions[place] - recorded.positions[start], axis=1).max()
        assert moved < 1.0  # maxstep
        assert note.start is not None


def test_notes_make_a_trajectory_about_twice_as_large(tmp_path):
    path, copied = tmp_path / "run.traj", tmp_path / "copied.traj"
    run_of("Adam", "internal", path)
    write(copied, read(path, ":"))  # by ASE, which passes over notes
    assert 1.3 < path.stat().st_size / copied.stat().st_size < 2.7


def test_a_filter_and_a_band_have_frames_without_notes(tmp_path):
    from ase.filters import UnitCellFilter

    atoms = molecule("H2O", vacuum=3.0, calculator=EMT(), pbc=True)
    path = tmp_path / "run.traj"
    molopt.Adam(UnitCellFilter(atoms), logfile=None, trajectory=path).run(0.01, 3)
    with Trajectory(path) as frames:
        assert len(frames) == 4


@pytest.mark.parametrize(
    "change",
    [{"groups": np.array([99])}, {"gradient": np.zeros(3)}, {"remembers": ["m"]}, {"control": None}, {"step": "x"}],
    ids=lambda change: next(iter(change)),
)
def test_notes_that_someone_changed_are_no_notes(change):
    plain = {
        "step": 1, "start": 0, "kind": "step", "shortened": False, "predicted": -0.1, "control": {}, "remembers": [],
        "groups": np.zeros(2, dtype=np.int8), "gradient": np.zeros(2), "proposed": np.zeros(2),
    }  # fmt: skip
    assert Noted.from_plain(plain).step == 1
    with pytest.raises((ValueError, KeyError, TypeError, AttributeError)):
        Noted.from_plain(plain | change)
