"""`molopt report`: a study as one page."""

import click


@click.command(short_help="Write the report of a study: one HTML file.")
@click.argument("study", type=click.Path())
@click.option(
    "--to",
    "to",
    type=click.Path(),
    help="The file to write; one that ends in .md has the tables alone.  [default: STUDY/report.html]",
)
@click.option("--against", help="The optimizer that ratios are relative to.  [default: sella or bfgs]")
@click.option("--overwrite", is_flag=True, help="Replace a file that --to names and that exists.")
def report(study: str, to: str | None, against: str | None, overwrite: bool) -> None:
    """Write the report of a study, whether it still goes on or not.

    STUDY is a folder that molopt compare wrote. The report is one HTML file with tables, figures and every molecule in
    3D; it fetches nothing, and can be mailed.
    """
    from molopt.cli.reporting import carry_out

    carry_out(study, to, against, overwrite)
