"""`molopt export`: one row a run, exact, whole or not at all."""

import csv
import subprocess
import sys
from dataclasses import replace

import pytest
from click.testing import CliRunner

from molopt.cli import main
from molopt.comparison.export import write_csv
from molopt.errors import InputError
from molopt.record import Outcome, Plan, Record
from molopt.schema import EXPORT
from molopt.store import Store
from molopt.store.packing import pack

PLAN = Plan(
    source="list.smi",
    molecule="water",
    place=0,
    seed=0,
    smiles="O",
    charge=0,
    spin=1,
    numbers=[8, 1, 1],
    bonds=[[0, 1], [0, 2]],
    start=[[0.0, 0.0, 0.0], [0.96, 0.0, 0.0], [-0.24, 0.93, 0.0]],
    potential="mmff94",
    optimizer="adam?lr=0.02",
    tuned=True,
    fmax_limit=0.01,
    energy_left_limit=None,
    step_limit=1000,
    versions={},
)
ENERGY = 0.1 + 0.2
TEXTS = (
    "<script>alert(1)</script>",
    'a "quoted", comma; semicolon',
    "two\nlines",
    "a return \r alone",
    "NUL \0 inside",
    "emoji \U0001f9ea",
    "long " * 2000,
    "123",
    "",
    " ",
    "=HYPERLINK(1)",
    "+1",
    "-1",
    "@me",
    "\ufeffmark",
)


def record(place=0, **plan):
    return Record(replace(PLAN, place=place, **plan), Outcome("converged", energy=ENERGY, force_calls=7, seconds=1 / 3))


@pytest.fixture
def study(tmp_path):
    """A folder with three runs."""
    folder = tmp_path / "study"
    folder.mkdir()
    with Store(folder / "runs.db") as store:
        for place in (2, 0, 1):
            store.add(record(place))
    return folder


def molopt(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def complaint(*arguments):
    result = molopt(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith("molopt: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_export_writes_a_row_for_each_run_in_order(study, tmp_path):
    result = molopt("export", study, "--write", tmp_path / "runs.csv")
    assert result.exit_code == 0, result.output
    assert result.stdout == f"3 runs are in {tmp_path / 'runs.csv'}\n"
    read = rows(tmp_path / "runs.csv")
    assert [row["place"] for row in read] == ["0", "1", "2"]
    assert tuple(read[0]) == EXPORT
    assert read[0]["key"] == record(0).key
    assert read[0]["atoms"] == "3"
    assert read[0]["tuned"] == read[0]["converged"] == "True"


def test_numbers_have_all_their_digits_and_what_is_not_known_is_empty(tmp_path):
    assert write_csv([record(), Record(PLAN, Outcome("crashed", error="killed"))], tmp_path / "runs.csv") == 2
    known, crashed = rows(tmp_path / "runs.csv")
    assert float(known["energy"]) == ENERGY
    assert float(known["seconds"]) == 1 / 3
    for name in ("energy", "fmax", "energy_left", "floor_energy", "bonds_kept", "surrogate", "energy_left_limit"):
        assert crashed[name] == ""
    assert (crashed["ended"], crashed["error"]) == ("crashed", "killed")


def test_text_comes_back_exactly(tmp_path):
    records = [record(molecule=text, source=text, smiles=text, optimizer=text) for text in TEXTS]
    write_csv(records, tmp_path / "runs.csv")
    for row, text in zip(rows(tmp_path / "runs.csv"), TEXTS, strict=True):
        assert row["molecule"] == row["source"] == row["smiles"] == row["optimizer"] == text


def test_a_name_that_utf_8_cannot_hold_does_not_spoil_the_file(tmp_path):
    write_csv([record(molecule="bad \udcff byte"), record(1)], tmp_path / "runs.csv")
    assert [row["molecule"] for row in rows(tmp_path / "runs.csv")] == ["bad \\udcff byte", "water"]


def test_a_file_that_exists_is_not_replaced_without_overwrite(study, tmp_path):
    (tmp_path / "runs.csv").write_text("mine")
    said = complaint("export", study, "--write", tmp_path / "runs.csv")
    assert "exists: give another --write, or --overwrite" in said
    assert (tmp_path / "runs.csv").read_text() == "mine"
    assert molopt("export", study, "--write", tmp_path / "runs.csv", "--overwrite").exit_code == 0
    assert len(rows(tmp_path / "runs.csv")) == 3
    assert len(list(tmp_path.iterdir())) == 2


def test_an_export_that_fails_leaves_what_was_there(tmp_path):
    (tmp_path / "runs.csv").write_text("before")

    def broken():
        yield record()
        raise InputError("gave up")

    with pytest.raises(InputError, match="gave up"):
        write_csv(broken(), tmp_path / "runs.csv")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["before"]


def test_a_full_disk_is_one_line_and_leaves_nothing_behind(study, tmp_path):
    script = "import resource, signal, sys; from molopt.cli import main; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)"
    script += "; resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300)); main()"
    command = [sys.executable, "-c", script, "export", str(study), "--write", str(tmp_path / "runs.csv")]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 2
    assert ran.stderr.count("\n") == 1
    assert "could not be written" in ran.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["study"]


def test_what_is_no_study_or_no_place_to_write_is_one_line_and_makes_nothing(study, tmp_path):
    assert "is not a study" in complaint("export", tmp_path, "--write", tmp_path / "runs.csv")
    assert "is not a study" in complaint("export", tmp_path / "none", "--write", tmp_path / "runs.csv")
    assert "is the study itself" in complaint("export", study, "--write", study / "runs.db", "--overwrite")
    assert "could not be written" in complaint("export", study, "--write", tmp_path / "none" / "runs.csv")
    assert "is a folder" in complaint("export", study, "--write", tmp_path)
    assert "is a device" in complaint("export", study, "--write", "/dev/null", "--overwrite")
    assert "--write" in complaint("export", study)
    (study / "runs.db").write_bytes(b"nothing of ours")
    assert "is not a database" in complaint("export", study, "--write", tmp_path / "runs.csv")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["runs.db", "study"]


def test_a_study_is_exported_while_it_goes_on(study, tmp_path):
    with Store(study / "runs.db") as store:
        store.add(record(3))
        assert molopt("export", study, "--write", tmp_path / "runs.csv").exit_code == 0
        store.add(record(4))
    assert len(rows(tmp_path / "runs.csv")) == 4


def test_ten_times_the_runs_take_no_more_memory(tmp_path):
    script = (
        "import resource, sys\nfrom dataclasses import replace\nfrom pathlib import Path\n"
        "from molopt.comparison.export import write_csv\nfrom molopt.store.packing import unpack\n"
        "from molopt.record import Record\n"
        "like = unpack(Path(sys.argv[1]).read_bytes())\n"
        "runs = (Record(replace(like.plan, place=place), like.outcome) for place in range(int(sys.argv[2])))\n"
        "write_csv(runs, Path(sys.argv[1] + '.csv'))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    like = tmp_path / "like"
    like.write_bytes(pack(record()))

    def memory(count):
        command = [sys.executable, "-c", script, str(like), str(count)]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    assert memory(20_000) < memory(2_000) + 2_000  # kB


def test_a_file_where_a_folder_should_be_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="could not be written: Not a directory"):
        write_csv([record()], tmp_path / "file" / "runs.csv")
