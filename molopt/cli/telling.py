"""What the user is told of molecules that are relaxed, and what is written of them."""

from collections.abc import Iterator

from molopt.cli.atoms import counted_from_one, from_one
from molopt.cli.interrupts import Interrupts
from molopt.cli.terminal import JsonList, Notes, Pace, Progress, say
from molopt.errors import InputError
from molopt.library.archive import Found
from molopt.library.library import FAILURES, Task
from molopt.molecules import Molecule
from molopt.potentials import Counted
from molopt.relaxed.folder import Relaxed
from molopt.relaxed.relaxation import Relaxation
from molopt.report.labels import label
from molopt.report.table import HEADINGS, remarks, row


class Looking:
    """Follows a run of this process for the user, who may end it."""

    def __init__(self, optimizer: str, progress: Progress, interrupts: Interrupts) -> None:
        self.optimizer, self.progress = optimizer, progress
        self.why = interrupts.why

    def called(self, molecule: Molecule, counted: Counted) -> None:
        self.progress.follow(molecule.name, self.optimizer, counted)


class Telling:
    """Says what became of molecules, as it is known, and what was written at the end."""

    def __init__(self, library: Relaxed, listed: JsonList | None, progress: Progress, notes: Notes) -> None:
        self.library, self.listed, self.progress, self.notes = library, listed, progress, notes
        self.further: Found[Relaxation] | None = None  # ended by the user, and not archived
        self.pace = Pace(1)
        self.headed = listed is not None

    def single(self, task: Task, molecule: Molecule, interrupts: Interrupts) -> None:
        """Relax a single molecule, in this process."""
        looking = Looking(label(str(self.library.request.spec)), self.progress, interrupts)
        with interrupts.held():
            found = self.library.single(task, molecule, looking)
            if interrupts.asked:
                self.further = found
            self.of(found)

    def many(self, stream: Iterator[Found[Relaxation]], strict: bool) -> None:
        """Relax many molecules, a task each."""
        self.pace = Pace(self.library.total(), self.library.before)
        for found in stream:
            self.of(found)
            if strict and found.value is None:
                raise InputError(f"{found.where}: {found.failed}")

    def of(self, found: Found[Relaxation]) -> None:
        self.progress.clear()
        self.notes.held.extend(found.notes)
        self.notes.tell()
        if not self.headed:
            say(HEADINGS)
            self.headed = True
        if found.value is None:
            failed = {"molecule": found.name, "smiles": found.smiles, "failed": found.failed}
            say(f"{found.where}: {counted_from_one(found.failed)}") if self.listed is None else self.listed.add(failed)
        elif self.listed is not None:
            if found.value.told:  # which was not done before
                self.listed.add(found.value.told)
        else:
            say(row(found.name, found.value.outcome))
            for remark in remarks(found.value.outcome):
                say(f"  {from_one(remark)}")
        self.progress.say(f"{self.pace.at(self.library.before + self.library.added)}, last {found.name}")

    def over(self) -> bool:
        """Write all that there is; whether all molecules were done, and converged."""
        self.progress.say("writing files")
        done, converged, failures = self.library.write_files(self.further)
        self.progress.clear()
        if self.listed is None and done + failures:
            say(f"{converged} of {done + failures} converged; written to {self.library.folder.resolve()}")
            if failures:
                say(f"{FAILURES} lists the {failures} that could not be done, with their reasons")
        return converged == done + failures
