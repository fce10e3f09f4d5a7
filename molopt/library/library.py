"""The folder of work on many molecules: each is archived as it ends, and none is done twice."""

import csv
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import ClassVar, Generic, NamedTuple, Self, TextIO, TypeVar

from molopt.errors import InputError
from molopt.execution import Executor, Finished
from molopt.files import obstacle
from molopt.library.archive import Found, Kind, V, archive, key_of
from molopt.library.asked import Asked
from molopt.molecules import Molecule
from molopt.molecules.entries import Entry
from molopt.molecules.reading import kept
from molopt.molecules.standard_input import SHOWN
from molopt.numbering import counted_from_one
from molopt.spelling import tidied
from molopt.store.opening import BESIDE

FAILURES = "failures.csv"
COUNTED = 100_000  # molecules that are counted before, to say how long they will take: a second or two
ABOUT = ("place", "where", "molecule", "smiles")  # columns that every table begins with


class Task(NamedTuple):
    """A molecule to be worked on, as it stands in its file."""

    place: int
    source: str
    entry: Entry | Molecule


A = TypeVar("A", bound=Asked)
OnTask = Callable[[Task], object]
Work = Callable[[list[Task]], list[Found[V]]]  # what a worker does with some tasks; an error is not of a molecule


def found(task: Task, molecule: Molecule | None, value: V | None, failed: str = "") -> Found[V]:
    """What became of a task, with the name and the SMILES of its molecule as far as they are known."""
    name, smiles = named(task.entry) if molecule is None else (molecule.name, molecule.smiles or "")
    why = "" if value is not None else counted_from_one(tidied(failed)) or "no reason is known"
    prefix = "" if isinstance(task.entry, Molecule) or task.entry.path is None else f"{task.entry.where}: "
    return Found(task.place, where(task), name, smiles, value, why.removeprefix(prefix))


def where(task: Task) -> str:
    """Where the molecule of a task comes from, as "set.smi, line 12"."""
    entry = task.entry
    if isinstance(entry, Molecule) or entry.path is None:
        return task.source
    return f"{entry.path.name}, {entry.format.kind} {entry.number}"


def named(entry: Entry | Molecule) -> tuple[str, str]:
    """Name and SMILES of what could not be read, as they stand there."""
    if isinstance(entry, Molecule):
        return entry.name, entry.smiles or ""
    return entry.called


class Library(ABC, Generic[A, V]):
    """A folder of work on many molecules, open; each is archived as it ends, and none is worked on twice.

    `begin` makes one, `resume` continues one. As a context manager it is closed at the end. Those who inherit say what
    is asked for, what results are and what is done.

    Attributes
    ----------
    before : int
        Molecules that were done when it was opened.
    added : int
        Molecules that were done since.
    new : bool
        Whether it was begun, and not resumed.
    """

    ASKED: ClassVar[type[Asked]]
    ARCHIVE: ClassVar[str]
    OTHERS: ClassVar[tuple[str, ...]] = ()  # further databases that it goes on with
    WRITTEN: ClassVar[tuple[str, ...]]  # files that are written at the end
    kind: Kind[V]

    def __init__(self, folder: Path, request: A, new: bool = False) -> None:
        self.folder = folder
        self.new = new
        self.request = request
        self.archive = archive(folder / self.ARCHIVE, self.kind)
        self.before = len(self.archive)
        self.added = 0

    @classmethod
    def own(cls) -> list[str]:
        """The files that it goes on with."""
        databases = (cls.ARCHIVE, *cls.OTHERS)
        return [cls.ASKED.FILE, SHOWN.name, *(f"{base}{ending}" for base in databases for ending in BESIDE)]

    @classmethod
    def begin(cls, folder: Path, request: A, overwrite: bool = False) -> Self:
        """New work; the folder must not hold any that may not be replaced."""
        if (folder / request.FILE).exists() and not overwrite:
            raise InputError(f"{folder} holds a {request.WHAT}: go on with --resume {folder}, or give another --out")
        fixed = request.pinned()
        for name in (*cls.own(), *cls.WRITTEN, FAILURES):
            (folder / name).unlink(missing_ok=True)
        folder.mkdir(parents=True, exist_ok=True)
        if (sources := kept(request.sources, folder)) != request.sources:
            fixed = replace(request, sources=sources).pinned()
        fixed.write(folder)
        return cls(folder, fixed, new=True)

    @classmethod
    def resume(cls, folder: Path, trusted: Collection[str] = ()) -> Self:
        """The work of a folder, to go on with; see `Asked.to_resume`."""
        return cls(folder, cls.ASKED.to_resume(folder, trusted))  # type: ignore[arg-type]  # ASKED is the class of A

    @abstractmethod
    def work(self) -> Work[V]:
        """What workers do: a function that can be imported where they are."""

    def total(self) -> int | None:
        """How many molecules there are; None where counting them takes long."""
        found = sum(1 for _ in islice(self.request.molecules(), COUNTED + 1))
        return found if found <= COUNTED else None

    def tasks(self) -> Iterator[Task]:
        """All molecules; InputError at once where a source is not there."""
        return (Task(place, *each) for place, each in enumerate(self.request.molecules()))

    def go(
        self, executor: Executor, tasks: Iterable[Task], part: int = 1, workers: int = 1, on_task: OnTask | None = None
    ) -> Iterator[Found[V]]:
        """Work on what is not done yet, and archive it.

        One that raises, reaches the time limit or ends its process is a failure like any other.

        Parameters
        ----------
        executor : Executor
        tasks : iterable of Task
        part : int
            Molecules that a worker gets at a time; fewer where there are not enough for all workers. Where a process
            dies under its part, each molecule of it is tried alone.
        workers : int
            As many parts are made of few molecules.
        on_task : callable, optional
            Called with each task as it is handed to a worker.

        Yields
        ------
        Found
            Each as it ends, in whatever order.
        """
        left: Iterator[Task] = (task for task in tasks if key_of(task.place) not in self.archive)
        if part > 1:
            ahead = list(islice(left, part * workers))
            left, part = chain(ahead, left), max(1, min(part, -(-len(ahead) // workers)))
        again: list[Task] = []
        function = self.work()
        for finished in self.ended(executor, function, iter(partial(drawn, left, part, on_task), [])):
            if finished.value is None and len(finished.task) > 1:
                again += finished.task
            else:
                yield from self.kept(became(finished))
        for finished in self.ended(executor, function, ([task] for task in again)):
            yield from self.kept(became(finished))

    @staticmethod
    def ended(
        executor: Executor, function: Work[V], parts: Iterator[list[Task]]
    ) -> Iterator[Finished[list[Task], list[Found[V]]]]:
        with closing(executor.outcomes(function, parts)) as outcomes:
            yield from outcomes

    def kept(self, many: list[Found[V]]) -> list[Found[V]]:
        """The same, now archived."""
        self.archive.add_all(many)
        self.added += len(many)
        return many

    def written(self) -> list[Path]:
        """The files for all molecules that are there."""
        return [path for name in (*self.WRITTEN, FAILURES) if (path := self.folder / name).exists()]

    def plain(self, name: str) -> Path:
        """The path of a file to write; InputError where a link or a pipe stands there."""
        path = self.folder / name
        if kind := "a link" if path.is_symlink() else obstacle(path):
            raise InputError(f"{path} is {kind}, and a file is to be written there: give another --out")
        return path

    def discard(self) -> None:
        """Remove what was begun."""
        self.archive.close()
        for name in self.own():
            (self.folder / name).unlink(missing_ok=True)
        with suppress(OSError):  # there is something of the user's in it
            self.folder.rmdir()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.archive.close()


def drawn(tasks: Iterator[Task], part: int, on_task: OnTask | None = None) -> list[Task]:
    """The next part of the tasks."""
    found = list(islice(tasks, part))
    for task in found:
        if on_task is not None:
            on_task(task)
    return found


def became(finished: Finished[list[Task], list[Found[V]]]) -> list[Found[V]]:
    """What is known of tasks, however they ended."""
    if finished.value is not None:
        return finished.value
    return [found(task, None, None, finished.error or finished.ended) for task in finished.task]


def about(one: Found[V]) -> list[str]:
    """The cells of `ABOUT`."""
    return [str(one.place), *map(tidied, (one.where, one.name, one.smiles))]


class Failures:
    """The list of what could not be done, open for writing."""

    def __init__(self, file: TextIO) -> None:
        self.rows = csv.writer(file)
        self.count = 0
        self.rows.writerow([*ABOUT, "reason"])

    def add(self, one: Found[V]) -> None:
        self.rows.writerow([*about(one), tidied(one.failed)])
        self.count += 1
