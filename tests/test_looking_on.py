"""`molopt.progress` shows work in Python while it goes on, and leaves nothing behind."""

import os
import pty
import subprocess
import sys
import time

import numpy as np
import pytest

import molopt
from molopt import signs
from molopt.cli import looking_on

SEARCH = "import molopt\nwith molopt.progress():\n    found = molopt.conformers('CCCCCCO', count=20)\nprint(len(found))"
HOSTILE = "<b>\x1b[2J"


def test_a_terminal_shows_what_is_under_way_and_gets_its_cursor_back():
    leader, follower = pty.openpty()
    terminal = os.environ | {"TERM": "xterm"}
    running = subprocess.Popen([sys.executable, "-c", SEARCH], stdout=subprocess.PIPE, stderr=follower, env=terminal)
    os.close(follower)
    seen = b""
    while True:
        try:
            seen += os.read(leader, 4096)
        except OSError:  # the other end is closed
            break
    printed = running.communicate()[0]
    os.close(leader)
    assert running.returncode == 0
    assert printed.strip().isdigit()
    assert b"C6H14O (21 atoms)" in seen
    assert seen.rfind(b"\x1b[?25h") > seen.rfind(b"\x1b[?25l")  # shown after it was hidden


def test_a_short_run_elsewhere_says_nothing():
    ran = subprocess.run([sys.executable, "-c", SEARCH], capture_output=True, text=True, check=True)
    assert ran.stderr == ""
    assert ran.stdout.strip().isdigit()


def test_looking_on_changes_no_result():
    alone = molopt.conformers("CCCO", count=3)
    with molopt.progress():
        seen = molopt.conformers("CCCO", count=3)
    assert np.array_equal(alone.positions, seen.positions)


class Shown:
    """What stands below a cell of a notebook, one page after another."""

    def __init__(self):
        self.pages = []

    def update(self, data, raw=False):
        assert raw
        self.pages.append(data["text/html"])


def embedding_for_a_while(name):
    with signs.stage("embedding", name, 642):
        time.sleep(3 * looking_on.EVERY)


def test_a_notebook_shows_what_is_under_way_while_its_thread_is_busy_and_then_nothing():
    below = Shown()
    with looking_on.kept_up_to_date(below):
        embedding_for_a_while(HOSTILE)
        during = list(below.pages)
    assert any("embedding" in page and "(642 atoms)" in page for page in during)
    assert not any("<b>" in page or "\x1b" in page for page in during)
    assert below.pages[-1] == looking_on.NOTHING["text/html"]


def test_a_notebook_is_left_as_it_was_after_an_interrupt():
    below = Shown()

    def interrupted():
        with looking_on.kept_up_to_date(below):
            embedding_for_a_while("crambin")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    pages = len(below.pages)
    assert below.pages[-1] == looking_on.NOTHING["text/html"]
    time.sleep(2 * looking_on.EVERY)
    assert len(below.pages) == pages  # nobody changes it any more
    assert signs.watcher() is None
