"""One worker process, the task it has, and what to do when either fails."""

import os
import pickle
import signal
import socket
import subprocess
import sys
import time
import weakref
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from molopt.errors import InputError
from molopt.execution.cores import environment
from molopt.execution.finished import Report
from molopt.signs import Sign, Tell

ATTEMPTS = 3  # workers in a row that may die before they have begun a task
STARTING = 300.0  # seconds until a worker has loaded the function, on a slow file system too
DYING = 1.0  # seconds that a process whose connection is closed has to end by itself, so that its exit code is its own
GROWTH = 1 << 30  # bytes that a worker may gain after its first task: compilers and caches of libraries never shrink
LOOK = 0.5  # seconds between looks at the process itself: a program it left behind may hold its connection open


class WorkerProcess:
    """A fresh interpreter with a connection to it, in a session of its own.

    A new interpreter and no fork: nothing is copied from a process with threads, and the numbers of threads are set
    before any library is loaded. In its own session it is killed together with every program a run has started, and
    Ctrl-C in the terminal reaches the parent alone. What it prints goes to standard error.
    """

    def __init__(self, threads: int, watched: bool = False) -> None:
        ours, theirs = socket.socketpair()
        alive, life = os.pipe()
        self.connection = Connection(ours.detach())
        path = [entry for entry in sys.path if isinstance(entry, str)]
        serving = f"from molopt.execution.worker import serve; serve({theirs.fileno()}, {alive}, {watched})"
        program = f"import sys; sys.path[:] = {path!r}; {serving}"
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-c", program],
                stdin=subprocess.DEVNULL,
                stdout=2,
                pass_fds=(theirs.fileno(), alive),
                env=environment(threads),
                start_new_session=True,
            )
        except OSError:
            os.close(life)
            self.connection.close()
            raise
        finally:
            theirs.close()
            os.close(alive)
        self.first = 0  # bytes it held after its first task
        self.end = weakref.finalize(self, end, self.process, self.connection, life)
        self.end.atexit = False  # there the kernel closes the pipe, and the worker ends of itself

    def hear(self) -> tuple[str, Any]:
        """The next thing it says; EOFError or OSError where it is gone."""
        kind, content = pickle.loads(self.connection.recv_bytes())
        return kind, content

    def memory(self) -> int:
        """Bytes that it holds; 0 where the system does not say."""
        try:
            pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        except (OSError, ValueError, IndexError):
            return 0
        return pages * os.sysconf("SC_PAGE_SIZE")

    def has_grown(self) -> bool:
        """Whether it holds much more than after its first task; asked after each."""
        self.first = self.first or self.memory()
        return self.memory() > self.first + GROWTH

    def exit_code(self) -> int | None:
        """Let a process that has gone end, and say how; None where it did not end by itself."""
        with suppress(subprocess.TimeoutExpired):
            return self.process.wait(DYING)
        return None


def end(process: "subprocess.Popen[bytes]", connection: Connection, life: int) -> None:
    """Kill a worker and every program it started, and wait until it is gone."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    connection.close()
    os.close(life)
    with suppress(subprocess.TimeoutExpired):  # one that the kernel cannot end now, it ends later
        process.wait(5)


class Supervisor:
    """Keeps one worker process, which has at most one task at a time: starts it on the first, and again after a crash.

    A worker that has grown by a gigabyte since its first task is replaced before its next, so that a long study does
    not run out of memory.

    As a worker has only one task and a connection of its own, a task that had begun when the worker died is what killed
    it. A task that had not begun goes to the next worker.

    Parameters
    ----------
    function : bytes
        Pickled.
    threads : int
        For each library in the worker.
    seconds : float, optional
        Time limit of a task, counted from when it has begun.
    grace : float
        Seconds after that in which a task may end by itself.
    tell : callable, optional
        Called with each sign of what is done there.
    number : int
        Of the worker, in its signs.
    """

    def __init__(
        self,
        function: bytes,
        threads: int,
        seconds: float | None,
        grace: float = 0.0,
        tell: Tell | None = None,
        number: int = 1,
    ) -> None:
        self.function = function
        self.threads = threads
        self.seconds = seconds
        self.grace = grace
        self.tell, self.number = tell, number
        self.sign: Sign | None = None  # the last of the task
        self.worker: WorkerProcess | None = None
        self.ready = False
        self.task: bytes | None = None
        self.part: bytes | None = None  # the last of its value, pickled, where that comes in parts
        self.begun: float | None = None  # monotonic seconds
        self.deadline = 0.0
        self.deaths = 0

    def give(self, task: bytes) -> None:
        """Have a pickled task run."""
        self.task, self.deaths = task, 0
        self.hand_over()

    def hand_over(self) -> None:
        """Send the task, to a new worker if need be; one that has just been started gets it when it is ready."""
        self.begun = self.part = None
        self.deadline = time.monotonic() + STARTING
        if self.worker is None:
            self.worker, self.ready = WorkerProcess(self.threads, self.tell is not None), False
        assert self.task is not None
        with suppress(OSError):  # a worker that has died: `advance` finds it
            self.worker.connection.send_bytes(self.task if self.ready else self.function)

    def patience(self) -> float:
        """Seconds to wait at most for the worker to say something before `advance` should look."""
        limited = self.begun is None or self.seconds is not None
        return min(LOOK, max(0.0, self.deadline - time.monotonic())) if limited else LOOK

    def advance(self) -> Report | None:
        """Deal with what has happened; the report on the task if it is over. Never waits for a run."""
        assert self.worker is not None
        gone = self.worker.process.poll() is not None  # asked first: its last words may still be in the connection
        if self.worker.connection.poll():
            try:
                kind, content = self.worker.hear()
            except (EOFError, OSError):
                return self.lost()
            return self.heard(kind, content)
        if gone:
            return self.lost()
        if time.monotonic() < self.deadline or (self.begun is not None and self.seconds is None):
            return None
        return self.lost() if self.begun is None else self.timed_out()

    def heard(self, kind: str, content: Any) -> Report | None:
        if kind == "refused":
            raise InputError(f"a worker process cannot load what it is to run: {content}")
        if kind == "sign":
            self.show(content)
            return None
        if kind == "ended":
            self.hide()
            assert self.worker is not None
            if self.worker.has_grown():
                self.close()
            self.task = None
            return Report(*content)
        if kind == "ready":
            self.ready = True
            self.hand_over()
        elif kind == "part":
            self.part = content
        else:
            self.begun = time.monotonic()
            self.deadline = self.begun + (self.seconds or 0.0) + self.grace
        return None

    def show(self, sign: Sign) -> None:
        """Pass on where the task is."""
        if self.tell is not None:
            shown = sign._replace(begun=time.monotonic() - sign.begun, worker=self.number)
            if self.sign is not None and self.sign.number != shown.number:
                self.hide()
            self.sign = shown
            self.tell(shown)

    def hide(self) -> None:
        """Say that what was passed on is over."""
        if self.tell is not None and self.sign is not None:
            self.tell(self.sign._replace(over=True))
        self.sign = None

    def timed_out(self) -> Report:
        after = f", and did not end by itself in the {self.grace:g} s after that" if self.grace else ""
        return self.over("timed out", f"ran longer than the limit of {self.seconds:g} s{after}")

    def lost(self) -> Report | None:
        """The worker is gone: with its task, or before it had begun it, which is then tried with another."""
        assert self.worker is not None
        code, task = self.worker.exit_code(), self.task
        if self.begun is not None:
            return self.over("crashed", f"its process {explained(code)}")
        self.close()
        self.deaths += 1
        if self.deaths == ATTEMPTS:
            raise InputError(
                f"{ATTEMPTS} worker processes in a row ended before they could run: the last {explained(code)}"
            )
        self.task = task
        self.hand_over()
        return None

    def over(self, ended: str, why: str) -> Report:
        """End the worker, and report: the task is done where part of its value is there."""
        seconds, part = 0.0 if self.begun is None else time.monotonic() - self.begun, self.part
        self.close()
        return Report(ended, None, why, seconds) if part is None else Report("done", part, None, seconds)

    def close(self) -> None:
        """End the worker, with whatever it is doing."""
        self.hide()
        if self.worker is not None:
            self.worker.end()
        self.worker = self.task = self.part = self.begun = None


def explained(code: int | None) -> str:
    """How a process ended, in words.

    >>> explained(-11)
    'was ended by SIGSEGV (Segmentation fault)'
    """
    if code is None:
        return "lost its connection and was killed"
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:  # a real-time signal
        return f"was ended by signal {-code}"
    why = "by the system when memory ran out, or by hand" if name == "SIGKILL" else signal.strsignal(-code)
    return f"was ended by {name} ({why})"
