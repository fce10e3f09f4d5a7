"""`molopt conformers`: what it prints, writes and exits with, and one line for bad input."""

import csv
import importlib.util
import json
import os
import shutil
import sqlite3
from contextlib import closing

import ase.db
import ase.io
import pytest
from ase.units import Hartree
from click.testing import CliRunner
from rdkit import Chem

from molopt.cli import main
from molopt.ensembles.archive import archive
from molopt.ensembles.journal import Journal
from molopt.molecules import Molecule
from molopt.molecules.entries import Given
from molopt.molecules.reading import listed

HAS_TBLITE = importlib.util.find_spec("tblite") is not None
NEEDS_PARSL = pytest.mark.skipif(importlib.util.find_spec("parsl") is None, reason="pip install 'molopt[parsl]'")
LIBRARY = "CCO ethanol\nCX(C bad\nCOC\n\n[U] uranium\nCC=O acetaldehyde\n"
LIMIT = 20  # s, for what takes half a second on an idle machine
FILES = {"conformers.sdf", "conformers.csv", "conformers.db", "search.json"}


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Each test works in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


def molopt(*arguments):
    return CliRunner().invoke(main, ["conformers", *map(str, arguments)])


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A search that is done, in a folder of its own, and what was printed of it."""
    folder = tmp_path_factory.mktemp("done")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("COLUMNS", "80")
        result = molopt("OCCO glycol", "--count", 10, "--out", "found")
    assert result.exit_code == 0, result.output
    return folder / "found", result.stdout.replace(str(folder), "HERE")


@pytest.fixture
def glycol(here, done):
    """A copy of it, in the folder of the test."""
    shutil.copytree(done[0], here / "found")
    return done[1]


def test_a_molecule_is_a_table_and_the_same_conformers_in_every_file(here, glycol):
    assert {path.name for path in (here / "found").iterdir()} == FILES | {"conformers.xyz", "conformers.html"}
    table = rows("found/conformers.csv")
    mols = list(Chem.SDMolSupplier("found/conformers.sdf", removeHs=False))
    frames = ase.io.read("found/conformers.xyz", ":")
    assert len(table) == len(mols) == len(frames) > 3
    assert {mol.GetProp("_Name") for mol in mols} == {"glycol"}
    energies = [float(row["energy_eV"]) for row in table]
    assert energies == sorted(energies)
    assert [float(mol.GetProp("energy_eV")) for mol in mols] == energies
    with open("found/conformers.xyz") as file:
        lines = file.read().splitlines()
    assert float(lines[1]) * Hartree == pytest.approx(energies[0], abs=1e-8)
    assert sum(float(row["population"]) for row in table) == pytest.approx(1)
    lines = glycol.splitlines()
    assert all(len(line) <= 80 for line in lines[: len(table)])
    assert f"{len(table)} conformers, {len(table)} certified minima" in glycol
    assert "force calls: " in glycol
    assert " a conformer)" in glycol


def test_the_archive_is_a_database_of_ases_and_holds_the_whole_ensemble(here, glycol):
    (row,) = ase.db.connect("found/conformers.db", use_lock_file=False).select("conformers>3,potential=mmff94s")
    table = rows("found/conformers.csv")
    assert (row.molecule, row.place, row.conformers) == ("glycol", 0, len(table))
    assert row.energy == float(table[0]["energy_eV"])
    with archive(here / "found" / "conformers.db") as opened:
        (found,) = opened.records()
    assert [one.energy for one in found.value] == [float(each["energy_eV"]) for each in table]
    assert found.value.rounds


def test_a_search_that_is_done_is_written_again_and_not_done_again(here, glycol):
    before = {path.name: path.read_bytes() for path in (here / "found").iterdir()}
    (here / "found" / "conformers.xyz").unlink()
    again = molopt("--resume", "found")
    assert again.stdout.replace(str(here), "HERE") == glycol
    assert {path.name: path.read_bytes() for path in (here / "found").iterdir()} == before


def test_json_is_the_rows_of_the_table_and_nothing_else():
    (found,) = json.loads(molopt("OCCO", "--count", 5, "--out", "found", "--json").stdout)
    assert [row["energy_eV"] for row in found["conformers"]] == [
        float(row["energy_eV"]) for row in rows("found/conformers.csv")
    ]
    assert found["failed"] is None


def test_many_molecules_are_written_in_their_order_and_what_cannot_be_done_is_listed_with_its_reason(here):
    (here / "set.smi").write_text(LIBRARY)
    result = molopt("set.smi", "--count", 3, "--out", "found")
    assert result.exit_code == 1
    assert {path.name for path in (here / "found").iterdir()} == FILES | {"failures.csv"}
    mols = Chem.SDMolSupplier("found/conformers.sdf", removeHs=False)
    assert list(dict.fromkeys(mol.GetProp("_Name") for mol in mols)) == ["ethanol", "C2H6O-3", "acetaldehyde"]
    table = rows("found/conformers.csv")
    assert list(dict.fromkeys((row["where"], row["smiles"]) for row in table)) == [
        ("set.smi, line 1", "CCO"), ("set.smi, line 3", "COC"), ("set.smi, line 6", "CC=O")
    ]  # fmt: skip
    failed = {row["where"]: row for row in rows("found/failures.csv")}
    assert failed["set.smi, line 2"]["reason"] == "cannot read the SMILES 'CX(C': syntax error at character 2"
    assert (failed["set.smi, line 2"]["molecule"], failed["set.smi, line 2"]["smiles"]) == ("bad", "CX(C")
    assert failed["set.smi, line 5"]["reason"].startswith("UFF has no parameters for atom no. 1 (U)")
    assert "3 of 5 molecules have conformers" in result.stdout
    assert "failures.csv lists the 2 that could not be done" in result.stdout


def test_a_molecule_that_takes_too_long_is_a_failure_and_the_next_one_is_searched(here):
    (here / "set.smi").write_text("CCCCCC long\nO water\n")
    asked = ["set.smi", "--count", 1, "--potential", "misbehaving:drowsy", "--time-limit", LIMIT]
    assert molopt(*asked, "--out", "found").exit_code == 1
    (failed,) = rows("found/failures.csv")
    assert (failed["molecule"], failed["reason"]) == ("long", f"ran longer than the limit of {LIMIT} s")
    assert [row["molecule"] for row in rows("found/conformers.csv")] == ["water"]


@pytest.mark.skipif(not HAS_TBLITE, reason="tblite is not installed: pip install 'molopt[xtb]'")
def test_a_solvent_is_that_of_the_potential_that_ranks():
    asked = ["CO", "--count", 2, "--refine", "gfn2-xtb", "--json"]
    (wet,) = json.loads(molopt(*asked, "--solvent", "water", "--out", "wet").stdout)
    (dry,) = json.loads(molopt(*asked, "--out", "dry").stdout)
    assert wet["potential"] == "gfn2-xtb?solvent=water"
    assert wet["conformers"][0]["energy_eV"] < dry["conformers"][0]["energy_eV"] - 0.05


def test_overwriting_leaves_nothing_of_the_search_before(here, glycol):
    (here / "set.smi").write_text("C methane\nO water\n")
    assert molopt("set.smi", "--count", 1, "--out", "found", "--overwrite").exit_code == 0
    assert {path.name for path in (here / "found").iterdir()} == FILES | {"failures.csv"}
    assert {row["molecule"] for row in rows("found/conformers.csv")} == {"methane", "water"}


def test_a_journal_of_another_search_is_refused_and_the_search_stays(here, glycol):
    (here / "found" / "conformers.db").unlink()
    Journal(here / "found" / "search.journal", {"settings": "others"}).close()
    refused = molopt("--resume", "found")
    assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1)
    assert "is the journal of another search" in refused.stderr
    assert (here / "found" / "search.json").exists()


# Reading


def test_a_bad_record_does_not_end_a_stream(here):
    ethanol = Molecule.from_smiles("CCO", name="ethanol").to_sdf()
    (here / "set.sdf").write_text(f"{ethanol}nonsense\n$$$$\n{ethanol}")
    (here / "set.xyz").write_text("2\n\nH 0 0 0\nX9 0 0 1\n1\n\nHe 0 0 0\nmany\nHe 0 0 0\n")
    said = []
    for name in ("set.sdf", "set.xyz"):
        for entry in listed(name, Given(0, None, 7)):
            try:
                said.append(entry.molecule(Given(0, None, 7)).smiles)
            except ValueError as error:
                said.append(str(error).partition(": ")[0])
    assert said == ["CCO", "set.sdf, record 2", "CCO", "set.xyz, frame 1", "[He]", "set.xyz, frame 3"]


# Bad input


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ([], "give molecules to search, or --resume FOLDER"),
        (["peg5"], "did you mean peg4"),
        (["missing.smi"], "there is no file 'missing.smi'"),
        (["empty.smi"], "empty.smi is empty"),
        (["bad.smi"], "bad.smi, line 1: cannot read the SMILES"),
        (["C", "--count", "0"], "'--count': 0 is not in the range"),
        (["C", "--window=-1"], "window must be a number of kcal/mol above 0, got -1.0"),
        (["C", "--temperature", "nan"], "temperature must be a number of K above 0, got nan"),
        (["C", "--threshold", "0"], "threshold must be a number of A above 0, got 0.0"),
        (["C", "--seed=-1"], "seed must be at least 0"),
        (["C", "--mirror", "drop"], "'drop' is not one of 'merge', 'keep'"),
        (["C", "--potential", "mmf94"], "did you mean mmff94"),
        (["C", "--refine", "gfn3-xtb"], "'gfn3-xtb' is not a potential"),
        (["C", "--refine", "nowhere:it"], "cannot import nowhere"),
        (["C", "--solvent", "water"], "force fields have no solvents: drop --solvent water, or add --refine gfn2-xtb"),
        (["C", "--refine", "mmff94", "--solvent", "water"], "mmff94 has no solvents"),
        (["C", "--workers", "1000"], "workers must be a whole number from 1 to"),
        (["C", "--time-limit", "5"], "--time-limit is for several molecules, and there is one"),
        pytest.param(["C", "--parsl", "nothing.py"], "nothing.py: no such file", marks=NEEDS_PARSL),
        (["C", "--charge", "1"], "contradicts its formal charges"),
        (["C", "--spin", "2"], "cannot have multiplicity 2"),
        (["[U]"], "UFF has no parameters for atom no. 1 (U)"),
        (["set.smi", "--potential", "mmff94?spam=1"], "mmff94 takes no keywords but terms, got spam"),
        (["set.smi", "--time-limit=-1"], "the time limit must be a number of seconds above 0"),
        (["set.smi", "missing.sdf"], "there is no file 'missing.sdf'"),
        (["C", "--out", "set.smi"], "set.smi is not a folder"),
        (["C", "--out", "full"], "the folder full is not empty"),
        (["--resume", "full"], "full is not a search: it has no search.json"),
        (["--resume", "full", "C", "--count", "5"], "drop --count, the molecules"),
        (["C", "--spam"], "No such option"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing_behind(here, arguments, named):
    (here / "empty.smi").write_text("")
    (here / "bad.smi").write_text("CX\n")
    (here / "set.smi").write_text("C\nCC\n")
    (here / "full").mkdir()
    (here / "full" / "mine").write_text("")
    before = sorted(here.rglob("*"))
    result = molopt(*arguments)
    assert result.exit_code == 2, result.output
    assert named in result.stderr
    assert result.stderr.startswith("molopt: ")
    if arguments != ["bad.smi"]:  # which shows the place below
        assert result.stderr.count("\n") == 1
    assert sorted(here.rglob("*")) == before


def test_a_search_goes_on_with_what_it_was_begun_with_alone(here):
    (here / "set.smi").write_text("C methane\nO water\n")
    assert molopt("set.smi", "--count", 1, "--out", "found").exit_code == 0
    said = json.loads((here / "found" / "search.json").read_text())
    (here / "set.smi").write_text("C methane\nN ammonia\n")
    assert "is not what it was when the search found began" in molopt("--resume", "found").stderr
    (here / "set.smi").write_text("C methane\nO water\n")
    for changed, named in (
        ({"versions": said["versions"] | {"rdkit": "1.0"}}, "was begun with rdkit 1.0, here is"),
        ({"versions": {}}, "does not say with which molopt it was begun"),
        ({"potential": "os:getcwd"}, "name it again: --potential os:getcwd"),
        ({"window": -1}, "search.json is damaged: window must be"),
        ({"format": 99}, "was written by a newer molopt"),
        ({"spam": 1}, "it has an unknown 'spam'"),
    ):
        (here / "found" / "search.json").write_text(json.dumps(said | changed))
        refused = molopt("--resume", "found")
        assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1), refused.stderr
        assert named in refused.stderr
    (here / "found" / "search.json").write_text(json.dumps(said))
    os.symlink(here / "elsewhere", here / "found" / "conformers.xyz")
    assert "is a link" in molopt("--resume", "found").stderr
    (here / "found" / "conformers.xyz").unlink()
    with closing(sqlite3.connect("found/conformers.db")) as database, database:
        database.execute("UPDATE systems SET data = (SELECT data FROM systems WHERE id = 1) WHERE id = 2")
    said = molopt("--resume", "found").stderr
    assert "row 2 of" in said
    assert "does not hold a search that this molopt can read (ValueError: its key is another search's)" in said
    (here / "found" / "conformers.db").write_bytes(b"not a database " * 400)
    assert "conformers.db is not a database" in molopt("--resume", "found").stderr
