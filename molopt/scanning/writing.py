"""A scan as CSV, SDF and JSON. A file appears whole, or not at all."""

import csv
import os
from typing import TYPE_CHECKING

import numpy as np

from molopt.columns import plain
from molopt.files import whole
from molopt.numbering import FIRST, from_one
from molopt.scanning.point import Point
from molopt.spelling import exact, tidied

if TYPE_CHECKING:
    from molopt.scanning.scan import Scan

Value = str | int | float | bool | None


def rows(scan: "Scan", first: int = 0) -> list[dict[str, Value]]:
    """What is known of each point, by name and unit; atoms in names count from `first`."""
    return [row(scan, point, above, first) for point, above in zip(scan, scan.relative.ravel().tolist(), strict=True)]


def row(scan: "Scan", point: Point, above: float, first: int) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for axis, value in zip(scan.axes, point.values, strict=True):
        found[f"{axis.coordinate.named(first)} {axis.coordinate.unit}"] = value
    verdict = point.verdict
    return found | {
        "energy_eV": known(point.energy),
        "relative_energy_kcal_per_mol": known(above),
        "converged": point.converged,
        "ended": "failed" if verdict is None else verdict.ended,
        "stationary": None if verdict is None else verdict.stationary,
        "identity": None if verdict is None else verdict.molecule,
        "fmax_eV_per_A": known(point.fmax),
        "force_calls": point.force_calls,
        "runs": point.runs,
        "why": counted(point.error or (verdict.why if verdict else ""), first) or None,
    }


def counted(said: str, first: int) -> str:
    """A sentence about atoms, which counts them from 0, as it counts them from `first`."""
    return from_one(said) if first == FIRST else said


def known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def write_csv(scan: "Scan", path: str | os.PathLike[str], first: int = 0) -> None:
    """One line a point; numbers have all their digits, what is not known is empty."""
    table = rows(scan, first)
    with whole(path) as file:
        writer = csv.writer(file)
        writer.writerow(table[0])
        for each in table:
            writer.writerow([said(value) for value in each.values()])


def said(value: Value) -> str:
    return tidied(value) if isinstance(value, str) else exact(value)


def write_sdf(scan: "Scan", path: str | os.PathLike[str], first: int = 0) -> None:
    """One record a point that has a geometry, with its row as data fields."""
    with whole(path) as file:
        for point, fields in zip(scan, rows(scan, first), strict=True):
            molecule = scan.molecule_at(point)
            if molecule is not None:
                texts = {name.replace(" ", "_"): said(value) for name, value in fields.items()}
                more = {"potential": tidied(scan.potential)}
                file.write(molecule.to_sdf({name: text for name, text in (texts | more).items() if text}))


def as_dict(scan: "Scan", first: int = 0) -> dict[str, object]:
    """All of it in plain values; atoms count from `first`."""
    axes = [
        {
            "kind": axis.coordinate.kind,
            "atoms": [atom + first for atom in axis.coordinate.atoms],
            "unit": axis.coordinate.unit,
            "values": axis.values.tolist(),
        }
        for axis in scan.axes
    ]
    points = []
    for point, fields in zip(scan, rows(scan, first), strict=True):
        verdict = None if point.verdict is None else point.verdict.as_dict()
        entry: dict[str, object] = {"values": list(point.values), **dict(list(fields.items())[len(scan.axes) :])}
        points.append(entry | {"positions": plain(point.positions), "verdict": verdict})
    return {
        "name": scan.molecule.name,
        "smiles": scan.molecule.smiles,
        "charge": scan.molecule.charge,
        "spin": scan.molecule.spin,
        "potential": scan.potential,
        "optimizer": scan.optimizer,
        "coordinates": axes,
        "converged": scan.converged,
        "force_calls": scan.force_calls,
        "stopped": scan.stopped or None,
        "points": points,
    }
