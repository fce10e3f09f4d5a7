"""What the user sees while a command works: a line of progress, notes of guesses, results as JSON."""

import json
import logging
import math
import time
from collections.abc import Mapping
from typing import Self

import click
from rich.console import Console
from rich.text import Text

from molopt.potentials import Counted
from molopt.report.escaping import sentence

# Modules that report single steps, which are not guesses.
RUNNING = ("checking", "coordinates", "group", "inverse", "member", "stepping", "stopping")
WAITING = ("compiling",)  # modules that say why nothing happens for a while
EVERY = 0.1  # s between two updates of the line; a force call can be far shorter
OFTEN, SELDOM = 10.0, 60.0  # s between two lines of a log: where they are asked for, and where they are not
PROGRESS = "molopt.progress"  # where a context keeps what --progress says


def say(text: str, err: bool = False) -> None:
    """Print a line; names in it cannot become control sequences, or lines of their own."""
    click.echo(sentence(text), err=err)


class Progress:
    """What a command is at, on standard error: one line on a terminal, gone when something is printed.

    Elsewhere it is a line now and then, so that a log shows signs of life and a short command says nothing. What
    --progress says goes before both.
    """

    def __init__(self) -> None:
        console = Console(stderr=True)
        context = click.get_current_context(silent=True)
        kind = "auto" if context is None else context.meta.get(PROGRESS, "auto")
        live = kind == "live" or (kind == "auto" and console.is_terminal)
        self.status = console.status("") if live else None
        self.every = {"plain": OFTEN, "auto": SELDOM}.get(kind, math.inf)  # s between two lines
        self.next = time.monotonic() + (0.0 if live else self.every)

    def say(self, text: str) -> None:
        if self.status is not None:
            self.status.update(Text(sentence(text), no_wrap=True, overflow="ellipsis"))
            self.status.start()
        elif time.monotonic() > self.next:
            self.next = time.monotonic() + self.every
            say(text, err=True)

    def follow(self, molecule: str, optimizer: str, counted: Counted) -> None:
        """Say what a run is at; to be called after each force call."""
        if time.monotonic() > self.next:
            if self.status is not None:
                self.next = time.monotonic() + EVERY
            last = counted.trace[-1]
            where = f"fmax {last.fmax:.4f} eV/A, {last.energy:.4f} eV"
            self.say(f"{optimizer}: force call {counted.force_calls}, {where}, {molecule}")

    def clear(self) -> None:
        """Make room for output."""
        if self.status is not None:
            self.status.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.clear()


class Pace:
    """How far many molecules are, and how long the others will take if they are like those before.

    Parameters
    ----------
    total : int or None
        All of them; None where that is not known.
    before : int
        Those that were done when it began.
    """

    def __init__(self, total: int | None, before: int = 0) -> None:
        self.total, self.before, self.begun = total, before, time.monotonic()

    def at(self, done: int) -> str:
        """As "12 of 40 done, about 3 min left"."""
        if self.total is None:
            return f"{done} done"
        now = done - self.before
        left = (time.monotonic() - self.begun) / now * (self.total - done) if now else math.nan
        return f"{done} of {self.total} done{f', about {lasting(left)} left' if left > 0 else ''}"


def lasting(seconds: float) -> str:
    """A time as one says it.

    >>> lasting(42.3), lasting(200), lasting(9000)
    ('42 s', '3 min', '2.5 h')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


class Notes(logging.Handler):
    """Guesses that reading had to make, held back while there may still be an error to report instead.

    Why the user has to wait is said at once.
    """

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.held: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.module in WAITING:
            say(f"note: {record.getMessage()}", err=True)
        elif record.levelno > logging.INFO or record.module not in RUNNING:
            self.held.append(record.getMessage())

    def tell(self) -> None:
        for text in self.held:
            say(f"note: {text}", err=True)
        self.held.clear()

    def __enter__(self) -> Self:
        log = logging.getLogger("molopt")
        self.before = log.level, log.propagate
        log.addHandler(self)
        log.setLevel(logging.INFO)
        log.propagate = False
        return self

    def __exit__(self, *exception: object) -> None:
        log = logging.getLogger("molopt")
        log.removeHandler(self)
        level, log.propagate = self.before
        log.setLevel(level)


class JsonList:
    """A list on standard output that is written entry by entry, and is whole even where an error ends it."""

    def __init__(self) -> None:
        self.opening = "[\n"

    def add(self, entry: Mapping[str, object]) -> None:
        click.echo(self.opening + json.dumps(dict(entry), allow_nan=False), nl=False)
        self.opening = ",\n"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        click.echo("[]" if self.opening == "[\n" else "\n]")
