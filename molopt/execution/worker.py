"""What runs inside a worker process: one function, on one task after the other.

It gets the function, pickled, and says ("ready", None) when it has loaded it, or ("refused", why). Then it gets a task,
pickled, says ("begun", None) before it looks at it, ("part", value), pickled, of each part of a value that comes in
parts, and ("ended", Report) when it is through; and so on. Where somebody looks on, it says ("sign", Sign) in between.
"""

import fcntl
import os
import pickle
import signal
import time
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from multiprocessing.connection import Connection
from threading import Lock, Thread
from typing import Any

from molopt.execution.finished import Report, one_line, parts
from molopt.signs import Sign, watched_by

EVERY = 0.5  # s between two signs


def serve(fd: int, alive: int, watched: bool) -> None:
    """Load the function that comes first, run it on tasks until the other side closes the connection, and exit.

    Parameters
    ----------
    fd : int
        File descriptor of the connection.
    alive : int
        Of the reading end of a pipe that the parent holds open as long as it lives.
    watched : bool
        Whether somebody looks on.
    """
    for each in (fd, alive):
        os.set_inheritable(each, False)  # programs that a run starts must not hold them
    end_with_the_parent(alive)
    connection = Connection(fd)
    speaking = Lock()
    tell = partial(say, connection, speaking)
    relay = Relay(tell) if watched else None
    try:
        function = load(connection, tell)
        while function is not None:
            task = connection.recv_bytes()
            tell("begun")
            with nullcontext() if relay is None else watched_by(relay.see):
                report = run(function, task, partial(tell, "part"))
            if relay is not None:
                relay.forget()
            tell("ended", report)
    except (EOFError, OSError):  # the parent is gone or wants no more
        pass
    os._exit(0)  # threads that a run left behind must not keep the process


def end_with_the_parent(alive: int) -> None:
    """Have the kernel kill this process and all it started when the parent dies, whatever they are doing.

    A thread that waits for the parent could not: code that hangs may hold the interpreter's lock. Where the kernel
    does not offer it (macOS), a worker notices when its run is over.
    """
    if hasattr(fcntl, "F_SETSIG"):
        fcntl.fcntl(alive, fcntl.F_SETOWN, -os.getpgrp())
        fcntl.fcntl(alive, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(alive, fcntl.F_SETFL, fcntl.fcntl(alive, fcntl.F_GETFL) | os.O_ASYNC)


class Relay:
    """Says the last sign of a task every half a second, if it is new: what a force call takes does not grow by it.

    A thread does it, so that the last sign before a long wait is said too.
    """

    def __init__(self, tell: Callable[[str, Sign], object]) -> None:
        self.tell = tell
        self.last: Sign | None = None
        self.changing = Lock()
        Thread(target=self.keep_telling, daemon=True).start()

    def see(self, sign: Sign) -> None:
        self.last = None if sign.over else sign

    def forget(self) -> None:
        """The task is over: nothing more is said of it."""
        with self.changing:
            self.last = None

    def keep_telling(self) -> None:
        told: Sign | None = None
        while True:
            time.sleep(EVERY)
            with self.changing:
                sign = self.last
                if sign is None or sign is told:
                    continue
                try:
                    self.tell("sign", sign._replace(begun=sign.seconds))  # clocks of processes need not agree
                except OSError:  # the parent is gone
                    return
            told = sign


def load(connection: Connection, tell: Callable[..., object]) -> Callable[[Any], Any] | None:
    """The function, with all that its module imports, so that no run's time limit pays for that."""
    pickled = connection.recv_bytes()
    try:
        function: Callable[[Any], Any] = pickle.loads(pickled)
    except Exception as error:
        tell("refused", not_loaded(error))
        return None
    tell("ready")
    return function


def not_loaded(error: Exception) -> str:
    """Why something cannot be unpickled here, and what helps.

    >>> not_loaded(AttributeError("Mine is not in __main__"))
    'AttributeError: Mine is not in __main__; a script that is being run cannot be imported: move it to a module'
    """
    advice = "; a script that is being run cannot be imported: move it to a module"
    return one_line(error) + (advice if "__main__" in str(error) else "")


def run(function: Callable[[Any], Any], task: bytes, hand_in: Callable[[bytes], object]) -> Report:
    """What becomes of a pickled task, whatever it raises; parts of its value are handed in as they arrive."""
    start, seconds, known = time.perf_counter(), 0.0, None
    try:
        try:
            argument = pickle.loads(task)
        except Exception as error:
            return Report("raised", None, not_loaded(error), 0.0)
        value = function(argument)
        for part in parts(value):
            seconds = time.perf_counter() - start
            try:
                known = pickle.dumps(part)
            except Exception as error:
                return Report("raised", None, f"its value could not be pickled: {one_line(error)}", seconds)
            if part is not value:
                hand_in(known)
    except BaseException as error:  # sys.exit() in a run ends the run only
        if known is None:
            return Report("raised", None, one_line(error), time.perf_counter() - start)
    return Report("done", known, None, seconds)


def say(connection: Connection, speaking: Lock, kind: str, content: Any = None) -> None:
    said = pickle.dumps((kind, content))
    with speaking:
        connection.send_bytes(said)
