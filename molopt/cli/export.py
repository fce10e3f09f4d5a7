"""`molopt export`: the runs of a study as a table for other programs."""

import click


@click.command(short_help="Write the runs of a study as CSV.")
@click.argument("study", type=click.Path())
@click.option("--to", "to", type=click.Path(), required=True, help="The file to write.")
@click.option("--overwrite", is_flag=True, help="Replace a file that exists.")
def export(study: str, to: str, overwrite: bool) -> None:
    """Write the finished runs of a study as CSV, one row a run, whether it still goes on or not.

    STUDY is a folder that molopt compare wrote. Energies are in eV, forces in eV/A, times in seconds, with all their
    digits; a cell is empty where a value is not known. Text is as it was read: in a spreadsheet, where text that begins
    with = + - or @ is a formula, import it as text.
    """
    from molopt.cli.exporting import carry_out

    carry_out(study, to, overwrite)
