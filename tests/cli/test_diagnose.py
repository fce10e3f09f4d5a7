"""`molopt diagnose` reads trajectories of any program, says what they show, and refuses what they are not."""

import csv
import json

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read, write
from ase.optimize import BFGS
from click.testing import CliRunner

import molopt
from molopt.cli import main


def diagnosed(*arguments):
    return CliRunner().invoke(main, ["diagnose", *map(str, arguments)])


def refused(*arguments):
    """The error, which the command prints as one line and exits with 2."""
    result = diagnosed(*arguments)
    assert result.exit_code == 2
    assert result.output.startswith("molopt: ")
    assert result.output.count("\n") == 1
    return result.output


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """ours.traj, of the default, which shows nothing; plateau.traj, of BFGS, which does."""
    folder = tmp_path_factory.mktemp("runs")
    molopt.relax("aladip", trajectory=folder / "ours.traj")
    molecule = molopt.Molecule.named("peg4")
    atoms = molecule.atoms()
    atoms.calc = molopt.potential("mmff94", molecule)
    BFGS(atoms, logfile=None, trajectory=str(folder / "plateau.traj")).run(0.05, 200)
    return folder


def test_a_good_run_exits_with_0_and_one_with_a_pattern_with_1(folder):
    good, bad = diagnosed(folder / "ours.traj"), diagnosed(folder / "plateau.traj")
    assert (good.exit_code, bad.exit_code) == (0, 1)
    assert good.output.rstrip().endswith("no known trouble")
    assert "plateau (calls" in bad.output


def test_atoms_count_from_1(folder):
    found = molopt.diagnose(folder / "plateau.traj")
    named = found.advice[0].evidence.partition("most in ")[2].partition(";")[0]  # as torsion C8-O9-C10-C11
    atoms = [int("".join(filter(str.isdigit, part))) for part in named.split("-")]
    entry = json.loads(diagnosed(folder / "plateau.traj", "--json").output)[0]
    for number in atoms:
        assert f"{number + 1}" in entry["advice"][0]["evidence"]
    assert entry["top"][0]["atoms"] == [atom + 1 for atom in found.top[0].atoms]
    assert named not in diagnosed(folder / "plateau.traj").output


def test_json_has_every_call(folder):
    entry = json.loads(diagnosed(folder / "ours.traj", "--json").output)[0]
    assert entry["advice"] == []
    assert entry["noted"] is True
    assert {len(column) for column in entry["calls"].values()} == {entry["force_calls"]}
    assert entry["calls"]["rate_torsions"][0] is None  # no step led to the first call


@pytest.mark.parametrize("ending", ["html", "csv", "png", "svg", "pdf"])
def test_it_is_written_as_the_ending_says(folder, tmp_path, ending):
    path = tmp_path / f"found.{ending}"
    result = diagnosed(folder / "plateau.traj", "--write", path)
    assert result.exit_code == 1
    assert path.stat().st_size > 1000
    assert "exists" in refused(folder / "plateau.traj", "--write", path)
    assert diagnosed(folder / "plateau.traj", "--write", path, "--overwrite").exit_code == 1


def test_the_page_is_complete_and_names_of_others_are_text(folder, tmp_path):
    path = tmp_path / "found.html"
    diagnosed(folder / "plateau.traj", "--name", "<script>alert(1)</script>", "--write", path)
    page = path.read_text()
    assert "<script>alert(1)" not in page
    assert "plateau" in page
    assert page.count("<svg") >= 5
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_the_csv_has_a_row_a_call(folder, tmp_path):
    path = tmp_path / "found.csv"
    diagnosed(folder / "ours.traj", "--write", path)
    rows = list(csv.DictReader(path.open()))
    found = molopt.diagnose(folder / "ours.traj")
    assert len(rows) == len(found.calls)
    assert [float(row["energy"]) for row in rows] == found.calls.energy.tolist()
    assert rows[0]["turn"] == ""


def test_extended_xyz_of_any_program_says_the_same_but_for_memory(folder, tmp_path):
    path = tmp_path / "run.xyz"
    frames = read(folder / "plateau.traj", ":")
    write(path, frames, format="extxyz")
    found, same = molopt.diagnose(folder / "plateau.traj"), molopt.diagnose(path)
    assert [advice.pattern for advice in same.advice] == [advice.pattern for advice in found.advice]
    assert np.allclose(same.calls.turn, found.calls.turn, atol=1e-3, equal_nan=True)
    assert not same.noted


def test_a_crystal_is_diagnosed_without_bonds_angles_and_torsions(tmp_path):
    from ase.build import bulk

    atoms = bulk("Cu", cubic=True)
    atoms.rattle(0.1, seed=0)
    atoms.calc = EMT()
    path = tmp_path / "run.traj"
    BFGS(atoms, maxstep=0.002, logfile=None, trajectory=str(path)).run(0.01, 20)
    result = diagnosed(path)
    assert result.exit_code == 1
    assert "all steps capped" in result.output
    assert "rates" not in result.output
    assert "nothing is said of bonds, angles and torsions: these atoms are periodic" in result.output


def test_a_run_that_exploded_is_diagnosed_up_to_where_it_still_made_sense(tmp_path):
    molecule = molopt.Molecule.named("aladip")
    atoms = molecule.atoms()
    atoms.calc = molopt.potential("mmff94", molecule)
    path = tmp_path / "run.traj"
    run = molopt.GradientDescent(atoms, lr=0.02, control=None, logfile=None, trajectory=path)
    with pytest.raises(molopt.errors.Exploded):
        run.run(0.05, 60)
    result = diagnosed(path)
    assert result.exit_code == 1
    assert "zig-zag" in result.output


def test_frames_that_make_no_sense_are_left_out_and_said(folder, tmp_path):
    frames = read(folder / "plateau.traj", ":10")
    results = dict(frames[7].calc.results)
    frames[7].positions[0] = frames[7].positions[1]
    frames[7].calc = SinglePointCalculator(frames[7], **results)
    write(tmp_path / "run.xyz", frames, format="extxyz")
    output = diagnosed(tmp_path / "run.xyz").output
    assert "note: frame 8: atoms" in output
    assert "7 force calls" in output


def frames_without(what):
    """Three frames of water that lack something."""
    frames = [Atoms("OH2", [[0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0.01 * k]]) for k in range(3)]
    if what != "forces":
        for atoms in frames:
            atoms.calc = EMT()
            atoms.get_forces()
    return frames[:2] if what == "frames" else frames


def test_what_is_no_trajectory_is_refused_in_one_line(tmp_path, folder):
    assert "there is no file" in refused(tmp_path / "none.traj")
    write(tmp_path / "bare.xyz", frames_without("forces"), format="extxyz")
    assert "frame 1 has no energy or no forces" in refused(tmp_path / "bare.xyz")
    write(tmp_path / "short.xyz", frames_without("frames"), format="extxyz")
    assert "needs at least 3 frames, got 2 frames" in refused(tmp_path / "short.xyz")
    mixed = [*frames_without(""), *read(folder / "ours.traj", ":2")]
    write(tmp_path / "mixed.xyz", mixed, format="extxyz")
    assert "frame 4 is of other atoms than frame 1" in refused(tmp_path / "mixed.xyz")
    (tmp_path / "noise.traj").write_bytes(b"- of UlmASE-Trajectory" + bytes(range(200)))
    assert "noise.traj" in refused(tmp_path / "noise.traj")
    (tmp_path / "note.txt").write_text("not a trajectory")
    assert "note.txt" in refused(tmp_path / "note.txt")


def test_a_file_that_cannot_be_written_is_said_before_anything_is_read(tmp_path):
    assert "a diagnosis is written as .html, .csv" in refused(tmp_path / "none.traj", "--write", tmp_path / "x.docx")
    assert "does not exist" in refused(tmp_path / "none.traj", "--write", tmp_path / "nowhere" / "x.html")
