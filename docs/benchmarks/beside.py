"""Two versions of molopt, side by side in one run: each in a process of its own, asked in turn.

A script that measures has a function `work(job)`, from a dict to a dict of plain values, and begins with

    if "--answer" in sys.argv:
        beside.answer(work)

`Version(__file__, folder, compiled).ask(job)` is then what `work(job)` gives with the molopt of that folder.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parents[2]
COMPILED, REFERENCE, OLDER = "numba", "reference", "older"
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


class Version:
    """A process with the molopt of a folder; without numba where `compiled` is False."""

    def __init__(self, script: str, folder: Path, compiled: bool = True) -> None:
        environment = os.environ | dict.fromkeys(THREADS, "1") | {"PYTHONPATH": str(folder)}
        command = [sys.executable, script, "--answer", *([] if compiled else ["--without-numba"])]
        self.process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, job: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.process.args} ended with {self.process.wait()} at {job}")
        return json.loads(line)

    def close(self) -> None:
        self.process.communicate()


@contextmanager
def versions(script: str, beside: Path | None) -> Iterator[dict[str, Version]]:
    """This checkout with numba and without, and the other where there is one."""
    started = {COMPILED: Version(script, HERE), REFERENCE: Version(script, HERE, compiled=False)}
    if beside is not None:
        started[OLDER] = Version(script, beside.resolve(), compiled=False)
    try:
        yield started
    finally:
        for version in started.values():
            version.close()


def answer(work: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Answer jobs, one a line, until there are no more; what else is printed goes to stderr."""
    if "--without-numba" in sys.argv:
        sys.modules["numba"] = None  # type: ignore[assignment]  # importing it fails, as where it is not installed
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        replies.write(json.dumps(work(json.loads(line))) + "\n")
        replies.flush()
    sys.exit()


class Inside:
    """CPU seconds inside an ASE calculator, which stays what it is."""

    def __init__(self, calculator: Any) -> None:
        self.seconds = 0.0
        self._ask = calculator.get_property
        calculator.get_property = self.timed

    def timed(self, *args: Any, **kwargs: Any) -> Any:
        start = time.process_time()
        try:
            return self._ask(*args, **kwargs)
        finally:
            self.seconds += time.process_time() - start
