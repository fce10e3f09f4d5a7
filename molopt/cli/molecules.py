"""`molopt molecules`: what ships."""

import click

from molopt.cli.options import AS_JSON


@click.command(short_help="List the molecules that come with molopt.")
@AS_JSON
def molecules(as_json: bool) -> None:
    """List the molecules that come with molopt; each can be named in place of a file."""
    from molopt.cli.terminal import JsonList
    from molopt.report.shipped import shipped_rows, shipped_table

    if not as_json:
        from rich.console import Console

        Console(highlight=False).print(shipped_table(shipped_rows()))
        return
    with JsonList() as listed:
        for row in shipped_rows():
            listed.add(row._asdict())
