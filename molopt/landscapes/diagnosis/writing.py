"""A diagnosis as plain values, and as a file."""

import csv
import math
from pathlib import Path

from molopt.drawing.saving import ENDINGS, saved
from molopt.errors import InputError
from molopt.files import whole
from molopt.landscapes.diagnosis.diagnosis import Diagnosis
from molopt.numbering import FIRST, from_one
from molopt.spelling import exact

KINDS = (".html", ".csv", *ENDINGS)


def as_dict(diagnosis: Diagnosis, first: int = 0) -> dict[str, object]:
    """In plain values, fit for JSON; NaN and infinity are None, and atoms count from `first`, 0 or 1."""
    columns = diagnosis.calls.columns()
    calls = {name: [x if math.isfinite(x) else None for x in column.tolist()] for name, column in columns.items()}
    advice = [one.as_dict() for one in diagnosis.advice]
    if first == FIRST:
        for one in advice:
            one["evidence"] = from_one(str(one["evidence"]))
    return {
        "name": diagnosis.name,
        "optimizer": diagnosis.optimizer,
        "force_calls": len(diagnosis.calls),
        "advice": advice,
        "energy_left": calls["left"][-1],
        "shares": diagnosis.shares,
        "top": [part._replace(atoms=tuple(atom + first for atom in part.atoms))._asdict() for part in diagnosis.top],
        "noted": diagnosis.noted,
        "calls": calls,
    }


def kind_of(path: Path) -> str:
    """The ending of a file that can be written; InputError for any other."""
    ending = path.suffix.lower()
    if ending not in KINDS:
        raise InputError(f"a diagnosis is written as {', '.join(KINDS)}, got {path}: give another ending")
    return ending


def write(diagnosis: Diagnosis, path: Path, command: str = "") -> None:
    """Write a page, a table of the calls or a figure, as the ending says; `command` repeats it. Atoms count from 1."""
    ending = kind_of(path)
    if ending == ".html":
        from molopt.report.diagnosis_page import write_diagnosis_page

        write_diagnosis_page(path, diagnosis, command)
    elif ending == ".csv":
        write_csv(diagnosis, path)
    else:
        from molopt.report.figures.diagnosis import diagnosis_figure

        saved(diagnosis_figure(diagnosis), path)


def write_csv(diagnosis: Diagnosis, path: Path) -> None:
    """A row a force call, counted from 1; a cell is empty where a value is not known."""
    columns = diagnosis.calls.columns()
    with whole(path) as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["call", *columns])
        for number, row in enumerate(zip(*(column.tolist() for column in columns.values()), strict=True), start=1):
            rows.writerow([number, *map(exact, row)])
