"""Potentials that do what real ones do on a bad day, by name: "trouble:Crashing?at=3"."""

import ctypes
import os
import signal
import time

from ase.calculators.emt import EMT


class Troubled(EMT):
    """EMT, until its force call number `at`."""

    def __init__(self, at=3, log=None):
        super().__init__()
        self.at, self.log, self.calls = at, log, 0
        if log is not None:
            with open(log, "a") as file:
                print("made", file=file, flush=True)

    def calculate(self, *args, **kwargs):
        self.calls += 1
        if self.calls == self.at:
            self.trouble()
        super().calculate(*args, **kwargs)

    def trouble(self):
        """None."""


class Raising(Troubled):
    def trouble(self):
        raise RuntimeError("gave up")


class Crashing(Troubled):
    def trouble(self):
        ctypes.string_at(0)


class Killed(Troubled):
    def trouble(self):
        os.kill(os.getpid(), signal.SIGKILL)


class Hanging(Troubled):
    def trouble(self):
        time.sleep(3600)


class Slow(Troubled):
    def calculate(self, *args, **kwargs):
        time.sleep(0.003)
        super().calculate(*args, **kwargs)


class Unhurried(Troubled):
    def calculate(self, *args, **kwargs):
        time.sleep(0.05)
        super().calculate(*args, **kwargs)


class HangingLater(Hanging):
    """Hangs once this process has made another of them: when an end is relaxed on."""

    made = 0

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        type(self).made += 1
        if type(self).made == 1:
            self.at = 0


class Asleep(Troubled):
    """Sleeps in compiled code, which the interpreter's signals do not reach; the log says when."""

    def trouble(self):
        with open(self.log, "a") as file:
            print("asleep", file=file, flush=True)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGTERM])  # sleep would return at one
        ctypes.CDLL(None).sleep(600)
