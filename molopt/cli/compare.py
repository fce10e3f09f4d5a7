"""`molopt compare`: optimizers side by side on the same molecules."""

from collections.abc import Sequence
from typing import Any

import click

from molopt.cli.options import shared
from molopt.optimizers.registry import DEFAULT_OPTIMIZERS


@click.command(short_help="Compare optimizers on the same starts, potentials and criterion.")
@shared(required=False)
@click.option(
    "--potential",
    "potentials",
    multiple=True,
    help="Can be given several times. With --resume: what the study may import.  [default: mmff94, gfn2-xtb]",
)
@click.option(
    "--optimizers",
    help=f"Names, with commas between them.  [default: {','.join(DEFAULT_OPTIMIZERS)}]",
)
@click.option("--starts", type=click.IntRange(1), default=1, show_default=True, help="Start geometries a molecule.")
@click.option("--sweep", help="Vary an argument, as in lr=0.003:0.3:9: nine values of it, equal factors apart.")
@click.option("--largest", type=click.IntRange(1), help="Leave out molecules with more atoms.")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Runs at a time.")
@click.option(
    "--threads",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Of each library in each run; with more than one, times depend on what else the machine does.",
)
@click.option("--time-limit", type=float, default=3600.0, show_default=True, help="Seconds a run, its end included.")
@click.option("--parsl", type=click.Path(), help="Run on a cluster: a Python file that defines a Parsl `config`.")
@click.option("--files/--no-files", default=True, help="Write structures, trajectories and figures.  [default: files]")
@click.option("--out", type=click.Path(), help="Folder for all that is written.  [default: molopt-compare-NAME]")
@click.option("--resume", type=click.Path(), metavar="STUDY", help="Go on with the study of a folder.")
@click.pass_context
def compare(context: click.Context, sources: Sequence[str], **options: Any) -> None:
    """Run optimizers on the same molecules, from the same starts, in the same potentials, to the same fmax.

    Prints a table for each start and potential; keeps every run in a study (a folder with an ase.db database), from
    which molopt report and molopt export read. A study that was interrupted goes on with --resume; no run is done
    twice. One that names a potential of another package (module:factory) goes on only if --potential names it again:
    that is code, and the study may be someone else's.

    A molecule is a file (.sdf, .mol, .xyz, .smi), a folder of such files, "baker" or "birkholz-schlegel" (sets of the
    literature), the name of a shipped molecule (molopt molecules lists them) or a SMILES.

    A run that takes too long ends after its force call, with its lowest geometry; it is killed if it has not ended
    within a tenth of the limit, or 5 s. That, and a run that takes its process down, is written so, and nothing else
    is lost. Ctrl-C, or SIGTERM, costs the runs under way; a second one ends the command at once.

    Exits with 0 when every run was carried out, converged or not, with 2 when the input is bad, and with 130 when it
    was interrupted.
    """
    from molopt.cli.comparing import carry_out, given

    carry_out(sources, said=given(context), **options)
