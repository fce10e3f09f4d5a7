"""What the user is told of molecules whose conformers are searched, and what is written of them."""

from typing import TYPE_CHECKING

from molopt.cli.events import begun, failure, searched
from molopt.cli.lasting import Pace
from molopt.cli.log import current
from molopt.cli.terminal import console, say
from molopt.ensembles.library import PAGE
from molopt.library.library import FAILURES
from molopt.report.ensemble_page import write_ensemble_page
from molopt.report.ensemble_table import HEADINGS, as_json, line, lowest_table, sentences
from molopt.signs import stage

if TYPE_CHECKING:
    from molopt.cli.interrupts import Interrupts
    from molopt.cli.terminal import JsonList, Notes, Progress
    from molopt.ensembles.ensemble import Ensemble, Round
    from molopt.ensembles.library import Searches
    from molopt.execution import Executor
    from molopt.library.archive import Found
    from molopt.library.library import Task


def one(
    library: "Searches",
    workers: int,
    progress: "Progress",
    notes: "Notes",
    interrupts: "Interrupts",
    listed: "JsonList | None",
) -> bool:
    """Search a single molecule, with all workers, and write all there is of it."""
    log = current()
    task = next(library.tasks())
    log.write("begun", begun(task, library.request.refine or library.request.potential))

    def on_round(at: "Round") -> None:
        interrupts.heed()
        progress.say(f"{at.calls} force calls, {at.minima} conformers, lowest {at.lowest:.4f} eV")

    found = library.single(workers, on_round)
    assert found.value is not None
    with interrupts.held():
        log.write("ended", searched(found, found.value))
        with stage("writing", found.name):
            library.write_single(found.value)
            remarks = write_ensemble_page(library.folder / PAGE, found.value, library.request.command)
        log.write("written", {"files": library.written()})
        notes.held.extend([*found.value.notes, *remarks])
        notes.tell()
        tell(found, listed)
    return True


def tell(found: "Found[Ensemble]", listed: "JsonList | None") -> None:
    """Print an ensemble."""
    assert found.value is not None
    if listed is not None:
        listed.add(found.entry(as_json(found.value)))
        return
    console().print(lowest_table(found.value))
    for sentence in sentences(found.value):
        say(sentence)


def many(
    library: "Searches",
    running: "Executor",
    progress: "Progress",
    notes: "Notes",
    interrupts: "Interrupts",
    listed: "JsonList | None",
) -> bool:
    """Search many molecules, a task each, and write those that are done, in their order."""

    def begin(task: "Task") -> None:
        interrupts.heed()
        log.write("begun", begun(task, ranking))

    def write() -> tuple[int, int]:
        with interrupts.held(), stage("writing"):
            counts = library.write_files()
        log.write("written", {"files": library.written()})
        return counts

    log = current()
    ranking = library.request.refine or library.request.potential
    with stage("reading"):
        pace = Pace(library.total(), library.before)
    progress.say(pace.at(library.before))
    if listed is None:
        say(HEADINGS)
    try:
        for found in library.go(running, library.tasks(), on_task=begin):
            notes.tell()
            log.write(*(("failed", failure(found)) if found.value is None else ("ended", searched(found, found.value))))
            if found.value is None:
                say(f"{found.where}: {found.failed}") if listed is None else listed.add(found.entry({}))
            elif listed is None:
                say(line(found.name, found.value))
            else:
                listed.add(found.entry(as_json(found.value)))
            progress.say(f"{pace.at(library.before + library.added)}, last {found.name}")
    except KeyboardInterrupt:
        write()
        raise
    done, failures = write()
    if listed is None:
        say(f"{done} of {done + failures} molecules have conformers")
        if failures:
            say(f"{FAILURES} lists the {failures} that could not be done, with their reasons")
    return not failures
