"""What a run may spend, and who may ask it to end; a force call is never cut short."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from molopt.errors import InputError, RunStopped
from molopt.rules.base import check


def nobody() -> str:
    return ""


@dataclass
class Budget:
    """Asked before each force call of one run; ends the run there when it is spent.

    Parameters
    ----------
    max_calls : int, optional
        Force calls that the run may make.
    time_limit : float, optional
        Seconds after which it begins no further force call. Nothing else about a run is decided by the clock.
    asked : callable
        Why the run is to end now, in a few words; empty as long as it may go on.
    begun : float, optional
        Of `time.monotonic()`, where the seconds are counted from; by default from `begin`.

    Attributes
    ----------
    stopped : RunStopped or None
        What was raised, whatever the optimizer made of it.
    out_of_time : bool
        Whether the time limit was the reason.

    Raises
    ------
    InputError
        A number is out of its range.

    Examples
    --------
    >>> budget = Budget(max_calls=2)
    >>> budget.before(1)
    >>> budget.before(2)
    Traceback (most recent call last):
        ...
    molopt.errors.RunStopped: the budget of 2 force calls is spent
    """

    max_calls: int | None = None
    time_limit: float | None = None
    asked: Callable[[], str] = nobody
    begun: float | None = None
    stopped: RunStopped | None = None
    out_of_time: bool = False

    def __post_init__(self) -> None:
        if self.max_calls is not None:
            check("max_calls", self.max_calls, "positive")
            if int(self.max_calls) != self.max_calls:
                raise InputError(f"max_calls must be a whole number, got {self.max_calls}")
        if self.time_limit is not None:
            check("time_limit", self.time_limit, "positive")

    def begin(self) -> None:
        """The run begins now."""
        if self.begun is None:
            self.begun = time.monotonic()

    def before(self, calls: int) -> None:
        """Raise RunStopped unless a run that has made so many force calls may make another."""
        why = self.asked() or self.spent(calls)
        if why:
            self.stopped = RunStopped("stopped", why)
            raise self.stopped

    def spent(self, calls: int) -> str:
        """Which budget is spent, in words; empty where none is."""
        if self.max_calls is not None and calls >= self.max_calls:
            return f"the budget of {self.max_calls} force call{'' if self.max_calls == 1 else 's'} is spent"
        if self.time_limit is not None and self.begun is not None:
            self.out_of_time = time.monotonic() - self.begun > self.time_limit
            if self.out_of_time:
                return f"the time limit of {self.time_limit:g} s"
        return ""
