"""What a command says of its work: --log, --quiet, --verbose."""

import json
import math
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import molopt
from molopt.cli import log, main
from molopt.cli.narrator import Narrator
from molopt.signs import STAGES, Sign

DOCS = Path(__file__).parents[2] / "docs"
LONG = ["relax", "C" * 40, "--fmax", "1e-9", "--steps", "100000", "--optimizer", "fire"]
WITHIN = 60.0  # s, for what takes a second on an idle machine


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Each test works in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


def cli(*arguments):
    return CliRunner().invoke(main, list(map(str, arguments)))


def events(path="run.jsonl", kind=None):
    found = [json.loads(line, parse_constant=pytest.fail) for line in Path(path).read_text().splitlines()]
    return [event for event in found if kind is None or event["event"] == kind]


# --log


def test_the_log_tells_a_run_from_its_start_to_its_end():
    result = cli("relax", "CCO ethanol", "--log", "run.jsonl", "--out", "out")
    assert result.exit_code == 0
    found = events()
    kinds = [event["event"] for event in found if event["event"] != "stage"]
    assert kinds == ["started", "begun", "ended", "written", "finished"]
    started, ended, finished = found[0], events(kind="ended")[0], found[-1]
    assert started["command"] == "relax"
    assert started["options"]["fmax"] == 0.05
    assert started["versions"]["molopt"] == molopt.__version__
    assert (ended["molecule"], ended["stationary"], ended["ended"]) == ("ethanol", "minimum", "converged")
    with open("out/relaxed.csv") as file:
        header, row = (line.rstrip().split(",") for line in file)
    assert ended["calls"] == int(row[header.index("force_calls")])
    assert (finished["exit_code"], finished["begun"], finished["ended"], finished["failed"]) == (0, 1, 1, 0)
    assert all(Path(path).is_file() for path in events(kind="written")[0]["files"])


def test_every_line_has_the_fields_that_are_documented_and_a_time_in_utc():
    Path("list.smi").write_text("CCO a\nCX b\nC[Se]C c\n")
    assert cli("relax", "list.smi", "--log", "run.jsonl", "--steps", "1").exit_code == 1
    for event in events():
        assert list(event) == [*log.COMMON, *log.EVENTS[event["event"]].fields]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event["time"])
    assert {event["event"] for event in events()} == {
        "started",
        "stage",
        "begun",
        "ended",
        "failed",
        "written",
        "finished",
    }
    assert [event["molecule"] for event in events(kind="failed")] == ["b", "c"]
    assert events()[-1]["failed"] == 2


def test_what_is_not_known_is_null():
    log.Log("run.jsonl").write("ended", {"energy": math.nan, "fmax": np.float64("inf"), "calls": np.int64(3)})
    (event,) = events()
    assert (event["energy"], event["fmax"], event["calls"], event["left"]) == (None, None, 3, None)


@pytest.mark.parametrize(
    "arguments",
    [
        ["compare", "CO", "--potential", "mmff94", "--optimizers", "bfgs", "--out", "out"],
        ["conformers", "CO", "--out", "out", "--count", "5"],
        ["conformers", "CO", "CN", "--out", "out", "--count", "5"],
        ["scan", "CO", "--bond", "1,2=1.3:1.4:2"],
        ["check", "CO"],
    ],
    ids=lambda arguments: " ".join(arguments[:3]),
)
def test_each_command_logs_what_it_began_and_how_that_ended(arguments):
    result = cli(*arguments, "--log", "run.jsonl")
    assert result.exit_code in (0, 1), result.output
    begun, ended = events(kind="begun"), events(kind="ended")
    assert len(begun) == len(ended) > 0
    assert all(event["potential"] for event in ended)
    assert all(event["calls"] > 0 and event["stationary"] and event["energy"] is not None for event in ended)
    assert [event["event"] for event in (events()[0], events()[-1])] == ["started", "finished"]


def test_a_name_that_is_given_is_the_same_in_all_events():
    Path("two.smi").write_text("O\nC\n")
    assert cli("relax", "two.smi", "--name", "a\nb", "--out", "out", "--log", "run.jsonl").exit_code == 0
    for kind in ("begun", "ended"):
        assert sorted(event["molecule"] for event in events(kind=kind)) == ["a b", "a b-2"]


def test_fit_stiffness_logs_what_it_left_out():
    Path("list.smi").write_text("C[Se]C a\n" * 10)
    result = cli("fit-stiffness", "list.smi", "--potential", "mmff94", "--write", "a.json", "--log", "run.jsonl")
    assert result.exit_code == 2
    assert len(events(kind="begun")) == len(events(kind="failed")) == 10
    assert "at least 10 are needed" in events()[-1]["error"]


def test_a_log_goes_on_where_another_command_left_it_even_in_half_a_line():
    assert cli("relax", "C", "--log", "run.jsonl", "--out", "a").exit_code == 0
    first = len(events())
    with open("run.jsonl", "a") as file:
        file.write('{"event": "st')
    assert cli("relax", "CX", "--log", "run.jsonl", "--out", "b").exit_code == 2
    lines = Path("run.jsonl").read_text().splitlines()
    assert lines[first] == '{"event": "st'
    last = json.loads(lines[-1])
    assert (last["event"], last["exit_code"]) == ("finished", 2)
    assert last["error"].startswith("cannot read the SMILES")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("nowhere/run.jsonl", "No such file or directory"),
        (".", "is a folder"),
        ("mine.smi", "is there, and is not a log"),
        ("/dev/full", "is a device"),
    ],
)
def test_a_log_that_cannot_be_written_is_one_line_before_anything_is_run(path, said):
    Path("mine.smi").write_text("CCO\n")
    before = sorted(Path().rglob("*"))
    result = cli("relax", "C", "--log", path)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
    assert sorted(Path().rglob("*")) == before
    assert Path("mine.smi").read_text() == "CCO\n"


def test_a_disk_that_is_full_ends_the_log_and_not_the_run():
    script = """
import resource, sys
from molopt.cli import log, main
log.Log("run.jsonl").append(b'{"event": "' + b"x" * (1 << 20) + b'"}\\n')
size = __import__("os").path.getsize("run.jsonl") + 900  # the first line, and half of the next
resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
main(["relax", "CCO", "--log", "run.jsonl", "--out", "out"])
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr.count("the log run.jsonl ends here") == 1
    assert "1 of 1 converged" in ran.stdout
    assert all(json.loads(line) for line in Path("run.jsonl").read_text().splitlines())
    assert Path("run.jsonl").read_text().endswith("\n")


def test_a_command_that_is_interrupted_logs_that_and_how_it_ended():
    program = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from molopt.cli import main; main()"
    )
    command = [sys.executable, "-c", program, *LONG, "--log", "run.jsonl"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait(lambda: Path("run.jsonl").exists() and '"relaxing"' in Path("run.jsonl").read_text(), process)
    process.send_signal(signal.SIGINT)
    assert process.wait(WITHIN) == 130
    kinds = [event["event"] for event in events()]
    assert "interrupted" in kinds
    assert events()[-1]["exit_code"] == 130
    assert kinds.index("interrupted") < kinds.index("written")


def wait(claim, process):
    until = time.monotonic() + WITHIN
    while not claim() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.02)
    assert claim()


# --quiet and --verbose


@pytest.mark.parametrize(
    ("arguments", "written"),
    [
        (["relax", "list.smi", "--out", "out"], "out/relaxed.sdf"),
        (["compare", "CO", "--potential", "uff", "--optimizers", "bfgs", "--out", "out", "--no-files"], "out/runs.db"),
        (["conformers", "CO", "--out", "out", "--count", "5"], "out/conformers.sdf"),
        (["scan", "CO", "--bond", "1,2=1.3:1.4:2", "--out", "out"], "out/CH4O_scan.csv"),
        (["check", "CO"], "list.smi"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_quiet_prints_nothing_and_writes_all_the_same(arguments, written):
    Path("list.smi").write_text("CCO a\nCX b\n")
    result = cli(*arguments, "-q")
    assert result.exit_code in (0, 1), result.output
    assert result.output == ""
    assert Path(written).is_file()


def test_quiet_with_json_prints_the_json_alone_and_errors_are_printed():
    result = cli("relax", "CCO", "-q", "--json")
    assert json.loads(result.stdout)[0]["converged"]
    assert result.stderr == ""
    result = cli("relax", "CX", "-q")
    assert result.exit_code == 2
    assert result.stderr.startswith("molopt: cannot read the SMILES")


def test_quiet_and_verbose_contradict_each_other():
    result = cli("relax", "C", "-q", "-v")
    assert (result.exit_code, result.stderr.count("\n"), result.stdout) == (2, 1, "")
    assert not list(Path().iterdir())


def test_verbose_prints_stages_and_what_found_a_lower_energy_and_results_stay_alone_on_stdout():
    plain, verbose = cli("relax", "CCO", "--out", "a"), cli("relax", "CCO", "--out", "b", "-v")
    assert [line.split()[0] for line in plain.stdout.splitlines()] == [
        line.split()[0] for line in verbose.stdout.splitlines()
    ]
    assert "embedding CCO (9 atoms)" in verbose.stderr
    energies = [float(found) for found in re.findall(r"call \d+, (\S+) eV, fmax", verbose.stderr)]
    assert len(energies) > 3
    assert energies == sorted(energies, reverse=True)
    assert "meV left" in verbose.stderr


def test_the_narrator_passes_over_force_calls_that_found_nothing_lower():
    told = [Sign("relaxing", "a", 3, 0.0, calls, energy, 0.1, number=1) for calls, energy in enumerate([5, 3, 4, 2], 1)]
    narrator = Narrator()
    assert [bool(narrator.line(sign)) for sign in told] == [True, True, False, True]


# What is written of it


def test_the_documents_have_all_events_and_stages():
    page = (DOCS / "guide" / "progress.md").read_text()
    assert log.table() in page
    assert all(f"`{name}`" in page for name in STAGES)
