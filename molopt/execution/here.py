"""Runs in this process, one after the other."""

import time
from collections.abc import Callable, Generator, Iterable

from molopt.execution.finished import Finished, R, T, one_line


class Here:
    """Run in this process: nothing to start, and nothing that holds a run that hangs or takes the interpreter down.

    Examples
    --------
    >>> [each.error for each in Here().outcomes(int, ["1", "one"])]
    [None, "ValueError: invalid literal for int() with base 10: 'one'"]
    """

    def outcomes(self, function: Callable[[T], R], tasks: Iterable[T]) -> Generator[Finished[T, R], None, None]:
        """As `Executor.outcomes`; a KeyboardInterrupt or SystemExit in a run is the caller's."""
        for task in tasks:
            start = time.perf_counter()
            try:
                value = function(task)
            except Exception as error:
                yield Finished(task, None, "raised", one_line(error), time.perf_counter() - start)
            else:
                yield Finished(task, value, "done", None, time.perf_counter() - start)
