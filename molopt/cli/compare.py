"""`molopt compare`: optimizers side by side on the same molecules."""

from collections.abc import Sequence
from typing import Any

import click

from molopt.cli.options import shared


@click.command(short_help="Compare optimizers on the same start, potential and criterion.")
@shared
@click.option(
    "--potential", "potentials", multiple=True, help="Can be given several times.  [default: mmff94, gfn2-xtb]"
)
@click.option(
    "--optimizers",
    help="Names, with commas between them.  [default: default,adam/internal,heavy-ball/internal,adam,momentum,bfgs,"
    "lbfgs,fire]",
)
@click.option("--out", type=click.Path(), help="Folder for all that is written.  [default: molopt-compare-NAME]")
def compare(sources: Sequence[str], **options: Any) -> None:
    """Run several optimizers on the same molecules, from the same start, in the same potential, to the same fmax.

    Prints a table for each molecule and potential; writes the relaxed structures, the trajectories and a figure for
    each molecule. A molecule is a file (.sdf, .mol, .xyz, .smi), a folder of such files, the name of a shipped
    molecule (molopt molecules lists them) or a SMILES.

    Exits with 0 when every run was carried out, converged or not, and with 2 when the input is bad.
    """
    from molopt.cli.comparing import carry_out

    carry_out(sources, **options)
