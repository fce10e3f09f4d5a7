"""What the user sees while a command works: a line of progress, notes of guesses, results as JSON."""

import json
import logging
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


def say(text: str, err: bool = False) -> None:
    """Print a line; names in it cannot become control sequences, or lines of their own."""
    click.echo(sentence(text), err=err)


class Progress:
    """One line on standard error, gone when something is printed; nothing at all where that is not a terminal."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self.status = console.status("") if console.is_terminal else None
        self.next = 0.0

    def say(self, text: str) -> None:
        if self.status is not None:
            self.status.update(Text(sentence(text), no_wrap=True, overflow="ellipsis"))
            self.status.start()

    def follow(self, molecule: str, optimizer: str, counted: Counted) -> None:
        """Say what a run is at; to be called after each force call."""
        if self.status is not None and time.monotonic() > self.next:
            self.next = time.monotonic() + EVERY
            fmax = counted.trace[-1].fmax
            self.say(f"{optimizer}: force call {counted.force_calls}, fmax {fmax:.4f} eV/A, {molecule}")

    def clear(self) -> None:
        """Make room for output."""
        if self.status is not None:
            self.status.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.clear()


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
