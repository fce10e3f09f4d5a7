"""The journal of one search: what each of its jobs was asked and answered, so that a killed search goes on."""

from collections.abc import Mapping
from pathlib import Path
from typing import Self

from molopt import __version__
from molopt.errors import StoreError
from molopt.spelling import in_ascii
from molopt.store.failures import store_errors
from molopt.store.opening import Mark, claimed, connected, transaction
from molopt.store.parcels import Value, answer_of, answer_parcel

MARK = Mark(0x6D6F6A6F, 1, "answers", "the journal of a search")  # "mojo"
LONGEST = 100  # characters of what was asked that are shown
WAIT = 5.0  # s, for another process with the same journal, which will hardly be done sooner

TABLES = (
    "CREATE TABLE search (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE TABLE answers (number INTEGER PRIMARY KEY, digest TEXT NOT NULL, answer BLOB NOT NULL)",
)


class Journal:
    """The answers of a search, by the number of the job.

    A search whose decisions depend on nothing but answers asks for the same jobs in the same order when it is begun
    anew, and gets the answers that it had. Each is kept when `put` returns, whatever ends the process then; a power cut
    may lose the last ones. The file is one process's as long as that has it open, and is data: numbers and texts, which
    are checked as they are read.

    Parameters
    ----------
    path : path
        Made where it is not there; its folder must exist.
    search : dict of str to str
        What tells this search from others: molecule, settings, versions of packages. The version of molopt is added.

    Raises
    ------
    StoreError
        Here or later: the file is of another search, is not a journal, cannot be read or written, or its disk is full.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder, Journal(Path(folder) / "search.journal", {"seed": "7"}) as journal:
    ...     journal.put(0, "what was asked", {"energy": -1.5, "changed": []})
    ...     journal.get(0, "what was asked"), journal.get(0, "something else"), journal.get(1, "what was asked")
    ({'energy': -1.5, 'changed': []}, None, None)
    """

    def __init__(self, path: str | Path, search: Mapping[str, str] | None = None) -> None:
        self.path = Path(path).absolute()
        self.connection = connected(self.path, WAIT)
        try:
            self.open({"molopt": __version__} | dict(search or {}))
        except BaseException:
            self.connection.close()
            raise

    def open(self, search: dict[str, str]) -> None:
        with store_errors(self.path, WAIT):
            self.connection.execute("PRAGMA locking_mode = EXCLUSIVE")  # no memory to share with other processes then
        claimed(self.connection, self.path, MARK, lambda: self.begin(search), WAIT)
        with store_errors(self.path, WAIT):
            # Jobs can be as short as milliseconds, and a wait for the disk after each would be longer: with a
            # write-ahead log the disk is waited for now and then.
            self.connection.execute("PRAGMA journal_mode = WAL")
            self.connection.execute("PRAGMA synchronous = NORMAL")
            begun = dict(self.connection.execute("SELECT name, value FROM search"))
        for name in sorted(begun.keys() | search.keys(), key=str):
            before, now = begun.get(name), search.get(name)
            if before != now:
                raise StoreError(
                    f"{self.path} is the journal of another search: {shown(name)} was {shown(before)} and is "
                    f"{shown(now)}: give another folder, or begin anew"
                )

    def begin(self, search: dict[str, str]) -> None:
        for table in TABLES:
            self.connection.execute(table)
        self.connection.executemany("INSERT INTO search VALUES (?, ?)", search.items())

    def get(self, number: int, digest: str) -> dict[str, Value] | None:
        """The answer of a job; None where it is not there, or was asked something else.

        Raises
        ------
        StoreError
            What is there is not an answer.
        """
        with store_errors(self.path, WAIT):
            question = "SELECT answer FROM answers WHERE number = ? AND digest = ?"
            found = self.connection.execute(question, (number, digest)).fetchone()
        if found is None:
            return None
        try:
            return answer_of(found[0])
        except Exception as error:  # whatever bytes that are not an answer lead to
            why = in_ascii(f"{type(error).__name__}: {error}")[:LONGEST]
            raise StoreError(f"{self.path} is damaged at job {number} ({why}): delete it, or begin anew") from error

    def put(self, number: int, digest: str, answer: Mapping[str, Value]) -> None:
        """Keep an answer, in place of one that was there."""
        packed = answer_parcel(answer)
        with transaction(self.connection, self.path, WAIT):
            self.connection.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?)", (number, digest, packed))

    def __len__(self) -> int:
        """How many answers there are."""
        with store_errors(self.path, WAIT):
            return int(self.connection.execute("SELECT COUNT(*) FROM answers").fetchone()[0])

    def close(self) -> None:
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def shown(text: object) -> str:
    """A text from a file or a setting in one line; "not said" where there is none."""
    if text is None:
        return "not said"
    line = in_ascii(str(text))
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}..."
