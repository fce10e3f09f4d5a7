"""How long something takes, in words, and how long many things will."""

import math
import time


def lasting(seconds: float) -> str:
    """A time as one says it.

    >>> lasting(42.3), lasting(200), lasting(9000)
    ('42 s', '3 min', '2.5 h')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


class Pace:
    """How far many molecules are, and how long the others will take if they are like those before.

    Parameters
    ----------
    total : int or None
        All of them; None where that is not known.
    before : int
        Those that were done when it began.
    what : str
        They are.
    """

    def __init__(self, total: int | None, before: int = 0, what: str = "molecules") -> None:
        self.total, self.before, self.what, self.begun = total, before, what, time.monotonic()

    def at(self, done: int) -> str:
        """As "12 of 40 molecules done, about 3 min left"."""
        if self.total is None:
            return f"{done} {self.what} done"
        now = done - self.before
        left = (time.monotonic() - self.begun) / now * (self.total - done) if now else math.nan
        return f"{done} of {self.total} {self.what} done{f', about {lasting(left)} left' if left > 0 else ''}"
