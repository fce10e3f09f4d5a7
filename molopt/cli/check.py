"""`molopt check`: what geometries are, whoever relaxed them."""

from collections.abc import Sequence
from typing import Any

import click

from molopt.cli.options import AS_JSON, CHARGE, OVERWRITE, SPIN


@click.command(short_help="Tell minima from saddles; frequencies and thermochemistry.")
@click.argument("sources", metavar="FILE|NAME...", nargs=-1, required=True)
@click.option("--potential", default="mmff94", show_default=True, help="A name, or package.module:factory.")
@CHARGE
@SPIN
@click.option("--fmax", type=float, default=0.05, show_default=True, help="Stationary below this force, eV/A.")
@click.option("--frequencies", is_flag=True, help="All of them, and thermochemistry: 6 force calls an atom.")
@click.option("--temperature", type=float, default=298.15, show_default=True, help="K.")
@click.option("--pressure", type=float, default=101325.0, show_default=True, help="Pa.")
@click.option("--symmetry-number", type=int, help="Of rotations.  [default: that of the geometry]")
@click.option("--even-if-not-a-minimum", is_flag=True, help="Thermochemistry of saddles too, and of any geometry.")
@click.option("--displacement", type=float, help="Of an atom, A; longer where forces are noisy.  [default: 0.0025]")
@click.option("--workers", type=int, default=1, show_default=True, help="Processes for the force calls of frequencies.")
@click.option("--out", type=click.Path(), default=".", help="Folder for imaginary modes.  [default: here]")
@AS_JSON
@OVERWRITE
@click.pass_context
def check(ctx: click.Context, sources: Sequence[str], **options: Any) -> None:
    """Tell what geometries are: minima, saddles, or not stationary.

    A few force calls look for the lowest curvature. With --frequencies all wavenumbers are computed, and the
    thermochemistry of minima; each imaginary mode is written as an animation, NAME_mode1.xyz and so on.

    Geometries come from the files that molopt relax reads, whatever program wrote them; of an XYZ file with several
    structures, each is checked.

    Exits with 0 when all are minima (or flat, or could not be checked), with 1 when one is a saddle or not stationary,
    and with 2 when the input is bad.
    """
    from molopt.cli.checking import carry_out

    ctx.exit(0 if carry_out(sources, **options) else 1)
