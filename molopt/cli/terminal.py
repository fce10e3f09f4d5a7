"""What the user sees while a command works: lines of progress, notes of guesses, results as JSON."""

import json
import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from threading import Event, Thread
from typing import Self

import click
from rich.console import Console
from rich.live import Live

from molopt.cli.display import UnderWay
from molopt.cli.log import current
from molopt.cli.narrator import Narrator
from molopt.report.escaping import sentence
from molopt.signs import Sign, watched_by

# Modules that report single steps, which are not guesses.
RUNNING = ("checking", "coordinates", "group", "inverse", "member", "stepping", "stopping")
WAITING = ("compiling",)  # modules that say why nothing happens for a while
OFTEN, SELDOM = 10.0, 60.0  # s between two lines of a log: where they are asked for, and where they are not
FIRST = 20.0  # s until the first of them, at most: a command that takes less says nothing unless it is asked to
LOOK = 0.5  # s between two looks at whether a line is due
REFRESHED = 4  # times a second, on a terminal
shown_live: list["Progress"] = []  # that others have to make room for


def asked(name: str) -> object:
    """What an option of the command that runs in this thread says; None where there is no command."""
    context = click.get_current_context(silent=True)
    return None if context is None else context.meta.get(f"molopt.{name}")


def quiet() -> bool:
    """Whether nothing but errors is to be printed."""
    return bool(asked("quiet"))


def say(text: str, err: bool = False) -> None:
    """Print a line, unless --quiet; names in it cannot become control sequences, or lines of their own."""
    if not quiet():
        make_room()
        click.echo(sentence(text), err=err)


def console() -> Console:
    """Where tables are printed."""
    make_room()
    return Console(highlight=False, markup=False, soft_wrap=False, quiet=quiet())


def make_room() -> None:
    """Have the lines that change go away, until there is something new for them."""
    for progress in shown_live:
        progress.clear()


class Progress:
    """What a command is at, on standard error; it follows the signs of what is done as long as it is entered.

    On a terminal it is a line for what is done and one for each worker, gone when something is printed. Elsewhere it is
    a line now and then, by a thread of its own: a log shows signs of life also while RDKit embeds for minutes, and a
    short command says nothing. What --progress says goes before both. With --verbose each stage, and each force call
    that found a lower energy, is a line of its own; with --log each stage is an event.
    """

    def __init__(self) -> None:
        terminal = Console(stderr=True)
        said = asked("progress") or "auto"
        changing = terminal.is_terminal and not terminal.is_dumb_terminal
        kind = "none" if quiet() else "live" if said == "auto" and changing else said
        self.under_way = UnderWay()
        self.terminal = terminal if kind == "live" else None
        self.live: Live | None = None  # while lines are shown
        self.every = {"plain": OFTEN, "auto": SELDOM}.get(str(kind))  # s between two lines
        self.narrator = Narrator() if asked("verbose") else None
        self.log = current()
        self.known: set[tuple[int, int]] = set()  # stages that have begun, by worker and number
        self.entered = ExitStack()

    def say(self, text: str) -> None:
        """What is done by now."""
        self.under_way.headline = text
        self.show()

    def see(self, sign: Sign) -> None:
        """What is under way."""
        self.under_way.see(sign)
        if sign.over or (sign.worker, sign.number) not in self.known:
            self.note_stage(sign)
        if self.narrator is not None and (line := self.narrator.line(sign)):
            say(line, err=True)
        self.show()

    def note_stage(self, sign: Sign) -> None:
        """Have the log say that a stage has begun or is over."""
        begun = (sign.worker, sign.number)
        self.known.discard(begun) if sign.over else self.known.add(begun)
        said = {"stage": sign.stage, "molecule": sign.molecule or None, "atoms": sign.atoms or None}
        said |= {"worker": sign.worker or None, "over": sign.over}
        self.log.write("stage", said | {"seconds": round(sign.seconds, 3) if sign.over else None})

    def show(self) -> None:
        """Have the lines stand below what was printed: those of before know nothing of it, and would wipe it out."""
        if self.terminal is not None and self.live is None and (self.under_way.headline or self.under_way.signs):
            self.live = Live(
                self.under_way,
                console=self.terminal,
                refresh_per_second=REFRESHED,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self.live.start()

    def clear(self) -> None:
        """Make room for output."""
        if self.live is not None:
            self.live.stop()
            self.live = None

    def __enter__(self) -> Self:
        if self.terminal is not None:
            shown_live.append(self)
        if self.every is not None:
            self.entered.enter_context(told_every(self.every, self.under_way))
        if self.terminal or self.every or self.narrator or self.log.file is not None:
            self.entered.enter_context(watched_by(self.see))
        return self

    def __exit__(self, *exception: object) -> None:
        self.entered.close()
        self.clear()
        if self in shown_live:
            shown_live.remove(self)


@contextmanager
def told_every(seconds: float, under_way: UnderWay) -> Iterator[None]:
    """Say what is under way now and then, whatever this thread is doing."""
    over = Event()

    def tell() -> None:
        due = time.monotonic() + min(seconds, FIRST)
        while not over.wait(LOOK):
            if time.monotonic() >= due and (text := under_way.sentence()):
                due = time.monotonic() + seconds
                click.echo(sentence(text), err=True)

    thread = Thread(target=tell, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


class Notes(logging.Handler):
    """Guesses that reading had to make, held back while there may still be an error to report instead.

    Why the user has to wait is said at once, and with --verbose what is said of single steps.
    """

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.held: list[str] = []
        self.log = current()
        self.verbose = bool(asked("verbose"))

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.module in WAITING:
            self.say(text)
        elif record.levelno > logging.INFO or record.module not in RUNNING:
            self.held.append(text)
        elif self.verbose:
            say(text, err=True)

    def tell(self) -> None:
        for text in self.held:
            self.say(text)
        self.held.clear()

    def say(self, text: str) -> None:
        self.log.write("note", {"text": text})
        say(f"note: {text}", err=True)

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
        make_room()
        click.echo(self.opening + json.dumps(dict(entry), allow_nan=False), nl=False)
        self.opening = ",\n"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        click.echo("[]" if self.opening == "[\n" else "\n]")
