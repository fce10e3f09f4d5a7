"""`molopt scan`: a molecule relaxed at each value of one coordinate, or over two."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from molopt.cli import options as option
from molopt.cli.atoms import FIX, HOLD
from molopt.cli.files import require_absent, require_folder
from molopt.cli.options import SHARED, energy_limit, in_solvent
from molopt.constraining.text import atoms_and_grid, constraints
from molopt.errors import InputError
from molopt.naming import safe
from molopt.numbering import FIRST, from_one
from molopt.signs import stage

if TYPE_CHECKING:
    from molopt.molecules import Molecule
    from molopt.potentials import Counted
    from molopt.scanning.grid import Axis, Place
    from molopt.scanning.scan import Scan

MOST_LINES, MOST_REMARKS = 100, 20  # on the terminal
NUMBERED = "ATOMS|SMARTS[=FROM:TO:POINTS]"


class Files(NamedTuple):
    """What a scan writes."""

    csv: Path
    sdf: Path
    figure: Path


def common(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of `relax`."""
    for shared in reversed(SHARED):
        command = shared(command)
    return command


@click.command(short_help="Scan a bond, an angle or a dihedral, or two of them.")
@click.argument("source", metavar="FILE|SMILES|NAME")
@click.option("--bond", "bonds", metavar=NUMBERED, multiple=True, help="Scan a distance, A; atoms count from 1.")
@click.option("--angle", "angles", metavar=NUMBERED, multiple=True, help="Scan an angle, degrees.")
@click.option("--dihedral", "dihedrals", metavar=NUMBERED, multiple=True, help="Scan a dihedral, degrees.")
@click.option(
    "--from",
    "start",
    type=float,
    help="First value of a coordinate that does not say its own, as 1,2,3,4=0:360:37 does.",
)
@click.option("--to", "end", type=float, help="Last value of such a coordinate.")
@click.option("--points", type=click.IntRange(1), help="Number of its values, both ends included.")
@FIX
@HOLD
@option.potential(default="mmff94", show_default=True)
@option.OPTIMIZER
@click.option(
    "--both-ways/--one-way",
    default=True,
    help="Start each point from all its neighbours, and keep the lowest end.  [default: both-ways]",
)
@option.curvature("none")
@option.max_calls(", all points together")
@option.time_limit("the run is the whole scan, and makes no further force call then")
@click.option(
    "--figure", type=click.Choice(("png", "svg", "pdf")), default="png", show_default=True, help="Format of the figure."
)
@option.out("here")
@common
@click.pass_context
def scan(
    ctx: click.Context,
    source: str,
    *,
    bonds: Sequence[str],
    angles: Sequence[str],
    dihedrals: Sequence[str],
    start: float | None,
    end: float | None,
    points: int | None,
    fixed: Sequence[str],
    held: Sequence[str],
    potential: str,
    optimizer: str,
    both_ways: bool,
    check: str,
    max_calls: int | None,
    time_limit: float | None,
    figure: str,
    out: str,
    fmax: float,
    energy_left: str | None,
    steps: int,
    seed: int,
    solvent: str | None,
    charge: int | None,
    spin: int | None,
    name: str | None,
    as_json: bool,
    overwrite: bool,
) -> None:
    """Relax a molecule with a bond, an angle or a dihedral held at each of several values.

    Writes NAME_scan.csv, .sdf and a figure: a line, or a map where two coordinates are given.

    A coordinate is 2, 3 or 4 atoms counted from 1, as 1,2,3,4, or a SMARTS that matches one. The values are those of
    --from, --to and --points, or of the coordinate alone, as in --dihedral 1,2,3,4=0:360:37.

    Each point starts from its neighbours that are done, from all sides, and the lowest end is kept. A point that cannot
    be done is named, and the others go on. Ctrl-C, or SIGTERM, stops after the current force call and writes what there
    is.

    Exits with 0 when all points converged, with 1 when one did not, with 2 when the input is bad, and with 130 when
    interrupted.
    """
    from molopt.cli.events import at_values, scanned
    from molopt.cli.interrupts import Interrupts
    from molopt.cli.log import current
    from molopt.cli.terminal import JsonList, Notes, Progress, say
    from molopt.potentials.budget import Budget
    from molopt.scanning.scanned import Scanning

    potential = in_solvent(potential, solvent)
    folder = Path(out or ".")
    require_folder(folder)
    finishing = "finishing this force call; interrupt again to stop at once"
    with Notes() as notes, Progress() as progress, Interrupts(finishing) as interrupts:
        with stage("reading"):
            molecule = only(source, charge, spin, seed, potential, name)
        axes = axes_of(molecule, {"bond": bonds, "angle": angles, "dihedral": dihedrals}, (start, end, points))
        stem = safe(molecule.name)
        files = Files(*(folder / f"{stem}_scan.{ending}" for ending in ("csv", "sdf", figure)))
        require_absent(files, overwrite)
        count = 1
        for axis in axes:
            count *= len(axis)
        reached: set[Place] = set()
        log = current()

        def on_call(place: "Place", counted: "Counted") -> None:
            if place not in reached:
                reached.add(place)
                progress.say(f"point {len(reached)} of {count}")
                values = [axis.values[at] for axis, at in zip(axes, place, strict=True)]
                log.write("begun", at_values(molecule.name, values, potential))

        scanning = Scanning.of(
            molecule,
            axes,
            potential,
            optimizer,
            fmax,
            energy_limit(energy_left, "auto"),
            steps,
            constraints=constraints(molecule, fixed, held),
            check=None if check.lower() == "none" else check,
            budget=Budget(max_calls, time_limit, interrupts.why),
            on_call=on_call,
        )
        with interrupts.held():
            found = scanning.go(both_ways)
            progress.say("")
            for point in found:
                log.write(*scanned(molecule.name, point, potential))
            with stage("writing"):
                folder.mkdir(parents=True, exist_ok=True)
                write(found, files)
            log.write("written", {"files": files})
            notes.held = list(dict.fromkeys(notes.held))  # each run says the same of its molecule
            notes.tell()
            with JsonList() if as_json else nullcontext() as listed:
                show(found) if listed is None else listed.add(as_plain(found))
            if not as_json:
                say(f"written to {folder.resolve()}: {', '.join(path.name for path in files)}")
    ctx.exit(0 if found.converged else 1)


def only(source: str, charge: int | None, spin: int | None, seed: int, potential: str, name: str | None) -> "Molecule":
    """The one molecule of a source.

    What the name of the potential says of charge and multiplicity holds for files that say nothing of it.
    """
    from molopt.molecules.reading import called, read
    from molopt.system import require_agreement, require_potentials, said_in

    known = said_in(potential) if charge is None else None
    stream = called([(source, read(source, charge, spin, seed, known))], name)
    found = [molecule for _, molecule in islice(stream, 2)]
    if len(found) != 1:
        raise InputError(f"{source} holds {'several molecules' if found else 'no molecule'}: a scan is of one")
    require_agreement(found[0], potential)
    require_potentials(found[0], [potential])
    return found[0]


def axes_of(
    molecule: "Molecule", given: dict[str, Sequence[str]], general: tuple[float | None, float | None, int | None]
) -> "list[Axis]":
    """The coordinates and their values; bonds first, then angles, then dihedrals."""
    import numpy as np

    from molopt.constraining.choosing import Chooser
    from molopt.scanning.grid import Axis

    chooser = Chooser(molecule, FIRST)
    axes = []
    for kind, texts in given.items():
        for text in texts:
            chosen, grid = atoms_and_grid(text)
            coordinate = chooser.coordinate(chosen, kind)
            start, end, points = general if grid is None else grid
            if start is None or end is None or points is None:
                raise InputError(
                    f"the {coordinate.named(FIRST)} has no values: give --from, --to and --points, or --{kind} "
                    f"{text}=FROM:TO:POINTS"
                )
            axes.append(Axis.of(coordinate, np.linspace(start, end, checked(start, end, points)), FIRST))
    if not axes:
        raise InputError("give a coordinate to scan: --bond 1,2, --angle 1,2,3 or --dihedral 1,2,3,4")
    return axes


def checked(start: float, end: float, points: int) -> int:
    """The number of points, if values from start to end can be so many; one that is too large is no list of numbers."""
    from molopt.scanning.grid import MOST

    if not 1 <= points <= MOST:
        raise InputError(f"points must be 1 to {MOST}, got {points}")
    if (start == end) != (points == 1):
        raise InputError(f"{points} points from {start:g} to {end:g} cannot be: give another --from, --to or --points")
    return points


def write(found: "Scan", files: Files) -> None:
    """All files; atoms in them count from 1."""
    from molopt.drawing.saving import saved
    from molopt.report.figures.scan import scan_figure
    from molopt.scanning.writing import write_csv, write_sdf

    write_csv(found, files.csv, FIRST)
    write_sdf(found, files.sdf, FIRST)
    saved(scan_figure(found, FIRST), files.figure)


def as_plain(found: "Scan") -> dict[str, object]:
    """For JSON; atoms count from 1."""
    from molopt.scanning.writing import as_dict

    return as_dict(found, FIRST)


def show(found: "Scan") -> None:
    """Print a line a point, unless they are very many, then what must be said of single ones."""
    from molopt.cli.terminal import say
    from molopt.report.scan_table import headings, line, remarks, summary

    for heading in headings(found, FIRST):
        say(heading)
    for point, above in list(zip(found, found.relative.ravel().tolist(), strict=True))[:MOST_LINES]:
        say(line(point, above))
    if len(found) > MOST_LINES:
        say(f"  and {len(found) - MOST_LINES} more points, which the CSV has")
    said = [from_one(remark) for remark in remarks(found)]
    for remark in said[:MOST_REMARKS]:
        say(remark)
    if len(said) > MOST_REMARKS:
        say(f"  and {len(said) - MOST_REMARKS} more, which the CSV has")
    say(summary(found))
