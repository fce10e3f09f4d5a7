"""Time that is not part of a run."""

import time
from collections.abc import Callable
from typing import Any


class Stopwatch:
    """Seconds spent on watching a run, which are not part of it."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            start = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self.seconds += time.perf_counter() - start

        return call
