"""`--log FILE`: what a command did, one JSON object a line, each whole on the disk before the next begins."""

import json
import math
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import click

from molopt.cli import BAD_INPUT, INTERRUPTED
from molopt.errors import InputError, MissingExtra
from molopt.files import require_regular
from molopt.report.escaping import sentence

PATH, LOG = "molopt.log.path", "molopt.log"  # where a context keeps what --log says, and the log
LONGEST_START = 4096  # bytes of a file that are looked at to see whether it is a log


class Event(NamedTuple):
    """A kind of line."""

    said: str
    fields: tuple[str, ...]


RUN = ("molecule", "where", "potential", "optimizer")  # which run of which molecule
COMMON = ("event", "time", "pid")
EVENTS = {
    "started": Event("the command begins", ("command", "arguments", "options", "versions", "folder")),
    "note": Event("a guess that reading had to make, or a warning", ("text",)),
    "stage": Event(
        "a stage of the work begins (`over` is false) or ends; a worker tells of those that last half a second",
        ("stage", "molecule", "atoms", "worker", "over", "seconds"),
    ),
    "begun": Event("a molecule, a run or a point of a scan is begun, here or by a worker", RUN),
    "ended": Event(
        "it has ended: how, and what the end is",
        (*RUN, "calls", "energy", "fmax", "left", "ended", "stationary", "identity", "seconds"),
    ),
    "failed": Event("it could not be done", (*RUN, "reason")),
    "written": Event("files are complete", ("files",)),
    "interrupted": Event("Ctrl-C or SIGTERM was heard", ()),
    "finished": Event(
        "the command ends: its exit code, the counts of the events before, and the error that ended it, if one did",
        ("exit_code", "begun", "ended", "failed", "seconds", "error"),
    ),
}


class Log:
    """Appends to a file as long as that can be written; a run is never lost for its log.

    Lines are appended whole, each by a single write, so that several commands may share a file; a line that a crash or
    a full disk cut is closed by a line end before the next command goes on in it.

    Parameters
    ----------
    path : str

    Raises
    ------
    InputError
        It cannot be written, or something else than a log stands there.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.lock = Lock()
        self.counts = dict.fromkeys(("begun", "ended", "failed"), 0)
        self.file: int | None = opened(Path(path))

    def write(self, event: str, fields: Mapping[str, object] | None = None) -> None:
        """One line. Fields that are not given, and numbers that are not known, are null."""
        known = dict(fields or {})
        if event in self.counts:
            self.counts[event] += 1
        line = {"event": event, "time": now(), "pid": os.getpid()}
        line |= {name: plain(known.pop(name, None)) for name in EVENTS[event].fields}
        if known:
            raise KeyError(f"{event} has no {', '.join(known)}")
        self.append(json.dumps(line, allow_nan=False).encode() + b"\n")

    def append(self, line: bytes) -> None:
        with self.lock:
            if self.file is None:
                return
            try:
                if (written := os.write(self.file, line)) == len(line):
                    return
                os.ftruncate(self.file, os.fstat(self.file).st_size - written)  # half a line is none
                why = "no space left"
            except OSError as error:
                why = str(error.strerror)
            os.close(self.file)
            self.file = None
        said = f"note: the log {self.path} ends here, it cannot be written: {why}; the work goes on"
        click.echo(sentence(said), err=True)

    def close(self) -> None:
        with self.lock:
            if self.file is not None:
                os.close(self.file)
            self.file = None


class NoLog(Log):
    """Where none is asked for."""

    def __init__(self) -> None:
        self.counts, self.path, self.lock, self.file = {}, "", Lock(), None

    def write(self, event: str, fields: Mapping[str, object] | None = None) -> None:
        pass


@contextmanager
def logged(context: click.Context) -> Iterator[None]:
    """Open the log that the command's options name, and write how the command begins and ends."""
    path = context.meta.get(PATH)
    if not isinstance(path, str):
        yield
        return
    begun, log = time.monotonic(), Log(path)
    context.meta[LOG] = log
    log.write("started", about(context))
    ended: dict[str, object] = {"exit_code": 0}
    try:
        yield
    except BaseException as error:
        ended = {"exit_code": exit_code(error), "error": said_of(error)}
        raise
    finally:
        log.write("finished", ended | log.counts | {"seconds": round(time.monotonic() - begun, 3)})
        log.close()


def about(context: click.Context) -> dict[str, object]:
    """What a log begins with."""
    from molopt.versions import versions_of

    options = {name: value for name, value in context.params.items() if value not in (None, ())}
    named = [options.get(name, ()) for name in ("potential", "potentials", "refine")]
    versions: dict[str, str] = {}
    with suppress(InputError):  # a name that cannot be is said where it is used
        versions = versions_of(chain.from_iterable([each] if isinstance(each, str) else each for each in named))
    command, arguments = context.info_name, sys.argv[1:]
    return {
        "command": command, "arguments": arguments, "options": options, "versions": versions, "folder": os.getcwd()
    }  # fmt: skip


def exit_code(error: BaseException) -> int:
    """What the command exits with where this error ends it, as `molopt.cli.Commands` has it."""
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return INTERRUPTED
    refused = isinstance(error, InputError | MissingExtra | OSError | click.ClickException)
    return BAD_INPUT if refused and not isinstance(error, BrokenPipeError) else 1


def said_of(error: BaseException) -> str | None:
    """An error in one line; None of a command that ended as it should, or was interrupted."""
    if isinstance(error, click.exceptions.Exit | KeyboardInterrupt):
        return None
    said = error.message if isinstance(error, InputError) else str(error)
    return " ".join(said.split()) or type(error).__name__


def current() -> Log:
    """The log of the command that runs in this thread."""
    context = click.get_current_context(silent=True)
    found = None if context is None else context.meta.get(LOG)
    return found if isinstance(found, Log) else NoLog()


def opened(path: Path) -> int:
    """A descriptor to append with; InputError where there is none, or a file that is not a log."""
    try:
        require_regular(path)
        if path.exists() and not is_log(path):
            raise InputError(f"{path} is there, and is not a log: give another --log")
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        if cut(path):
            os.write(file, b"\n")
    except (OSError, ValueError) as error:  # a null byte in a path is a ValueError
        if isinstance(error, InputError):
            raise
        why = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"the log {path} cannot be written: {why}: give another --log") from error
    return file


def is_log(path: Path) -> bool:
    """Whether a file is empty, or begins as a log does."""
    with path.open("rb") as file:
        first = file.read(LONGEST_START).lstrip()
    return not first or first.startswith(b'{"event": "')


def cut(path: Path) -> bool:
    """Whether the last line of a file lacks its end."""
    with path.open("rb") as file:
        if not file.seek(0, os.SEEK_END):
            return False
        file.seek(-1, os.SEEK_END)
        return file.read() != b"\n"


def now() -> str:
    """UTC, to the millisecond, as ISO 8601 has it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def plain(value: object) -> object:
    """As JSON can hold it; numbers that are not finite are null."""
    value = value.item() if getattr(value, "ndim", None) == 0 else value  # type: ignore[attr-defined]  # of NumPy
    if isinstance(value, bool | int | str | None):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, Iterable):
        return [plain(each) for each in value]
    return str(value)


def table() -> str:
    """The events as docs/guide/progress.md has them."""
    rows = [f"| `{name}` | {event.said} | {listed(event.fields)} |" for name, event in EVENTS.items()]
    return "\n".join(["| event | when | fields |", "|---|---|---|", *rows])


def listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
