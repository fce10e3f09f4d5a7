"""`molopt relax`: molecules to the bottom of their wells."""

import shlex
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from molopt.cli import options as option
from molopt.cli.atoms import FIX, HOLD
from molopt.cli.files import require_empty
from molopt.cli.options import energy_limit, given_in, in_solvent, require_beside_resume, shared
from molopt.errors import InputError
from molopt.naming import safe
from molopt.optimizers.registry import COORDINATES

if TYPE_CHECKING:
    from molopt.cli.terminal import Notes
    from molopt.execution import Executor
    from molopt.library.library import Task
    from molopt.relaxed.request import Request

# Options that may stand beside --resume; potential and optimizer then say what may be imported.
WITH_RESUME = {"resume", "workers", "time_limit", "parsl", "as_json", "potential", "optimizer", "strict"}


@click.command(short_help="Relax molecules, one or many, and write their structures.")
@shared(required=False)
@option.potential(" [default: mmff94]")
@option.OPTIMIZER
@click.option(
    "--coordinates",
    type=click.Choice(COORDINATES),
    help="Coordinates of an optimizer of molopt, unless its name gives them.",
)
@click.option(
    "--surrogate",
    default="auto",
    show_default=True,
    help="A cheap potential that guides an optimizer of molopt: auto, none, or a name such as mmff94, uff, gfn1-xtb.",
)
@option.curvature("auto")
@click.option(
    "--criteria",
    help="Criteria by name, in place of --fmax and --energy-left: gaussian:tight, geometric:GAU, fmax=0.02,left=0.001.",
)
@FIX
@HOLD
@option.max_calls()
@option.workers()
@option.time_limit("it makes no further force call then")
@option.PARSL
@click.option(
    "--formats",
    default="sdf,xyz",
    show_default=True,
    help="Of the structures, separated by commas: sdf, xyz, pdb, traj.",
)
@click.option("--separate", is_flag=True, help="Write files for each molecule, instead of one for all.")
@click.option("--trajectories", is_flag=True, help="Write every step of each molecule.")
@option.STRICT
@option.out("molopt-relax-NAME")
@option.resume()
@click.pass_context
def relax(
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
    """Relax molecules until no force is larger than --fmax and almost no energy is left above the minimum.

    Writes relaxed.sdf (bonds, charge, stereo, what the end is), relaxed.xyz (energy and forces; ASE reads it),
    relaxed.csv (all figures) and relaxed.db (an ase.db database); --formats has PDB and trajectories too.

    A molecule is a file (.sdf, .xyz, .smi, .csv, .pdb and many more: docs/guide/formats.md), a folder of such files, -
    for standard input, the name of a shipped molecule (molopt molecules lists them) or a SMILES. One of
    many that cannot be read or relaxed is said, listed in failures.csv and passed over.

    A run does not end before its softest direction has been checked: one that arrived at a saddle leaves it. The column
    "end" says what the end is; energy left has a "?" where the curvature was not checked.

    A run that does not converge gives its lowest geometry. Ctrl-C, or SIGTERM, writes what there is: of one molecule
    alone the geometry that it has reached, of many those that are done. A second one stops the command at once.
    --resume goes on, also after a kill.

    Exits with 0 when all molecules converged, with 1 when one did not, is still on a saddle or could not be done, with
    2 when the input is bad, and with 130 when interrupted.
    """
    from molopt.cli.inputs import alone, title
    from molopt.cli.interrupts import Interrupts
    from molopt.cli.telling import Telling
    from molopt.cli.terminal import JsonList, Notes, Progress, say
    from molopt.potentials.budget import Budget
    from molopt.relaxed.folder import Relaxed
    from molopt.store.settings import named_again

    Budget(time_limit=time_limit)
    saying = "finishing this force call; interrupt again to stop at once"
    with Notes() as notes, Progress() as progress, Interrupts(saying) as interrupts:
        if resume is not None:
            given = given_in(context)
            require_beside_resume(given, WITH_RESUME, "folder")
            trusted = [options[name] for name in given & {"potential", "optimizer"}]
            library = Relaxed.resume(Path(resume), trusted)
            first = alone(library.request)
        else:
            if options["criteria"] is not None and {"fmax", "energy_left"} & given_in(context):
                raise InputError("--criteria says it all: drop --fmax and --energy-left")
            request = request_of(sources, **options)
            first = alone(request)
            folder = Path(out) if out else Path(f"molopt-relax-{safe(options['name'] or title(sources[0]))}")
            require_empty(folder, overwrite)
            running_of(folder, parsl, workers, time_limit, request, notes)
            library = Relaxed.begin(folder, request, overwrite)
        library.time_limit, library.detailed = time_limit, as_json
        with library, JsonList() if as_json else nullcontext() as listed:
            telling = Telling(library, listed, progress, notes)

            def begin(task: "Task") -> None:
                interrupts.heed()
                telling.begun(task)

            try:
                if first is not None:
                    telling.single(*first, interrupts)
                else:
                    running = running_of(library.folder, parsl, workers, time_limit, library.request, notes)
                    telling.many(library.go(running, library.tasks(), library.part, workers, begin), strict)
            except KeyboardInterrupt:
                telling.over()
                command = f"molopt relax --resume {shlex.quote(str(library.folder))}"
                say(f"continue with {command} {named_again(library.request.imports)}".rstrip(), err=True)
                raise
            except InputError:
                if library.folder.exists():
                    telling.over()
                raise
            with interrupts.held():
                good = telling.over()
    context.exit(0 if good else 1)


def request_of(
    sources: Sequence[str],
    *,
    potential: str | None,
    fmax: float,
    energy_left: str | None,
    criteria: str | None,
    check: str,
    solvent: str | None,
    formats: str,
    **options: Any,
) -> "Request":
    """What is asked for; InputError where a name or a number is not possible."""
    from molopt.convergence import wanted
    from molopt.optimizers.spec import OptimizerSpec
    from molopt.optimizers.stopping import check_criteria
    from molopt.potentials.budget import Budget
    from molopt.relaxed.request import Request
    from molopt.relaxed.structures import FORMATS
    from molopt.spelling import offer

    if not sources:
        raise InputError("give molecules to relax, or --resume FOLDER")
    named = in_solvent("mmff94" if potential is None else potential, solvent)
    limit = energy_limit(energy_left, "auto")
    check_criteria(fmax, limit, options["steps"])
    criteria = f"fmax={fmax},left={'none' if limit is None else limit}" if criteria is None else criteria
    wanted(criteria)
    Budget(options["max_calls"])
    OptimizerSpec.of(options["optimizer"], options["coordinates"]).guided_by(options["surrogate"]).checked_by(check)
    asked = tuple(dict.fromkeys(part.strip().lower() for part in formats.split(",")))
    if unknown := [format for format in asked if format not in FORMATS]:
        raise InputError(f"{unknown[0]!r} is not a format that is written{offer(unknown[0], FORMATS)}")
    if "traj" in asked and options["separate"] and options["trajectories"]:
        raise InputError("--trajectories and --separate --formats traj would write the same files: drop one of them")
    command = shlex.join(["molopt", *sys.argv[1:]])
    return Request(
        tuple(sources), formats=asked, potential=named, criteria=criteria, check=check, command=command, **options
    )


def running_of(
    folder: Path, parsl: str | None, workers: int, time_limit: float | None, request: "Request", notes: "Notes"
) -> "Executor":
    """What carries out the runs of many molecules; InputError where it cannot be."""
    from molopt.cli.executors import executor, grace
    from molopt.relaxed.folder import PART

    together = PART if request.batched else 1
    limit = None if time_limit is None else time_limit * together
    return executor(folder, parsl, workers, limit, 1, notes, 0.0 if time_limit is None else grace(time_limit))
