"""The folder of relaxed molecules, and the files that it gets."""

import csv
import os
from collections.abc import Callable
from contextlib import ExitStack
from itertools import chain

from molopt.errors import InputError
from molopt.files import whole
from molopt.library.archive import Found, key_of
from molopt.library.library import ABOUT, FAILURES, Failures, Library, Task, about
from molopt.molecules import Molecule
from molopt.naming import Stems
from molopt.numbering import from_one
from molopt.optimizers.first_use import ready
from molopt.relaxed.relaxation import ARCHIVE, SENTENCES, Relaxation, Relaxations
from molopt.relaxed.relaxing import UNNAMED, Relaxing
from molopt.relaxed.request import Request
from molopt.relaxed.structures import ALL, FORMATS, Structures
from molopt.schema import MANY
from molopt.spelling import exact

CSV = f"{ALL}.csv"
PART = 64  # molecules that are relaxed together: with more, an interrupt loses more, and nothing is faster


class Relaxed(Library[Request, Relaxation]):
    """The folder of relaxed molecules, of many or of one.

    Attributes
    ----------
    time_limit : float or None
        Seconds after which a run begins no further force call.
    detailed : bool
        Whether what is found holds all that is known of each result.
    """

    ASKED = Request
    ARCHIVE = ARCHIVE
    WRITTEN = (CSV, *(f"{ALL}.{format}" for format in FORMATS))
    kind = Relaxations()
    time_limit: float | None = None
    detailed = False

    @property
    def part(self) -> int:
        """How many molecules a worker gets at a time."""
        return PART if self.request.batched else 1

    def work(self) -> Relaxing:
        ready(self.request.spec, self.request.wanted.energy_left)  # here, before many processes need it at once
        trajectories = self.folder if self.request.trajectories else None
        return Relaxing(self.request, self.time_limit, self.detailed, trajectories)

    def single(self, task: Task, molecule: Molecule, why: Callable[[], str]) -> Found[Relaxation]:
        """The only molecule, relaxed in this process; it is archived unless `why` said that it was to end.

        Raises
        ------
        InputError
            It cannot be relaxed; nothing of a new folder is left then.
        """
        if key_of(task.place) in self.archive:
            return self.archive.record(key_of(task.place))
        try:
            one = self.work().asking(task, molecule, why)
        except InputError:
            if self.new:
                self.discard()
            raise
        return one if why() else self.kept([one])[0]

    def write_files(self, further: Found[Relaxation] | None = None) -> tuple[int, int, int]:
        """Write all that is archived, and `further`, in the order of the molecules.

        All are in one file of each format, or each has its own; one CSV holds a row for each, one the failures. Memory
        holds one molecule at a time, and each file takes its name when it is complete.

        Returns
        -------
        (int, int, int)
            How many molecules are relaxed, how many of them converged, and how many could not be done.
        """
        done = converged = 0
        stems = Stems([ALL])
        with ExitStack() as files:
            table = csv.writer(files.enter_context(whole(self.folder / CSV)))
            failures = Failures(files.enter_context(whole(self.folder / FAILURES)))
            own = self.request.separate or self.request.trajectories
            table.writerow([*ABOUT, *MANY, *(["files"] if own else [])])  # what the names of its files begin with
            structures = files.enter_context(Structures(self.plain, self.request.formats, self.request.separate))
            for one in chain(self.archive.records(), [] if further is None else [further]):
                if one.value is None:
                    failures.add(one)
                    continue
                done += 1
                converged += one.value.outcome.converged
                values = one.value.values()
                stem = stems.new(one.name)
                cells = (said(name, values[name]) for name in MANY)
                table.writerow([*about(one), *map(exact, cells), *([stem] if own else [])])
                if self.request.trajectories:
                    self.name_trajectory(one, stem)
                structures.add(one.value, stem)
        if not failures.count:
            (self.folder / FAILURES).unlink()
        return done, converged, failures.count

    def name_trajectory(self, one: Found[Relaxation], stem: str) -> None:
        written = self.folder / UNNAMED.format(place=one.place)
        if written.is_file():  # and was not named before
            os.replace(written, self.plain(f"{stem}.traj"))


def said(name: str, value: object) -> object:
    """A value of a table; sentences count atoms from 1."""
    return from_one(value) if name in SENTENCES and isinstance(value, str) else value
