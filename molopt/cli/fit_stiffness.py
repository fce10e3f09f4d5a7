"""`molopt fit-stiffness`: the constants of the learned stiffness, from the Hessians of a list of molecules."""

from typing import Any

import click


@click.command(name="fit-stiffness", short_help="Fit the learned stiffness to Hessians of molecules.")
@click.argument("molecules", type=click.Path(exists=True, dir_okay=False))
@click.option("--potential", default="gfn2-xtb", show_default=True, help="Whose Hessians; a name or module:factory.")
@click.option("--out", type=click.Path(dir_okay=False), required=True, help="JSON file for the constants.")
@click.option("--workers", type=click.IntRange(min=1), default=2, show_default=True, help="Processes.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of the embeddings.")
@click.option(
    "--held-out",
    type=click.IntRange(min=2),
    default=5,
    show_default=True,
    help="The error is that of every so many-th molecule.",
)
@click.option("--curve", is_flag=True, help="Print the held-out error for growing numbers of molecules, too.")
@click.option("--overwrite", is_flag=True, help="Replace the file if it exists.")
def fit_stiffness(molecules: str, **options: Any) -> None:
    """Fit the force constants of springs to the Hessians of the molecules in a list of SMILES (.smi).

    Each molecule is embedded and relaxed; both geometries give a Hessian, by finite differences of the forces. The
    error is printed for molecules that were held out; the constants that are written are fitted to all.
    """
    from molopt.cli.fitting import carry_out

    carry_out(molecules, **options)
