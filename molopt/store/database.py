"""Finished runs of a study, in a database that `ase db` reads too; none is lost, whatever ends the program."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import ase.db
import numpy as np

from molopt.errors import StoreError
from molopt.files import obstacle
from molopt.record import Record
from molopt.spelling import in_ascii
from molopt.store.checking import require_sound
from molopt.store.failures import store_errors
from molopt.store.packing import pack, packed_in, unpack
from molopt.store.rows import key_value_pairs, row

MARK = 0x6D6F6C6F  # "molo", SQLite's application id of a store
VERSION = 3  # of what a row holds; those before knew fewer ways to end and no curvature, and are read
WAIT = 30.0  # s
LONGEST = 200  # characters of an error that are shown

ORDER = "place", "potential", "seed", "optimizer", "settings"


class Store:
    """Finished runs, each once, in an `ase.db` SQLite database.

    A row has the last geometry with its energy, pairs of keys and values (`molopt.store.rows`), and in its data the
    whole record, packed. Its `unique_id` is the run's key. Several processes may read and add at once, on one machine
    or through a network file system that locks files; each store is for the thread that made it.

    Parameters
    ----------
    path : path
        Made where it is not there; its folder must exist.
    wait : float
        Seconds to wait for another process that holds the database.

    Raises
    ------
    StoreError
        Here or later: the file is not a store, cannot be read or written, stays locked, or its disk is full. What was
        stored before is still stored.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder, Store(Path(folder) / "runs.db") as store:
    ...     len(store), store.keys(), list(store.records())
    (0, set(), [])
    """

    def __init__(self, path: str | Path, wait: float = WAIT) -> None:
        self.path = Path(path).absolute()
        self.wait = wait
        if not self.path.parent.is_dir():
            raise StoreError(f"{self.path.parent} is not a folder: make it first, {self.path.name} goes into it")
        for name in ("", "-journal", "-wal", "-shm"):  # SQLite opens what it finds, and waits for a pipe
            path = self.path.with_name(self.path.name + name)
            if kind := obstacle(path):
                raise StoreError(f"{path} cannot be opened: it is {kind}, and must be a file")
        with store_errors(self.path, wait):
            # Transactions are begun and ended here alone. SQLite's defaults stay: a rollback journal, because the
            # faster write-ahead log needs memory that all its users share, which network file systems do not have;
            # and a wait for the disk at each commit, so that a power cut loses nothing that was said to be stored.
            self.connection = sqlite3.connect(self.path, timeout=wait, isolation_level=None)
        try:
            # ASE's lock file would outlive a killed process, and lock all others out; SQLite's own locks do not.
            self.database = ase.db.connect(self.path, type="db", use_lock_file=False, serial=True)
            self.database.connection = self.connection
            self.open()
        except BaseException:
            self.connection.close()
            raise

    def open(self) -> None:
        """Make the tables, or see that they are those of a store."""
        with store_errors(self.path, self.wait):
            mark = self.number("PRAGMA application_id")
        if mark != MARK:
            with self.transaction():  # all tables or none: two processes may begin at once, and be killed at that
                mark = self.number("PRAGMA application_id")
                if mark != MARK and self.number("SELECT COUNT(*) FROM sqlite_master"):
                    raise StoreError(f"{self.path} is the database of another program: give another folder")
                if mark != MARK:
                    self.connection.execute(f"PRAGMA application_id = {MARK}")
                    self.connection.execute(f"PRAGMA user_version = {VERSION}")
                    with self.database.managed_connection():
                        pass  # on its first use ASE makes its tables, and commits
        with store_errors(self.path, self.wait):
            self.version = self.number("PRAGMA user_version")
            self.connection.execute("PRAGMA trusted_schema = OFF")
            tables = dict(self.connection.execute("SELECT name, upper(sql) FROM sqlite_master WHERE type = 'table'"))
            others = self.number("SELECT COUNT(*) FROM sqlite_master WHERE type NOT IN ('table', 'index')")
        if self.version > VERSION:
            raise StoreError(f"{self.path} was written by a newer molopt: pip install --upgrade molopt")
        if self.version < 1:
            raise StoreError(
                f"{self.path} does not say which version of molopt wrote it: it is not a store, or it was changed"
            )
        # A view or a trigger would run in place of what is asked for, for as long as it likes.
        if others or not str(tables.get("systems")).startswith("CREATE TABLE "):
            raise StoreError(
                f"{self.path} has no plain table of runs, or more than tables: it is not a store, or it was changed"
            )

    def add(self, record: Record) -> None:
        """Keep a run; it is on the disk when this returns. Of runs with the same key, the first is kept."""
        if self.version < VERSION:
            raise StoreError(f"{self.path} was written by an older molopt: it can be read, but not added to")
        shown, pairs = row(record), key_value_pairs(record)
        data = {"record": np.frombuffer(pack(record), dtype=np.uint8)}
        with self.transaction():
            if not self.number("SELECT COUNT(*) FROM systems WHERE unique_id = ?", record.key):
                self.database.write(shown, pairs, data)

    def keys(self) -> set[str]:
        """Of all runs."""
        with store_errors(self.path, self.wait):
            return {key for (key,) in self.connection.execute("SELECT unique_id FROM systems")}

    def __contains__(self, key: str) -> bool:
        """Whether the run of this key is there."""
        with store_errors(self.path, self.wait):
            return self.number("SELECT COUNT(*) FROM systems WHERE unique_id = ?", key) > 0

    def record(self, key: str) -> Record:
        """The run of this key; KeyError where it is not there."""
        with store_errors(self.path, self.wait):
            found = self.connection.execute(
                "SELECT id, unique_id, data FROM systems WHERE unique_id = ?", (key,)
            ).fetchone()
        if found is None:
            raise KeyError(key)
        return self.read(*found)

    def records(self) -> Iterator[Record]:
        """All runs, one at a time, by place, potential, seed and optimizer, whichever finished first.

        Nothing is locked between two of them; a run that is added meanwhile is not among them.
        """
        by = ", ".join(f"json_extract(key_value_pairs, '$.{name}')" for name in ORDER)
        with store_errors(self.path, self.wait):
            found = self.connection.execute(f"SELECT id FROM systems ORDER BY {by}, unique_id").fetchall()
        for (number,) in found:
            with store_errors(self.path, self.wait):
                data = self.connection.execute("SELECT unique_id, data FROM systems WHERE id = ?", (number,)).fetchone()
            if data is not None:
                yield self.read(number, *data)

    def read(self, number: int, key: str, data: bytes) -> Record:
        """The run of a row, all of it checked: what it says may come from anywhere."""
        try:
            record = unpack(packed_in(data))
            require_sound(record)
            if record.key != key:
                raise ValueError("its key is another run's")
            return record
        except Exception as error:  # whatever bytes that are not a record lead to
            why = f"{type(error).__name__}: {in_ascii(str(error))[:LONGEST]}"  # with names from the row
            raise StoreError(
                f"row {number} of {self.path} does not hold a run that this molopt can read ({why}): "
                f"ase db {self.path} {number} --delete removes it, and the study runs it again"
            ) from error

    def __len__(self) -> int:
        with store_errors(self.path, self.wait):
            return self.number("SELECT COUNT(*) FROM systems")

    def number(self, question: str, *values: str) -> int:
        return int(self.connection.execute(question, values).fetchone()[0])

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written within is kept at its end, or nothing."""
        self.database.change_count = 0  # at 5000, ASE would commit in the midst
        with store_errors(self.path, self.wait):
            self.connection.execute("BEGIN IMMEDIATE")  # waits its turn; a lock that is asked for later may not
            try:
                yield
                self.connection.commit()
            except BaseException:
                self.connection.rollback()
                raise

    def close(self) -> None:
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
