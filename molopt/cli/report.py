"""`molopt report`: a study as one page."""

from pathlib import Path

import click

from molopt.cli import options as option
from molopt.cli.files import require_absent, require_folder
from molopt.errors import InputError
from molopt.signs import stage

REPORT = "report.html"


@click.command(short_help="Write the report of a study: one HTML file.")
@click.argument("study", type=click.Path())
@option.write("; one that ends in .md has the tables alone.  [default: STUDY/report.html]", required=False)
@click.option("--against", help="The optimizer that ratios are relative to.  [default: sella or bfgs]")
@option.OVERWRITE
@option.PROGRESS
def report(study: str, write: str | None, against: str | None, overwrite: bool) -> None:
    """Write the report of a study, whether or not the study is still running.

    STUDY is a folder that molopt compare wrote. The report is one HTML file with tables, figures and every molecule in
    3D; it fetches nothing, and can be mailed.
    """
    from molopt.cli.log import current
    from molopt.cli.terminal import Notes, Progress, say
    from molopt.comparison.study import Study
    from molopt.report.study import write_report, write_tables

    folder = Path(study)
    path = Path(write) if write else folder / REPORT
    with Notes() as notes, Progress(), stage("drawing", folder.name), Study.open(folder) as opened:
        require_folder(path.parent, "--write")
        if not path.parent.is_dir():
            raise InputError(f"the folder {path.parent} does not exist: create it, or give another --write")
        require_absent([path], overwrite or write is None, "--write")
        if path.suffix == ".md":
            write_tables(opened, path, against)
        else:
            notes.held += write_report(opened, path, against)
        notes.tell()
    current().write("written", {"files": [path]})
    say(f"The report is {path}")
