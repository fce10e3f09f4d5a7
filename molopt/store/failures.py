"""What SQLite's errors mean to the user of a store, in one line each."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from molopt.errors import StoreError

PRIMARY = 0xFF  # of an error code: the bits that say the kind
SAFE = "nothing that was stored is lost"
FULL = f"make room, and go on with --resume; {SAFE}"
MEANINGS = {
    sqlite3.SQLITE_FULL: f"cannot be written, the disk is full: {FULL}",
    sqlite3.SQLITE_IOERR: f"cannot be read or written ({{error}}), the disk is full, over quota or broken: {FULL}",
    sqlite3.SQLITE_READONLY: f"cannot be written, it or its folder is read-only: change that or copy it; {SAFE}",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened: it must be a file, and you must be allowed to read and write it and "
    "its folder",
    sqlite3.SQLITE_NOTADB: "is not a database: give the folder of a study, or move the file away",
    sqlite3.SQLITE_CORRUPT: "is damaged ({error}): take a copy of it, or save what can be read with sqlite3 .recover",
}

OTHER = "is not a store of molopt, or was changed by another program ({error})"


@contextmanager
def store_errors(path: Path, wait: float) -> Iterator[None]:
    """Errors of SQLite within as StoreError; `wait` is for how many seconds a locked database was waited for."""
    try:
        yield
    except UnicodeDecodeError as error:  # in the name of a table
        said = "'text that is not UTF-8'"
        raise StoreError(f"{path} {MEANINGS[sqlite3.SQLITE_CORRUPT].format(error=said)}") from error
    except sqlite3.DatabaseError as error:
        kind = getattr(error, "sqlite_errorcode", 0) & PRIMARY
        if kind in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise StoreError(
                f"{path} was locked for {wait:g} s by {holders(path)}: wait until that is done or end it, and try "
                f"again; {SAFE}"
            ) from error
        raise StoreError(f"{path} {MEANINGS.get(kind, OTHER).format(error=ascii(str(error)))}") from error


def holders(path: Path) -> str:
    """The processes that hold locks on a file, as far as the system says."""
    try:
        status = os.stat(path)
        locks = Path("/proc/locks").read_text().splitlines()  # Linux alone has it
    except OSError:
        return "another program"
    here = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    processes = {int(lock.split()[-4]) for lock in locks if here in lock.split()} - {0, -1}
    return " and ".join(f"process {number}{called(number)}" for number in sorted(processes)) or "another program"


def called(process: int) -> str:
    """The command of a process, in brackets."""
    try:
        words = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return ""
    line = b" ".join(words).decode(errors="replace").strip()[:80]
    return f" ({''.join(letter if letter.isprintable() else ' ' for letter in line)})" if line else ""
