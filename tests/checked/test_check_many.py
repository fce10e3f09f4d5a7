"""Many geometries checked by one command: nothing is lost, and the same comes out however it is done."""

import csv
import importlib.util
import json
import math
import os
import re
import shutil
import signal
import sys
from dataclasses import replace
from pathlib import Path

import ase.db
import ase.io
import numpy as np
import pytest
from ase import Atoms
from click.testing import CliRunner
from searches import archived, begun, end, wait

import molopt
from molopt.checked.archive import MODES, archive
from molopt.checked.figures import FIELDS, MODE_FIELDS
from molopt.checked.folder import Checked
from molopt.checked.request import KINDS, Request
from molopt.cli import main
from molopt.execution import SerialExecutor
from molopt.numbering import from_one
from molopt.store.opening import Mark
from molopt.store.parcels import opened, parcel

posix = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
NEEDS_PARSL = pytest.mark.skipif(importlib.util.find_spec("parsl") is None, reason="pip install 'molopt[parsl]'")
CSVS = ("check.csv", "frequencies.csv", "failures.csv")
MODULE = "payload_of_a_hostile_check"
PAYLOAD = f"{MODULE}:go?command=1"
SUPPORT = Path(__file__).parents[1] / "support"


def flat_ammonia():
    """At rest on the saddle of MMFF94."""
    turns = 2 * np.pi * np.arange(3) / 3
    points = 1.0056 * np.array([np.cos(turns), np.sin(turns), 0 * turns]).T
    return Atoms("NH3", [[0, 0, 0], *points], info={"name": "ammonia"})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two saddles of one name, two minima, and what cannot be read or checked."""
    there = tmp_path_factory.mktemp("geometries")
    ase.io.write(there / "flat.xyz", [flat_ammonia()] * 2, format="extxyz")
    relaxed = [molopt.relax(smiles, fmax=0.01).molecule for smiles in ("CCO ethanol", "O water")]
    texts = [molecule.to_sdf() for molecule in relaxed]
    (there / "minima.sdf").write_text("$$$$\n".join([texts[0].replace("$$$$\n", ""), "no record\n", texts[1]]))
    (there / "bad.smi").write_text("CX(C bad\n[U] uranium\n")
    return there


@pytest.fixture(scope="module")
def sources(folder):
    return [folder / "flat.xyz", folder / "minima.sdf", folder / "bad.smi"]


def written(out, sources, **options):
    """A folder of checks that are done in this process."""
    with Checked.begin(out, Request(tuple(map(str, sources)), **options)) as checks:
        list(checks.go(SerialExecutor(), checks.tasks()))
        checks.write_files(from_one)
    return out


def command(*arguments):
    return CliRunner().invoke(main, ["check", *map(str, arguments)])


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def contents(folder):
    """All files but the database and what was asked."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in (".csv", ".xyz")}


@pytest.fixture(scope="module")
def whole(sources, tmp_path_factory):
    """All of them, with frequencies."""
    return written(tmp_path_factory.mktemp("whole") / "out", sources, frequencies=True)


def test_what_cannot_be_read_or_checked_is_listed_and_passed_over_and_the_others_are_written(whole):
    assert set(contents(whole)) == {*CSVS, "ammonia_mode1.xyz", "ammonia-2_mode1.xyz"}
    words = [(row["place"], row["molecule"], row["stationary"], row["imaginary"]) for row in rows(whole / "check.csv")]
    assert words == [
        ("0", "ammonia", "saddle", "1"),
        ("1", "ammonia", "saddle", "1"),
        ("2", "ethanol", "minimum", "0"),
        ("4", "water", "minimum", "0"),
    ]
    failed = rows(whole / "failures.csv")
    assert [row["where"] for row in failed] == ["minima.sdf, record 2", "bad.smi, line 1", "bad.smi, line 2"]
    assert "no parameters for atom no. 1 (U)" in failed[2]["reason"]
    modes = [row for row in rows(whole / "frequencies.csv") if row["molecule"] == "ammonia"]
    assert [row["animation"] for row in modes if row["kind"] == "imaginary"] == [
        "ammonia_mode1.xyz", "ammonia-2_mode1.xyz"
    ]  # fmt: skip
    assert modes[0]["moved_most"] == "plane 1-2-3-4 100 %"
    frames = ase.io.read(whole / modes[0]["animation"], ":")
    assert frames[0].info["wavenumber"] == pytest.approx(float(modes[0]["wavenumber"]), abs=0.05)


def test_workers_write_the_same_files_as_one_process(sources, whole, tmp_path):
    ran = command(*sources, "--frequencies", "--workers", 2, "--out", tmp_path / "out")
    assert ran.exit_code == 1
    assert contents(tmp_path / "out") == contents(whole)


def test_the_command_finds_what_python_finds_and_the_archive_has_all_of_it(tmp_path):
    ase.io.write(tmp_path / "flat.xyz", flat_ammonia(), format="extxyz")
    for frequencies in (True, False):
        out = tmp_path / str(frequencies)
        (said,) = json.loads(
            command(tmp_path / "flat.xyz", "--json", "--out", out, *["--frequencies"] * frequencies).stdout
        )
        found = molopt.check(molopt.Molecule.of(tmp_path / "flat.xyz"), "mmff94", frequencies)
        which = {"place": 0, "where": "flat.xyz, frame 1", "smiles": "N", "failed": None}
        assert said == which | json.loads(json.dumps(found.as_dict()))
        with archive(out / "check.db") as kept:
            (one,) = kept.records()
        assert which | json.loads(json.dumps(one.value.as_dict())) == said
        assert str(one.value) == str(found)
        if frequencies:
            assert one.value.vibrations.get_hessian_2d() == pytest.approx(found.vibrations.get_hessian_2d())


def test_the_database_is_one_of_ases_and_can_be_searched(whole):
    database = ase.db.connect(whole / "check.db", use_lock_file=False)
    found = list(database.select("stationary=saddle,imaginary=1,lowest_wavenumber<-100,largest_force<0.05"))
    assert sorted(row.place for row in found) == [0, 1]
    assert [row.molecule for row in database.select("gibbs<10,curvature>0,molecule=water")] == ["water"]
    assert sum(1 for _ in database.select("failed")) == 3


def test_many_quick_looks_are_a_line_each_of_80_characters(sources, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ran = command(*sources)
    lines = ran.stdout.splitlines()
    assert [line.split()[:2] for line in lines if line[0] != " "][:5] == [
        ["molecule", "it"], ["ammonia", "saddle"], ["ammonia", "saddle"], ["ethanol", "minimum"],
        ["minima.sdf,", "record"],
    ]  # fmt: skip
    assert {len(line) for line in lines if re.search(r"minimum|saddle  |curvature", line) and ";" not in line} == {80}
    assert lines[-2].startswith("2 saddle, 2 minimum; written to ")
    assert lines[-2].endswith("molopt-check-flat")
    assert lines[-1] == "failures.csv lists the 3 that could not be done, with their reasons"
    assert {path.name for path in (tmp_path / "molopt-check-flat").iterdir()} == {
        "check.json", "check.db", "check.csv", "failures.csv"
    }  # fmt: skip


def test_one_alone_is_told_whole_with_its_atoms_counted_from_1(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ase.io.write("flat.xyz", flat_ammonia(), format="extxyz")
    said = command("flat.xyz").stdout
    assert said.splitlines()[0] == "ammonia: saddle"
    assert "eV/A^2 in plane 1-2-3-4 100 %" in said
    assert [path.name for path in tmp_path.iterdir()] == ["flat.xyz"]


def test_strict_stops_at_the_first_that_cannot_be_checked_and_keeps_those_before(sources, tmp_path):
    ran = command(*sources, "--strict", "--out", tmp_path / "out")
    assert (ran.exit_code, ran.stderr.splitlines()[-1][:29]) == (2, "molopt: minima.sdf, record 2:")
    assert [row["molecule"] for row in rows(tmp_path / "out" / "check.csv")] == ["ammonia", "ammonia", "ethanol"]


def test_the_page_names_every_column_with_its_unit():
    page = (Path(__file__).parents[2] / "docs" / "guide" / "check.md").read_text()
    lines = [line for line in page.splitlines() if line.startswith("| `")]
    for field in (*FIELDS, *MODE_FIELDS):
        assert any(f"`{field.name}`" in line and field.unit in line.rpartition("| ")[2] for line in lines), field.name


@posix
def test_killed_and_resumed_it_gives_the_same_files(sources, whole, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(SUPPORT), os.environ.get("PYTHONPATH", "")]))
    slow = ("--potential", "trouble:Unhurried")
    written(tmp_path / "whole", sources, potential=slow[1])
    folder = tmp_path / "killed"
    process = begun(*sources, *slow, "--workers", 2, "--out", folder, command="check")
    wait(lambda: archived(folder, "check.db") > 1, process)
    end(process, signal.SIGKILL)
    assert archived(folder, "check.db") < 7
    process = begun("--resume", folder, *slow, command="check")
    process.communicate()
    assert process.returncode == 1  # as some cannot be done
    assert contents(folder) == contents(tmp_path / "whole")


@posix
def test_an_interrupt_writes_those_that_are_done_and_says_how_to_go_on(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(SUPPORT), os.environ.get("PYTHONPATH", "")]))
    asked = ["--potential", "trouble:Unhurried", "--frequencies", "--out", tmp_path / "out"]
    process = begun(folder / "minima.sdf", folder / "flat.xyz", *asked, command="check")
    wait(lambda: archived(tmp_path / "out", "check.db") >= 1, process)
    said = end(process, signal.SIGINT)
    assert process.returncode == 130
    assert f"continue with molopt check --resume {tmp_path / 'out'} --potential trouble:Unhurried" in said
    assert [row["molecule"] for row in rows(tmp_path / "out" / "check.csv")] == ["ethanol"]


def test_modes_that_were_written_early_have_the_names_of_the_whole_in_the_end(folder, whole, tmp_path):
    """The second of two saddles of one name is done first, and has the name of the first for a while."""
    asked = Request((str(folder / "flat.xyz"),), frequencies=True)
    with Checked.begin(tmp_path / "out", asked) as checks:
        assert len(list(checks.go(SerialExecutor(), list(checks.tasks())[1:]))) == 1
        checks.write_files()
    early = ase.io.read(tmp_path / "out" / "ammonia_mode1.xyz")
    with Checked.resume(tmp_path / "out") as checks:
        assert not (tmp_path / "out" / "ammonia_mode1.xyz").exists()
        assert [found.place for found in checks.go(SerialExecutor(), checks.tasks())] == [0]
        checks.write_files()
    assert ase.io.read(tmp_path / "out" / "ammonia-2_mode1.xyz") == early
    assert {path.name for path in (tmp_path / "out").glob("*.xyz")} == {"ammonia_mode1.xyz", "ammonia-2_mode1.xyz"}


def test_what_is_overwritten_takes_its_modes_with_it(whole, tmp_path):
    out = shutil.copytree(whole, tmp_path / "out")
    (out / "mine.xyz").write_text("kept")
    assert command("O", "--out", out, "--overwrite").exit_code == 1
    assert set(contents(out)) == {"check.csv", "mine.xyz"}


def test_what_goes_on_takes_the_rest_from_the_folder(sources, tmp_path):
    out = written(tmp_path / "out", sources)
    before = contents(out)
    again = command("--resume", out)
    assert (again.exit_code, len(again.stdout.splitlines())) == (1, 2)  # what is there; nothing is redone
    assert contents(out) == before
    more = command("O", "--resume", out, "--frequencies")
    assert (more.exit_code, more.stderr.count("drop --frequencies, the molecules")) == (2, 1)
    none = command("--resume", tmp_path)
    assert (none.exit_code, none.stderr.count("it has no check.json; molopt check ... --out")) == (2, 1)


@pytest.mark.parametrize("several", [False, True])
def test_one_that_takes_too_long_is_a_failure(tmp_path, monkeypatch, several):
    monkeypatch.syspath_prepend(str(SUPPORT))
    (tmp_path / "set.smi").write_text("C\n" * (1 + several))
    asked = ["--potential", "trouble:Unhurried", "--frequencies", "--time-limit", "0.2", "--out", tmp_path / "out"]
    ran = command(tmp_path / "set.smi", *asked)
    assert ran.exit_code == 1
    assert [row["reason"] for row in rows(tmp_path / "out" / "failures.csv")] == ["the time limit of 0.2 s"] * (
        1 + several
    )


def test_python_says_likewise_that_it_takes_too_long():
    for workers in (1, 2):
        with pytest.raises(TimeoutError, match=r"the time limit of 1e-09 s"):
            molopt.check(molopt.Molecule.from_smiles("O"), "mmff94", True, workers=workers, time_limit=1e-9)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "give geometries to check, or --resume FOLDER"),
        (["O", "--time-limit", "0"], "time_limit must be positive, got 0.0"),
        (["O", "--fmax", "nan"], "fmax must be a finite number, got nan"),
        (["[U]", "--out", "out"], "no parameters for atom no. 1 (U)"),
        (["nowhere.sdf"], "there is no file 'nowhere.sdf'"),
        pytest.param(["O", "--parsl", "nowhere.py", "--frequencies"], "nowhere.py: no such file", marks=NEEDS_PARSL),
        (["O", "--frequencies", "--out", "taken"], "the folder taken is not empty: give another --out, or --overwrite"),
        (["O", "--frequencies", "--out", "file"], "file is not a folder"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine").touch()
    (tmp_path / "file").touch()
    before = sorted(tmp_path.rglob("*"))
    ran = command(*arguments)
    assert (ran.exit_code, len(ran.stderr.splitlines())) == (2, 1), ran.output
    assert said in ran.stderr
    assert sorted(tmp_path.rglob("*")) == before


# Folders from someone else


@pytest.fixture
def marker(tmp_path, monkeypatch):
    """A module that leaves a file when it is imported."""
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / f"{MODULE}.py").write_text(
        "from pathlib import Path\n(Path(__file__).parent / 'marker').touch()\n"
    )
    monkeypatch.syspath_prepend(tmp_path / "modules")
    yield tmp_path / "modules" / "marker"
    sys.modules.pop(MODULE, None)


@pytest.fixture(scope="module")
def saddles(folder, tmp_path_factory):
    return written(tmp_path_factory.mktemp("saddles") / "out", [folder / "flat.xyz"], frequencies=True)


@pytest.fixture
def hostile(saddles, tmp_path):
    """Checks that are done, with their frequencies, to be damaged."""
    return Path(shutil.copytree(saddles, tmp_path / "out"))


def refused(out):
    ran = command("--resume", out)
    assert isinstance(ran.exception, SystemExit | None), ran.exception
    assert (ran.exit_code, len(ran.stderr.splitlines()), ran.stdout) == (2, 1, ""), ran.output
    return ran.stderr


@pytest.mark.parametrize("name", [*KINDS, "sources", "name", "versions", "contents"])
def test_code_named_in_any_field_of_the_file_is_not_run(hostile, marker, name):
    said = json.loads((hostile / "check.json").read_text())
    value = {PAYLOAD: PAYLOAD} if isinstance(said[name], dict) else [PAYLOAD] if name == "sources" else PAYLOAD
    (hostile / "check.json").write_text(json.dumps(said | {name: value}))
    ran = command("--resume", hostile)
    assert not marker.exists()
    assert ran.exit_code == (1 if name == "name" else 2)  # a molecule may be called anything
    if name == "potential":
        assert f"if you trust it, name it again: --potential '{PAYLOAD}'" in ran.stderr


@pytest.mark.parametrize(
    "values",
    [
        {"fmax": 0},
        {"temperature": -1},
        {"pressure": "1"},
        {"symmetry_number": 0.5},
        {"displacement": 10**400},
        {"frequencies": 1},
        {"potential": ""},
        {"further": 1},
        {"format": 2},
    ],
    ids=str,
)
def test_a_value_out_of_its_range_in_the_file_is_one_line(hostile, values):
    said = json.loads((hostile / "check.json").read_text())
    (hostile / "check.json").write_text(json.dumps(said | values))
    assert "check.json" in refused(hostile)


def with_record(out, change):
    """The folder with another first record, whatever it says."""
    with archive(out / "check.db") as kept:
        (first, second), packed = kept.records(), kept.holds.pack
    said, arrays = opened(packed(first))
    change(said["value"], arrays)
    (out / "check.db").unlink()
    with archive(out / "check.db") as kept:
        kept.add(second)
        kept.holds.pack = lambda _: parcel(said, arrays)
        kept.add(first)


DAMAGES = {
    "an energy that is not one": lambda said, arrays: said.update(energy=math.nan),
    "an fmax below zero": lambda said, arrays: said.update(fmax=-1.0),
    "force calls that are not a number": lambda said, arrays: said.update(force_calls=True),
    "a charge beyond all nuclei": lambda said, arrays: said.update(charge=10**9),
    "a multiplicity of zero": lambda said, arrays: said.update(spin=0),
    "a name that is a list": lambda said, arrays: said.update(name=["x"]),
    "a name of gigabytes": lambda said, arrays: said.update(refused="x" * (1 << 21)),
    "names of too few modes": lambda said, arrays: said["names"].pop(),
    "another word": lambda said, arrays: said["verdict"].update(stationary="maximum"),
    "a word that is none": lambda said, arrays: said["curvature"].update(stationary=PAYLOAD),
    "a further field": lambda said, arrays: said["verdict"].update(further=1),
    "energy left that is a text": lambda said, arrays: said["verdict"].update(energy_left="0"),
    "calls below zero": lambda said, arrays: said["curvature"].update(calls=-1),
    "a field that is missing": lambda said, arrays: said["curvature"].pop("lowest"),
    "a heat that is a text": lambda said, arrays: said.update(thermochemistry={"enthalpy": "hot"}),
    "an element beyond all": lambda said, arrays: arrays.update(numbers=arrays["numbers"] * 100),
    "no atoms": lambda said, arrays: arrays.update(numbers=arrays["numbers"][:0]),
    "atoms out of sight": lambda said, arrays: arrays.update(positions=arrays["positions"] + 1e9),
    "forces of fewer atoms": lambda said, arrays: arrays.update(forces=arrays["forces"][1:]),
    "a direction that is not a number": lambda said, arrays: arrays["direction"].fill(math.nan),
    "modes without length": lambda said, arrays: arrays["vectors"].fill(0),
    "modes of other atoms": lambda said, arrays: arrays.update(vectors=arrays["vectors"][1:]),
    "masses below zero": lambda said, arrays: arrays["roots"].fill(-1),
    "entries that are numbers": lambda said, arrays: arrays.update(movable=np.arange(12)),
    "wavenumbers without end": lambda said, arrays: arrays["values"].fill(math.inf),
    **{f"no {name}": lambda said, arrays, name=name: arrays.pop(name) for name in MODES[1:]},
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_record_that_cannot_be_is_one_line(hostile, damage):
    with_record(hostile, DAMAGES[damage])
    assert "does not hold a check that this molopt can read" in refused(hostile)


def test_a_name_in_a_record_is_not_a_path(hostile, tmp_path):
    with archive(hostile / "check.db") as kept:
        found = [replace(one, name="../../up") for one in kept.records()]
    (hostile / "check.db").unlink()
    with archive(hostile / "check.db") as kept:
        kept.add_all(found)
    before = {path for path in tmp_path.rglob("*") if hostile not in path.parents}
    command("--resume", hostile)
    assert {path.name for path in hostile.glob("*_mode*")} >= {"up_mode1.xyz", "up-2_mode1.xyz"}
    assert {path for path in tmp_path.rglob("*") if hostile not in path.parents} == before


def test_a_database_of_another_kind_is_not_taken_for_checks(hostile):
    (hostile / "check.db").write_bytes(b"SQLite format 3\0" + b"\0" * 100)
    assert "check.db" in refused(hostile)
    assert Mark(0x6D6F6368, 1, "systems", "an archive of checked geometries") == Checked.kind.mark
