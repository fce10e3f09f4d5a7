"""Signs of life: the stages of work, in this process and in workers, and what the command line makes of them."""

import contextvars
import ctypes
import io
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import threading
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import signalling
from click.testing import CliRunner
from rdkit import Chem

import molopt
from molopt import signs
from molopt.cli import main, terminal
from molopt.cli.display import UnderWay
from molopt.execution import Pool, SerialExecutor
from molopt.signs import STAGES, Sign, stage, watched_by

PEPTIDE = Chem.MolToSmiles(Chem.MolFromSequence("AAGIVKLFSTGAAKE"))  # a second to embed
WITHIN = 60.0  # s, for what takes a second on an idle machine
SHOW_CURSOR, HIDE_CURSOR = "\x1b[?25h", "\x1b[?25l"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Each test works in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


def cli(*arguments):
    return CliRunner().invoke(main, list(map(str, arguments)))


# The seam


def test_a_run_tells_its_stages_and_each_force_call():
    told = []
    with watched_by(told.append):
        result = molopt.relax("CCO", potential="mmff94")
    assert {sign.stage for sign in told} <= set(STAGES)
    relaxing = [sign for sign in told if sign.stage == "relaxing"]
    assert [sign.over for sign in relaxing] == [False] * (len(relaxing) - 1) + [True]
    seen = {sign.calls: (sign.energy, sign.fmax) for sign in relaxing if sign.calls}
    assert seen == {n: (call.energy, call.fmax) for n, call in enumerate(result.trace, start=1)}
    assert (relaxing[0].molecule, relaxing[0].atoms, relaxing[0].worker) == (result.name, 9, 0)
    assert relaxing[-1].left >= 0  # which the run asked for at its end


def test_looking_on_changes_no_bit_of_a_result():
    plain = molopt.relax("CC(N)C(=O)O")
    with watched_by(lambda sign: None):
        watched = molopt.relax("CC(N)C(=O)O")
    assert np.array_equal(plain.atoms.positions, watched.atoms.positions)
    assert plain.force_calls == watched.force_calls


def test_a_stage_goes_on_after_one_within_it():
    told = []
    with watched_by(told.append):
        with stage("reading"):
            with stage("embedding", "a", 5):
                signs.called(1, -1.0, 0.1)
            signs.done(2)
        signs.called(2, -1.0, 0.1)  # outside of all stages
    assert [(sign.stage, sign.over) for sign in told] == [
        ("reading", False), ("embedding", False), ("embedding", False), ("embedding", True), ("reading", False),
        ("reading", False), ("reading", True),
    ]  # fmt: skip
    assert len({sign.number for sign in told}) == 2


def test_a_stage_that_raises_is_over():
    told = []
    with watched_by(told.append), pytest.raises(ZeroDivisionError), stage("writing"):
        1 / 0  # noqa: B018
    assert told[-1].over


def test_no_more_is_done_than_there_is():
    """Flat modes are measured once more, which no one knows when a check begins."""
    told = []
    with watched_by(told.append), stage("frequencies", of=2):
        for number in range(4):
            signs.done(number)
    assert max(sign.done for sign in told) == 2


def test_threads_with_one_onlooker_have_stages_of_their_own():
    told, inner, outer_over = [], threading.Event(), threading.Event()

    def another():
        with stage("relaxing", "B"):
            inner.set()
            outer_over.wait(WITHIN)

    with watched_by(lambda sign: told.append((sign.molecule, sign.over))):
        thread = threading.Thread(target=contextvars.copy_context().run, args=[another])  # as asyncio.to_thread does
        with stage("relaxing", "A"):
            thread.start()
            inner.wait(WITHIN)
        outer_over.set()
        thread.join()
    assert told == [("A", False), ("B", False), ("A", True), ("B", True)]


def test_where_nobody_looks_on_nothing_is_told_and_what_is_hidden_is_not_told_either():
    told = []
    with watched_by(told.append), signs.hidden(), stage("reading"):
        assert signs.watcher() is None
    assert told == []
    with stage("reading"):
        assert signs.watcher() is None


# Workers


def told_by(executor, function, tasks):
    told = []
    with watched_by(told.append):
        outcomes = list(executor.outcomes(function, tasks))
    return outcomes, told


def test_workers_tell_which_of_them_is_at_what():
    outcomes, told = told_by(Pool(2, cores=2), signalling.work, ["one", "two"])
    assert sorted(each.value for each in outcomes) == ["one", "two"]
    assert {sign.worker for sign in told} == {1, 2}
    assert {(sign.molecule, sign.calls, sign.energy) for sign in told if not sign.over} == {
        ("one", 1, -1.0),
        ("two", 1, -1.0),
    }
    assert all(0 <= sign.seconds < WITHIN for sign in told)


@pytest.mark.parametrize("kind", ["done", "raising", "killed"])
def test_however_a_task_ends_its_sign_is_over_last(kind):
    _, told = told_by(Pool(1, cores=1), signalling.work, [kind])
    assert [sign.over for sign in told][-1]
    under_way = UnderWay()
    for sign in told:
        under_way.see(sign)
    assert under_way.lines() == []


def test_a_worker_that_comes_to_its_limit_or_is_left_leaves_no_sign():
    _, told = told_by(Pool(1, 0.8, cores=1), signalling.work, ["slow"])
    assert [sign.over for sign in told] == [False, True]
    told = []
    with watched_by(told.append), Pool(2, cores=2).standing(signalling.work) as crew:
        outcomes = crew(["one", "two", "three", "four"])
        next(outcomes)
        outcomes.close()
    assert {sign.worker for sign in told if not sign.over} <= {sign.worker for sign in told if sign.over}


def test_short_tasks_send_nothing_over_the_connection():
    outcomes, told = told_by(Pool(1, cores=1), signalling.short, range(50))
    assert len(outcomes) == 50
    assert len(told) <= 4  # a slow machine may be at one of them as the half second is over


def test_a_worker_is_asked_for_signs_only_where_somebody_looks_on():
    assert [each.value for each in Pool(1, cores=1).outcomes(signalling.watched, [0])] == [False]
    outcomes, _ = told_by(Pool(1, cores=1), signalling.watched, [0])
    assert [each.value for each in outcomes] == [True]
    outcomes, _ = told_by(SerialExecutor(), signalling.watched, [0])
    assert [each.value for each in outcomes] == [True]


# Lines on a terminal and in a log


def test_a_peptide_that_embeds_for_long_says_so_while_it_does(monkeypatch):
    monkeypatch.setattr(terminal, "OFTEN", 0.1)
    monkeypatch.setattr(terminal, "LOOK", 0.05)
    result = cli("relax", f"{PEPTIDE} peptide", "--progress", "plain", "--max-calls", "2", "--out", "out")
    assert "embedding peptide (214 atoms)" in result.stderr
    assert cli("relax", f"{PEPTIDE} peptide", "--max-calls", "2", "--out", "b", "--progress", "none").stderr == ""


def test_a_line_names_what_is_done_and_two_of_many_workers():
    under_way = UnderWay()
    under_way.headline = "3 of 40 done"
    for worker in range(1, 6):
        under_way.see(Sign("relaxing", f"m{worker}", 9, time.monotonic(), 2, -1.0, 0.5, worker=worker))
    assert under_way.sentence() == (
        "3 of 40 done; 1: relaxing m1 (9 atoms): call 2, -1.0000 eV, fmax 0.5000 eV/A; "
        "2: relaxing m2 (9 atoms): call 2, -1.0000 eV, fmax 0.5000 eV/A; and 3 more"
    )
    under_way.see(Sign("relaxing", "m1", worker=1, over=True))
    assert "m1" not in under_way.sentence()


def test_lines_fit_a_terminal_of_80_columns_whatever_the_name_and_are_few():
    from rich.console import Console

    under_way = UnderWay()
    under_way.headline = "1 of 40 done, last " + "x" * 200
    for worker in range(1, 21):
        under_way.see(Sign("relaxing", "\x1b[2J" + "y" * 300, 900, 0.0, 2, -1.0, 0.5, worker=worker))
    console = Console(width=80, file=io.StringIO(), force_terminal=True)
    console.print(under_way)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", console.file.getvalue()).splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) == 9
    assert lines[-1].strip() == "and 13 more"
    assert "\x1b" not in "".join(lines)


COMMAND = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from molopt.cli import main; main()"


def on_terminal(arguments, until=None, alone=True, program=COMMAND):
    """What a terminal of 80 columns is sent on standard error, and what goes to standard output, which is a file.

    Both are on the terminal where standard error is not `alone`.
    """
    leader, follower = pty.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "80", "LINES": "24"}
    with open("stdout", "wb") as output:
        command = [sys.executable, "-c", program, *arguments]
        process = subprocess.Popen(
            command, stdin=follower, stdout=output if alone else follower, stderr=follower, env=environment
        )
    os.close(follower)
    sent, signalled = b"", False
    end = time.monotonic() + WITHIN
    while time.monotonic() < end:
        if select.select([leader], [], [], 0.1)[0]:
            try:
                block = os.read(leader, 65536)
            except OSError:  # the other end is closed
                break
            if not block:
                break
            sent += block
        if until is not None and not signalled and until in sent:
            process.send_signal(signal.SIGINT)
            signalled = True
    os.close(leader)
    return process.wait(WITHIN), sent.decode(), Path("stdout").read_text()


def test_a_terminal_shows_each_worker_and_gets_its_cursor_back():
    Path("list.smi").write_text(
        "".join(f"{'C' * 18}O m{n}\n" for n in range(4))
    )  # seconds each: signs are half a second apart
    slow = ["--potential", "gfn2-xtb"] if find_spec("tblite") else []
    arguments = ["relax", "list.smi", "--workers", "2", "--fmax", "0.001", *slow]
    code, sent, output = on_terminal(arguments)
    assert code in (0, 1)
    assert HIDE_CURSOR in sent
    assert sent.rindex(SHOW_CURSOR) > sent.rindex(HIDE_CURSOR)
    assert "of 4 molecules done" in sent
    if slow:
        assert re.search(r"[12]: (relaxing|embedding) m\d", sent)
    assert "\x1b" not in output
    assert len(output.splitlines()) >= 6
    assert all(len(line) <= 80 for line in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "\n", sent).splitlines())


def screen(sent):
    """The lines that stand on an endless terminal in the end."""
    lines, at, column = [""], 0, 0
    for piece in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|\r|\n|[^\x1b\r\n]+", sent):
        if piece == "\n":
            at += 1
            lines += [""] * (at == len(lines))
        elif piece == "\r":
            column = 0
        elif piece.startswith("\x1b"):
            at -= int(piece[2:-1] or 1) if piece.endswith("A") else 0
            lines[at] = "" if piece.endswith("2K") else lines[at]
        else:
            lines[at] = lines[at][:column].ljust(column) + piece + lines[at][column + len(piece) :]
            column += len(piece)
    return lines


PRINTING = """
import time
from molopt.cli.terminal import Progress, say
from molopt.signs import stage
with Progress() as progress, stage("relaxing", "peptide", 60):
    progress.say("some done")
    for number in range(4):
        time.sleep(0.6)
        say(f"row {number}")
"""


def test_lines_that_change_wipe_out_none_that_was_printed():
    _, sent, _ = on_terminal([], alone=False, program=PRINTING)
    assert "relaxing peptide" in sent
    assert [line for line in screen(sent) if line] == [f"row {number}" for number in range(4)]


def test_a_terminal_gets_its_cursor_back_after_ctrl_c():
    arguments = ["relax", "C" * 40, "--fmax", "1e-9", "--steps", "100000", "--optimizer", "fire"]
    code, sent, output = on_terminal(arguments, until=b"relaxing")
    assert code == 130
    assert "embedding" in sent
    assert sent.rindex(SHOW_CURSOR) > sent.rindex(HIDE_CURSOR)
    assert sent.rstrip().endswith("molopt: interrupted")
    assert "0 of 1 converged" in output


DEAF = """
import hashlib, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from molopt.cli.interrupts import Interrupts
with Interrupts("finishing"):
    print("ready", flush=True)
    hashlib.pbkdf2_hmac("sha256", b"a", b"b", 1 << 30)  # a quarter of an hour without a look at signals, as embeddings
"""


@pytest.fixture
def interruptible():
    """SIGINT is heard, also where the tests run in the background of a shell."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("arguments", [["relax"], ["check"], ["conformers", "--count", "1"]], ids=lambda each: each[0])
def test_a_ctrl_c_that_a_callback_of_c_code_has_lost_ends_a_command_before_its_next_molecule(monkeypatch, arguments):
    """As LLVM's do while kernels are loaded: Python says that an exception is ignored, and goes on."""
    lose = ctypes.CFUNCTYPE(None)(lambda: signal.raise_signal(signal.SIGINT))

    Path("two.smi").write_text("CCO\nCCC\n")
    monkeypatch.setattr("molopt.library.library.Library.total", lambda self: lose())
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)
    ran = cli(*arguments, "two.smi", "--out", "out", "--log", "log")
    events = [json.loads(line)["event"] for line in Path("log").read_text().splitlines()]
    assert (ran.exit_code, "begun" in events, "interrupted" in events) == (130, False, True)


def test_where_the_first_ctrl_c_must_wait_that_is_said_and_the_second_ends_it():
    process = subprocess.Popen([sys.executable, "-c", DEAF], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.5)  # until it is in compiled code
    process.send_signal(signal.SIGINT)
    assert "interrupt again to stop at once" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    assert process.wait(WITHIN) == 130
    process.communicate()
