"""`molopt lab`: what is said of optimizers, examined."""

from collections.abc import Sequence
from pathlib import Path

import click

from molopt.cli import options as option
from molopt.cli.files import require_empty
from molopt.errors import InputError
from molopt.signs import stage

FOLDER = "molopt-lab"


@click.command(short_help="Examine what is said of optimizers, on model surfaces and on molecules.")
@click.argument("experiments", metavar="[NAME...]", nargs=-1)
@click.option("--all", "every", is_flag=True, help="Run all experiments.")
@option.seed(", and of what is drawn by chance")
@option.out(f"{FOLDER}, or {FOLDER}-NAME for one experiment")
@option.PROGRESS
@option.AS_JSON
@option.OVERWRITE
@click.pass_context
def lab(
    ctx: click.Context,
    experiments: Sequence[str],
    *,
    every: bool,
    seed: int,
    out: str | None,
    as_json: bool,
    overwrite: bool,
) -> None:
    """Run experiments on what is said of optimizers; without a name, list them.

    Each looks at its claim on a model surface and on a molecule, and prints what was measured beside what theory
    predicts. The folder gets each figure as SVG and PNG, its data as CSV, and a page, lab.html, on which paths can be
    played.

    An experiment of your own is named as package.module:attribute (docs/guide/lab.md).

    Exits with 0 when the experiments were run, whether or not a claim held, and with 2 when the input is bad.
    """
    from molopt.landscapes.experiments import NAMES, experiment

    if every and experiments:
        raise InputError(f"--all runs every experiment: leave out {', '.join(experiments)}, or --all")
    if seed < 0:
        raise InputError(f"--seed must be zero or positive, got {seed}")
    if not (experiments or every):
        listed(as_json)
        return
    from contextlib import nullcontext

    from molopt.cli.terminal import JsonList, Progress, say
    from molopt.naming import safe
    from molopt.report.lab_files import PAGE, write_figures, write_lab_page
    from molopt.report.lab_table import as_plain, lines

    asked = [experiment(name) for name in dict.fromkeys(NAMES if every else experiments)]
    folder = Path(out or (f"{FOLDER}-{safe(asked[0].name)}" if len(asked) == 1 else FOLDER))
    require_empty(folder, overwrite)
    folder.mkdir(parents=True, exist_ok=True)  # before work that could not be kept
    findings = []
    with Progress(), JsonList() if as_json else nullcontext() as printed:
        for one in asked:
            with stage("running", one.name):
                finding = one.run(seed)
            findings.append(finding)
            with stage("drawing", one.name):
                write_figures(folder, finding)
            if printed is not None:
                printed.add(as_plain(finding))
                continue
            for line in lines(finding):
                say(line)
        command = f"molopt lab {'--all' if every else ' '.join(experiments)} --seed {seed}"
        write_lab_page(folder / PAGE, findings, command)
    if not as_json:
        held = sum(finding.holds for finding in findings)
        say(f"{held} of {len(findings)} hold as stated; figures, data and {PAGE} are in {folder}")


def listed(as_json: bool) -> None:
    """Print the experiments and their claims."""
    from molopt.cli.terminal import JsonList, console
    from molopt.landscapes.experiments import NAMES, experiment

    found = [experiment(name) for name in NAMES]
    if as_json:
        with JsonList() as printed:
            for one in found:
                printed.add({"name": one.name, "title": one.title, "claim": one.claim})
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("name", no_wrap=True)
    table.add_column("claim")
    for one in found:
        table.add_row(one.name, one.claim)
    console().print(table)
