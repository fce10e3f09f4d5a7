"""What `molopt export` does, once its options are read."""

from pathlib import Path

import click

from molopt.cli.files import require_absent
from molopt.comparison.export import write_csv
from molopt.comparison.study import RUNS
from molopt.errors import InputError
from molopt.store import Store


def carry_out(study: str, to: str, overwrite: bool) -> None:
    folder, path = Path(study), Path(to)
    if not (folder / RUNS).is_file():
        raise InputError(f"{folder} is not a study, it holds no {RUNS}: give a folder that molopt compare --out wrote")
    require_absent([path], overwrite, "--to")
    if path.resolve() == (folder / RUNS).resolve():
        raise InputError(f"{path} is the study itself: give another --to")
    with Store(folder / RUNS) as store:
        written = write_csv(store.records(), path)
    click.echo(f"{written} {'run is' if written == 1 else 'runs are'} in {path}")
