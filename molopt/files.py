"""Files that others made: what is not a plain file is an error, and never waited for."""

import stat
from pathlib import Path

from molopt.errors import InputError

KINDS = {
    stat.S_IFREG: "a file",
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def kind_of(path: Path) -> str:
    """What stands at a path, links followed; empty where nothing does.

    >>> kind_of(Path("/dev/null")), kind_of(Path("nowhere"))
    ('a device', '')
    """
    try:
        return KINDS[stat.S_IFMT(path.stat().st_mode)]
    except FileNotFoundError:
        return ""


def require_regular(path: Path) -> None:
    """Raise InputError where there is something but a plain file; a pipe or a device could be waited for forever.

    >>> require_regular(Path("/dev/null"))
    Traceback (most recent call last):
        ...
    molopt.errors.InputError: /dev/null is a device: give a plain file
    """
    kind = kind_of(path)
    if kind not in ("", "a file"):
        raise InputError(f"{path} is {kind}: give a plain file")
