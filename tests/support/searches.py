"""Work on many molecules in processes of their own, to be killed."""

import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress

from click.testing import CliRunner

from molopt.cli import main

HEARING = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"  # a shell's & starts it deaf
WITHIN = 120.0  # s, for what takes seconds on an idle machine


def begun(*arguments, command="conformers"):
    program = f"{HEARING}; from molopt.cli import main; main(prog_name='molopt')"
    process = [sys.executable, "-c", program, command, *map(str, arguments)]
    return subprocess.Popen(process, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def here(*arguments):
    """The command in this process."""
    result = CliRunner().invoke(main, list(map(str, arguments)))
    assert result.exit_code in (0, 1), result.output


def wait(claim, process):
    until = time.monotonic() + WITHIN
    while not claim() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.01)


def archived(folder, name="conformers.db"):
    """How many molecules are in an archive that another process writes."""
    try:
        with closing(sqlite3.connect(f"file:{folder / name}?mode=ro", uri=True, timeout=10)) as database:
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
