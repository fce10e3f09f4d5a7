"""`molopt export`: the runs of a study as a table for other programs."""

from pathlib import Path

import click

from molopt.cli import options as option
from molopt.cli.files import require_absent
from molopt.errors import InputError
from molopt.signs import counted, stage


@click.command(short_help="Write the runs of a study as CSV.")
@click.argument("study", type=click.Path())
@option.write(": CSV.")
@option.OVERWRITE
@option.PROGRESS
def export(study: str, write: str, overwrite: bool) -> None:
    """Write the finished runs of a study as CSV, one row per run, whether or not the study is still running.

    STUDY is a folder that molopt compare wrote. Energies are in eV, forces in eV/A, times in seconds, with all their
    digits; a cell is empty where a value is not known. Text is as it was read: in a spreadsheet, where text that begins
    with = + - or @ is a formula, import it as text.
    """
    from molopt.cli.log import current
    from molopt.cli.terminal import Progress, say
    from molopt.comparison.export import write_csv
    from molopt.comparison.study import RUNS
    from molopt.store import Store

    folder, path = Path(study), Path(write)
    if not (folder / RUNS).is_file():
        raise InputError(f"{folder} is not a study, it has no {RUNS}: give a folder that molopt compare --out wrote")
    require_absent([path], overwrite, "--write")
    if path.resolve() == (folder / RUNS).resolve():
        raise InputError(f"{path} is the study itself: give another --write")
    with Progress(), Store(folder / RUNS) as store, stage("writing", path.name, of=len(store)):
        written = write_csv(counted(store.records()), path)
    current().write("written", {"files": [path]})
    say(f"{written} {'run is' if written == 1 else 'runs are'} in {path}")
