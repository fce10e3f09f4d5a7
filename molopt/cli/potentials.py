"""`molopt potentials`: what gives energies and forces."""

import click

from molopt.cli.options import AS_JSON


@click.command(short_help="List the potentials that have names, and what they cost here.")
@AS_JSON
def potentials(as_json: bool) -> None:
    """List the potentials that have names: which atoms they know, and how long a force call of 22 atoms takes here.

    Any other ASE calculator is package.module:factory, with keywords as "package.module:factory?key=value"; a module
    in this folder will do. Potentials of xTB take a solvent: "gfn2-xtb?solvent=water", or --solvent water.
    """
    from molopt.cli.terminal import JsonList
    from molopt.report.potentials import potential_rows, potential_table

    if not as_json:
        from rich.console import Console

        Console(highlight=False).print(potential_table(potential_rows()))
        return
    with JsonList() as listed:
        for row in potential_rows():
            listed.add(row._asdict())
