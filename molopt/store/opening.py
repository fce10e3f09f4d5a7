"""Opening an SQLite database that may come from anyone: made, or seen to be what it must be, before it is asked."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from molopt.errors import StoreError
from molopt.files import obstacle
from molopt.store.failures import store_errors

WAIT = 30.0  # s
BESIDE = ("", "-journal", "-wal", "-shm")  # files of SQLite's own


class Mark(NamedTuple):
    """What a database of one kind says of itself.

    Attributes
    ----------
    number : int
        SQLite's application id.
    version : int
        Of what its rows hold; newer ones are not read.
    table : str
        The table that the rows are in.
    kind : str
        What it is called, with its article.
    """

    number: int
    version: int
    table: str
    kind: str


def connected(path: Path, wait: float = WAIT) -> sqlite3.Connection:
    """A connection to the database at an absolute path; StoreError where none can be.

    Transactions are begun and ended by the caller alone.
    """
    if not path.parent.is_dir():
        raise StoreError(f"{path.parent} is not a folder: make it first, {path.name} goes into it")
    for ending in BESIDE:  # SQLite opens what it finds, and waits for a pipe
        beside = path.with_name(path.name + ending)
        if kind := obstacle(beside):
            raise StoreError(f"{beside} cannot be opened: it is {kind}, and must be a file")
    with store_errors(path, wait):
        return sqlite3.connect(path, timeout=wait, isolation_level=None)


def claimed(connection: sqlite3.Connection, path: Path, mark: Mark, make: Callable[[], object], wait: float) -> int:
    """The version of a database that bears this mark; it is made where nothing is there yet.

    Parameters
    ----------
    connection : sqlite3.Connection
    path : Path
    mark : Mark
    make : callable
        Makes the tables, in a transaction that is under way.
    wait : float
        Seconds that a locked database was waited for.

    Raises
    ------
    StoreError
        It is another program's, newer, or not as it was made.
    """
    with store_errors(path, wait):
        found = number(connection, "PRAGMA application_id")
    if found != mark.number:
        # All tables or none: two processes may begin at once, and be killed at that.
        with transaction(connection, path, wait):
            found = number(connection, "PRAGMA application_id")
            if found != mark.number and number(connection, "SELECT COUNT(*) FROM sqlite_master"):
                raise StoreError(f"{path} is the database of another program: give another folder")
            if found != mark.number:
                connection.execute(f"PRAGMA application_id = {mark.number}")
                connection.execute(f"PRAGMA user_version = {mark.version}")
                make()
    with store_errors(path, wait):
        version = number(connection, "PRAGMA user_version")
        connection.execute("PRAGMA trusted_schema = OFF")
        tables = dict(connection.execute("SELECT name, upper(sql) FROM sqlite_master WHERE type = 'table'"))
        others = number(connection, "SELECT COUNT(*) FROM sqlite_master WHERE type NOT IN ('table', 'index')")
    if version > mark.version:
        raise StoreError(f"{path} was written by a newer molopt: pip install --upgrade molopt")
    if version < 1:
        raise StoreError(
            f"{path} does not say which version of molopt wrote it: it is not {mark.kind}, or it was changed"
        )
    # A view or a trigger would run in place of what is asked for, for as long as it likes.
    if others or not str(tables.get(mark.table)).startswith("CREATE TABLE "):
        raise StoreError(
            f"{path} has no plain table {mark.table}, or more than tables: it is not {mark.kind}, or it was changed"
        )
    return version


def number(connection: sqlite3.Connection, question: str, *values: object) -> int:
    """The one number that is the answer."""
    return int(connection.execute(question, values).fetchone()[0])


@contextmanager
def transaction(connection: sqlite3.Connection, path: Path, wait: float) -> Iterator[None]:
    """All that is written within is kept at its end, or nothing."""
    with store_errors(path, wait):
        connection.execute("BEGIN IMMEDIATE")  # waits its turn; a lock that is asked for later may not
        try:
            yield
            connection.commit()
        except BaseException:
            connection.rollback()
            raise
