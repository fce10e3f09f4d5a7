"""`molopt check`: whether geometries are minima, whatever program relaxed them."""

import shlex
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from molopt.cli import options as option
from molopt.cli.files import require_empty
from molopt.cli.options import given_in, in_solvent, require_beside_resume
from molopt.errors import InputError
from molopt.naming import safe
from molopt.numbering import from_one

if TYPE_CHECKING:
    from molopt.checked.check import Check
    from molopt.checked.folder import Checked
    from molopt.checked.request import Request
    from molopt.cli.interrupts import Interrupts
    from molopt.cli.terminal import JsonList, Notes, Progress
    from molopt.execution import Executor
    from molopt.library.archive import Found
    from molopt.library.library import Task
    from molopt.molecules import Molecule

# Options that may stand beside --resume; the potential then says what may be imported.
WITH_RESUME = {"resume", "workers", "time_limit", "parsl", "as_json", "potential", "strict"}
SAID = 3  # files of imaginary modes that are named


@click.command(short_help="Distinguish minima from saddles; frequencies and thermochemistry.")
@click.argument("sources", metavar="FILE|NAME...", nargs=-1)
@option.potential(" [default: mmff94]")
@option.SOLVENT
@option.CHARGE
@option.SPIN
@option.NAME
@option.FMAX
@click.option("--frequencies", is_flag=True, help="Compute all, and thermochemistry: 6 force calls per atom.")
@option.temperature("of the gas")
@click.option("--pressure", type=float, default=101325.0, show_default=True, help="Pressure of the gas, Pa.")
@click.option("--symmetry-number", type=int, help="Rotational symmetry number.  [default: that of the geometry]")
@click.option("--even-if-not-a-minimum", is_flag=True, help="Thermochemistry of saddles too, and of any geometry.")
@click.option(
    "--displacement", type=float, help="Displacement of an atom, A; larger for noisy forces.  [default: 0.0025]"
)
@option.workers("Each takes geometries, or force calls of the frequencies of a single one.")
@option.time_limit("a check makes no further force call then, and fails")
@option.PARSL
@option.STRICT
@option.out("molopt-check-NAME; none for one geometry without --frequencies")
@option.resume()
@option.PROGRESS
@option.AS_JSON
@option.OVERWRITE
@click.pass_context
def check(
    context: click.Context,
    sources: Sequence[str],
    *,
    workers: int,
    time_limit: float | None,
    parsl: str | None,
    strict: bool,
    out: str | None,
    resume: str | None,
    as_json: bool,
    overwrite: bool,
    **options: Any,
) -> None:
    """Say what geometries are: minima, saddles, or not stationary.

    A few force calls estimate the lowest curvature. With --frequencies all wavenumbers are computed, and the
    thermochemistry of minima; each imaginary mode is written as an animation, NAME_mode1.xyz and so on.

    Geometries come from the files that molopt relax reads, whatever program wrote them; of an XYZ file with several
    structures, each is checked. One of many that cannot be read or checked is said, listed in failures.csv and passed
    over.

    Writes check.csv (all figures), frequencies.csv and check.db (an ase.db database). One geometry without
    --frequencies is a quick look, of which nothing is written unless --out says where.

    Ctrl-C, or SIGTERM, writes those that are done; --resume goes on, also after a kill.

    Exits with 0 when all are minima (or flat, or could not be told), with 1 when one is a saddle, not stationary or
    could not be checked, with 2 when the input is bad, and with 130 when interrupted.
    """
    from molopt.checked.folder import Checked
    from molopt.checked.looking import Looking
    from molopt.cli.executors import executor, grace
    from molopt.cli.inputs import alone, title
    from molopt.cli.interrupts import Interrupts
    from molopt.cli.terminal import JsonList, Notes, Progress, asked
    from molopt.potentials.budget import Budget

    Budget(time_limit=time_limit)
    finishing = "writing what was found; interrupt again to stop at once"
    with Notes() as notes, Progress() as progress, Interrupts(finishing) as interrupts:
        library: Checked | None = None
        if resume is not None:
            given = given_in(context)
            require_beside_resume(given, WITH_RESUME, "folder")
            library = Checked.resume(Path(resume), [options[name] for name in given & {"potential"}])
            request, folder = library.request, library.folder
            first = alone(request)
        else:
            request = request_of(sources, **options)
            first = alone(request)
            folder = Path(out) if out else Path(f"molopt-check-{safe(options['name'] or title(sources[0]))}")
        patience = 0.0 if time_limit is None else grace(time_limit)
        running = executor(folder, parsl, workers, time_limit, 1, notes, patience)
        if library is None and (out is not None or first is None or request.frequencies):
            require_empty(folder, overwrite)
            library = Checked.begin(folder, request, overwrite)
        with library or nullcontext(), JsonList() if as_json else nullcontext() as listed:
            whole = first is not None or request.frequencies or bool(asked("verbose"))
            telling = Telling(request.potential, listed, progress, notes, interrupts, whole)
            if library is None:
                assert first is not None
                telling.begun(first[0])
                good = telling.of(Looking(request, time_limit).at(*first))
            else:
                library.time_limit = time_limit
                if first is not None and parsl is None:
                    good = telling.single(library, first, workers)
                else:
                    good = telling.many(library, running, strict)
    context.exit(0 if good else 1)


def request_of(sources: Sequence[str], *, potential: str | None, solvent: str | None, **options: Any) -> "Request":
    """What is asked for; InputError where a name or a number is not possible."""
    from molopt.checked.request import Request
    from molopt.checking import require_numbers
    from molopt.stationary.frequencies import STEP
    from molopt.stationary.thermochemistry import Conditions

    if not sources:
        raise InputError("give geometries to check, or --resume FOLDER")
    named = in_solvent("mmff94" if potential is None else potential, solvent)
    options["displacement"] = STEP if options["displacement"] is None else options["displacement"]
    require_numbers(options["fmax"], options["displacement"], 1)
    Conditions(options["temperature"], options["pressure"], options["symmetry_number"])
    command = shlex.join(["molopt", *sys.argv[1:]])
    return Request(tuple(sources), potential=named, command=command, **options)


class Telling:
    """Says what geometries are, as it is known, and what was written at the end.

    Parameters
    ----------
    whole : bool
        Whether all is said of each; else it is a line.
    """

    def __init__(
        self,
        potential: str,
        listed: "JsonList | None",
        progress: "Progress",
        notes: "Notes",
        interrupts: "Interrupts",
        whole: bool,
    ) -> None:
        from molopt.cli.log import current

        self.potential, self.log = potential, current()
        self.listed, self.progress, self.notes, self.interrupts = listed, progress, notes, interrupts
        self.whole, self.headed = whole, False

    def single(self, library: "Checked", first: "tuple[Task, Molecule]", workers: int) -> bool:
        """Check a single geometry, in this process; whether it converged."""
        task, molecule = first
        self.begun(task)
        good = self.of(library.single(task, molecule, workers))
        with self.interrupts.held():
            self.written(library)
        return good

    def many(self, library: "Checked", running: "Executor", strict: bool) -> bool:
        """Check many geometries, a task each; whether all of them converged."""
        from molopt.cli.lasting import Pace
        from molopt.cli.terminal import say
        from molopt.signs import stage
        from molopt.store.settings import named_again

        with stage("reading"):
            pace = Pace(library.total(), library.before, "geometries")
        self.progress.say(pace.at(library.before))

        def begin(task: "Task") -> None:
            self.interrupts.heed()
            self.begun(task)

        try:
            for found in library.go(running, library.tasks(), on_task=begin):
                self.of(found)
                self.progress.say(f"{pace.at(library.before + library.added)}, last {found.name}")
                if strict and found.value is None:
                    raise InputError(f"{found.where}: {found.failed}")
        except (KeyboardInterrupt, InputError) as error:
            self.written(library)
            if isinstance(error, KeyboardInterrupt):
                command = f"molopt check --resume {shlex.quote(str(library.folder))}"
                say(f"continue with {command} {named_again(library.request.imports)}".rstrip(), err=True)
            raise
        with self.interrupts.held():
            return self.written(library)

    def begun(self, task: "Task") -> None:
        """A geometry is begun, here or by a worker."""
        from molopt.cli.events import begun

        self.log.write("begun", begun(task, self.potential))

    def of(self, found: "Found[Check]") -> bool:
        """Say what a geometry is; whether it converged."""
        from molopt.checked.check import folded
        from molopt.cli.events import checked, failure
        from molopt.cli.terminal import say
        from molopt.report.check_table import HEADINGS, remarks, row

        self.notes.held.extend(found.notes)
        self.notes.tell()
        if found.value is None:
            self.log.write("failed", failure(found))
            say(f"{found.where}: {found.failed}") if self.listed is None else self.listed.add(found.entry({}))
            return False
        self.log.write("ended", checked(found, found.value))
        if self.listed is not None:
            self.listed.add(found.entry(found.value.as_dict()))
        elif self.whole:
            for line in [*map(from_one, found.value.lines()), ""]:
                for part in folded(line).splitlines() or [""]:
                    say(part)
        else:
            if not self.headed:
                say(HEADINGS)
                self.headed = True
            for line in (row(found.value), *(f"  {from_one(remark)}" for remark in remarks(found.value))):
                say(line)
        return found.value.verdict.converged

    def written(self, library: "Checked") -> bool:
        """Write all that there is; whether all geometries were checked, and converged."""
        from molopt.cli.terminal import say
        from molopt.library.library import FAILURES
        from molopt.signs import stage

        with stage("writing"):
            written = library.write_files(from_one)
        self.log.write("written", {"files": [*library.written(), *(library.folder / name for name in written.modes)]})
        if self.listed is None and (written.words or written.failures):
            counts = ", ".join(f"{count} {word}" for word, count in written.words.items())
            say(f"{counts or 'nothing could be checked'}; written to {library.folder.resolve()}")
            if written.modes:
                say(f"imaginary modes: {', '.join(written.modes[:SAID])}{', ...' * (len(written.modes) > SAID)}")
            if written.failures:
                say(f"{FAILURES} lists the {written.failures} that could not be done, with their reasons")
        return written.converged
