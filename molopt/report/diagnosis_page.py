"""The diagnosis of a run as one HTML file, which fetches nothing."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

import molopt
from molopt.columns import UNKNOWN, Cell
from molopt.files import whole
from molopt.landscapes.diagnosis.diagnosis import CLEAN, Diagnosis
from molopt.numbering import from_one
from molopt.report.elements import Heading, Table
from molopt.report.escaping import json_text, shown
from molopt.report.figures.diagnosis import diagnosis_figures
from molopt.report.page import environment, policy, text
from molopt.rules.partition import Array

SCRIPTS = ("theme.js", "tables.js")


class Column(NamedTuple):
    """Of the table of calls."""

    heading: str
    values: Array
    scale: float
    digits: int
    meaning: str = ""

    def cell(self, place: int) -> Cell:
        value = float(self.values[place]) * self.scale
        return Cell(f"{value:.{self.digits}f}", value) if np.isfinite(value) else Cell(UNKNOWN)


def write_diagnosis_page(path: Path, diagnosis: Diagnosis, command: str = "") -> None:
    """Write the page: advice, facts, figures, and a table of the calls. It appears whole, or not at all."""
    scripts = [text(name) for name in SCRIPTS]
    calls = diagnosis.calls
    facts = [(heading, from_one(fact)) for heading, fact in diagnosis.facts()]
    stream = environment().get_template("diagnosis.html").stream(
        title=shown(f"Diagnosis of {diagnosis.named}"),
        version=molopt.__version__,
        policy=policy(scripts),
        style=text("page.css"),
        scripts=scripts,
        counts=[
            (str(len(calls)), "force calls"),
            (f"{calls.energy[-1] - calls.energy[0]:.4f} eV", "change of the energy"),
            (f"{calls.fmax[-1]:.3g} eV/Å", "fmax at the end"),
            *([(f"{1e3 * calls.left[-1]:.3g} meV", "left at the end")] if diagnosis.shares else []),
            (str(len(diagnosis.advice)), "known patterns"),
        ],
        advice=[
            one._replace(evidence=capital(from_one(one.evidence)), remedy=capital(one.remedy))
            for one in diagnosis.advice
        ],
        clean=capital(CLEAN),
        figures=diagnosis_figures(diagnosis),
        table=table(diagnosis),
        facts=[*facts, *([("Command", command)] if command else [])],
        drawing="" if diagnosis.molecule is None else diagnosis.molecule.to_svg(),
        index=json_text({}),
        blocks=[],
        library=None,
        licences="",
        missing="",
    )  # fmt: skip
    with whole(path) as file:
        file.writelines(stream)


def table(diagnosis: Diagnosis) -> Table:
    """A row a call; columns of which nothing is known are left out."""
    calls = diagnosis.calls
    columns = [
        Column("energy (eV)", calls.energy, 1, 5),
        Column("fmax (eV/Å)", calls.fmax, 1, 4),
        Column("left (meV)", calls.left, 1e3, 2, "energy above the floor of the basin, as estimated"),
        Column("longest (Å)", calls.longest, 1, 3, "move of an atom in the step to this call"),
        *(
            Column(f"rate of {group}", rate, 1, 3, "part of the model's Newton step")
            for group, rate in calls.rates.items()
        ),
        Column("turn", calls.turn, 1, 2, "cosine of the gradients at both ends of the step"),
        Column("memory", calls.against, 1, 2, "cosine of memory and gradient"),
        Column("real / foretold", calls.change / calls.predicted, 1, 2, "change of the energy in the step"),
        Column("curvature", calls.curvature, 1, 2, "along the step, relative to the model's"),
        Column("capped", calls.shortened, 1, 0),
        Column("rejected", calls.rejected, 1, 0),
    ]
    columns = [column for column in columns if np.isfinite(column.values).any()]
    headings = [Heading("call"), *(Heading(column.heading, column.meaning) for column in columns)]
    rows = [
        [Cell(str(place + 1), place + 1), *(column.cell(place) for column in columns)] for place in range(len(calls))
    ]
    return Table("Calls", headings, rows)


def capital(sentence: str) -> str:
    """As it stands at the beginning of a line."""
    return sentence[:1].upper() + sentence[1:]
