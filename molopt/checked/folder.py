"""The folder of checked geometries, and the files that it gets."""

import csv
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import ase.io

from molopt.checked.archive import ARCHIVE, Checks
from molopt.checked.check import Check
from molopt.checked.figures import FIELDS, MODE_FIELDS, SENTENCES, Mode, modes
from molopt.checked.looking import Looking
from molopt.checked.request import Request
from molopt.columns import Field, Row
from molopt.errors import InputError
from molopt.files import draft, whole
from molopt.library.archive import Found, key_of
from molopt.library.library import ABOUT, FAILURES, Failures, Library, Task, about
from molopt.molecules import Molecule
from molopt.naming import Stems
from molopt.optimizers.first_use import ready
from molopt.optimizers.spec import OptimizerSpec
from molopt.spelling import exact, tidied
from molopt.stationary.verdict import STATIONARY

CSV, FREQUENCIES = "check.csv", "frequencies.csv"


@dataclass
class Written:
    """What the files have.

    Attributes
    ----------
    words : Counter of str
        What the geometries are, of those that were checked.
    failures : int
        Those that could not be.
    modes : list of str
        The files of imaginary modes.
    """

    words: Counter[str] = field(default_factory=Counter)
    failures: int = 0
    modes: list[str] = field(default_factory=list)

    @property
    def converged(self) -> bool:
        """Whether all were checked, and nothing speaks against any of them."""
        return not self.failures and all(STATIONARY[word].converged for word in self.words)


class Checked(Library[Request, Check]):
    """The folder of checked geometries, of many or of one.

    Attributes
    ----------
    time_limit : float or None
        Seconds after which a check begins no further force call.
    """

    ASKED = Request
    ARCHIVE = ARCHIVE
    WRITTEN = (CSV, FREQUENCIES)
    kind = Checks()
    time_limit: float | None = None

    @classmethod
    def resume(cls, folder: Path, trusted: Collection[str] = ()) -> Self:
        """As `Library.resume`; one that is done later may take the name of a file of modes that another has now."""
        library = super().resume(folder, trusted)
        if library.request.frequencies:
            try:
                library.remove_modes()
            except InputError:
                library.archive.close()
                raise
        return library

    @classmethod
    def begin(cls, folder: Path, request: Request, overwrite: bool = False) -> Self:
        """As `Library.begin`; the modes of what is overwritten go too."""
        if overwrite and (folder / request.FILE).exists():
            with suppress(InputError), cls(folder, request) as before:  # whatever stands there is to go
                before.remove_modes()
        return super().begin(folder, request, overwrite)

    def work(self) -> Looking:
        ready(OptimizerSpec.of("default"), "auto")  # here, before many processes need it at once
        return Looking(self.request, self.time_limit)

    def single(self, task: Task, molecule: Molecule, workers: int = 1) -> Found[Check]:
        """The only geometry, checked here, the force calls of its frequencies divided among `workers`.

        Nothing of a new folder is left where that is interrupted, or an InputError says that it cannot be done.
        """
        if key_of(task.place) in self.archive:
            return self.archive.record(key_of(task.place))
        try:
            one = Looking(self.request, self.time_limit).at(task, molecule, workers)
        except (InputError, KeyboardInterrupt):
            if self.new:
                self.discard()
            raise
        return self.kept([one])[0]

    def write_files(self, said: Callable[[str], str] = str) -> "Written":
        """Write all that is archived, in the order of the geometries.

        A CSV has a row for each, one a row for each mode, one the failures; each imaginary mode has a file of its own.
        Memory holds one geometry at a time, and each file takes its name when it is complete. Sentences about atoms,
        which count them from 0, are written as `said` says them.
        """
        written = Written()
        with ExitStack() as files:
            table = csv.writer(files.enter_context(whole(self.folder / CSV)))
            failures = Failures(files.enter_context(whole(self.folder / FAILURES)))
            table.writerow([*ABOUT, *(each.name for each in FIELDS)])
            if self.request.frequencies:
                lines = csv.writer(files.enter_context(whole(self.folder / FREQUENCIES)))
                lines.writerow([*ABOUT, *(each.name for each in MODE_FIELDS)])
            for one, found in self.with_modes():
                if one.value is None:
                    failures.add(one)
                    continue
                written.words[one.value.stationary] += 1
                table.writerow([*about(one), *(cell(each, one.value, said) for each in FIELDS)])
                for mode in found:
                    lines.writerow([*about(one), *(cell(each, mode, said) for each in MODE_FIELDS)])
                    if mode.imaginary:
                        with draft(self.plain(mode.animation)) as path:
                            ase.io.write(path, one.value.animation(mode.number - 1), format="extxyz")
                        written.modes.append(mode.animation)
        written.failures = failures.count
        if not failures.count:
            (self.folder / FAILURES).unlink()
        return written

    def with_modes(self) -> Iterator[tuple[Found[Check], list[Mode]]]:
        """All that is archived, and the modes of each, their files named in the order of the geometries."""
        stems = Stems()
        for one in self.archive.records():
            stem = "" if one.value is None else stems.new(one.name)
            yield one, [] if one.value is None else list(modes(one.value, stem))

    def remove_modes(self) -> None:
        """Remove the files of imaginary modes."""
        for _, found in self.with_modes():
            for mode in found:
                if mode.imaginary:
                    (self.folder / mode.animation).unlink(missing_ok=True)


def cell(field: Field[Row], row: Row, said: Callable[[str], str]) -> str:
    """Of a table: numbers to the last digit, texts in one line."""
    value = field.value(row)
    if isinstance(value, str):
        return tidied(said(value) if field.name in SENTENCES else value)
    return exact(value)
