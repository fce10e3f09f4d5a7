"""Many molecules, each searched on its own: streamed, archived one by one, and written in their order."""

import csv
from collections.abc import Callable
from dataclasses import dataclass

from molopt.ensembles.archive import ARCHIVE, Ensembles
from molopt.ensembles.ensemble import Ensemble, Round
from molopt.ensembles.fields import FIELDS
from molopt.ensembles.request import Request
from molopt.ensembles.writing import sdf_records, write_csv
from molopt.errors import InputError, PotentialFailed, StoreError
from molopt.files import whole
from molopt.library.archive import Found, key_of
from molopt.library.library import ABOUT, FAILURES, Failures, Library, Task, about, found
from molopt.numbering import FIRST
from molopt.optimizers.first_use import ready
from molopt.optimizers.spec import OptimizerSpec
from molopt.spelling import exact
from molopt.store.opening import BESIDE

JOURNAL = "search.journal"
SDF, CSV = "conformers.sdf", "conformers.csv"
XYZ, PAGE = "conformers.xyz", "conformers.html"  # of a single molecule


@dataclass(frozen=True)
class Searching:
    """What worker processes do with tasks."""

    request: Request

    def __reduce__(self) -> tuple[Callable[[Request], "Searching"], tuple[Request]]:
        return in_worker, (self.request,)

    def __call__(self, tasks: list[Task]) -> list[Found[Ensemble]]:
        """What became of them; an error that is not of the molecule goes to the caller."""
        return [self.search(task) for task in tasks]

    def search(self, task: Task) -> Found[Ensemble]:
        molecule = None
        try:
            molecule = self.request.read(task.entry)
            return found(task, molecule, self.request.search(molecule, task.entry))
        except (InputError, PotentialFailed) as error:
            why = error.message if isinstance(error, InputError) else str(error)
            return found(task, molecule, None, why)


def in_worker(request: Request) -> Searching:
    """What a worker process unpickles, with all that the first search would load: that counts to no time limit."""
    ready(OptimizerSpec.of("default"), "auto")
    return Searching(request)


class Searches(Library[Request, Ensemble]):
    """The folder of a search of many molecules, or of one."""

    ASKED = Request
    ARCHIVE = ARCHIVE
    OTHERS = (JOURNAL,)
    WRITTEN = (SDF, CSV, XYZ, PAGE)
    kind = Ensembles()

    def work(self) -> Searching:
        ready(OptimizerSpec.of("default"), "auto")  # here, before many processes need it at once
        return Searching(self.request)

    def single(self, workers: int, on_round: Callable[[Round], object] | None = None) -> Found[Ensemble]:
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
        write_csv(ensemble, self.folder / CSV, FIRST)
        ensemble.to_xyz(self.folder / XYZ)

    def write_files(self) -> tuple[int, int]:
        """Write all that is archived, in the order of the molecules, into one SDF, one CSV and a list of failures.

        Memory holds one molecule at a time. Each file takes its name when all of them are complete.

        Returns
        -------
        (int, int)
            How many molecules have conformers, and how many failed.
        """
        done = 0
        with (
            whole(self.folder / SDF) as sdf,
            whole(self.folder / CSV) as table,
            whole(self.folder / FAILURES) as reasons,
        ):
            rows, failures = csv.writer(table), Failures(reasons)
            rows.writerow([*ABOUT, "potential", *(field.tagged for field in FIELDS)])
            for one in self.archive.records():
                if one.value is None:
                    failures.add(one)
                    continue
                sdf.writelines(sdf_records(one.value))
                for row in one.value.rows():
                    values = (exact(field.value(row)) for field in FIELDS)
                    rows.writerow([*about(one), one.value.potential, *values])
                done += 1
        return done, failures.count
