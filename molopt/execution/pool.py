"""Runs in a pool of processes on this machine."""

import math
import os
import pickle
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from numbers import Integral, Real
from typing import Any

from molopt.errors import InputError
from molopt.execution.cores import usable_cores
from molopt.execution.finished import Crew, Finished, Function, R, Report, T, finished, one_line, pickled_function
from molopt.execution.supervisor import Supervisor
from molopt.signs import watcher


@dataclass(frozen=True)
class Pool:
    """Run in worker processes, each with a time limit and isolated from the others.

    A worker lives on from task to task, so that what the function's module imports is loaded once; a worker that
    dies or is killed at the limit is replaced. Each has a connection of its own, which no other process locks or
    writes to. (In Pebble 5.2 the workers of a pool share one: there a task that calls `os._exit(0)` never ends.) Where
    somebody looks on (`molopt.signs`), what a worker is at comes over that connection too.

    Parameters
    ----------
    workers : int
        Runs at a time.
    seconds : float, optional
        Time limit of a run; a run over it is killed, with all programs it has started, whatever it is doing. By
        default there is none.
    grace : float
        Seconds after the limit in which a run that looks at the clock itself may end; only then it is killed.
    threads : int
        For each library in each worker, whatever this process's environment says. With one, the time of a run is that
        of its arithmetic, and does not depend on who else is at work.
    cores : int
        That workers times threads may not exceed. By default what this process may use.

    Raises
    ------
    InputError
        A number is out of its range; three workers in a row cannot start; the function cannot be loaded in a worker.

    Examples
    --------
    >>> sorted(each.value for each in Pool(workers=1, seconds=60).outcomes(abs, [-2, 3]))
    [2, 3]
    """

    workers: int
    seconds: float | None = None
    threads: int = 1
    cores: int = field(default_factory=usable_cores)
    grace: float = 0.0

    def __post_init__(self) -> None:
        if os.name != "posix":
            raise InputError("a pool of processes needs Linux or macOS; run with one worker and without a time limit")
        check_threads(self.threads)
        if not isinstance(self.workers, Integral) or not 1 <= self.workers <= self.cores:
            raise InputError(
                f"workers must be a whole number from 1 to {self.cores}, the cores that may be used here, "
                f"got {self.workers!r}"
            )
        if self.workers * self.threads > self.cores:
            raise InputError(
                f"workers times threads is {self.workers * self.threads}, and {self.cores} cores may be used here: "
                "give fewer"
            )
        check_limit(self.seconds)

    def outcomes(self, function: Function[T, R], tasks: Iterable[T]) -> Generator[Finished[T, R], None, None]:
        """As `Executor.outcomes`; each worker has one task, and no other is drawn ahead."""
        with self.standing(function) as crew:
            yield from crew(tasks)

    @contextmanager
    def standing(self, function: Function[T, R]) -> Iterator[Crew[T, R]]:
        """As `StandingExecutor.standing`; a worker is started for the first task that needs it.

        >>> with Pool(workers=1).standing(abs) as crew:
        ...     [[each.value for each in crew(tasks)] for tasks in ([-1], [-2, 3])]
        [[1], [2, 3]]
        """
        pickled = pickled_function(function)
        tell = watcher()
        supervisors = [
            Supervisor(pickled, self.threads, self.seconds, self.grace, tell, number)
            for number in range(1, self.workers + 1)
        ]
        under_way = False

        def crew(tasks: Iterable[T]) -> Generator[Finished[T, R], None, None]:
            nonlocal under_way
            if under_way:
                raise RuntimeError("the round before is not over: draw its outcomes to the end, or close it")
            under_way = True
            try:
                yield from run_in(supervisors, iter(tasks))
            finally:
                under_way = False
                for supervisor in supervisors:
                    if supervisor.task is not None:  # left in the midst of a round
                        supervisor.close()

        try:
            yield crew
        finally:
            for supervisor in supervisors:
                supervisor.close()


def run_in(supervisors: list[Supervisor], tasks: Iterator[T]) -> Generator[Finished[T, R], None, None]:
    busy: dict[Supervisor, T] = {}
    free = deque(supervisors)
    over: deque[Finished[T, R]] = deque()
    more = True
    while more or busy or over:
        while more and free and len(over) <= len(supervisors):
            try:
                task = next(tasks)
            except StopIteration:
                more = False
                break
            packed, problem = packing(task)
            if problem is not None:
                over.append(finished(task, problem))
                continue
            supervisor = free.popleft()
            busy[supervisor] = task
            supervisor.give(packed)
        # Free workers have their next task by now: they do not wait for what the caller does with an outcome.
        if over:
            yield over.popleft()
            if over:
                continue
        elif busy:
            listen(busy)
        for supervisor in list(busy):
            report = supervisor.advance()
            if report is not None:
                over.append(finished(busy.pop(supervisor), report))
                free.append(supervisor)


def listen(busy: Iterable[Supervisor]) -> None:
    """Wait until a worker says something or comes to its limit."""
    connections = [supervisor.worker.connection for supervisor in busy if supervisor.worker is not None]
    wait(connections, min(supervisor.patience() for supervisor in busy))


def packing(task: Any) -> tuple[bytes, Report | None]:
    """The task pickled, and what is wrong with it where it cannot be."""
    try:
        return pickle.dumps(task), None
    except Exception as error:  # whatever a class does in its __getstate__
        return b"", Report("raised", None, f"the task could not be pickled: {one_line(error)}", 0.0)


def check_limit(seconds: float | None) -> None:
    """Raise InputError unless a time limit is None or a number of seconds above 0."""
    if seconds is None:
        return
    if isinstance(seconds, bool) or not isinstance(seconds, Real) or not 0 < seconds < math.inf:
        raise InputError(f"the time limit must be a number of seconds above 0, got {seconds!r}")


def check_threads(threads: int) -> None:
    """Raise InputError unless threads is a whole number above 0."""
    if isinstance(threads, bool) or not isinstance(threads, Integral) or threads < 1:
        raise InputError(f"threads must be a whole number above 0, got {threads!r}")
