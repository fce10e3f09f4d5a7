"""The fuzz command on a few of its inputs, and what it takes for a fault."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "docs" / "benchmarks"


def test_damaged_inputs_give_no_traceback_no_hang_and_no_file_outside_their_output():
    command = [sys.executable, BENCHMARKS / "fuzz.py", "--count", "200", "--seed", "5"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "200 inputs of seed 5" in ran.stdout


@pytest.fixture(scope="module")
def fuzz():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        spec = importlib.util.spec_from_file_location("fuzz", BENCHMARKS / "fuzz.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("code", "trace", "out", "err", "problem"),
    [
        (0, "", b"fine\n", b"note: a guess\n", None),
        (2, "", b"", b"molopt: cannot read it\n  CC(\n    ^\n", None),
        (None, "ValueError: no\n", b"", b"", "traceback"),
        (0, "", b"", b"Traceback (most recent call last):\n", "traceback"),
        (130, "", b"", b"molopt: interrupted\n", "exit code"),
        (0, "", b"", b"a line of a library\n", "not one line"),
        (2, "", b"", b"molopt: one\nmolopt: two\n", "not one line"),
        (0, "", b"a\x1b[2J\n", b"", "raw characters"),
        (0, "", "a\u202e\n".encode(), b"", "raw characters"),
        (0, "", b"\xff\n", b"", "raw characters"),
    ],
)
def test_what_is_wrong_with_what_was_printed_is_found(fuzz, code, trace, out, err, problem):
    assert (problem is None and not fuzz.found(code, trace, out, err)) or problem in fuzz.found(code, trace, out, err)


def test_a_file_that_changes_outside_the_output_is_seen(fuzz, tmp_path):
    (tmp_path / "case" / "out").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    before = fuzz.untouched(tmp_path)
    (tmp_path / "case" / "out" / "made").touch()
    assert fuzz.untouched(tmp_path) == before
    (tmp_path / "other" / "made").touch()
    assert fuzz.untouched(tmp_path) != before


def test_an_input_is_made_again_by_its_number(fuzz):
    templates = {
        "study": {"study.json": b'{"a": [1]}', "runs.db": b"x"},
        "restart": {"restart.json": b'{"body": {"a": [1]}}'},
    }
    assert [fuzz.case(1, n, templates) for n in range(50)] == [fuzz.case(1, n, templates) for n in range(50)]
    assert fuzz.case(1, 0, templates) != fuzz.case(2, 0, templates)
