"""`molopt scan` writes a figure, a CSV and an SDF, and says in one line what it cannot do."""

import csv
import json

import pytest
from click.testing import CliRunner

from molopt.cli import main


def scanned(*arguments, folder):
    return CliRunner().invoke(main, ["scan", *map(str, arguments), "--out", str(folder)])


BUTANE = ("CCCC butane", "--dihedral", "1,2,3,4", "--from", 0, "--to", 180, "--points", 4)


def test_it_writes_a_figure_a_table_and_structures_that_count_atoms_from_one(tmp_path):
    ran = scanned(*BUTANE, folder=tmp_path)
    assert ran.exit_code == 0, ran.output
    assert {path.name for path in tmp_path.iterdir()} == {f"butane_scan.{e}" for e in ("csv", "sdf", "png")}
    with open(tmp_path / "butane_scan.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["dihedral 1-2-3-4 degrees"]) for row in rows] == [0, 60, 120, 180]
    assert "4 of 4 points converged" in ran.output
    assert max(map(len, ran.output.splitlines()[:-1])) <= 80


def test_two_coordinates_and_what_is_held_besides(tmp_path):
    ran = scanned(
        "OCCO glycol", "--dihedral", "1,2,3,4=60:180:2", "--angle", "1,2,3=105:115:2", "--hold", "[H]OC=108",
        "--fix", 1, "--figure", "svg", "--json", folder=tmp_path,
    )  # fmt: skip
    assert ran.exit_code == 0, ran.output
    (found,) = json.loads(ran.stdout)
    assert [each["atoms"] for each in found["coordinates"]] == [[1, 2, 3], [1, 2, 3, 4]]
    assert len(found["points"]) == 4
    assert all(point["converged"] for point in found["points"])
    assert (tmp_path / "glycol_scan.svg").exists()


def test_files_that_exist_are_kept_unless_overwrite_is_said(tmp_path):
    (tmp_path / "butane_scan.sdf").write_text("mine")
    ran = scanned(*BUTANE, folder=tmp_path)
    assert ran.exit_code == 2
    assert "exists" in ran.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["butane_scan.sdf"]
    assert scanned(*BUTANE, "--overwrite", folder=tmp_path).exit_code == 0


def test_a_point_that_cannot_be_done_is_named_and_the_exit_code_says_so(tmp_path):
    ran = scanned("CCC propane", "--bond", "1,3=0.1:2.5:2", folder=tmp_path)
    assert ran.exit_code == 1
    assert "1 of 2 points converged" in ran.output
    assert "distance 1-3 came from" in ran.output


def test_a_budget_ends_it_with_what_there_is(tmp_path):
    ran = scanned(*BUTANE, "--max-calls", 5, folder=tmp_path)
    assert ran.exit_code == 1
    assert "stopped before all points were done: the budget of 5 force calls is spent" in ran.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["CCCC"], "give a coordinate to scan"),
        (["CCCC", "--dihedral", "1,2,3,4"], "has no values"),
        (["CCCC", "--dihedral", "1,2,3"], "the dihedral must be of 4 different atoms, got 1, 2, 3"),
        (["CCCC", "--dihedral", "0,1,2,3=0:90:4"], "has atoms 1 to 14, got 0"),
        (["CCCC", "--dihedral", "1,2,3,99=0:90:4"], "has atoms 1 to 14, got 99"),
        (["CCCC", "--dihedral", "CCCO=0:90:4"], "no match"),
        (["CCCC", "--dihedral", "[H]CCC=0:90:4"], "dihedral 5-1-2-3"),
        (["CCCC", "--dihedral", "1,2,3,4=0:90"], "FROM:TO:POINTS"),
        (["CCCC", "--dihedral", "1,2,3,4=0:90:1"], "cannot be"),
        (["CCCC", "--dihedral", "1,2,3,4=0:90:999999999"], "points must be 1 to"),
        (["CCCC", "--dihedral", "1,2,3,4=0:720:4"], "within one turn"),
        (["CCCC", "--bond", "1,2=0:2:4"], "the bond 1-2 must be a positive number"),
        (["CCCC", "--bond", "1,2=1:2:4", "--bond", "2,1=1:2:4"], "are the same"),
        (["CCCC", "--bond", "1,2=1:2:4", "--hold", "1,2,3=x"], "is not a number"),
        (["CCCC", "--bond", "1,2=1:2:4", "--max-calls", "0"], "--max-calls"),
        (["CCCC", "--bond", "1,2=1:2:4", "--potential", "mmf94"], "did you mean"),
        (["CCCC", "--bond", "1,2=1:2:4", "--check", "perhaps"], "check"),
        (["nowhere.sdf", "--bond", "1,2=1:2:4"], "nowhere.sdf"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(tmp_path, arguments, said):
    ran = scanned(*arguments, folder=tmp_path)
    assert ran.exit_code == 2
    assert said in ran.stderr
    assert len(ran.stderr.strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_several_molecules_are_refused(tmp_path):
    (tmp_path / "two.smi").write_text("CC a\nCCC b\n")
    ran = scanned(tmp_path / "two.smi", "--bond", "1,2=1:2:4", folder=tmp_path / "out")
    assert ran.exit_code == 2
    assert "a scan is of one" in ran.stderr
