"""What `molopt report` does, once its options are read."""

from pathlib import Path

import click

from molopt.cli.files import require_folder
from molopt.comparison.study import Study
from molopt.errors import InputError
from molopt.report.study import write_report

REPORT = "report.html"


def carry_out(study: str, to: str | None, against: str | None) -> None:
    folder = Path(study)
    path = Path(to) if to else folder / REPORT
    require_folder(path.parent)
    if not path.parent.is_dir():
        raise InputError(f"the folder {path.parent} is not there: make it, or give another --to")
    with Study.open(folder) as opened:
        remarks = write_report(opened, path, against)
    for remark in remarks:
        click.echo(f"note: {remark}", err=True)
    click.echo(f"The report is {path}")
