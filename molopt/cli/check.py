"""`molopt check`: whether geometries are minima, whatever program relaxed them."""

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from molopt.cli.files import require_absent, require_folder
from molopt.cli.options import AS_JSON, CHARGE, NAME, OVERWRITE, PROGRESS, SOLVENT, SPIN, in_solvent
from molopt.errors import PotentialFailed
from molopt.naming import Stems

if TYPE_CHECKING:
    from molopt.checked import Check
    from molopt.molecules import Molecule


class Job(NamedTuple):
    """A geometry, and the files that its imaginary modes would fill."""

    molecule: "Molecule"
    folder: Path
    stem: str

    def animation(self, number: int) -> Path:
        """Of a mode, counted from 1."""
        return self.folder / f"{self.stem}_mode{number}.xyz"


@click.command(short_help="Distinguish minima from saddles; frequencies and thermochemistry.")
@click.argument("sources", metavar="FILE|NAME...", nargs=-1, required=True)
@click.option("--potential", default="mmff94", show_default=True, help="A name, or package.module:factory.")
@SOLVENT
@CHARGE
@SPIN
@NAME
@click.option("--fmax", type=float, default=0.05, show_default=True, help="Stationary below this force, eV/A.")
@click.option("--frequencies", is_flag=True, help="Compute all, and thermochemistry: 6 force calls per atom.")
@click.option("--temperature", type=float, default=298.15, show_default=True, help="K.")
@click.option("--pressure", type=float, default=101325.0, show_default=True, help="Pa.")
@click.option("--symmetry-number", type=int, help="Rotational.  [default: that of the geometry]")
@click.option("--even-if-not-a-minimum", is_flag=True, help="Thermochemistry of saddles too, and of any geometry.")
@click.option(
    "--displacement", type=float, help="Displacement of an atom, A; larger for noisy forces.  [default: 0.0025]"
)
@click.option("--workers", type=int, default=1, show_default=True, help="Processes for the force calls of frequencies.")
@click.option("--out", type=click.Path(), default=".", help="Folder for imaginary modes.  [default: here]")
@PROGRESS
@AS_JSON
@OVERWRITE
@click.pass_context
def check(
    ctx: click.Context,
    sources: Sequence[str],
    *,
    potential: str,
    solvent: str | None,
    charge: int | None,
    spin: int | None,
    name: str | None,
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
) -> None:
    """Say what geometries are: minima, saddles, or not stationary.

    A few force calls estimate the lowest curvature. With --frequencies all wavenumbers are computed, and the
    thermochemistry of minima; each imaginary mode is written as an animation, NAME_mode1.xyz and so on.

    Geometries come from the files that molopt relax reads, whatever program wrote them; of an XYZ file with several
    structures, each is checked.

    Exits with 0 when all are minima (or flat, or could not be checked), with 1 when one is a saddle or not stationary,
    and with 2 when the input is bad.
    """
    from molopt import checking
    from molopt.cli import events
    from molopt.cli.inputs import ahead, molecules
    from molopt.cli.log import current
    from molopt.cli.terminal import JsonList, Notes, Progress, say
    from molopt.molecules.molecule import SEED
    from molopt.stationary.frequencies import STEP
    from molopt.stationary.thermochemistry import Conditions
    from molopt.system import require_agreement, require_potentials

    potential = in_solvent(potential, solvent)
    displacement = STEP if displacement is None else displacement
    checking.require_numbers(fmax, displacement, workers)
    Conditions(temperature, pressure, symmetry_number)
    folder = Path(out or ".")
    require_folder(folder)
    with Notes() as notes, Progress():
        stems = Stems()

        def prepared(molecule: "Molecule") -> Job:
            require_agreement(molecule, potential)
            require_potentials(molecule, [potential])
            job = Job(molecule, folder, stems.new(molecule.name))
            if frequencies:
                require_absent([job.animation(1)], overwrite)
            return job

        def checked(job: Job) -> "Check":
            return checking.check(
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
            )

        passed = []
        with JsonList() if as_json else nullcontext() as listed:
            log = current()
            for job in ahead(map(prepared, molecules(sources, charge, spin, SEED, potential, name))):
                log.write("begun", {"molecule": job.molecule.name, "potential": potential})
                try:
                    found = checked(job)
                except PotentialFailed as error:
                    failed = {"name": job.molecule.name, "error": " ".join(str(error).split())}
                    notes.tell()
                    log.write("failed", {"molecule": job.molecule.name, "reason": failed["error"]})
                    say("{name}: {error}\n".format(**failed)) if listed is None else listed.add(failed)
                    passed.append(False)
                    continue
                written = animated(found, job)
                notes.tell()
                log.write("ended", events.checked(found, job.molecule.name))
                if written:
                    log.write("written", {"files": written})
                show(found, written) if listed is None else listed.add(found.as_dict())
                passed.append(found.verdict.converged)
    ctx.exit(0 if all(passed) else 1)


def animated(found: "Check", job: Job) -> list[Path]:
    """The files of its imaginary modes, written."""
    import ase.io
    import numpy as np

    if found.frequencies is None:
        return []
    written = []
    for mode in np.flatnonzero(found.frequencies.imaginary).tolist():
        job.folder.mkdir(parents=True, exist_ok=True)
        ase.io.write(job.animation(mode + 1), found.animation(mode), format="extxyz")
        written.append(job.animation(mode + 1))
    return written


def show(found: "Check", written: Sequence[Path]) -> None:
    """Print the table; names in it cannot become control sequences, or lines of their own."""
    from molopt.cli.terminal import say

    for line in str(found).splitlines():
        say(line)
    for path in written:
        say(f"imaginary mode written to {path}")
    say("")
