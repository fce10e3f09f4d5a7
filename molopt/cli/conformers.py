"""`molopt conformers`: the low conformers of a molecule, or of many."""

import shlex
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from molopt.cli import options as option
from molopt.cli.files import require_empty
from molopt.cli.options import (
    AS_JSON,
    CHARGE,
    NAME,
    OVERWRITE,
    PROGRESS,
    SOLVENT,
    SPIN,
    given_in,
    in_solvent,
    require_beside_resume,
)
from molopt.errors import InputError
from molopt.naming import safe

if TYPE_CHECKING:
    from molopt.cli.terminal import Notes
    from molopt.ensembles.request import Request
    from molopt.execution import Executor

# Options that may stand beside --resume; the potentials then say which of the search's own may be imported.
WITH_RESUME = {"resume", "workers", "time_limit", "parsl", "as_json", "potential", "refine"}
LIMIT = 3600.0  # s for each of many molecules: a flexible one takes minutes


@click.command(short_help="Find the low conformers of molecules.")
@click.argument("sources", metavar="FILE|SMILES|NAME...", nargs=-1)
@option.potential("On it thousands of starts are relaxed.  [default: mmff94s, or uff]")
@click.option("--refine", help="The potential that ranks, as gfn2-xtb.  [default: --potential]")
@click.option("--count", type=click.IntRange(1), help="Starts at most.  [default: by the molecule's soft torsions]")
@click.option(
    "--window",
    type=float,
    default=6.0,
    show_default=True,
    help="Keep conformers up to so much above the lowest, kcal/mol.",
)
@option.temperature("of populations")
@click.option("--free-energy", is_flag=True, help="Rank by free energies: all frequencies of each are computed.")
@click.option(
    "--until-no-new",
    type=click.IntRange(1),
    help="Done when so many relaxations found nothing new in the lowest 3 kcal/mol.  [default: 50, or --count / 4]",
)
@option.max_calls(", of the potential that ranks")
@click.option(
    "--early-stops/--no-early-stops",
    default=True,
    help="Give up relaxations that can hardly end within the window.  [default: early-stops]",
)
@click.option(
    "--threshold", type=float, default=0.125, show_default=True, help="RMSD below which two conformers are one, A."
)
@click.option(
    "--mirror",
    type=click.Choice(("merge", "keep")),
    default="merge",
    show_default=True,
    help="What to do with the mirror images of a molecule that is not chiral.",
)
@option.seed(", and of moves")
@SOLVENT
@CHARGE
@SPIN
@NAME
@option.workers()
@option.time_limit("of several molecules, each fails then", said=f" [default: {LIMIT:g}]")
@option.PARSL
@option.out("molopt-conformers-NAME")
@option.resume()
@PROGRESS
@AS_JSON
@OVERWRITE
@click.pass_context
def conformers(
    context: click.Context,
    sources: Sequence[str],
    *,
    workers: int,
    time_limit: float | None,
    parsl: str | None,
    out: str | None,
    resume: str | None,
    as_json: bool,
    overwrite: bool,
    **options: Any,
) -> None:
    """Find the low conformers of molecules: embed, move, relax, remove duplicates, certify, rank.

    Writes conformers.sdf, .csv and .db (an ase.db database), and for a single molecule conformers.xyz (as CREST writes
    it) and conformers.html, a page. With --refine the search goes on on that potential, and its energies rank.

    A molecule is a file (.sdf, .xyz, .smi, .csv, .pdb and many more: docs/guide/formats.md), a folder of such files, -
    for standard input, the name of a shipped molecule (molopt molecules lists them) or a SMILES.
    Several are searched side by side, one per worker; those that cannot be done are listed in failures.csv with their
    reasons.

    The same seed gives the same ensemble with any number of workers. Ctrl-C, or SIGTERM, ends the search; --resume
    continues it, also after it was killed, and gives what an undisturbed search gives.

    Exits with 0 when all molecules were done, with 1 when some could not be, with 2 when the input is bad, and with 130
    when interrupted.
    """
    from molopt.cli.inputs import title
    from molopt.cli.interrupts import Interrupts
    from molopt.cli.terminal import JsonList, Notes, Progress, say
    from molopt.ensembles.library import Searches
    from molopt.store.settings import named_again

    finishing = "writing what was found; interrupt again to stop at once"
    with Notes() as notes, Progress() as progress, Interrupts(finishing) as interrupts:
        if resume is not None:
            require_beside_resume(given_in(context), WITH_RESUME, "search")
            trusted = [options[name] for name in ("potential", "refine") if options[name] is not None]
            library = Searches.resume(Path(resume), trusted)
            alone, running = prepared(library.request, library.folder, parsl, workers, time_limit, notes)
        else:
            request = request_of(sources, **options)
            folder = Path(out) if out else Path(f"molopt-conformers-{safe(options['name'] or title(sources[0]))}")
            alone, running = prepared(request, folder, parsl, workers, time_limit, notes)
            require_empty(folder, overwrite)
            library = Searches.begin(folder, request, overwrite)
        from molopt.cli.searching import many, one  # pages and figures load once the input is known to be good

        try:
            with library, JsonList() if as_json else nullcontext() as listed:
                if alone:
                    done = one(library, workers, progress, notes, interrupts, listed)
                else:
                    done = many(library, running, progress, notes, interrupts, listed)
        except KeyboardInterrupt:
            progress.clear()
            again = named_again(library.request.imports)
            say(
                f"continue with molopt conformers --resume {shlex.quote(str(library.folder))} {again}".strip(), err=True
            )
            raise
    if not as_json:
        say(f"written to {library.folder.resolve()}")
    context.exit(0 if done else 1)


def request_of(
    sources: Sequence[str], *, potential: str | None, refine: str | None, solvent: str | None, **options: Any
) -> "Request":
    """What is asked for; InputError where a name or a number is not possible."""
    from molopt.ensembles.request import Request
    from molopt.potentials import named
    from molopt.potentials.xtb import METHODS

    if not sources:
        raise InputError("give molecules to search, or --resume FOLDER")
    if refine is not None:
        if potential is not None and named(potential)[0] in METHODS:
            potential = in_solvent(potential, solvent)
        refine = in_solvent(refine, solvent)
    elif potential is not None:
        potential = in_solvent(potential, solvent)
    elif solvent is not None and solvent.lower() != "none":
        raise InputError(f"force fields have no solvents: drop --solvent {solvent}, or add --refine gfn2-xtb")
    command = shlex.join(["molopt", *sys.argv[1:]])
    return Request(tuple(sources), potential=potential, refine=refine, command=command, **options)


def prepared(
    request: "Request", folder: Path, parsl: str | None, workers: int, time_limit: float | None, notes: "Notes"
) -> tuple[bool, "Executor"]:
    """Whether there is one molecule alone, and what will search several; InputError before anything is written.

    What cannot be done of several molecules is a failure among others; of one alone, it is bad input.
    """
    from molopt.cli.executors import executor
    from molopt.cli.inputs import alone

    running = executor(folder, parsl, workers, LIMIT if time_limit is None else time_limit, 1, notes)
    if alone(request) is None:
        return False, running
    if parsl is not None or time_limit is not None:
        raise InputError(
            f"{'--time-limit' if parsl is None else '--parsl'} is for several molecules, and there is one: "
            "limit it with --max-calls, and give it --workers"
        )
    return True, running
