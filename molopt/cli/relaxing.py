"""What `molopt relax` does, once its options are read."""

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple

import ase.io

from molopt.cli.files import Stems, require_absent, require_folder
from molopt.cli.inputs import ahead, molecules, require_agreement, require_potentials
from molopt.cli.interrupts import Interrupts
from molopt.cli.options import energy_limit
from molopt.cli.terminal import JsonList, Notes, Progress, say
from molopt.molecules import Molecule
from molopt.optimizers.asked import Asked
from molopt.optimizers.names import choose
from molopt.optimizers.stopping import check_criteria
from molopt.potentials import Counted
from molopt.potentials.budget import Budget
from molopt.potentials.progress import Progress as Gains
from molopt.report.fields import sdf_fields
from molopt.report.labels import label
from molopt.report.table import HEADINGS, remarks, row
from molopt.result import Result
from molopt.run import Run
from molopt.schema import Outcome


class Job(NamedTuple):
    """A molecule and the files that it will fill."""

    molecule: Molecule
    sdf: Path
    xyz: Path
    traj: Path


def carry_out(
    sources: Sequence[str],
    *,
    potential: str,
    optimizer: str,
    fmax: float,
    energy_left: str | None,
    coordinates: str | None,
    surrogate: str,
    check: str,
    steps: int,
    max_calls: int | None,
    time_limit: float | None,
    seed: int,
    charge: int | None,
    spin: int | None,
    as_json: bool,
    out: str,
    overwrite: bool,
) -> bool:
    """Check all input as far as it can be, then relax and write one molecule after the other.

    Returns whether all converged; KeyboardInterrupt where the user ended it, once all that there is has been written.
    """
    limit = energy_limit(energy_left, "auto")
    check_criteria(fmax, limit, steps)
    Asked.of(check)
    Budget(max_calls, time_limit)
    choice = choose(optimizer, coordinates, surrogate)
    name, check = choice.name, choice.check or check
    folder = Path(out)
    require_folder(folder)
    finishing = "finishing this force call; interrupt again to end at once"
    with Notes() as notes, Progress() as progress, Interrupts(finishing) as interrupts:
        progress.say("reading molecules")
        stems = Stems()

        def prepared(molecule: Molecule) -> Job:
            require_agreement(molecule, potential)
            require_potentials(molecule, [potential])
            stem = stems.new(molecule.name)
            job = Job(molecule, *(folder / f"{stem}_relaxed{ending}" for ending in (".sdf", ".xyz", ".traj")))
            require_absent(job[1:], overwrite)
            return job

        jobs = ahead(map(prepared, molecules(sources, charge, spin, seed, potential)))
        folder.mkdir(parents=True, exist_ok=True)

        def relaxed(job: Job) -> Result:
            def on_call(counted: Counted) -> None:
                progress.follow(job.molecule.name, label(name), counted)

            budget = Budget(max_calls, time_limit, interrupts.why)
            criteria = (fmax, limit, steps)
            run = Run(job.molecule, name, potential, *criteria, on_call, check=check, budget=budget, progress=Gains())
            run.go(trajectory=job.traj)
            return run.result()

        converged = []
        if not as_json:
            say(HEADINGS)
        try:
            with JsonList() if as_json else nullcontext() as listed:
                for job in jobs:
                    with interrupts.held():
                        result = relaxed(job)
                        write(result, job)
                        progress.clear()
                        notes.tell()
                        show(result) if listed is None else listed.add(result.as_dict())
                        converged.append(result.converged)
        finally:
            progress.clear()
            if not as_json and converged:
                say(f"{sum(converged)} of {len(converged)} converged; written to {folder.resolve()}")
    return all(converged)


def write(result: Result, job: Job) -> None:
    """The geometry of the result, if its forces are known."""
    if result.trace and result.molecule is not None:
        job.sdf.write_text(result.molecule.to_sdf(sdf_fields(Outcome.of(result))), encoding="utf-8")
        atoms = result.atoms.copy()
        atoms.calc = result.atoms.calc
        atoms.info["name"] = result.name.replace("\\", "\\\\")  # ASE reads escapes and writes none; SMILES have them
        ase.io.write(job.xyz, atoms, format="extxyz")


def show(result: Result) -> None:
    say(row(result))
    for remark in remarks(result):
        say(f"  {remark}")
