"""An ensemble of conformers as one HTML file, which works from a mail attachment: nothing is fetched from anywhere."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from ase.data import chemical_symbols

import molopt
from molopt.columns import UNKNOWN, Cell
from molopt.ensembles.comparing import degrees, laid_on_the_first, soft_torsions
from molopt.ensembles.conformer import Round, SetAside
from molopt.ensembles.ensemble import Ensemble
from molopt.ensembles.fields import DEBYE, NAMED, Row
from molopt.ensembles.ranking import KCAL_PER_MOL
from molopt.ensembles.shapes import Shapes
from molopt.files import whole
from molopt.numbering import from_one
from molopt.report.elements import Heading, Table
from molopt.report.escaping import json_text, shown
from molopt.report.figures.conformers import ladder_figure, populations_figure
from molopt.report.figures.rmsd_map import rmsd_figure
from molopt.report.figures.roses import rose_figure
from molopt.report.figures.searching import lowest_figure, minima_figure, yields_figure
from molopt.report.frames import BYTES_PER_ATOM, deflated, packed_frames
from molopt.report.page import BUDGET, NO_LIBRARY, environment, policy, text
from molopt.report.viewer import library
from molopt.rules.partition import Array

SCRIPTS = ("theme.js", "tables.js", "packed.js", "drawing.js", "conformers.js")
ON_PAGE = (
    "number", "relative_energy", "population", "relative_free_energy", "degeneracy", "stationary", "fmax",
    "energy_left", "dipole", "radius_of_gyration", "source", "seed", "calls",
)  # fmt: skip
MOST_ROWS = 2000  # of the table
MAPPED, FITS = 250, 2_000_000  # conformers in the map of RMSD, and fits for it: some ten seconds of them
OVERLAID = 12  # conformers laid on one another
ROSES = 24  # torsions that are drawn
ASIDE = 200  # rows of what was set aside
UNSEEN = "of the embeddings would lead to a conformer that none has led to yet, by Good and Turing's estimate"


def write_ensemble_page(
    path: str | os.PathLike[str], ensemble: Ensemble, command: str = "", notes: Sequence[str] = ()
) -> list[str]:
    """Write the page of an ensemble: its conformers in a table and in 3D, its figures, and how the search went.

    The file appears whole or not at all.

    Parameters
    ----------
    path : path
    ensemble : Ensemble
    command : str
        That repeats the search.
    notes : sequence of str
        What a reader must know, beside the ensemble's own.

    Returns
    -------
    list of str
        Remarks for whoever wrote it, one line each: what the page lacks, and why.
    """
    viewer = library()
    ordered = ensemble.rows()
    drawn = ordered[: min(MOST_ROWS, int(BUDGET / (BYTES_PER_ATOM * 1.5 * max(1, len(ensemble.molecule)))))]
    remarks = [] if viewer else [NO_LIBRARY]
    if len(drawn) < len(ordered):
        remarks.append(f"the first {len(drawn)} of {len(ordered)} conformers are listed and shown in 3D")
    if len(ensemble.set_aside) > ASIDE:
        remarks.append(f"{ASIDE} of {len(ensemble.set_aside)} geometries that were set aside are listed")
    scripts = [text(name) for name in SCRIPTS]
    names, torsions = soft_torsions(ensemble.molecule)
    names = list(map(from_one, names))
    angles = degrees(ensemble.positions, torsions)
    stream = environment().get_template("ensemble.html").stream(
        title=shown(f"{ensemble.molecule.name}: {len(ensemble)} conformer{'s' * (len(ensemble) != 1)}"),
        version=molopt.__version__,
        policy=policy([*scripts, viewer.script] if viewer else scripts),
        style=text("page.css"),
        scripts=scripts,
        counts=counts(ensemble),
        facts=facts(ensemble, command),
        rows=conformer_table(ensemble, drawn),
        aside=aside_table(ensemble),
        figures=list(figures(ensemble, names, angles)),
        drawn=len(drawn),
        overlaid=min(OVERLAID, len(drawn)),
        index=json_text(index(drawn, names, angles)),
        blocks=blocks(ensemble, len(drawn)),
        library=deflated(viewer.script.encode()) if viewer else None,
        licences=viewer.licences if viewer else "",
        notes=[*notes, *ensemble.notes, *remarks],
        missing=NO_LIBRARY,
    )  # fmt: skip
    stream.enable_buffering(50)
    with whole(path) as file:
        file.writelines(stream)
    return remarks


class Drawn(NamedTuple):
    """A figure of the page, as `molopt.report.elements.Figure`, and how it is laid out."""

    title: str
    caption: str
    svg: str
    layout: str = ""


def counts(ensemble: Ensemble) -> list[tuple[str, str]]:
    """The numbers in front."""
    populations = np.sort(ensemble.populations)[::-1]
    peopled = int(np.searchsorted(np.cumsum(populations), 0.9) + 1) if populations.any() else 0
    minima = sum(verdict.stationary == "minimum" for verdict in ensemble.verdicts)
    within = "" if ensemble.window is None else f" within {ensemble.window:g} kcal/mol"
    found = [(str(len(ensemble)), f"conformers{within}"), (str(minima), "of them certified minima")]
    if len(ensemble):
        found += [
            (f"{ensemble.energies.min():.4f} eV", "the lowest"),
            (f"{100 * populations[0]:.0f} %", f"in the most populated, {ensemble.temperature:g} K"),
            (str(peopled), f"hold{'s' * (peopled == 1)} 90 % of the molecules"),
        ]
    found += [(f"{calls:,}", f"force calls, {name}") for name, calls in ensemble.force_calls.items()]
    return [(count, shown(what)) for count, what in found]


def facts(ensemble: Ensemble, command: str) -> list[tuple[str, str]]:
    molecule, averages = ensemble.molecule, ensemble.averages()
    unseen = ensemble.unseen
    said = [
        ("Command", command),
        ("Molecule", f"{molecule.smiles}, charge {molecule.charge}, multiplicity {molecule.spin}"),
        ("Ranked by", f"{'free energies' if ensemble.has_free_energies else 'energies'} of {ensemble.potential}"),
        ("Temperature", f"{ensemble.temperature:g} K"),
        ("Starts", ", ".join(f"{count} {source}" for source, count in ensemble.generated.items())),
        ("Force calls", ", ".join(f"{calls:,} {name}" for name, calls in ensemble.force_calls.items())),
        ("The search ended", ensemble.stopped),
        ("Still unseen", "" if unseen is None else f"{100 * unseen[0]:.0f} ± {100 * unseen[1]:.0f} % {UNSEEN}"),
        ("Averages", "; ".join(averaged(*averages))),
    ]
    return [(name, value) for name, value in said if value]


def averaged(energy: float | None, dipole: float | None, radius: float | None) -> Iterator[str]:
    if energy is not None:
        yield f"energy {energy:.4f} eV"
    if dipole is not None:
        yield f"dipole {dipole / DEBYE:.2f} D"
    if radius is not None:
        yield f"radius of gyration {radius:.2f} Å"


def conformer_table(ensemble: Ensemble, rows: Sequence[Row]) -> Table:
    """One row a conformer; columns of which nothing is known are left out."""
    columns = [NAMED[name].column for name in ON_PAGE]
    columns = [column for column in columns if any(column.cell(row).text != UNKNOWN for row in rows)]
    headings = [Heading(column.stacked_on_page, column.meaning) for column in columns]
    return Table("Conformers", headings, [[column.cell(row) for column in columns] for row in rows])


def aside_table(ensemble: Ensemble) -> Table:
    """What was set aside, the lowest first, each with its reason."""
    lowest = ensemble.energies.min(initial=np.inf)
    listed = sorted(ensemble.set_aside, key=lambda one: (np.isnan(one.energy), one.energy))[:ASIDE]
    rows = [[Cell(one.why), above(one, lowest), Cell(one.source)] for one in listed]
    reasons = Counter(one.why.partition(":")[0] for one in ensemble.set_aside)
    count = len(ensemble.set_aside)
    said = ", ".join(f"{number} {reason}" for reason, number in reasons.most_common(8))
    caption = f"{count} geometr{'y was' if count == 1 else 'ies were'} relaxed and not kept: {said}."
    headings = [Heading("reason"), Heading("energy (kcal/mol)", "above the lowest conformer"), Heading("source")]
    return Table("Set aside", headings, rows, caption)


def above(one: SetAside, lowest: float) -> Cell:
    height = (one.energy - lowest) / KCAL_PER_MOL
    return Cell(f"{height:.2f}", float(height)) if np.isfinite(height) else Cell(UNKNOWN)


def figures(ensemble: Ensemble, names: Sequence[str], angles: Array) -> Iterator[Drawn]:
    """Those that there is something for."""
    rows = ensemble.rows()
    if not rows:
        return
    yield Drawn(
        "Energies",
        "Each line is a conformer, under the source that found it: point at it for its number, click on it to see it.",
        ladder_figure(rows),
        "picks",
    )
    yield Drawn(
        "Populations",
        f"Boltzmann's at {ensemble.temperature:g} K, mirror images counted, in the colours of the sources; the line is "
        "their sum.",
        populations_figure(rows),
        "picks",
    )
    if names:
        more = f" The first {ROSES} of {len(names)} are drawn." if len(names) > ROSES else ""
        yield Drawn(
            "Torsions",
            "How often each soft torsion takes which angle: pale as a share of the conformers, blue of the molecules "
            f"at {ensemble.temperature:g} K; the area of a petal is its share. Atoms are counted from 1.{more}",
            roses(names[:ROSES], angles, ensemble.populations),
            "wide roses",
        )
    if len(rows) > 2:
        count = mapped(Shapes(ensemble.molecule), len(rows))
        first = f" The first {count} conformers are shown." if len(rows) > count else ""
        yield Drawn(
            "How far conformers are apart",
            "RMSD of heavy atoms and polar hydrogens, the best over rotations and exchanges of equal atoms. Conformers "
            f"that are alike stand beside each other: families are dark squares.{first}",
            rmsd_figure(ensemble[:count].rmsd(), [row.number for row in rows[:count]]),
        )
    if ensemble.rounds:
        yield from search_figures(ensemble.rounds, ensemble.potential)


def roses(names: Sequence[str], angles: Array, populations: Array) -> str:
    """The rose of each torsion, angles (S, t) in degrees."""
    drawn = enumerate(zip(names, angles.T, strict=False))
    return "".join(rose_figure(name, column, populations, f"rose{place}") for place, (name, column) in drawn)


def mapped(shapes: Shapes, count: int) -> int:
    """How many conformers the map of RMSD can have: seconds of fits, and pixels."""
    return min(count, MAPPED, max(2, int((2 * FITS / len(shapes.numberings)) ** 0.5)))


def search_figures(rounds: Sequence[Round], potential: str) -> Iterator[Drawn]:
    """How the search went."""
    yield Drawn(
        "The lowest energy so far",
        f"After each round of the search, against force calls of {potential}.",
        lowest_figure(rounds),
    )
    yield Drawn(
        "Distinct minima so far",
        f"Within the window, against force calls of {potential}, counted while the search goes on: some end in one "
        "place when what is kept is relaxed to the floor.",
        minima_figure(rounds),
    )
    if tried := rounds[-1].by_source:
        said = "Starts of each source are pale, those that led to a new conformer full."
        yield Drawn("Where conformers came from", said, yields_figure(tried))


def index(rows: Sequence[Row], names: Sequence[str], angles: Array) -> dict[str, object]:
    """What the page's script begins with: a line for each conformer, and its torsions in degrees."""
    return {
        "torsions": list(map(shown, names)),
        "conformers": [
            {"said": said(row), "torsions": [round(angle) for angle in turned.tolist()]}
            for row, turned in zip(rows, angles, strict=False)
        ],
    }


def said(row: Row) -> str:
    share = f"{100 * row.population:.1f} %"
    return f"Conformer {row.number}: {row.relative:.2f} kcal/mol, {share}, {shown(row.conformer.source)}"


def blocks(ensemble: Ensemble, count: int) -> Iterator[tuple[str, str]]:
    """What the page unpacks on use: atoms and bonds, and the conformers, laid on the lowest."""
    if not count:
        return
    molecule, shapes = ensemble.molecule, Shapes(ensemble.molecule)
    symbols = [chemical_symbols[number] for number in molecule.numbers]
    said = {"names": symbols, "bonds": molecule.bonds.tolist(), "kept": shapes.kept.tolist()}
    yield "molecule-0", deflated(json_text(said).encode())
    laid = laid_on_the_first(shapes, ensemble.positions[:count])
    axes = np.linalg.svd(laid[0, shapes.kept])[2]  # the longest lies across the drawing
    axes[2] *= np.linalg.det(axes)
    yield "run-0", packed_frames(laid @ axes.T, {})
