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


def require_regular(path: Path) -> None:
    """Raise InputError where there is something but a plain file; a pipe or a device could be waited for forever.

    >>> require_regular(Path("/dev/null"))
    Traceback (most recent call last):
        ...
    molopt.errors.InputError: /dev/null is a device: give a plain file
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        raise InputError(f"{path} is {KINDS.get(stat.S_IFMT(mode), 'not a file')}: give a plain file")
