"""A study: a folder that says what is to be run, and holds what was."""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from itertools import groupby
from pathlib import Path
from typing import Self

from molopt.comparison.cases import Case, cases
from molopt.comparison.gathering import Gathering
from molopt.comparison.running import Task, in_parts
from molopt.comparison.settings import SETTINGS, Settings, contents, read_settings, write_settings
from molopt.errors import InputError
from molopt.execution import Executor, Finished
from molopt.molecules import Molecule
from molopt.record import Outcome, Record
from molopt.store import Store

RUNS = "runs.db"


class Study:
    """The folder of a study, open; runs are added to it as they end, and none is run twice.

    `begin` makes one, `open` goes on with one. As a context manager it is closed at the end.
    """

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder = folder
        self.settings = settings
        self.store = Store(folder / RUNS)
        self.added = 0  # runs that were done since it was opened

    @classmethod
    def begin(cls, folder: Path, settings: Settings, overwrite: bool = False) -> Self:
        """A new study; the folder must not hold one that may not be replaced."""
        if (folder / SETTINGS).exists() and not overwrite:
            raise InputError(f"{folder} holds a study: go on with --resume {folder}, or give another --out")
        for name in (SETTINGS, RUNS, f"{RUNS}-journal"):
            (folder / name).unlink(missing_ok=True)
        fixed = settings.fixed()
        folder.mkdir(parents=True, exist_ok=True)
        write_settings(fixed, folder)
        return cls(folder, fixed)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """The study of a folder, for reading; InputError where there is none."""
        return cls(folder, read_settings(folder))

    @classmethod
    def resume(cls, folder: Path) -> Self:
        """The study of a folder, to go on with; InputError where molecules or versions are others now."""
        settings = read_settings(folder)
        for source, before in settings.contents.items():
            if contents([source]).get(source) != before:
                raise InputError(f"{source} is not what it was when the study {folder} began: begin another")
        now = settings.fixed().versions
        for package, before in settings.versions.items():
            if now.get(package) != before:
                here = now.get(package, "not installed")
                raise InputError(f"the study {folder} was begun with {package} {before}, here is {here}: begin another")
        return cls(folder, settings)

    def cases(self, molecules: Iterable[tuple[str, Molecule]]) -> Iterator[Case]:
        """All runs of the study, those that are done included, for its molecules with their sources."""
        settings = self.settings
        for place, (source, molecule) in enumerate(molecules):
            if settings.largest is not None and len(molecule) > settings.largest:
                continue
            for case in cases([molecule], settings.potentials, settings.optimizers, settings.starts, source):
                yield case._replace(place=place)

    def records(self) -> Iterator[Record]:
        """The finished runs, molecule by molecule, in the order of the plan."""
        ranks = {name: rank for rank, name in enumerate((*self.settings.potentials, *self.settings.optimizers))}
        for _, group in groupby(self.store.records(), key=lambda record: record.plan.place):
            yield from sorted(
                group,
                key=lambda record: (record.plan.seed, ranks[record.plan.potential], ranks[record.plan.optimizer]),
            )

    def go(
        self, executor: Executor, stream: Iterable[Case], trajectory: Callable[[Case], Path] | None = None
    ) -> Iterator[list[tuple[Case, Record]]]:
        """Carry out what is not done yet; runs are stored as they end.

        Where the stream ends in an error, as at a molecule that cannot be read, the runs under way are finished first.

        Yields
        ------
        list of (Case, Record)
            The runs of one start, as soon as its last one has ended, potential by potential; those of its runs that
            were done before the study was resumed are among them. A start with nothing left to do is passed over.
        """
        gathering = Gathering()
        criteria = self.settings.criteria
        trouble: list[InputError] = []

        def tasks() -> Iterator[Task]:
            for start in starts(stream, trouble):
                runs = [(case, case.plan(criteria).key) for case in start]
                done = {key for _, key in runs if key in self.store}
                if len(done) == len(runs):
                    continue
                gathering.expect(start)
                for case, key in runs:
                    if key in done:
                        gathering.keep(case, self.store.record(key))
                for case, key in runs:
                    if key not in done:
                        yield Task(case, criteria, trajectory and trajectory(case))

        outcomes: Generator[Finished[Task, Outcome], None, None] = executor.outcomes(in_parts, tasks())
        with closing(outcomes):
            for finished in outcomes:
                case = finished.task.case
                record = Record(case.plan(criteria), outcome_of(finished))
                self.store.add(record)
                self.added += 1
                yield from gathering.add(case, record)
        if trouble:
            raise trouble[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.store.close()


def starts(stream: Iterable[Case], trouble: list[InputError]) -> Iterator[list[Case]]:
    """The cases start by start; an error that ends the stream goes to `trouble`, and what came before it is kept."""
    start: list[Case] = []
    try:
        for case in stream:
            if start and (case.place, case.seed) != (start[0].place, start[0].seed):
                yield start
                start = []
            start.append(case)
    except InputError as error:
        trouble.append(error)
    if start:
        yield start


def outcome_of(finished: Finished[Task, Outcome]) -> Outcome:
    """What is known of a run, however it ended."""
    if finished.value is not None:
        return finished.value
    ended = {"raised": "failed"}.get(finished.ended, finished.ended)
    return Outcome(ended, finished.error, seconds=finished.seconds)
