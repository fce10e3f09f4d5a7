"""Where a command is, as lines of text: what is done, and what this process and each worker are at."""

import time

from rich.console import Group, RenderableType
from rich.spinner import Spinner
from rich.text import Text

from molopt.cli.lasting import lasting
from molopt.report.escaping import sentence, shown
from molopt.signs import Sign

MOST_LINES = 8  # of workers that are shown at a time
MOST_NAMED = 2  # workers that a line of a log names
SHORT = 28  # characters of a name in a line of 80
LONG = 3.0  # s, after which a stage without force calls says for how long it has been going on


class UnderWay:
    """What is done, and what runs: written by the work, read by the thread that shows it.

    Attributes
    ----------
    headline : str
        What is done, as "12 of 40 molecules done, about 3 min left".
    signs : dict
        The last sign of this process (0) and of each worker that is at something.
    """

    def __init__(self) -> None:
        self.headline = ""
        self.signs: dict[int, Sign] = {}
        self.spinner = Spinner("dots")

    def see(self, sign: Sign) -> None:
        if sign.over:
            self.signs.pop(sign.worker, None)
        else:
            self.signs[sign.worker] = sign

    def lines(self) -> list[str]:
        """What is under way, that of this process first."""
        signs = sorted(self.signs.copy().items())  # a copy: another thread may write
        workers = sum(1 for worker, _ in signs if worker) > 1
        return [f"{f'{worker}: ' if workers and worker else ''}{words(sign)}" for worker, sign in signs]

    def sentence(self) -> str:
        """All in one line, for a log."""
        lines = self.lines()
        more = [f"and {len(lines) - MOST_NAMED} more"] if len(lines) > MOST_NAMED + 1 else []
        return "; ".join([*filter(None, [self.headline]), *(lines[:MOST_NAMED] if more else lines), *more])

    def __rich__(self) -> RenderableType:
        """For a terminal: no line is longer than it is wide."""
        lines = self.lines()
        if self.headline:
            lines.insert(0, self.headline)
        if len(lines) > MOST_LINES + 1:
            lines[MOST_LINES:] = [f"and {len(lines) - MOST_LINES} more"]
        turning = str(self.spinner.render(time.monotonic()))
        marked = (f"{' ' if number else turning} {sentence(line)}" for number, line in enumerate(lines))
        return Group(*(Text(line, no_wrap=True, overflow="ellipsis") for line in marked))


def words(sign: Sign) -> str:
    """A sign in words, with a name that leaves room for the figures.

    >>> words(Sign("embedding", "crambin", 642, begun=time.monotonic() - 20))
    'embedding crambin (642 atoms) for 20 s'
    """
    said = str(sign._replace(molecule=shown(sign.molecule, SHORT)))
    waiting = not sign.calls or sign.of
    if not waiting or sign.seconds < LONG:
        return said
    if sign.of and 0 < sign.done < sign.of:
        return f"{said}, about {lasting(sign.seconds / sign.done * (sign.of - sign.done))} left"
    return f"{said} for {lasting(sign.seconds)}"
