"""Many molecules, each searched on its own: streamed, archived one by one, and written in their order."""

import csv
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

from molopt.ensembles.archive import ARCHIVE, Found, archive, key_of
from molopt.ensembles.ensemble import Ensemble, Round
from molopt.ensembles.fields import FIELDS
from molopt.ensembles.request import REQUEST, Request, request_to_resume, write_request
from molopt.ensembles.writing import sdf_records
from molopt.errors import InputError, PotentialFailed, StoreError
from molopt.execution import Executor, Finished
from molopt.files import whole
from molopt.molecules import Molecule
from molopt.molecules.entries import Entry
from molopt.molecules.writing import exact
from molopt.optimizers.first_use import ready
from molopt.optimizers.spec import OptimizerSpec
from molopt.spelling import tidied
from molopt.store.opening import BESIDE

JOURNAL = "search.journal"
SDF, CSV, FAILURES = "conformers.sdf", "conformers.csv", "failures.csv"
XYZ, PAGE = "conformers.xyz", "conformers.html"  # of a single molecule
OWN = (REQUEST, *(f"{base}{ending}" for base in (ARCHIVE, JOURNAL) for ending in BESIDE))  # files it goes on with
KNOWN = 60  # characters of an entry that are shown as its name where nothing else is known


class Task(NamedTuple):
    """A molecule to be searched, as it stands in its file."""

    place: int
    source: str
    entry: Entry | Molecule


@dataclass(frozen=True)
class Searching:
    """What worker processes do with each task."""

    request: Request

    def __reduce__(self) -> tuple[Callable[[Request], "Searching"], tuple[Request]]:
        return in_worker, (self.request,)

    def __call__(self, task: Task) -> Found:
        """What became of it; an error that is not of the molecule goes to the caller."""
        molecule = None
        try:
            molecule = self.request.read(task.entry)
            ensemble = self.request.search(molecule, task.entry)
            return found(task, molecule, ensemble)
        except (InputError, PotentialFailed) as error:
            why = error.message if isinstance(error, InputError) else str(error)
            return found(task, molecule, None, why)


def in_worker(request: Request) -> Searching:
    """What a worker process unpickles, with all that the first search would load: that counts to no time limit."""
    ready(OptimizerSpec.of("default"), "auto")
    return Searching(request)


def found(task: Task, molecule: Molecule | None, ensemble: Ensemble | None, failed: str = "") -> Found:
    """What became of a task, with the name and the SMILES of its molecule as far as they are known."""
    name, smiles = named(task.entry) if molecule is None else (molecule.name, molecule.smiles or "")
    why = "" if ensemble is not None else tidied(failed) or "no reason is known"
    entry = task.entry
    if isinstance(entry, Molecule) or entry.path is None:
        return Found(task.place, task.source, name, smiles, ensemble, why)
    where = f"{entry.path.name}, {entry.format.kind} {entry.number}"
    return Found(task.place, where, name, smiles, ensemble, why.removeprefix(f"{entry.where}: "))


def named(entry: Entry | Molecule) -> tuple[str, str]:
    """Name and SMILES of what could not be read, as they stand there."""
    if isinstance(entry, Molecule):
        return entry.name, entry.smiles or ""
    first, _, rest = tidied(entry.text).partition(" ")
    if entry.is_smiles:
        return (rest or first)[:KNOWN], first
    return tidied(entry.text.partition("\n")[0])[:KNOWN], ""


class Library:
    """The folder of a search of many molecules, open; each is archived as it ends, and none is searched twice.

    `begin` makes one, `resume` continues one. As a context manager it is closed at the end.

    Attributes
    ----------
    before : int
        Molecules that were done when it was opened.
    added : int
        Molecules that were done since.
    new : bool
        Whether it was begun, and not resumed.
    """

    def __init__(self, folder: Path, request: Request, new: bool = False) -> None:
        self.folder = folder
        self.new = new
        self.request = request
        self.archive = archive(folder / ARCHIVE)
        self.before = len(self.archive)
        self.added = 0

    @classmethod
    def begin(cls, folder: Path, request: Request, overwrite: bool = False) -> Self:
        """A new search; the folder must not hold one that may not be replaced."""
        if (folder / REQUEST).exists() and not overwrite:
            raise InputError(f"{folder} holds a search: go on with --resume {folder}, or give another --out")
        fixed = request.fixed()
        for name in (*OWN, SDF, CSV, FAILURES, XYZ, PAGE):
            (folder / name).unlink(missing_ok=True)
        folder.mkdir(parents=True, exist_ok=True)
        write_request(fixed, folder)
        return cls(folder, fixed, new=True)

    @classmethod
    def resume(cls, folder: Path, trusted: Collection[str] = ()) -> Self:
        """The search of a folder, to go on with; see `request_to_resume`."""
        return cls(folder, request_to_resume(folder, trusted))

    def tasks(self) -> Iterator[Task]:
        """All molecules; InputError at once where a source is not there."""
        return (Task(place, *each) for place, each in enumerate(self.request.molecules()))

    def single(self, workers: int, on_round: Callable[[Round], object] | None = None) -> Found:
        """The only molecule, searched in `workers` processes; what is done is kept in a journal until all is.

        Raises
        ------
        InputError
            It cannot be searched; nothing of a new search is left then.
        """
        task = next(self.tasks())
        if key_of(0) in self.archive:
            return self.archive.record(key_of(0))
        molecule = self.request.read(task.entry)
        try:
            ensemble = self.request.search(molecule, task.entry, workers, self.folder / JOURNAL, on_round)
        except InputError as error:
            if self.new and not isinstance(error, StoreError):
                self.discard()
            raise
        one = found(task, molecule, ensemble)
        self.archive.add(one)
        self.added += 1
        for ending in BESIDE:
            (self.folder / f"{JOURNAL}{ending}").unlink(missing_ok=True)
        return one

    def write_single(self, ensemble: Ensemble) -> None:
        """The SDF, the CSV and the XYZ of the only molecule."""
        ensemble.to_sdf(self.folder / SDF)
        ensemble.to_csv(self.folder / CSV)
        ensemble.to_xyz(self.folder / XYZ)

    def discard(self) -> None:
        """Remove what was begun."""
        self.archive.close()
        for name in OWN:
            (self.folder / name).unlink(missing_ok=True)
        with suppress(OSError):  # there is something of the user's in it
            self.folder.rmdir()

    def go(self, executor: Executor, tasks: Iterator[Task]) -> Iterator[Found]:
        """Search what is not done yet, and archive it.

        One that raises, reaches the time limit or ends its process is a failure like any other.

        Yields
        ------
        Found
            Each as it ends, in whatever order.
        """
        ready(OptimizerSpec.of("default"), "auto")  # here, before many processes need it at once
        left = (task for task in tasks if key_of(task.place) not in self.archive)
        with closing(executor.outcomes(Searching(self.request), left)) as outcomes:
            for finished in outcomes:
                one = became(finished)
                self.archive.add(one)
                self.added += 1
                yield one

    def write_files(self) -> tuple[int, int]:
        """Write all that is archived, in the order of the molecules, into one SDF, one CSV and a list of failures.

        Memory holds one molecule at a time. Each file takes its name when all of them are complete.

        Returns
        -------
        (int, int)
            How many molecules have conformers, and how many failed.
        """
        done = failed = 0
        with (
            whole(self.folder / SDF) as sdf,
            whole(self.folder / CSV) as table,
            whole(self.folder / FAILURES) as failures,
        ):
            rows, reasons = csv.writer(table), csv.writer(failures)
            rows.writerow(["place", "where", "molecule", "smiles", "potential", *(field.tagged for field in FIELDS)])
            reasons.writerow(["place", "where", "molecule", "smiles", "reason"])
            for one in self.archive.records():
                about = [one.place, *map(tidied, (one.where, one.name, one.smiles))]
                if one.ensemble is None:
                    reasons.writerow([*about, tidied(one.failed)])
                    failed += 1
                    continue
                sdf.writelines(sdf_records(one.ensemble))
                for row in one.ensemble.rows():
                    values = (exact(field.value(row)) for field in FIELDS)
                    rows.writerow([*about, one.ensemble.potential, *values])
                done += 1
        return done, failed

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.archive.close()


def became(finished: Finished[Task, Found]) -> Found:
    """What is known of a task, however it ended."""
    if finished.value is not None:
        return finished.value
    return found(finished.task, None, None, finished.error or finished.ended)
