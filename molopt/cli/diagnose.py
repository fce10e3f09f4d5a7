"""`molopt diagnose`: what the trajectory of a run shows, and what to do."""

import shlex
import sys
from pathlib import Path

import click

from molopt.cli import options as option
from molopt.cli.files import require_absent, require_folder
from molopt.errors import InputError
from molopt.signs import stage


@click.command(short_help="Say what the trajectory of a run shows, and what to do.")
@click.argument("trajectory", metavar="TRAJECTORY", type=click.Path())
@option.write(": .html is a page, .png, .svg or .pdf a figure, .csv a row a call.", required=False)
@option.CHARGE
@option.SPIN
@option.NAME
@option.PROGRESS
@option.AS_JSON
@option.OVERWRITE
@click.pass_context
def diagnose(
    context: click.Context,
    trajectory: str,
    *,
    write: str | None,
    charge: int | None,
    spin: int | None,
    name: str | None,
    as_json: bool,
    overwrite: bool,
) -> None:
    """Say how the steps of a run fared, what holds the energy left, and what to do where a pattern is known.

    TRAJECTORY has geometries with energies and forces, of any program: a .traj of ASE, extended XYZ. What molopt relax
    --trajectories writes also says what each step promised, and what the optimizer remembered. No force call is made.

    Known patterns are a zig-zag, steps that are all capped, memory against the gradient, a plateau, a noise floor, a
    ridge ahead, and a bond about to break.

    Exits with 0 when the run shows none of them, with 1 when it does, and with 2 when the input is bad.
    """
    from molopt.cli.log import current
    from molopt.cli.terminal import JsonList, Notes, Progress, say
    from molopt.landscapes.diagnosis.diagnosing import diagnose as diagnosed
    from molopt.landscapes.diagnosis.writing import as_dict, kind_of
    from molopt.landscapes.diagnosis.writing import write as write_file
    from molopt.numbering import FIRST, from_one

    path = None if write is None else Path(write)
    if path is not None:
        kind_of(path)
        require_folder(path.parent, "--write")
        if not path.parent.is_dir():
            raise InputError(f"the folder {path.parent} does not exist: create it, or give another --write")
        require_absent([path], overwrite, "--write")
    with Notes() as notes, Progress():
        with stage("reading", Path(trajectory).name):
            found = diagnosed(trajectory, charge=charge, spin=spin, name=name)
        notes.tell()
        if path is not None:
            with stage("drawing", found.name):
                write_file(found, path, shlex.join(["molopt", *sys.argv[1:]]))
            current().write("written", {"files": [path]})
        if as_json:
            with JsonList() as listed:
                listed.add(as_dict(found, FIRST))
        else:
            for line in found.lines():
                say(from_one(line))
            if path is not None:
                say(f"written to {path}")
    context.exit(1 if found.advice else 0)
