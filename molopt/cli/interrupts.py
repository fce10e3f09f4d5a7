"""Ctrl-C while a command works: once, and it ends where nothing is lost; twice, and it ends at once."""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Self

from molopt.cli import INTERRUPTED
from molopt.cli.log import current
from molopt.cli.terminal import quiet, say

TOGETHER = 0.5  # s; nearer signals are one: `timeout` and batch systems send theirs to a process and to its group
SOON = 1.5  # s, within which a command that can be interrupted has ended
SHOW_CURSOR = "\x1b[?25h"
entered: list["Interrupts"] = []


class Interrupts:
    """Takes SIGINT and SIGTERM as long as it is entered, where that is the main thread.

    The first raises KeyboardInterrupt, at once or at the end of what is `held`. The second ends the process, also where
    compiled code has the main thread and the interpreter would not look at signals for minutes: a thread of its own
    reads what the interpreter writes to a socket as a signal comes.

    Parameters
    ----------
    saying : str
        What the user is told at the first one, where something is held.

    Attributes
    ----------
    asked : bool
        Whether the first has come.
    """

    def __init__(self, saying: str) -> None:
        self.saying = saying
        self.quiet = quiet()  # asked here: the thread that speaks has no command
        self.log = current()
        self.asked = self.holding = False
        self.handlers: dict[int, Any] = {}

    def why(self) -> str:
        """Why a run is to end, for its `Budget`; empty as long as it may go on."""
        return "interrupted" if self.asked else ""

    def heed(self) -> None:
        """Raise KeyboardInterrupt where the first was lost: in a callback of C code, as LLVM has, Python ignores it."""
        if self.asked:
            raise KeyboardInterrupt

    @contextmanager
    def held(self) -> Iterator[None]:
        """Finish what is done in here before the first signal has its effect."""
        self.holding = True
        try:
            yield
        finally:
            self.holding = False
        self.heed()

    def __enter__(self) -> Self:
        if threading.current_thread() is not threading.main_thread():
            return self
        self.reading, self.writing = socket.socketpair()
        self.writing.setblocking(False)
        self.wakeup = signal.set_wakeup_fd(self.writing.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) is not signal.SIG_IGN:  # what `nohup` or a shell's & has made deaf stays so
                self.handlers[number] = signal.signal(number, self.take)
        entered.append(self)
        threading.Thread(target=self.listen, daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self in entered:
            if self.asked:
                time.sleep(TOGETHER)  # the second of two signals that belong together may still be on its way
            entered.remove(self)
            self.put_back()
            self.writing.close()  # which ends the thread

    def put_back(self) -> None:
        """Handle signals as before."""
        for number, handler in self.handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self.wakeup)

    def take(self, number: int, frame: FrameType | None) -> None:
        """What the interpreter calls in the main thread, as soon as it can."""
        again, self.asked = self.asked, True
        if not (again or self.holding):
            raise KeyboardInterrupt

    def listen(self) -> None:
        """Say that the first was heard, and end the process at the second."""
        first = None
        with self.reading:
            while numbers := self.heard():
                if not set(numbers) & self.handlers.keys():
                    continue
                if first is None:
                    first = time.monotonic()
                    self.log.write("interrupted")
                    if self.holding:
                        self.tell(self.saying)
                    else:
                        self.reading.settimeout(SOON)
                elif time.monotonic() - first > TOGETHER:
                    end_at_once()

    def heard(self) -> bytes:
        """The next signals; nothing where there will be none."""
        try:
            return self.reading.recv(64)
        except TimeoutError:  # the main thread is in compiled code that does not look at signals
            self.tell("stopping as soon as that can be; interrupt again to stop at once")
            self.reading.settimeout(None)
            return self.reading.recv(64)

    def tell(self, text: str) -> None:
        if not self.quiet:
            say(text, err=True)


def end_at_once() -> None:
    """End this process, whatever its other threads are doing."""
    if sys.stderr.isatty():
        os.write(2, SHOW_CURSOR.encode())
    os.write(2, b"molopt: interrupted\n")
    os._exit(INTERRUPTED)


def in_a_fork() -> None:
    """A process that a library has forked, as Parsl does, is ended by a signal as it would be anywhere else."""
    for interrupts in entered:
        interrupts.put_back()
    entered.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=in_a_fork)
