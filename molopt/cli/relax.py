"""`molopt relax`: molecules to the bottom of their wells."""

from collections.abc import Sequence
from typing import Any

import click

from molopt.cli.options import shared
from molopt.optimizers.registry import COORDINATES, optimizer_names

OPTIMIZER = f'One of {", ".join(optimizer_names())}; with arguments as "adam?lr=0.02".'


@click.command(short_help="Relax molecules, and write their structures.")
@shared()
@click.option("--potential", default="mmff94", show_default=True, help="A name, or package.module:factory.")
@click.option("--optimizer", default="default", show_default=True, help=OPTIMIZER)
@click.option(
    "--coordinates",
    type=click.Choice(COORDINATES),
    help="What an optimizer of molopt sees, where its name does not say it.",
)
@click.option(
    "--surrogate",
    default="auto",
    show_default=True,
    help="A cheap potential that guides an optimizer of molopt: auto, none, or a name such as mmff94, uff, gfn1-xtb.",
)
@click.option(
    "--check",
    default="auto",
    show_default=True,
    help="Whether a run looks at its softest direction before it is done: auto (and leaves a saddle), report (names it "
    'and stays) or none; "auto?calls=12&pushes=5" has other limits than 8 force calls a check and 3 pushes.',
)
@click.option("--max-calls", type=int, help="Force calls that a run may make.")
@click.option("--time-limit", type=float, help="Seconds after which a run begins no further force call.")
@click.option("--out", type=click.Path(), default=".", help="Folder for all that is written.  [default: here]")
@click.pass_context
def relax(ctx: click.Context, sources: Sequence[str], **options: Any) -> None:
    """Relax molecules until no force is longer than --fmax and next to no energy is left above the floor.

    Writes NAME_relaxed.sdf, .xyz and .traj.

    A molecule is a file (.sdf, .mol, .xyz, .smi), a folder of such files, the name of a shipped molecule (molopt
    molecules lists them) or a SMILES. The SDF keeps bonds, charge and stereo, the XYZ has energy and forces, the
    trajectory has every step; all three are for ASE and RDKit to read.

    A run is not done before its softest direction has been looked at: one that came down on a saddle leaves it. The
    column "end" says what the end is, and energy left has a "?" where nobody looked.

    A run that does not converge gives its lowest geometry. Ctrl-C, or SIGTERM, ends the run under way after its force
    call, and then the command; what there is by then is written. A second one ends it at once.

    Exits with 0 when all molecules converged, with 1 when one did not or is still on a saddle, with 2 when the input is
    bad, and with 130 when it was interrupted.
    """
    from molopt.cli.relaxing import carry_out

    ctx.exit(0 if carry_out(sources, **options) else 1)
