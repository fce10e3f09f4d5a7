"""`molopt compare`: optimizers side by side on the same molecules."""

import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from molopt.cli import options as option
from molopt.cli.files import require_empty
from molopt.cli.options import energy_limit, given_in, in_solvent, require_beside_resume, shared
from molopt.errors import InputError, MissingExtra
from molopt.naming import safe
from molopt.optimizers.registry import DEFAULT_OPTIMIZERS
from molopt.report.escaping import shown
from molopt.signs import stage

if TYPE_CHECKING:
    from molopt.cli.interrupts import Interrupts
    from molopt.cli.terminal import Notes, Progress
    from molopt.comparison import Case
    from molopt.comparison.settings import Settings
    from molopt.comparison.study import Study
    from molopt.execution import Executor
    from molopt.molecules import Molecule
    from molopt.record import Outcome, Record

# Options that may stand beside --resume; potentials and optimizers then say which of the study's own may be imported.
WITH_RESUME = {"resume", "workers", "time_limit", "parsl", "files", "as_json", "potentials", "optimizers"}
LONG = ("frames", "frame_calls", "end", "floor", "numbers", "bonds", "start")  # left out of JSON on a terminal


@click.command(short_help="Compare optimizers on the same starts, potentials and criterion.")
@shared(required=False)
@option.potential(
    "Can be given several times. With --resume: what the study may import.  [default: mmff94, gfn2-xtb; with --solvent "
    "gfn2-xtb]",
    "potentials",
    multiple=True,
)
@click.option(
    "--optimizers",
    help=f"Optimizers, separated by commas.  [default: {','.join(DEFAULT_OPTIMIZERS)}]",
)
@click.option("--starts", type=click.IntRange(1), default=1, show_default=True, help="Start geometries per molecule.")
@click.option("--sweep", help="Vary an argument, as in lr=0.003:0.3:9: nine values of it, equal factors apart.")
@click.option("--largest", type=click.IntRange(1), help="Leave out molecules with more atoms.")
@option.workers()
@click.option(
    "--threads",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Threads of each library in each run; with more than one, times depend on what else the machine is doing.",
)
@option.time_limit("it ends then, its end included", default=3600.0)
@option.PARSL
@click.option("--files/--no-files", default=True, help="Write structures, trajectories and figures.  [default: files]")
@option.out("molopt-compare-NAME")
@option.resume()
@click.pass_context
def compare(
    context: click.Context,
    sources: Sequence[str],
    *,
    resume: str | None,
    workers: int,
    time_limit: float,
    parsl: str | None,
    files: bool,
    as_json: bool,
    out: str | None,
    overwrite: bool,
    **options: Any,
) -> None:
    """Run optimizers on the same molecules, from the same starts, in the same potentials, to the same fmax.

    Prints a table for each start and potential; keeps every run in a study (a folder with an ase.db database), which
    molopt report and molopt export read. --resume continues a study that was interrupted; no run is done twice. A study
    with a potential of another package (module:factory) is continued only if --potential names it again: that is code,
    and the study may be someone else's.

    A molecule is a file (.sdf, .xyz, .smi, .csv, .pdb and many more: docs/guide/formats.md), a folder of such files, -
    for standard input, "baker" or "birkholz-schlegel" (sets from the literature), the name of a shipped molecule
    (molopt molecules lists them) or a SMILES.

    A run that reaches the time limit ends after its force call, with its lowest geometry; it is killed if it has not
    ended within another tenth of the limit, or 5 s. Such a run, like one whose process crashes, is recorded as such,
    and nothing else is lost. Ctrl-C, or SIGTERM, loses the current runs; a second one stops the command at once.

    Exits with 0 when every run was carried out, converged or not, with 2 when the input is bad, and with 130 when
    interrupted.
    """
    from molopt.cli.executors import executor, grace
    from molopt.cli.inputs import title
    from molopt.cli.interrupts import Interrupts
    from molopt.cli.tables import sum_up
    from molopt.cli.terminal import Notes, Progress, say
    from molopt.comparison.study import Study
    from molopt.store.settings import named_again

    patience = grace(time_limit)
    given = given_in(context)
    saying = "writing the finished runs; interrupt again to stop at once"
    with Notes() as notes, Progress() as progress, Interrupts(saying) as interrupts:
        if resume is not None:
            require_beside_resume(given, WITH_RESUME, "study")
            named = (options["optimizers"] or "").split(",") if "optimizers" in given else []
            study = Study.resume(Path(resume), [*options["potentials"], *named])
        else:
            settings = settings_of(sources, notes, files=files, **options)
            folder = Path(out) if out else Path(f"molopt-compare-{safe(options['name'] or title(sources[0]))}")
            molecules, runs = checked(settings)
            require_empty(folder, overwrite)
            running = executor(folder, parsl, workers, time_limit, settings.threads, notes, patience)
            study = Study.begin(folder, settings, overwrite)
        with study:
            if resume is not None:
                molecules, runs = checked(study.settings)
                running = executor(
                    study.folder, parsl, workers, time_limit, study.settings.threads, notes, grace(time_limit)
                )
            wanted = files if "files" in given else study.settings.files
            try:
                run(study, molecules, runs, running, time_limit, wanted, as_json, progress, notes, interrupts)
                if not as_json:
                    progress.clear()
                    sum_up(study)
            except KeyboardInterrupt:
                progress.clear()
                command = f"molopt compare --resume {shlex.quote(str(study.folder))}"
                say(f"continue with {command} {named_again(study.settings.imports)}".rstrip(), err=True)
                raise
    if not as_json:
        done = study.before + study.added
        now = f", {study.added} of them now" if study.before else ""
        say(f"{done} {'run' if done == 1 else 'runs'} done{now}; all files are in {study.folder}")
        say(f"molopt report {shlex.quote(str(study.folder))} writes its report")


def settings_of(
    sources: Sequence[str],
    notes: "Notes",
    *,
    potentials: Sequence[str],
    optimizers: str | None,
    sweep: str | None,
    fmax: float,
    energy_left: str | None,
    solvent: str | None,
    **options: Any,
) -> "Settings":
    """The settings of a new study; InputError where a name or a number is not possible."""
    from molopt.comparison.settings import Settings
    from molopt.comparison.sweep import Sweep
    from molopt.optimizers.spec import OptimizerSpec
    from molopt.optimizers.stopping import check_criteria

    if not sources:
        raise InputError("give molecules to compare, or --resume STUDY")
    limit = energy_limit(energy_left, None)
    check_criteria(fmax, limit, options["steps"])
    specs = [OptimizerSpec.of(name) for name in (DEFAULT_OPTIMIZERS if optimizers is None else optimizers.split(","))]
    specs = Sweep.parse(sweep).over(specs) if sweep else specs
    chosen = tuple(dict.fromkeys(map(str, specs)))
    command = shlex.join(["molopt", *sys.argv[1:]])
    named = tuple(dict.fromkeys(potentials)) or (available(notes) if solvent is None else ("gfn2-xtb",))
    wanted = tuple(in_solvent(name, solvent) for name in named)
    return Settings(tuple(sources), wanted, chosen, fmax, limit, command=command, **options)


def available(notes: "Notes") -> tuple[str, ...]:
    """The potentials that are compared by default."""
    from molopt.potentials.xtb import tblite_calculator

    try:
        tblite_calculator("GFN2-xTB")
    except MissingExtra as missing:
        notes.held.append(f"compared with MMFF94 only: {missing}")
        return ("mmff94",)
    return ("mmff94", "gfn2-xtb")


def checked(settings: "Settings") -> tuple["Iterator[tuple[str, Molecule]]", int | None]:
    """The molecules, the first hundred read at once so that errors in them show before anything is run.

    A molecule that a potential does not cover is a row of failures among others; alone, it is bad input. Also returned:
    how many runs there will be, where that is known by then.
    """
    from molopt.cli.inputs import AHEAD, require_any
    from molopt.potentials.foreign import load
    from molopt.specification import parse
    from molopt.system import require_agreement, require_potentials

    stream = settings.molecules()
    with stage("reading"):
        first = list(islice(stream, AHEAD))
    require_any([name for name in settings.potentials if ":" not in name])
    for name in settings.potentials:
        if ":" in name:
            load(parse(name)[0])
    for _, molecule in first:
        for name in settings.potentials:
            require_agreement(molecule, name)
    if len(first) == 1:
        require_potentials(first[0][1], settings.potentials)
    within = [molecule for _, molecule in first if settings.largest is None or len(molecule) <= settings.largest]
    runs = len(within) * settings.starts * len(settings.potentials) * len(settings.optimizers)
    return chain(first, stream), runs if len(first) < AHEAD else None


def run(
    study: "Study",
    molecules: "Iterator[tuple[str, Molecule]]",
    runs: int | None,
    running: "Executor",
    time_limit: float,
    files: bool,
    as_json: bool,
    progress: "Progress",
    notes: "Notes",
    interrupts: "Interrupts",
) -> None:
    """Carry out the runs that are not done yet, and print their results."""
    from molopt.cli.events import figures, run_of
    from molopt.cli.lasting import Pace
    from molopt.cli.layout import Layout, write
    from molopt.cli.log import current
    from molopt.cli.tables import show
    from molopt.cli.terminal import JsonList
    from molopt.report.figure import draw

    def begin(case: "Case") -> None:
        log.write("begun", run_of(case))

    def end(case: "Case", outcome: "Outcome") -> None:
        log.write("ended", run_of(case) | figures(outcome))
        progress.say(f"{pace.at(study.before + study.added)}, last {shown(case.molecule.name)}")

    log, pace = current(), Pace(runs, study.before, "runs")
    layout = Layout(study.folder, study.settings)
    trajectory = (lambda case: layout.path(case, ".traj")) if files else None
    with JsonList() if as_json else nullcontext() as listed:
        cases = study.cases(molecules)
        for start in study.go(running, layout.naming(cases) if files else cases, trajectory, end, time_limit, begin):
            case, records = start[0][0], [record for _, record in start]
            with interrupts.held():
                notes.tell()
                if files:
                    with stage("drawing", case.molecule.name):
                        written = [*write(start, layout), layout.figure(case)]
                        draw(records, layout.figure(case), study.settings.fmax)
                    log.write("written", {"files": written})
                if listed is None:
                    show(case, records, study.settings.fmax)
                else:
                    for record in records:
                        listed.add(short(record))


def short(record: "Record") -> dict[str, object]:
    """A record without its geometries, as one flat dictionary."""
    from molopt.columns import plain

    return {name: plain(value) for name, value in record.values().items() if name not in LONG}
