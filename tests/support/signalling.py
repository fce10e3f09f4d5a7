"""What workers do in tests of their signs of life: by name, so that another process can import it."""

import os
import signal
import time

from molopt import signs

LONG = 1.2  # s; a worker tells twice a second


def work(kind):
    """A stage with a force call in it, long enough to be told, and an end of a kind."""
    with signs.stage("relaxing", kind, 3):
        signs.called(1, -1.0, 0.5)
        time.sleep(LONG)
        if kind == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if kind == "raising":
            raise ValueError("gave up")
    return kind


def short(number):
    """A stage that is over before anything could be told of it."""
    with signs.stage("relaxing", str(number), 3):
        signs.called(1, -1.0, 0.5)
    return number


def watched(_):
    """Whether somebody looks on where the work is done."""
    return signs.watcher() is not None
