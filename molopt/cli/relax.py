"""`molopt relax`: molecules to the bottom of their wells."""

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from molopt.cli.atoms import FIX, HOLD, constraints
from molopt.cli.files import Stems, require_absent, require_folder
from molopt.cli.options import energy_limit, in_solvent, shared
from molopt.optimizers.registry import COORDINATES, optimizer_names

if TYPE_CHECKING:
    from molopt.molecules import Molecule
    from molopt.potentials import Counted
    from molopt.result import Result


class Job(NamedTuple):
    """A molecule and the files that it will fill."""

    molecule: "Molecule"
    sdf: Path
    xyz: Path
    traj: Path
    constraints: list[Any]


OPTIMIZER = f'One of {", ".join(optimizer_names())}; with arguments as "adam?lr=0.02".'


@click.command(short_help="Relax molecules, and write their structures.")
@shared()
@click.option("--potential", default="mmff94", show_default=True, help="A name, or package.module:factory.")
@click.option("--optimizer", default="default", show_default=True, help=OPTIMIZER)
@click.option(
    "--coordinates",
    type=click.Choice(COORDINATES),
    help="Coordinates of an optimizer of molopt, unless its name gives them.",
)
@click.option(
    "--surrogate",
    default="auto",
    show_default=True,
    help="A cheap potential that guides an optimizer of molopt: auto, none, or a name such as mmff94, uff, gfn1-xtb.",
)
@click.option(
    "--check",
    default="auto",
    show_default=True,
    help="Whether a run checks its softest direction before it ends: auto (leaves a saddle), report (names a saddle "
    'and stays there) or none; "auto?calls=12&pushes=5" replaces the limits of 8 force calls per check and 3 pushes.',
)
@FIX
@HOLD
@click.option("--max-calls", type=int, help="Maximum number of force calls per run.")
@click.option("--time-limit", type=float, help="Seconds after which a run makes no further force call.")
@click.option("--out", type=click.Path(), default=".", help="Folder for all output files.  [default: here]")
@click.pass_context
def relax(
    ctx: click.Context,
    sources: Sequence[str],
    *,
    potential: str,
    optimizer: str,
    fmax: float,
    energy_left: str | None,
    coordinates: str | None,
    surrogate: str,
    check: str,
    fixed: Sequence[str],
    held: Sequence[str],
    steps: int,
    max_calls: int | None,
    time_limit: float | None,
    seed: int,
    solvent: str | None,
    charge: int | None,
    spin: int | None,
    as_json: bool,
    out: str,
    overwrite: bool,
) -> None:
    """Relax molecules until no force is larger than --fmax and almost no energy is left above the minimum.

    Writes NAME_relaxed.sdf, .xyz and .traj.

    A molecule is a file (.sdf, .mol, .xyz, .smi), a folder of such files, the name of a shipped molecule (molopt
    molecules lists them) or a SMILES. The SDF keeps bonds, charge and stereo, the XYZ has energy and forces, the
    trajectory has every step; ASE and RDKit read all three.

    A run does not end before its softest direction has been checked: one that arrived at a saddle leaves it. The column
    "end" says what the end is; energy left has a "?" where the curvature was not checked.

    A run that does not converge gives its lowest geometry. Ctrl-C, or SIGTERM, stops the current run after its force
    call, writes what there is, and ends the command. A second one stops it at once.

    Exits with 0 when all molecules converged, with 1 when one did not or is still on a saddle, with 2 when the input is
    bad, and with 130 when interrupted.
    """
    from molopt.cli.inputs import ahead, molecules
    from molopt.cli.interrupts import Interrupts
    from molopt.cli.terminal import JsonList, Notes, Progress, say
    from molopt.optimizers.spec import OptimizerSpec
    from molopt.optimizers.stopping import check_criteria
    from molopt.potentials.budget import Budget
    from molopt.potentials.progress import Progress as Gains
    from molopt.report.labels import label
    from molopt.report.table import HEADINGS
    from molopt.run import Run
    from molopt.system import require_agreement, require_potentials

    potential = in_solvent(potential, solvent)
    limit = energy_limit(energy_left, "auto")
    check_criteria(fmax, limit, steps)
    Budget(max_calls, time_limit)
    spec = OptimizerSpec.of(optimizer, coordinates).guided_by(surrogate)
    request, shown = spec.checked_by(check), label(str(spec))
    folder = Path(out)
    require_folder(folder)
    finishing = "finishing this force call; interrupt again to stop at once"
    with Notes() as notes, Progress() as progress, Interrupts(finishing) as interrupts:
        progress.say("reading molecules")
        stems = Stems()

        def prepared(molecule: "Molecule") -> Job:
            require_agreement(molecule, potential)
            require_potentials(molecule, [potential])
            stem = stems.new(molecule.name)
            held_there = constraints(molecule, fixed, held)
            sdf, xyz, traj = (folder / f"{stem}_relaxed{ending}" for ending in (".sdf", ".xyz", ".traj"))
            require_absent((sdf, xyz, traj), overwrite)
            return Job(molecule, sdf, xyz, traj, held_there)

        jobs = ahead(map(prepared, molecules(sources, charge, spin, seed, potential)))
        folder.mkdir(parents=True, exist_ok=True)

        def relaxed(job: Job) -> "Result":
            def on_call(counted: "Counted") -> None:
                progress.follow(job.molecule.name, shown, counted)

            budget = Budget(max_calls, time_limit, interrupts.why)
            criteria = (fmax, limit, steps, on_call, request, budget, Gains())
            run = Run(job.molecule, spec, potential, *criteria, constraints=job.constraints)
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
    ctx.exit(0 if all(converged) else 1)


def write(result: "Result", job: Job) -> None:
    """The geometry of the result, if its forces are known."""
    import ase.io

    from molopt.report.fields import sdf_fields
    from molopt.schema import Outcome

    if result.trace and result.molecule is not None:
        job.sdf.write_text(result.molecule.to_sdf(sdf_fields(Outcome.of(result))), encoding="utf-8")
        atoms = result.atoms.copy()
        atoms.calc = result.atoms.calc
        atoms.info["name"] = result.name.replace("\\", "\\\\")  # ASE reads escapes and writes none; SMILES have them
        ase.io.write(job.xyz, atoms, format="extxyz")


def show(result: "Result") -> None:
    from molopt.cli.terminal import say
    from molopt.report.table import remarks, row
    from molopt.schema import Outcome

    outcome = Outcome.of(result)
    say(row(result.name, outcome))
    for remark in remarks(outcome):
        say(f"  {remark}")
