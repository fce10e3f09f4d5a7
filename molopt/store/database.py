"""Results in a database that `ase db` reads too; none is lost, whatever ends the program."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, Protocol, Self, TypeVar, cast, overload

import ase.db
import numpy as np
from ase.db.row import AtomsRow

from molopt.errors import StoreError
from molopt.record import Record
from molopt.spelling import in_ascii
from molopt.store.failures import store_errors
from molopt.store.opening import WAIT, Mark, claimed, connected, number, transaction
from molopt.store.packing import packed_in
from molopt.store.runs import Runs

LONGEST = 200  # characters of an error that are shown

R = TypeVar("R")


class Holds(Protocol[R]):
    """What the rows of a store hold.

    Attributes
    ----------
    mark : Mark
        Of the database.
    name : str
        What a row holds.
    order : sequence of str
        Pairs by which rows are read, before their keys.
    again : str
        What becomes of one whose row was deleted.
    """

    mark: Mark
    name: str
    order: tuple[str, ...]
    again: str

    def key(self, item: R) -> str:
        """Tells it from all others."""
        ...

    def row(self, item: R) -> AtomsRow:
        """The geometry and the energy that `ase db` shows; its `unique_id` is the key."""
        ...

    def pairs(self, item: R) -> Mapping[str, str | int | float]:
        """What `ase db` searches for."""
        ...

    def pack(self, item: R) -> bytes:
        """All of it."""
        ...

    def unpack(self, packed: bytes) -> R:
        """What was packed, all of it checked: any exception where it is not that."""
        ...


class Store(Generic[R]):
    """Results, each once, in an `ase.db` SQLite database; finished runs of a study, unless it is told otherwise.

    A row has a geometry with its energy, pairs of keys and values to search for, and in its data the whole result,
    packed. Several processes may read and add at once, on one machine or through a network file system that locks
    files; each store is for the thread that made it.

    Parameters
    ----------
    path : path
        Made where it is not there; its folder must exist.
    wait : float
        Seconds to wait for another process that holds the database.
    holds : Holds
        What a row holds: by default a `Record` of one run, see `molopt.store.runs`.

    Raises
    ------
    StoreError
        Here or later: the file is not such a store, cannot be read or written, stays locked, or its disk is full. What
        was stored before is still stored.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder, Store(Path(folder) / "runs.db") as store:
    ...     len(store), store.keys(), list(store.records())
    (0, set(), [])
    """

    @overload
    def __init__(self: "Store[Record]", path: str | Path, wait: float = WAIT) -> None: ...
    @overload
    def __init__(self, path: str | Path, wait: float = WAIT, *, holds: Holds[R]) -> None: ...
    def __init__(self, path: str | Path, wait: float = WAIT, *, holds: Holds[R] | None = None) -> None:
        self.holds: Holds[R] = cast("Holds[R]", Runs()) if holds is None else holds
        self.path = Path(path).absolute()
        self.wait = wait
        # SQLite's defaults stay: a rollback journal, because the faster write-ahead log needs memory that all its users
        # share, which network file systems do not have; and a wait for the disk at each commit, so that a power cut
        # loses nothing that was said to be stored.
        self.connection = connected(self.path, wait)
        try:
            # ASE's lock file would outlive a killed process, and lock all others out; SQLite's own locks do not.
            self.database = ase.db.connect(self.path, type="db", use_lock_file=False, serial=True)
            self.database.connection = self.connection
            self.version = claimed(self.connection, self.path, self.holds.mark, self.make, wait)
        except BaseException:
            self.connection.close()
            raise

    def make(self) -> None:
        """Make ASE's tables, in a transaction that is under way."""
        self.database.change_count = 0
        with self.database.managed_connection():
            pass  # on its first use ASE makes its tables, and commits

    def add(self, item: R) -> None:
        """Keep a result; it is on the disk when this returns. Of those with the same key, the first is kept."""
        self.add_all([item])

    def add_all(self, items: Iterable[R]) -> None:
        """The same for several, all of them or none."""
        if self.version < self.holds.mark.version:
            raise StoreError(f"{self.path} was written by an older molopt: it can be read, but not added to")
        rows = [
            (self.holds.row(item), dict(self.holds.pairs(item)), np.frombuffer(self.holds.pack(item), dtype=np.uint8))
            for item in items
        ]
        with self.transaction():
            for shown, pairs, packed in rows:
                key = shown.unique_id
                if not number(self.connection, "SELECT COUNT(*) FROM systems WHERE unique_id = ?", key):
                    self.database.write(shown, pairs, {"record": packed})

    def keys(self) -> set[str]:
        """Of all results."""
        with store_errors(self.path, self.wait):
            return {key for (key,) in self.connection.execute("SELECT unique_id FROM systems")}

    def __contains__(self, key: str) -> bool:
        """Whether the result of this key is there."""
        with store_errors(self.path, self.wait):
            return number(self.connection, "SELECT COUNT(*) FROM systems WHERE unique_id = ?", key) > 0

    def record(self, key: str) -> R:
        """The result of this key; KeyError where it is not there."""
        with store_errors(self.path, self.wait):
            found = self.connection.execute(
                "SELECT id, unique_id, data FROM systems WHERE unique_id = ?", (key,)
            ).fetchone()
        if found is None:
            raise KeyError(key)
        return self.read(*found)

    def records(self) -> Iterator[R]:
        """All results, one at a time, in the order of what they hold, whichever was finished first.

        Nothing is locked between two of them; one that is added meanwhile is not among them.
        """
        by = "".join(f"json_extract(key_value_pairs, '$.{name}'), " for name in self.holds.order)
        with store_errors(self.path, self.wait):
            found = self.connection.execute(f"SELECT id FROM systems ORDER BY {by}unique_id").fetchall()
        for (row,) in found:
            with store_errors(self.path, self.wait):
                data = self.connection.execute("SELECT unique_id, data FROM systems WHERE id = ?", (row,)).fetchone()
            if data is not None:
                yield self.read(row, *data)

    def read(self, row: int, key: str, data: bytes) -> R:
        """The result of a row, all of it checked: what it says may come from anywhere."""
        try:
            item = self.holds.unpack(packed_in(data))
            if self.holds.key(item) != key:
                raise ValueError(f"its key is another {self.holds.name}'s")
            return item
        except Exception as error:  # whatever bytes that are not a result lead to
            why = f"{type(error).__name__}: {in_ascii(str(error))[:LONGEST]}"  # with names from the row
            raise StoreError(
                f"row {row} of {self.path} does not hold a {self.holds.name} that this molopt can read ({why}): "
                f"ase db {self.path} {row} --delete removes it, and {self.holds.again}"
            ) from error

    def __len__(self) -> int:
        with store_errors(self.path, self.wait):
            return number(self.connection, "SELECT COUNT(*) FROM systems")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written within is kept at its end, or nothing."""
        self.database.change_count = 0  # at 5000, ASE would commit in the midst
        with transaction(self.connection, self.path, self.wait):
            yield

    def close(self) -> None:
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
