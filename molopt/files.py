"""Files: what is not a plain file is an error, and never waited for; what is written appears whole, or not at all."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from molopt.errors import InputError

KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def obstacle(path: Path) -> str:
    """What stands at a path, links followed, where that is not a plain file; empty where it is, or nothing is there.

    >>> obstacle(Path("/dev/null")), obstacle(Path("nowhere"))
    ('a device', '')
    """
    return KINDS.get(stat.S_IFMT(path.stat().st_mode), "") if path.exists() else ""


def require_regular(path: Path) -> None:
    """Raise InputError where something other than a plain file stands; a pipe or a device could be waited for forever.

    >>> require_regular(Path("/dev/null"))
    Traceback (most recent call last):
        ...
    molopt.errors.InputError: /dev/null is a device: give a plain file
    """
    if kind := obstacle(path):
        raise InputError(f"{path} is {kind}: give a plain file")


@contextmanager
def draft(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A path beside the one that is meant, to write to; it takes that name once all is written.

    What stood there before stays until then, and nothing is left where an error comes between.

    Raises
    ------
    InputError
        It cannot be written, or something other than a plain file stands there.
    """
    target = Path(path).resolve()  # a link stays a link
    require_regular(target)
    begun = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        begun.unlink(missing_ok=True)  # it may be a link
        yield begun
        os.replace(begun, target)
    except OSError as error:
        raise InputError(f"{path} could not be written: {error.strerror}: give another name, or make room") from error
    finally:
        with suppress(OSError):
            begun.unlink()


@contextmanager
def whole(path: str | os.PathLike[str]) -> Iterator[TextIO]:
    """A text file that appears whole, or not at all: as `draft`, opened."""
    with draft(path) as begun, begun.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        yield file
