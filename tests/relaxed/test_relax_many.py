"""Many molecules relaxed by one command: nothing is lost, and the same comes out however it is done."""

import csv
import os
import signal
from pathlib import Path

import ase.db
import ase.io
import numpy as np
import pytest
from click.testing import CliRunner
from rdkit import Chem
from searches import archived, begun, end, here, wait

import molopt as package
from molopt.cli import main

posix = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
LIBRARY = "CCO ethanol\nCCCO propanol\nCX(C bad\nCOC\nOCCO glycol\n[U] uranium\nC[NH3+] ion\nCC(C)C=O\nCCO ethanol\n"
FILES = ("relaxed.sdf", "relaxed.xyz", "failures.csv")


@pytest.fixture
def library(tmp_path):
    source = tmp_path / "set.smi"
    source.write_text(LIBRARY)
    return source


def molopt(*arguments):
    return CliRunner().invoke(main, list(map(str, arguments)))


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def untimed(path):
    """A table without seconds, and with numbers as far as those of a batch and of a run alone agree."""
    return [
        {name: rounded(cell) for name, cell in row.items() if "seconds" not in name and name != "files"}
        for row in rows(path)
    ]


def rounded(cell):
    try:
        return f"{float(cell):.6g}"
    except ValueError:
        return cell


def test_together_alone_and_in_processes_the_same_comes_out(library, tmp_path):
    for name, options in (("together", ()), ("alone", ("--trajectories",)), ("processes", ("--workers", 2))):
        assert molopt("relax", library, *options, "--out", tmp_path / name).exit_code == 1
    for name in ("alone", "processes"):
        for file in FILES:
            assert (tmp_path / name / file).read_bytes() == (tmp_path / "together" / file).read_bytes()
        assert untimed(tmp_path / name / "relaxed.csv") == untimed(tmp_path / "together" / "relaxed.csv")
    names = {"ethanol", "ethanol-2", "propanol", "C2H6O-4", "glycol", "ion", "C4H8O-8"}
    assert {path.stem for path in (tmp_path / "alone").glob("*.traj")} == names


def test_all_are_in_one_file_of_each_kind_and_say_what_they_are(library, tmp_path):
    out = tmp_path / "out"
    molopt("relax", library, "--out", out)
    mols = list(Chem.SDMolSupplier(str(out / "relaxed.sdf"), removeHs=False))
    frames = ase.io.read(out / "relaxed.xyz", ":")
    table = rows(out / "relaxed.csv")
    names = [mol.GetProp("_Name") for mol in mols]
    assert names == [row["molecule"] for row in table] == [atoms.info["name"] for atoms in frames]
    for mol, atoms, row in zip(mols, frames, table, strict=True):
        assert mol.GetProp("stationary") == row["stationary"] == "minimum"
        assert atoms.get_potential_energy() == pytest.approx(float(row["energy"]), abs=1e-8)
        assert Chem.GetFormalCharge(mol) == atoms.info["charge"] == int(row["charge"])
    found = list(
        ase.db.connect(out / "relaxed.db", use_lock_file=False).select("stationary=minimum,largest_force<0.05")
    )
    assert [row.molecule for row in sorted(found, key=lambda row: row.place)] == names
    reasons = {row["molecule"]: row["reason"] for row in rows(out / "failures.csv")}
    assert set(reasons) == {"bad", "uranium"}
    assert "no parameters for atom no. 1 (U)" in reasons["uranium"]


@posix
def test_killed_three_times_and_resumed_it_gives_the_same_files(library, tmp_path):
    here("relax", library, "--trajectories", "--out", tmp_path / "whole")
    folder, done = tmp_path / "killed", 0
    process = begun(library, "--trajectories", "--out", folder, command="relax")
    for workers in (1, 2, 2):
        wait(lambda done=done: archived(folder, "relaxed.db") > done, process)
        end(process, signal.SIGKILL)
        done = archived(folder, "relaxed.db")
        process = begun("--resume", folder, "--workers", workers, command="relax")
    process.communicate()
    assert process.returncode == 1  # as two cannot be done
    for name in FILES:
        assert (folder / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    kept = [ase.io.read(tmp_path / each / "ethanol-2.traj", ":") for each in ("whole", "killed")]
    assert [atoms.get_potential_energy() for atoms in kept[0]] == [atoms.get_potential_energy() for atoms in kept[1]]


@posix
def test_an_interrupt_writes_those_that_are_done_and_says_how_to_go_on(tmp_path):
    pytest.importorskip("tblite", reason="pip install 'molopt[xtb]'")
    folder = tmp_path / "out"
    process = begun("O water", "CCCCCCCO", "--potential", "gfn2-xtb", "--fmax", 1e-3, "--out", folder, command="relax")
    wait(lambda: archived(folder, "relaxed.db") == 1, process)
    said = end(process, signal.SIGINT)
    assert process.returncode == 130
    assert f"continue with molopt relax --resume {folder}" in said
    assert [row["molecule"] for row in rows(folder / "relaxed.csv")] == ["water"]


def test_what_goes_on_takes_the_rest_from_the_folder(library, tmp_path):
    out = tmp_path / "out"
    molopt("relax", library, "--out", out)
    before = {name: (out / name).read_bytes() for name in FILES}
    again = molopt("relax", "--resume", out)
    assert (again.exit_code, len(again.stdout.splitlines())) == (1, 2)  # what is there; nothing is redone
    assert {name: (out / name).read_bytes() for name in FILES} == before
    more = molopt("relax", "CO", "--resume", out, "--fmax", 0.01)
    assert (more.exit_code, more.stderr.count("drop --fmax, the molecules")) == (2, 1)
    library.write_text("CCO\n")
    other = molopt("relax", "--resume", out)
    assert (other.exit_code, "is not what it was when" in other.stderr) == (2, True)


def test_one_alone_that_cannot_be_relaxed_is_bad_input_and_leaves_nothing(tmp_path):
    ran = molopt("relax", "[U]", "--out", tmp_path / "out")
    assert (ran.exit_code, "no parameters for atom no. 1 (U)" in ran.stderr) == (2, True)
    assert not (tmp_path / "out").exists()


def test_each_may_have_files_of_its_own(tmp_path):
    molopt("relax", "CCO a/b", "CO a b", "--separate", "--out", tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "relax.json", "relaxed.db", "relaxed.csv", "a_b.sdf", "a_b.xyz", "a_b-2.sdf", "a_b-2.xyz"
    }  # fmt: skip


def test_structures_are_written_in_the_formats_that_are_asked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = ["CC(=O)[O-] acetate", "F/C=C\\F relaxed", "--formats", "pdb,traj,xyz", "--out", "all"]
    assert CliRunner().invoke(main, ["relax", *arguments]).exit_code == 0
    assert {path.suffix for path in Path("all").iterdir()} == {".pdb", ".traj", ".xyz", ".csv", ".db", ".json"}
    by_format = [list(package.read(f"all/relaxed.{format}")) for format in ("pdb", "traj", "xyz")]
    for acetate, alkene in by_format:
        assert (acetate.name, acetate.charge, acetate.smiles) == ("acetate", -1, "CC(=O)[O-]")
        assert (alkene.name, alkene.smiles) == ("relaxed", "F/C=C\\F")
        np.testing.assert_allclose(alkene.positions, by_format[1][1].positions, atol=6e-4)
    assert (
        ase.io.read("all/relaxed.traj", 0).get_potential_energy()
        == ase.io.read("all/relaxed.xyz", 0).get_potential_energy()
    )
    assert CliRunner().invoke(main, ["relax", *arguments, "--separate", "--overwrite"]).exit_code == 0
    written = {f"{name}.{ending}" for name in ("acetate", "relaxed-2") for ending in ("pdb", "traj", "xyz")}
    assert {path.name for path in Path("all").iterdir()} - {"relaxed.csv", "relaxed.db", "relax.json"} == written
