"""What `molopt check` does, once its options are read."""

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple

import ase.io
import click
import numpy as np

from molopt.checked import Check
from molopt.checking import check, require_numbers
from molopt.cli.files import Stems, require_absent, require_folder
from molopt.cli.inputs import ahead, molecules, require_agreement, require_potentials
from molopt.cli.terminal import JsonList, Notes, Progress, say
from molopt.errors import PotentialFailed
from molopt.molecules import Molecule
from molopt.molecules.molecule import SEED
from molopt.stationary.frequencies import STEP
from molopt.stationary.thermochemistry import Conditions


class Job(NamedTuple):
    """A geometry, and the files that its imaginary modes would fill."""

    molecule: Molecule
    folder: Path
    stem: str

    def animation(self, number: int) -> Path:
        """Of a mode, counted from 1."""
        return self.folder / f"{self.stem}_mode{number}.xyz"


def carry_out(
    sources: Sequence[str],
    *,
    potential: str,
    charge: int | None,
    spin: int | None,
    fmax: float,
    frequencies: bool,
    temperature: float,
    pressure: float,
    symmetry_number: int | None,
    even_if_not_a_minimum: bool,
    displacement: float | None,
    workers: int,
    out: str,
    as_json: bool,
    overwrite: bool,
) -> bool:
    """Check all input as far as it can be, then one geometry after the other.

    Returns whether none is a saddle, and all are stationary.
    """
    displacement = STEP if displacement is None else displacement
    require_numbers(fmax, displacement, workers)
    Conditions(temperature, pressure, symmetry_number)
    folder = Path(out)
    require_folder(folder)
    with Notes() as notes, Progress() as progress:
        progress.say("reading geometries")
        stems = Stems()

        def prepared(molecule: Molecule) -> Job:
            require_agreement(molecule, potential)
            require_potentials(molecule, [potential])
            job = Job(molecule, folder, stems.new(molecule.name))
            if frequencies:
                require_absent([job.animation(1)], overwrite)
            return job

        def checked(job: Job) -> Check:
            return check(
                job.molecule,
                potential,
                frequencies,
                fmax=fmax,
                temperature=temperature,
                pressure=pressure,
                symmetry_number=symmetry_number,
                even_if_not_a_minimum=even_if_not_a_minimum,
                displacement=displacement,
                workers=workers,
                on_call=lambda calls: progress.say(f"force call {calls}, {job.molecule.name}"),
            )

        passed = []
        with JsonList() if as_json else nullcontext() as listed:
            for job in ahead(map(prepared, molecules(sources, charge, spin, SEED, potential))):
                try:
                    found = checked(job)
                except PotentialFailed as error:
                    failed = {"name": job.molecule.name, "error": " ".join(str(error).split())}
                    progress.clear()
                    notes.tell()
                    say("{name}: {error}\n".format(**failed)) if listed is None else listed.add(failed)
                    passed.append(False)
                    continue
                written = animated(found, job)
                progress.clear()
                notes.tell()
                show(found, written) if listed is None else listed.add(found.as_dict())
                passed.append(found.verdict.converged)
    return all(passed)


def animated(found: Check, job: Job) -> list[Path]:
    """The files of its imaginary modes, written."""
    if found.frequencies is None:
        return []
    written = []
    for mode in np.flatnonzero(found.frequencies.imaginary).tolist():
        job.folder.mkdir(parents=True, exist_ok=True)
        ase.io.write(job.animation(mode + 1), found.animation(mode), format="extxyz")
        written.append(job.animation(mode + 1))
    return written


def show(found: Check, written: Sequence[Path]) -> None:
    """The table; names cannot become control sequences, or lines of their own."""
    for line in str(found).splitlines():
        say(line)
    for path in written:
        say(f"imaginary mode written to {path}")
    click.echo()
