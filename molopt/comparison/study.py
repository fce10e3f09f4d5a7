"""A study: a folder that says what is to be run, and holds what was."""

import os
from collections.abc import Callable, Collection, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Self

from molopt.comparison.cases import Case, cases, versions
from molopt.comparison.consistency import Consistency
from molopt.comparison.gathering import Gathering
from molopt.comparison.running import Task, in_parts
from molopt.comparison.settings import SETTINGS, Settings, deciding, read_settings, write_settings
from molopt.errors import InputError
from molopt.execution import Executor, Finished
from molopt.molecules import Molecule
from molopt.molecules.reading import kept
from molopt.optimizers.first_use import ready
from molopt.record import Outcome, Record
from molopt.store import Store
from molopt.store.settings import require_no_links, require_same_contents, require_same_versions, require_trust

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RUNS = "runs.db"


class Study:
    """The folder of a study, open; runs are added to it as they end, and none is run twice.

    `begin` makes one, `open` reads one, `resume` continues one. As a context manager it is closed at the end.

    Attributes
    ----------
    before : int
        Runs that were done when it was opened.
    added : int
        Runs that were done since.
    """

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder = folder
        self.settings = settings
        self.store = Store(folder / RUNS)
        self.before = len(self.store)
        self.added = 0
        self.kept: dict[tuple[int, int, str, str], str] = {}  # key of each run that was there when it was resumed

    @classmethod
    def begin(cls, folder: Path, settings: Settings, overwrite: bool = False) -> Self:
        """A new study; the folder must not hold one that may not be replaced."""
        if (folder / SETTINGS).exists() and not overwrite:
            raise InputError(f"{folder} holds a study: go on with --resume {folder}, or give another --out")
        for name in (SETTINGS, RUNS, f"{RUNS}-journal"):
            (folder / name).unlink(missing_ok=True)
        fixed = settings.fixed()
        folder.mkdir(parents=True, exist_ok=True)
        if (sources := kept(settings.sources, folder)) != settings.sources:
            fixed = replace(settings, sources=sources).fixed()
        write_settings(fixed, folder)
        return cls(folder, fixed)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """The study of a folder, for reading; InputError where there is none. Nothing that it names is imported."""
        return cls(folder, read_settings(folder))

    @classmethod
    def resume(cls, folder: Path, trusted: Collection[str] = ()) -> Self:
        """The study of a folder, to go on with.

        A study may come from someone else, and "module:factory" in it is code that would be run here. It is imported
        only if whoever resumes the study names it again.

        Parameters
        ----------
        folder : Path
        trusted : collection of str
            The potentials of other packages in it, surrogates included, each in full: "module:factory?key=value".

        Raises
        ------
        InputError
            The study names a potential that is not trusted; its folder has links, through which what is written would
            go elsewhere; molecules, versions or names are others than those that it was begun with, or it does not say
            which those were; its runs are not its own.
        """
        settings = read_settings(folder)
        require_trust(f"the study {folder}", settings.imports, [*settings.potentials, *settings.optimizers], trusted)
        require_no_links(folder)
        require_same(settings, folder)
        study = cls(folder, settings)
        specs = dict(zip(settings.optimizers, settings.specs, strict=True))
        try:
            for record in study.records():
                plan = record.plan
                if plan.versions != versions(specs[plan.optimizer], plan.potential):
                    raise InputError(
                        f"{study.store.path} holds runs of other versions than {SETTINGS} says: begin another"
                    )
                study.kept[plan.place, plan.seed, plan.potential, plan.optimizer] = record.key
        except BaseException:
            study.store.close()
            raise
        return study

    def cases(self, molecules: Iterable[tuple[str, Molecule]]) -> Iterator[Case]:
        """All runs of the study, those that are done included, for its molecules with their sources."""
        settings = self.settings
        for place, (source, molecule) in enumerate(molecules):
            if settings.largest is not None and len(molecule) > settings.largest:
                continue
            for case in cases([molecule], settings.potentials, settings.specs, settings.starts, source):
                yield replace(case, place=place)

    def records(self) -> Iterator[Record]:
        """The finished runs, molecule by molecule, in the order of the plan; InputError at one that is not its own."""
        ranks = {name: rank for rank, name in enumerate((*self.settings.potentials, *self.settings.optimizers))}
        consistency = Consistency(self.settings, self.store.path)
        for _, group in groupby(self.store.records(), key=lambda record: record.plan.place):
            runs = list(group)
            consistency.require(runs)
            yield from sorted(
                runs,
                key=lambda record: (record.plan.seed, ranks[record.plan.potential], ranks[record.plan.optimizer]),
            )

    def go(
        self,
        executor: Executor,
        stream: Iterable[Case],
        trajectory: Callable[[Case], Path] | None = None,
        on_run: Callable[[Case, Outcome], object] | None = None,
        seconds: float | None = None,
        on_case: Callable[[Case], object] | None = None,
    ) -> Iterator[list[tuple[Case, Record]]]:
        """Carry out what is not done yet; runs are stored as they end, and `on_run` is called then;
        `on_case` is called as one is handed to a worker.

        A run that takes longer than `seconds` ends between two force calls, and keeps what it has by then; one that
        does not is left to the executor. Where the stream ends in an error, as at a molecule that cannot be read, the
        runs under way are finished first.

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
                runs = [(case, case.plan(criteria)) for case in start]
                done = {plan.key for _, plan in runs if plan.key in self.store}
                if len(done) == len(runs):
                    continue
                gathering.expect(start)
                for case, plan in runs:
                    if self.kept.get((plan.place, plan.seed, plan.potential, plan.optimizer), plan.key) != plan.key:
                        raise InputError(
                            f"{self.store.path} holds runs of a molecule {case.place} that is not "
                            f"{case.molecule.name!r} as {SETTINGS} has it: begin another"
                        )
                    if plan.key in done:
                        gathering.keep(case, self.store.record(plan.key))
                for case, plan in runs:
                    if plan.key not in done:
                        ready(case.optimizer, criteria.energy_left)  # here, before many processes need it at once
                        if on_case is not None:
                            on_case(case)
                        yield Task(case, plan, trajectory and trajectory(case), seconds)

        outcomes: Generator[Finished[Task, Outcome], None, None] = executor.outcomes(in_parts, tasks())
        with closing(outcomes):
            for finished in outcomes:
                case = finished.task.case
                record = Record(finished.task.plan, outcome_of(finished))
                self.store.add(record)
                self.added += 1
                if on_run is not None:
                    on_run(case, record.outcome)
                yield from gathering.add(case, record)
        if trouble:
            raise trouble[0]

    def plot(self, path: str | os.PathLike[str] | None = None) -> "Figure":
        """The performance profile: the share of problems solved against force calls, a panel a potential.

        With a path, the figure is written there, too: .png, .svg or .pdf.
        """
        from molopt.comparison.showing import figure_of
        from molopt.drawing.saving import saved

        return saved(figure_of(self), path)

    def _repr_html_(self) -> str:
        from molopt.comparison.showing import html_of

        return html_of(self)

    def __repr__(self) -> str:
        asked = f"{', '.join(self.settings.potentials)}; {len(self.settings.optimizers)} optimizers"
        return f"<Study {self.folder}: {self.before + self.added} runs; {asked}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.store.close()


def require_same(settings: Settings, folder: Path) -> None:
    """Raise InputError where molecules, versions or names are others now than the study says, or it does not say."""
    what = f"the study {folder}"
    require_same_contents(settings.sources, settings.contents, what)
    require_same_versions(deciding(settings.specs, settings.potentials), settings.versions, what)
    for name, spec in zip(settings.optimizers, settings.specs, strict=True):
        if str(spec) != name:
            raise InputError(f"the study {folder} has {name!r}, which does not say all its arguments: begin another")


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
    return Outcome(ended, error=finished.error, seconds=finished.seconds)
