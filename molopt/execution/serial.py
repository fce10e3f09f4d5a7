"""Runs in this process, one after another."""

import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from functools import partial

from molopt.execution.finished import Crew, Finished, Function, R, T, one_line, parts


class SerialExecutor:
    """Run in this process: there is nothing to start, but a run that hangs or crashes takes all others with it.

    Its libraries run with the threads they were loaded with: times are to be compared only where OMP_NUM_THREADS and
    OPENBLAS_NUM_THREADS were 1 when Python was started.

    Examples
    --------
    >>> [each.error for each in SerialExecutor().outcomes(int, ["1", "one"])]
    [None, "ValueError: invalid literal for int() with base 10: 'one'"]
    """

    def outcomes(self, function: Function[T, R], tasks: Iterable[T]) -> Generator[Finished[T, R], None, None]:
        """As `Executor.outcomes`; a KeyboardInterrupt or SystemExit in a run is the caller's."""
        for task in tasks:
            start, value, ended, why = time.perf_counter(), None, "raised", None
            try:
                for part in parts(function(task)):
                    value, ended = part, "done"
            except Exception as error:
                why = one_line(error) if ended == "raised" else None
            yield Finished(task, value, ended, why, time.perf_counter() - start)

    @contextmanager
    def standing(self, function: Function[T, R]) -> Iterator[Crew[T, R]]:
        """As `StandingExecutor.standing`: the function is the caller's own."""
        yield partial(self.outcomes, function)
