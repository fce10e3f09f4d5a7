"""Files that others made: what is not a plain file is an error, and never waited for."""

import stat
from pathlib import Path

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
