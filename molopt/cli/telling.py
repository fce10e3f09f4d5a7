"""What the user is told of molecules that are relaxed, and what is written of them."""

from collections.abc import Iterator

from molopt.cli.events import begun, failure, relaxed
from molopt.cli.interrupts import Interrupts
from molopt.cli.lasting import Pace
from molopt.cli.log import current
from molopt.cli.terminal import JsonList, Notes, Progress, say
from molopt.errors import InputError
from molopt.library.archive import Found
from molopt.library.library import FAILURES, Task
from molopt.molecules import Molecule
from molopt.numbering import from_one
from molopt.relaxed.folder import Relaxed
from molopt.relaxed.relaxation import Relaxation
from molopt.report.table import HEADINGS, remarks, row
from molopt.signs import stage


class Telling:
    """Says what became of molecules, as it is known, and what was written at the end."""

    def __init__(self, library: Relaxed, listed: JsonList | None, progress: Progress, notes: Notes) -> None:
        self.library, self.listed, self.progress, self.notes = library, listed, progress, notes
        self.further: Found[Relaxation] | None = None  # ended by the user, and not archived
        self.pace = Pace(1)
        self.log = current()
        self.headed = listed is not None

    def single(self, task: Task, molecule: Molecule, interrupts: Interrupts) -> None:
        """Relax a single molecule, in this process."""
        with interrupts.held():
            self.begun(task)
            found = self.library.single(task, molecule, interrupts.why)
            if interrupts.asked:
                self.further = found
            self.of(found)

    def many(self, stream: Iterator[Found[Relaxation]], strict: bool) -> None:
        """Relax many molecules, a task each."""
        with stage("reading"):
            total = self.library.total()
        self.pace = Pace(total, self.library.before)
        self.count()
        for found in stream:
            self.of(found)
            self.count(f", last {found.name}")
            if strict and found.value is None:
                raise InputError(f"{found.where}: {found.failed}")

    def begun(self, task: Task) -> None:
        """A worker begins with it."""
        self.log.write("begun", begun(task, self.library.request.potential))

    def count(self, last: str = "") -> None:
        self.progress.say(f"{self.pace.at(self.library.before + self.library.added)}{last}")

    def of(self, found: Found[Relaxation]) -> None:
        self.notes.held.extend(found.notes)
        self.notes.tell()
        if not self.headed:
            say(HEADINGS)
            self.headed = True
        if found.value is None:
            self.log.write("failed", failure(found))
            say(f"{found.where}: {found.failed}") if self.listed is None else self.listed.add(found.entry({}))
            return
        one = found.value
        self.log.write("ended", relaxed(found, one))
        if self.listed is not None:
            if one.told:  # which was not done before
                self.listed.add(found.entry(one.told))
        else:
            say(row(found.name, one.outcome))
            for remark in remarks(one.outcome):
                say(f"  {from_one(remark)}")

    def over(self) -> bool:
        """Write all that there is; whether all molecules were done, and converged."""
        with stage("writing"):
            done, converged, failures = self.library.write_files(self.further)
        self.progress.clear()
        self.log.write("written", {"files": self.library.written()})
        if self.listed is None and done + failures:
            ended, total = done + failures, self.pace.total
            before = "" if total in (None, ended) else f"{ended} of {total} done, "
            say(f"{before}{converged} of {ended} converged; written to {self.library.folder.resolve()}")
            if failures:
                say(f"{FAILURES} lists the {failures} that could not be done, with their reasons")
        return converged == done + failures
