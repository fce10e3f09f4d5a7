"""`molopt fit-stiffness`: the constants of the learned stiffness, from the Hessians of a list of molecules."""

from collections.abc import Callable, Generator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from molopt.cli import options as option
from molopt.cli.files import require_absent
from molopt.errors import InputError
from molopt.signs import stage

if TYPE_CHECKING:
    from molopt.cli.terminal import Notes, Progress
    from molopt.execution import Finished
    from molopt.fitting import Sample
    from molopt.molecules import Molecule

FEWEST = 10  # molecules


@click.command(name="fit-stiffness", short_help="Fit the learned stiffness to Hessians of molecules.")
@click.argument("molecules", type=click.Path(exists=True, dir_okay=False))
@option.potential("Its Hessians are fitted.", default="gfn2-xtb", show_default=True)
@option.write(": JSON.")
@option.workers()
@option.seed(default=1)
@click.option(
    "--held-out",
    type=click.IntRange(min=2),
    default=5,
    show_default=True,
    help="Hold out every n-th molecule to measure the error.",
)
@click.option("--curve", is_flag=True, help="Also print the held-out error for growing numbers of molecules.")
@option.OVERWRITE
@option.PROGRESS
def fit_stiffness(
    molecules: str,
    potential: str,
    write: str,
    workers: int,
    seed: int,
    held_out: int,
    curve: bool,
    overwrite: bool,
) -> None:
    """Fit the force constants of springs to the Hessians of the molecules in a list of SMILES (.smi).

    Each molecule is embedded and relaxed; both geometries give a Hessian, by finite differences of the forces. The
    error is printed for molecules that were held out; the constants that are written are fitted to all.
    """
    from molopt import __version__, read
    from molopt.cli.log import current
    from molopt.cli.terminal import Notes, Progress, say
    from molopt.fitting import as_json, fitted, held_out_error

    path = Path(write)
    require_absent([path], overwrite, "--write")
    with Notes() as notes, Progress() as progress:
        with stage("reading"):
            listed = list(read(molecules, seed=seed))
        if len(listed) < FEWEST:
            raise InputError(
                f"{molecules} has {len(listed)} molecules, at least {FEWEST} are needed to fit and to test"
            )
        found = measured(listed, potential, workers, molecules, notes, progress)
        for molecule, one in zip(listed, found, strict=True):
            if isinstance(one, str):
                say(f"left out: {molecule.name}: {one}", err=True)
        samples = [one for one in found if not isinstance(one, str)]
        if len(samples) < FEWEST:
            raise InputError(f"{potential} gave Hessians of {len(samples)} molecules, at least {FEWEST} are needed")
        tests = samples[::held_out]
        training = [one for n, one in enumerate(samples) if n % held_out]
        sizes = [size for size in (10, 20, 40, 80, 160) if size < len(training)] if curve else []
        say(f"{'molecules':>9}  held-out error, {len(tests)} others")
        for size in [*sizes, len(training)]:
            with stage("fitting", f"{size} molecules"):
                table = fitted([sample for one in training[:size] for sample in one])
            say(f"{size:>9}  {held_out_error([sample for one in tests for sample in one], table):.3f}")
        with stage("fitting", f"{len(samples)} molecules"):
            constants = fitted([sample for one in samples for sample in one])
    about = {
        "potential": potential,
        "molecules": len(samples),
        "molopt": __version__,
        "units": "eV/A^2 for lengths, eV/rad^2 for angles",
    }
    path.write_text(as_json(about | {"constants": constants}), encoding="utf-8")
    current().write("written", {"files": [path]})
    say(f"{sum(len(rows) for rows in constants.values())} classes from {len(samples)} molecules in {path}")


def measured(
    listed: "list[Molecule]", potential: str, workers: int, source: str, notes: "Notes", progress: "Progress"
) -> "list[list[Sample] | str]":
    """The Hessians of each molecule, or why it has none."""
    from molopt.cli.executors import executor
    from molopt.cli.lasting import Pace
    from molopt.cli.log import current
    from molopt.fitting import samples_or_reason

    found: dict[int, list[Sample] | str] = {}
    running = executor(Path(), None, workers, None, 1, notes)
    notes.tell()
    log, pace = current(), Pace(len(listed))
    progress.say(pace.at(0))
    work: Callable[[Molecule], list[Sample] | str] = partial(samples_or_reason, method=potential)

    def run(molecule: "Molecule") -> dict[str, object]:
        return {"molecule": molecule.name, "where": source, "potential": potential}

    def begun(molecule: "Molecule") -> "Molecule":
        log.write("begun", run(molecule))
        return molecule

    outcomes: Generator[Finished[Molecule, list[Sample] | str], None, None] = running.outcomes(work, map(begun, listed))
    with closing(outcomes):
        for finished in outcomes:
            one = finished.value or finished.error or finished.ended  # a molecule has Hessians or a reason
            found[id(finished.task)] = one
            if isinstance(one, str):
                log.write("failed", run(finished.task) | {"reason": one})
            else:
                log.write("ended", run(finished.task) | {"seconds": finished.seconds})
            progress.say(f"{pace.at(len(found))}, last {finished.task.name}")
    return [found[id(molecule)] for molecule in listed]
