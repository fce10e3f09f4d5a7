"""What `molopt report` does, once its options are read."""

from pathlib import Path

from molopt.cli.files import require_absent, require_folder
from molopt.cli.terminal import say
from molopt.comparison.study import Study
from molopt.errors import InputError
from molopt.report.study import write_report, write_tables

REPORT = "report.html"


def carry_out(study: str, to: str | None, against: str | None, overwrite: bool) -> None:
    folder = Path(study)
    path = Path(to) if to else folder / REPORT
    with Study.open(folder) as opened:
        require_folder(path.parent, "--to")
        if not path.parent.is_dir():
            raise InputError(f"the folder {path.parent} is not there: make it, or give another --to")
        require_absent([path], overwrite or to is None, "--to")
        if path.suffix == ".md":
            write_tables(opened, path, against)
            remarks = []
        else:
            remarks = write_report(opened, path, against)
    for remark in remarks:
        say(f"note: {remark}", err=True)
    say(f"The report is {path}")
