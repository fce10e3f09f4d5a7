"""Trajectories whose last frame was torn: by a lost end of the file, by an error in the middle of writing."""

import logging

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.calculators.emt import EMT
from ase.io import Trajectory, read
from ase.io.trajectory import TrajectoryWriter

import molopt
from molopt import LBFGS
from molopt.optimizers.trajectory import Frames, mend


def water(shaken=0):
    atoms = molecule("H2O", calculator=EMT())
    atoms.rattle(0.02, seed=shaken)
    atoms.get_forces()
    return atoms


def written(path, frames):
    """The file of so many frames, and how long it was before the last."""
    before = 0
    for frame in range(frames):
        before = path.stat().st_size if path.exists() else 0
        with Trajectory(path, "a") as trajectory:
            trajectory.write(water(frame))
    return path.read_bytes(), before


@pytest.mark.parametrize("frames", [1, 2, 3, 43])  # ASE's table of frames moves with the second and with the 43rd
def test_a_file_cut_anywhere_in_its_last_frame_keeps_those_before_and_takes_others(frames, tmp_path):
    path = tmp_path / "run.traj"
    whole, before = written(path, frames)
    expected = [water(frame).positions for frame in [*range(frames - 1), 99]]
    lengths = np.unique(np.linspace(before, len(whole) - 1, 6 if frames > 9 else 40).astype(int))
    for length in lengths.tolist():
        path.write_bytes(whole[:length])
        mend(path)
        if frames > 1:
            assert len(read(path, ":")) >= frames - 1
        mend(path)  # once more changes nothing
        with Trajectory(path, "a") as trajectory:
            trajectory.write(water(99))
        found = [frame.positions for frame in read(path, ":")]
        assert len(found) in (frames, frames + 1)  # of what was cut, the table alone may be missing
        assert all((there == here).all() for there, here in zip(found, expected[:-1], strict=False))
        assert (found[-1] == expected[-1]).all()


@pytest.mark.parametrize("frames", [2, 43])
def test_a_kill_while_a_frame_is_appended_leaves_what_was_there(frames, tmp_path):
    path = tmp_path / "run.traj"
    written(path, frames - 1)
    old = path.read_bytes()
    with Trajectory(path, "a") as trajectory:
        trajectory.write(water(frames))
    new = path.read_bytes()[len(old) :]
    for length in np.linspace(0, len(new), 6).astype(int).tolist():
        path.write_bytes(old + new[:length])  # the header counts the frame only after its last byte
        assert len(read(path, ":")) == frames - 1
        mend(path)
        assert path.read_bytes() == old + new[:length]


def test_what_is_whole_or_not_a_trajectory_stays_as_it_is(tmp_path):
    path = tmp_path / "run.traj"
    whole, _ = written(path, 3)
    other = tmp_path / "notes.txt"
    other.write_text("not a trajectory")
    for each, content in ((path, whole), (other, b"not a trajectory")):
        mend(each)
        assert each.read_bytes() == content
    mend(tmp_path / "missing.traj")
    assert not (tmp_path / "missing.traj").exists()


class Interrupting:
    """A value in the info of atoms that Ctrl-C hits while it is written."""

    def todict(self):
        raise KeyboardInterrupt


def test_a_frame_that_is_interrupted_is_taken_back(tmp_path):
    torn = {}
    for kind in (TrajectoryWriter, Frames):
        for frames in (0, 1, 3):
            path = tmp_path / f"{kind.__name__}{frames}.traj"
            with kind(path, "w") as trajectory:
                for frame in range(frames):
                    trajectory.write(water(frame))
                atoms = water(9)
                atoms.info["bad"] = Interrupting()
                with pytest.raises(KeyboardInterrupt):
                    trajectory.write(atoms)
            with Trajectory(path) as found:
                torn[kind, frames] = len(found) - frames
            if kind is Frames:
                with Frames(path, "a") as trajectory:
                    trajectory.write(water(frames))
                found = read(path, ":")
                assert [f.positions.tolist() for f in found] == [water(n).positions.tolist() for n in range(frames + 1)]
    assert all(torn[Frames, frames] == 0 for frames in (0, 1, 3))
    assert any(torn[TrajectoryWriter, frames] for frames in (0, 1, 3))  # ASE's own counts what there is of it


RUNS = {
    "relax": lambda atoms, path: molopt.relax(atoms, trajectory=path, fmax=1e-9),
    "optimizer": lambda atoms, path: LBFGS(atoms, trajectory=path, logfile=None).run(fmax=1e-9),
}


class Interrupted(EMT):
    """EMT, until Ctrl-C hits while its sixth frame is written, before the energy and the forces are."""

    frames = 0

    def todict(self):
        self.frames += 1
        if self.frames == 6:
            raise KeyboardInterrupt
        return super().todict()


@pytest.mark.parametrize("run", RUNS)
def test_a_run_that_is_interrupted_keeps_its_frames(run, tmp_path):
    path, atoms = tmp_path / "run.traj", molecule("CH3CH2OH", calculator=Interrupted())
    with pytest.raises(KeyboardInterrupt):
        RUNS[run](atoms, path)
    frames = read(path, ":")
    assert len(frames) == 5
    assert all(isinstance(frame, Atoms) and np.isfinite(frame.get_forces()).all() for frame in frames)


def test_a_resumed_run_mends_its_trajectory_and_writes_the_frame_that_was_lost(tmp_path, caplog):
    def optimizer(name):
        atoms = molecule("CH3CH2OH", calculator=EMT())
        files = {"restart": tmp_path / f"{name}.json", "trajectory": tmp_path / f"{name}.traj"}
        return LBFGS(atoms, **files, append_trajectory=True, logfile=None)

    optimizer("whole").run(fmax=0, steps=6)
    optimizer("torn").run(fmax=0, steps=3)
    path = tmp_path / "torn.traj"
    path.write_bytes(path.read_bytes()[:-40])
    with caplog.at_level(logging.WARNING, logger="molopt"):
        optimizer("torn").run(fmax=0, steps=3)
    assert "its end is lost; 3 frames are complete and kept" in caplog.text
    whole, torn = (read(tmp_path / f"{name}.traj", ":") for name in ("whole", "torn"))
    assert [frame.positions.tolist() for frame in whole] == [frame.positions.tolist() for frame in torn]
