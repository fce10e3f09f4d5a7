"""What `molopt compare` does, once its options are read."""

from collections.abc import Sequence
from contextlib import nullcontext
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import click
from rich.console import Console
from rich.text import Text

from molopt.cli.files import Stems, require_empty, safe
from molopt.cli.inputs import ahead, molecules, require_potentials, title
from molopt.cli.options import energy_limit
from molopt.cli.terminal import JsonList, Notes, Progress
from molopt.comparison import DEFAULT_OPTIMIZERS, Case, cases, compare
from molopt.errors import MissingExtra
from molopt.molecules import Molecule
from molopt.optimizers.names import abbreviated, choose
from molopt.optimizers.stopping import check_criteria
from molopt.potentials import Counted
from molopt.potentials.xtb import tblite_calculator
from molopt.report.figure import draw
from molopt.report.labels import label
from molopt.report.table import comparison_table, remarks
from molopt.result import Result


class Job(NamedTuple):
    """A molecule and the name of its files."""

    molecule: Molecule
    stem: str


class Criteria(NamedTuple):
    """When runs end, as in `molopt.relax`."""

    fmax: float
    energy_left: float | str | None
    steps: int


class Layout:
    """Where files go: FOLDER/MOLECULE_POTENTIAL_OPTIMIZER.sdf and .traj, and FOLDER/MOLECULE.png."""

    def __init__(self, folder: Path, potentials: Sequence[str], optimizers: Sequence[str]) -> None:
        self.folder = folder
        self.potentials, self.optimizers = potentials, optimizers
        stems = Stems()
        self.parts = {name: stems.new(abbreviated(name)) for name in (*potentials, *optimizers)}

    def path(self, job: Job, potential: str, optimizer: str, ending: str) -> Path:
        return self.folder / f"{job.stem}_{self.parts[potential]}_{self.parts[optimizer]}{ending}"


def carry_out(
    sources: Sequence[str],
    *,
    potentials: Sequence[str],
    optimizers: str | None,
    fmax: float,
    energy_left: str | None,
    steps: int,
    seed: int,
    charge: int | None,
    spin: int | None,
    as_json: bool,
    out: str | None,
    overwrite: bool,
) -> None:
    """Check all input as far as it can be, then compare and write molecule by molecule."""
    criteria = Criteria(fmax, energy_limit(energy_left, None), steps)
    check_criteria(*criteria)
    names = DEFAULT_OPTIMIZERS if optimizers is None else optimizers.split(",")
    chosen = list(dict.fromkeys(choose(name).name for name in names))
    folder = Path(out) if out else Path(f"molopt-compare-{safe(title(sources[0]))}")
    require_empty(folder, overwrite)
    with Notes() as notes, Progress() as progress:
        progress.say("reading molecules")
        layout = Layout(folder, list(dict.fromkeys(potentials)) or available(notes), chosen)
        stems = Stems()

        def prepared(molecule: Molecule) -> Job:
            require_potentials(molecule, layout.potentials)
            return Job(molecule, stems.new(molecule.name))

        jobs = ahead(map(prepared, molecules(sources, charge, spin, seed)))
        folder.mkdir(parents=True, exist_ok=True)
        with JsonList() if as_json else nullcontext() as listed:
            for job in jobs:
                results = compared(job, layout, criteria, progress)
                progress.clear()
                notes.tell()
                if listed is None:
                    show(job.molecule, results, fmax)
                else:
                    for result in results:
                        listed.add(result.as_dict())
    if not as_json:
        click.echo(f"Structures, trajectories and figures are in {folder}")


def available(notes: Notes) -> list[str]:
    """The potentials that are compared by default."""
    try:
        tblite_calculator("GFN2-xTB")
    except MissingExtra as missing:
        notes.held.append(f"compared in MMFF94 alone: {missing}")
        return ["mmff94"]
    return ["mmff94", "gfn2-xtb"]


def compared(job: Job, layout: Layout, criteria: Criteria, progress: Progress) -> list[Result]:
    """All runs of one molecule; their files are written as they come."""

    def trajectory(case: Case) -> Path:
        return layout.path(job, case.potential, case.optimizer, ".traj")

    def on_call(case: Case, counted: Counted) -> None:
        progress.follow(f"{case.molecule.name} in {case.potential}", label(case.optimizer), counted)

    results = []
    plan = cases([job.molecule], layout.potentials, layout.optimizers)
    for result in compare(plan, *criteria, trajectory=trajectory, on_call=on_call):
        results.append(result)
        if result.trace and result.molecule is not None:
            layout.path(job, result.potential, result.optimizer, ".sdf").write_text(result.molecule.to_sdf())
    draw(results, layout.folder / f"{job.stem}.png", criteria.fmax)
    return results


def show(molecule: Molecule, results: Sequence[Result], fmax: float) -> None:
    """A table for each potential, and what must be said of single runs."""
    console = Console(highlight=False, markup=False, soft_wrap=False)
    for potential, group in groupby(results, key=lambda result: result.potential):
        rows = list(group)
        heading = f"{molecule.name}: {len(molecule)} atoms in {potential}, to fmax {fmax:g} eV/A"
        console.print(Text(heading, style="bold"))
        console.print(comparison_table(rows))
        for result in rows:
            for remark in remarks(result):
                console.print(f"{label(result.optimizer)}: {remark}")
        console.print()
