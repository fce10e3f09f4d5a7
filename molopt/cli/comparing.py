"""What `molopt compare` does, once its options are read."""

import os
import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from itertools import chain, groupby, islice
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from rich.console import Console
from rich.text import Text

from molopt.cli.files import Stems, require_absent, require_empty, safe
from molopt.cli.inputs import AHEAD, of_any_charge, require_agreement, require_potentials, title
from molopt.cli.interrupts import Interrupts
from molopt.cli.options import energy_limit
from molopt.cli.terminal import JsonList, Notes, Progress, say
from molopt.comparison import DEFAULT_OPTIMIZERS, Case
from molopt.comparison.settings import Settings
from molopt.comparison.study import Study
from molopt.comparison.sweep import Sweep
from molopt.errors import InputError, MissingExtra
from molopt.execution import Executor, Here, ParslExecutor, Pool
from molopt.molecules import Molecule
from molopt.optimizers.names import abbreviated, choose
from molopt.optimizers.stopping import check_criteria
from molopt.potentials.foreign import load
from molopt.potentials.xtb import tblite_calculator
from molopt.record import Record, plain
from molopt.report.escaping import sentence, shown
from molopt.report.fields import sdf_fields
from molopt.report.figure import draw
from molopt.report.labels import label
from molopt.report.table import comparison_table, remarks
from molopt.schema import STUDY_SDF
from molopt.specification import parse

# Options that may stand beside --resume; `potentials` then says which of the study's own may be imported.
WITH_RESUME = {"resume", "workers", "time_limit", "parsl", "files", "as_json", "potentials"}
OPTIONS = {"potentials": "--potential", "sources": "the molecules"}  # whose name is not that of their variable
GRACE, LEAST_GRACE = 0.1, 5.0  # of the time limit; s, of which most potentials need less for a force call
LONG = ("frames", "frame_calls", "end", "floor", "numbers", "bonds", "start")  # what JSON on a terminal does without


class Layout:
    """Where files go: FOLDER/MOLECULE_POTENTIAL_OPTIMIZER.sdf and .traj, and FOLDER/MOLECULE.png.

    MOLECULE__startK is further starts: two underscores, as no safe name has them, so that no other molecule's files
    can be called the same.
    """

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder = folder
        stems = Stems()
        self.parts = {name: stems.new(abbreviated(name)) for name in (*settings.potentials, *settings.optimizers)}
        self.molecules = Stems()
        self.stems: dict[int, str] = {}

    def naming(self, cases: Iterable[Case]) -> Iterator[Case]:
        """The cases as they are, named in their order: a study that goes on must call each molecule as it did before,
        whichever of two with one name are done.
        """
        for case in cases:
            self.stem(case)
            yield case

    def stem(self, case: Case) -> str:
        if case.place not in self.stems:
            self.stems[case.place] = self.molecules.new(case.molecule.name)
        return self.stems[case.place] + (f"__start{case.seed}" if case.seed else "")

    def path(self, case: Case, ending: str) -> Path:
        return self.plain(f"{self.stem(case)}_{self.parts[case.potential]}_{self.parts[case.optimizer]}{ending}")

    def figure(self, case: Case) -> Path:
        return self.plain(f"{self.stem(case)}.png")

    def plain(self, name: str) -> Path:
        """The path of a file to write; InputError where a link or a pipe stands there, as in the study of another."""
        require_absent([self.folder / name], overwrite=True)
        return self.folder / name


def given(context: click.Context) -> set[str]:
    """The options that the user wrote."""
    return {name for name in context.params if context.get_parameter_source(name) is ParameterSource.COMMANDLINE}


def carry_out(
    sources: Sequence[str],
    *,
    said: set[str],
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
    """Check all input as far as it can be, then compare, start by start."""
    saying = "writing what is done; interrupt again to end at once"
    with Notes() as notes, Progress() as progress, Interrupts(saying) as interrupts:
        progress.say("reading molecules")
        if resume is not None:
            if said - WITH_RESUME:
                unwanted = sorted(OPTIONS.get(name, f"--{name.replace('_', '-')}") for name in said - WITH_RESUME)
                raise InputError(f"--resume takes all else from the study: drop {', '.join(unwanted)}")
            study = Study.resume(Path(resume), options["potentials"])
        else:
            settings = settings_of(sources, notes, files=files, **options)
            folder = Path(out) if out else Path(f"molopt-compare-{safe(title(sources[0]))}")
            molecules, runs = checked(settings)
            require_empty(folder, overwrite)
            running = executor(folder, parsl, workers, time_limit, settings.threads, notes)
            study = Study.begin(folder, settings, overwrite)
        with study:
            if resume is not None:
                molecules, runs = checked(study.settings)
                running = executor(study.folder, parsl, workers, time_limit, study.settings.threads, notes)
            wanted = files if "files" in said else study.settings.files
            try:
                run(study, molecules, runs, running, time_limit, wanted, as_json, progress, notes, interrupts)
            except KeyboardInterrupt:
                progress.clear()
                trust = "".join(f" --potential {shlex.quote(name)}" for name in study.settings.imports)
                say(f"molopt compare --resume {shlex.quote(str(study.folder))}{trust} goes on", err=True)
                raise
    if not as_json:
        report(study)


def executor(
    folder: Path, parsl: str | None, workers: int, time_limit: float, threads: int | None, notes: Notes
) -> Executor:
    """What runs will be carried out by; InputError before anything of a study is written."""
    if parsl is not None:
        return ParslExecutor(Path(parsl), folder / "parsl", time_limit, threads or 1, grace(time_limit))
    if os.name == "posix":
        return Pool(workers, time_limit, threads or 1, grace=grace(time_limit))
    notes.held.append(
        "here runs share one process: none is killed at a time limit, a crash ends all, and libraries keep the threads "
        "they were loaded with, whatever --threads says: set OMP_NUM_THREADS and OPENBLAS_NUM_THREADS before"
    )
    return Here()


def grace(time_limit: float) -> float:
    """Seconds that a run over its limit has to finish its force call and to hand in what it has, before it is killed.

    >>> grace(60.0), grace(3600.0)
    (6.0, 360.0)
    """
    return max(LEAST_GRACE, GRACE * time_limit)


def settings_of(
    sources: Sequence[str],
    notes: Notes,
    *,
    potentials: Sequence[str],
    optimizers: str | None,
    sweep: str | None,
    fmax: float,
    energy_left: str | None,
    **options: Any,
) -> Settings:
    """What is to be run; InputError where a name or a number in it cannot be."""
    if not sources:
        raise InputError("give molecules to compare, or --resume STUDY")
    limit = energy_limit(energy_left, None)
    check_criteria(fmax, limit, options["steps"])
    names = list(DEFAULT_OPTIMIZERS) if optimizers is None else optimizers.split(",")
    names = Sweep.parse(sweep).over(names) if sweep else names
    chosen = tuple(dict.fromkeys(choose(name).name for name in names))
    command = shlex.join(["molopt", *sys.argv[1:]])
    wanted = tuple(dict.fromkeys(potentials)) or available(notes)
    return Settings(tuple(sources), wanted, chosen, fmax, limit, command=command, **options)


def available(notes: Notes) -> tuple[str, ...]:
    """The potentials that are compared by default."""
    try:
        tblite_calculator("GFN2-xTB")
    except MissingExtra as missing:
        notes.held.append(f"compared in MMFF94 alone: {missing}")
        return ("mmff94",)
    return ("mmff94", "gfn2-xtb")


def checked(settings: Settings) -> tuple[Iterator[tuple[str, Molecule]], int | None]:
    """The molecules, the first hundred read at once: what is wrong with them shows before anything is run.

    A molecule that a potential does not cover is a row of failures among others; alone, it is bad input. Besides, how
    many runs there will be, where that is known by then.
    """
    stream = settings.molecules()
    first = list(islice(stream, AHEAD))
    some = Molecule.from_smiles("C")
    require_potentials(some, [of_any_charge(name) for name in settings.potentials if ":" not in name])
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
    study: Study,
    molecules: Iterator[tuple[str, Molecule]],
    runs: int | None,
    running: Executor,
    time_limit: float,
    files: bool,
    as_json: bool,
    progress: Progress,
    notes: Notes,
    interrupts: Interrupts,
) -> None:
    """Carry out what is not done yet, and say what it gave."""

    def count(case: Case) -> None:
        done = study.before + study.added
        progress.say(f"{done}{'' if runs is None else f' of {runs}'} runs done, last {shown(case.molecule.name)}")

    layout = Layout(study.folder, study.settings)
    trajectory = (lambda case: layout.path(case, ".traj")) if files else None
    with JsonList() if as_json else nullcontext() as listed:
        cases = study.cases(molecules)
        for start in study.go(running, layout.naming(cases) if files else cases, trajectory, count, time_limit):
            case, records = start[0][0], [record for _, record in start]
            with interrupts.held():
                progress.clear()
                notes.tell()
                if files:
                    write(start, layout)
                    draw(records, layout.figure(case), study.settings.fmax)
                if listed is None:
                    show(case, records, study.settings.fmax)
                else:
                    for record in records:
                        listed.add(short(record))


def write(start: Sequence[tuple[Case, Record]], layout: Layout) -> None:
    for case, record in start:
        outcome = record.outcome
        if len(outcome.end):
            text = case.molecule.with_positions(outcome.end).to_sdf(sdf_fields(outcome, STUDY_SDF))
            layout.path(case, ".sdf").write_text(text, encoding="utf-8")


def short(record: Record) -> dict[str, object]:
    """A record without its geometries, as one level of names and values."""
    return {name: plain(value) for name, value in record.values().items() if name not in LONG}


def show(case: Case, records: Sequence[Record], fmax: float) -> None:
    """A table for each potential, and what must be said of single runs."""
    console = Console(highlight=False, markup=False, soft_wrap=False)
    for potential, group in groupby(records, key=lambda record: record.plan.potential):
        rows = list(group)
        start = f", start {case.seed}" if case.seed else ""
        where = f"{len(case.molecule)} atoms in {shown(potential)}, to fmax {fmax:g} eV/A"
        heading = f"{shown(case.molecule.name)}{start}: {where}"
        console.print(Text(heading, style="bold"))
        console.print(comparison_table(rows))
        for record in rows:
            for remark in remarks(record.outcome):
                console.print(sentence(f"{label(record.plan.optimizer)}: {remark}"))
        console.print()


def report(study: Study) -> None:
    done = study.before + study.added
    now = f", {study.added} of them now" if study.before else ""
    say(f"{done} {'run' if done == 1 else 'runs'} done{now}; all that was written is in {study.folder}")
    say(f"molopt report {shlex.quote(str(study.folder))} makes a page of it")
