"""`molopt diagnose`: what the trajectory of a run shows, and what to do."""

from pathlib import Path

import click

from molopt.cli import options as option
from molopt.numbering import from_one
from molopt.signs import stage


@click.command(short_help="Say what the trajectory of a run shows, and what to do.")
@click.argument("trajectory", metavar="TRAJECTORY", type=click.Path())
@option.PROGRESS
@option.AS_JSON
@option.OVERWRITE
@click.pass_context
def diagnose(context: click.Context, trajectory: str, *, as_json: bool, overwrite: bool) -> None:
    """Say how the steps of a run fared, what holds the energy left, and what to do where a pattern is known.

    TRAJECTORY has geometries with energies and forces: a .traj of ASE, as molopt relax --trajectories writes it, or
    extended XYZ. No force call is made.
    """
    from molopt.cli.terminal import JsonList, Notes, Progress, say
    from molopt.landscapes.diagnosis.diagnosing import diagnose as diagnosed

    with Notes() as notes, Progress(), stage("reading", Path(trajectory).name):
        found = diagnosed(trajectory)
        notes.tell()
        if as_json:
            with JsonList() as listed:
                listed.add(found.as_dict())
        else:
            for line in found.lines():
                say(from_one(line))
