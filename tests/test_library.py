"""A search that is killed or interrupted goes on, and gives what an undisturbed one gives, to the byte."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest
from click.testing import CliRunner

from molopt.cli import main

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")

LIBRARY = "CCO ethanol\nCCCO propanol\nCX(C bad\nCOC\nOCCO glycol\nc1ccccc1 benzene\n[U] uranium\nCC(C)C=O\nCC=O\n"
MANY = ("conformers.sdf", "conformers.csv", "failures.csv")
SINGLE = ("conformers.sdf", "conformers.csv", "conformers.xyz")
WITHIN = 120.0  # s, for what takes seconds on an idle machine


def begun(*arguments):
    command = [sys.executable, "-m", "molopt", "conformers", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def here(*arguments):
    """The command in this process."""
    result = CliRunner().invoke(main, list(map(str, arguments)))
    assert result.exit_code in (0, 1), result.output


def wait(claim, process):
    until = time.monotonic() + WITHIN
    while not claim() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.01)


def archived(folder):
    """How many molecules are in an archive that another process writes."""
    try:
        with closing(sqlite3.connect(f"file:{folder / 'conformers.db'}?mode=ro", uri=True, timeout=10)) as database:
            return database.execute("SELECT COUNT(*) FROM systems").fetchone()[0]
    except sqlite3.Error:
        return 0


def journaled(folder):
    """Bytes of the journal of a single molecule."""
    found = 0
    for path in folder.glob("search.journal*"):
        with suppress(OSError):  # SQLite removes files of its own
            found += path.stat().st_size
    return found


def end(process, number):
    os.kill(process.pid, number)
    said, _ = process.communicate()
    return said


def test_a_library_killed_three_times_and_resumed_gives_the_same_files(tmp_path):
    source = tmp_path / "set.smi"
    source.write_text(LIBRARY)
    here("conformers", source, "--count", 4, "--out", tmp_path / "whole")
    folder, done = tmp_path / "killed", 0
    process = begun(source, "--count", 4, "--workers", 2, "--out", folder)
    for workers in (1, 1, 2):
        wait(lambda done=done: archived(folder) >= done + 2, process)
        end(process, signal.SIGKILL)
        done = archived(folder)
        assert 0 < done < 9  # so that there is something to lose, and something left to do
        process = begun("--resume", folder, "--workers", workers)
    process.communicate()
    assert process.returncode == 1  # as two cannot be done
    for name in MANY:
        assert (folder / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_molecule_killed_three_times_and_resumed_gives_the_same_files(tmp_path):
    asked = ["NCC(=O)NCCO", "--count", 16]
    here("conformers", *asked, "--out", tmp_path / "whole")
    folder, kept = tmp_path / "killed", 0
    process = begun(*asked, "--workers", 2, "--out", folder)
    for workers in (1, 1, 2):
        wait(lambda kept=kept: journaled(folder) > kept + 4096, process)
        end(process, signal.SIGKILL)
        kept = journaled(folder)
        assert kept > 0
        process = begun("--resume", folder, "--workers", workers)
    process.communicate()
    assert process.returncode == 0
    for name in SINGLE:
        assert (folder / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert not list(folder.glob("search.journal*"))


def test_an_interrupt_writes_what_was_found_and_says_how_to_go_on(tmp_path):
    (tmp_path / "set.smi").write_text("O water\n" * 3 + "CCCCCCCCCCCCCCCCCC long\n" * 50)
    folder = tmp_path / "found"
    process = begun(tmp_path / "set.smi", "--count", 2000, "--out", folder)
    wait(lambda: archived(folder) >= 3, process)
    said = end(process, signal.SIGINT)
    assert process.returncode == 130
    assert f"continue with molopt conformers --resume {folder}" in said
    text = Path(folder / "conformers.csv").read_text()
    assert text.count("water") == 3
