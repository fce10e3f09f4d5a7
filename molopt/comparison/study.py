"""A study: a folder that says what is to be run, and holds what was."""

import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Self

from molopt.comparison.cases import Case, Criteria, cases, installed_version
from molopt.comparison.running import Task, carry_out
from molopt.errors import InputError
from molopt.execution import Executor, Finished
from molopt.molecules import Molecule
from molopt.molecules.formats import READERS
from molopt.molecules.molecule import SEED
from molopt.molecules.reading import exists, read
from molopt.record import Outcome, Record
from molopt.store import Store

SETTINGS, RUNS = "study.json", "runs.db"
FORMAT = 1
PACKAGES = ("molopt", "ase", "numpy", "rdkit", "tblite", "sella", "geometric", "pyberny")


@dataclass(frozen=True)
class Settings:
    """What a study consists of, in plain values.

    Attributes
    ----------
    sources : tuple of str
        As `molopt.read` takes them; paths of files are absolute.
    potentials, optimizers : tuple of str
    fmax, energy_left, steps
        Criteria and cap of all runs, as in `molopt.relax`.
    starts : int
        Start geometries of each molecule.
    seed, charge, spin
        As `molopt.read` takes them.
    largest : int or None
        Molecules with more atoms are left out.
    command : str
        What the user wrote.
    contents : dict
        A hash of each file that is a source: a study goes on with the molecules it was begun with.
    versions : dict
        Of packages: and with the versions it was begun with.
    """

    sources: tuple[str, ...]
    potentials: tuple[str, ...]
    optimizers: tuple[str, ...]
    fmax: float
    energy_left: float | str | None
    steps: int
    starts: int = 1
    seed: int = SEED
    charge: int | None = None
    spin: int | None = None
    largest: int | None = None
    command: str = ""
    contents: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    def fixed(self) -> Self:
        """The same with absolute paths, hashes and versions."""
        sources = tuple(str(Path(source).resolve()) if exists(Path(source)) else source for source in self.sources)
        given = vars(self) | {
            "sources": sources,
            "contents": contents(sources),
            "versions": {name: found for name in PACKAGES if (found := installed_version(name))},
        }
        return type(self)(**given)

    @property
    def criteria(self) -> Criteria:
        return Criteria(self.fmax, self.energy_left, self.steps)

    def molecules(self) -> Iterator[tuple[str, Molecule]]:
        """Each molecule with the name of its source, one at a time."""
        streams = [(source, read(source, self.charge, self.spin, self.seed)) for source in self.sources]
        for source, stream in streams:
            for molecule in stream:
                yield (Path(source).name if exists(Path(source)) else source), molecule


class Study:
    """The folder of a study, open; runs are added to it as they end, and none is run twice.

    `begin` makes one, `open` goes on with one. As a context manager it is closed at the end.
    """

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder = folder
        self.settings = settings
        self.store = Store(folder / RUNS)

    @classmethod
    def begin(cls, folder: Path, settings: Settings, overwrite: bool = False) -> Self:
        """A new study; the folder must not hold one that may not be replaced."""
        if (folder / SETTINGS).exists() and not overwrite:
            raise InputError(f"{folder} holds a study: go on with --resume {folder}, or give another --out")
        for name in (SETTINGS, RUNS, f"{RUNS}-journal"):
            (folder / name).unlink(missing_ok=True)
        fixed = settings.fixed()
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f"{SETTINGS}.new"
        draft.write_text(json.dumps({"format": FORMAT} | asdict(fixed), indent=1), encoding="utf-8")
        os.replace(draft, folder / SETTINGS)
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

        Yields
        ------
        list of (Case, Record)
            The runs of one start, as soon as its last one has ended, potential by potential; those of its runs that
            were done before the study was resumed are among them. A start with nothing left to do is passed over.
        """
        gathering = Gathering()
        criteria = self.settings.criteria

        def tasks() -> Iterator[Task]:
            for _, start in groupby(stream, key=lambda case: (case.place, case.seed)):
                runs = [(case, case.plan(criteria).key) for case in start]
                done = {key for _, key in runs if key in self.store}
                if len(done) == len(runs):
                    continue
                gathering.expect([case for case, _ in runs])
                for case, key in runs:
                    if key in done:
                        gathering.keep(case, self.store.record(key))
                for case, key in runs:
                    if key not in done:
                        yield Task(case, criteria, trajectory and trajectory(case))

        with closing(executor.outcomes(carry_out, tasks())) as outcomes:
            for finished in outcomes:
                case = finished.task.case
                record = Record(case.plan(criteria), outcome_of(finished))
                self.store.add(record)
                yield from gathering.add(case, record)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.store.close()


class Gathering:
    """Runs that end in any order, put together again by their start."""

    def __init__(self) -> None:
        self.expected: dict[tuple[int, int], list[tuple[str, str]]] = {}
        self.came: defaultdict[tuple[int, int], list[tuple[Case, Record]]] = defaultdict(list)

    def expect(self, start: list[Case]) -> None:
        """All runs of one start, before the first of them ends."""
        self.expected[start[0].place, start[0].seed] = [(case.potential, case.optimizer) for case in start]

    def keep(self, case: Case, record: Record) -> None:
        self.came[case.place, case.seed].append((case, record))

    def add(self, case: Case, record: Record) -> Iterator[list[tuple[Case, Record]]]:
        """One more run; its start, where that is whole with it, in the order in which its runs were expected."""
        self.keep(case, record)
        start = case.place, case.seed
        if len(self.came[start]) == len(self.expected[start]):
            order = self.expected.pop(start)
            yield sorted(self.came.pop(start), key=lambda came: order.index((came[0].potential, came[0].optimizer)))


def outcome_of(finished: Finished[Task, Outcome]) -> Outcome:
    """What is known of a run, however it ended."""
    if finished.value is not None:
        return finished.value
    ended = {"raised": "failed"}.get(finished.ended, finished.ended)
    return Outcome(ended, finished.error, seconds=finished.seconds)


def read_settings(folder: Path) -> Settings:
    path = folder / SETTINGS
    if not path.is_file():
        raise InputError(f"{folder} is no study: it has no {SETTINGS}; molopt compare ... --out {folder} begins one")
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        if said.pop("format") != FORMAT:
            raise InputError(f"{path} is of another version of molopt: begin another study")
        lists = {key: tuple(value) for key, value in said.items() if isinstance(value, list)}
        return Settings(**said | lists)
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is damaged: {error}") from error


def contents(sources: Iterable[str]) -> dict[str, str]:
    """SHA-256 of the files that are sources, and of those in folders that are."""
    found = {}
    for source in sources:
        path = Path(source)
        if not exists(path):
            continue
        files = [path] if path.is_file() else sorted(part for part in path.rglob("*") if part.suffix.lower() in READERS)
        digest = hashlib.sha256()
        for file in files:
            digest.update(file.name.encode() + b"\0" + file.read_bytes())
        found[source] = digest.hexdigest()
    return found
