"""What a notebook shows of a scan."""

from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms

from molopt.drawing.viewing import Viewer, viewed
from molopt.notebook import beside, html_facts
from molopt.report.figures.scan import scan_svg

if TYPE_CHECKING:
    from molopt.scanning.scan import Scan


def html_of(scan: "Scan") -> str:
    """How far it came, how high it goes, and the energies."""
    facts = {
        "coordinates": " and ".join(axis.coordinate.named() for axis in scan.axes),
        "points": f"{len(scan)}, {sum(point.converged for point in scan)} of them converged",
        "highest (kcal/mol)": highest(scan),
        "lowest energy (eV)": f"{np.nanmin(scan.energies):.6f}" if np.isfinite(scan.energies).any() else "",
        "force calls": str(scan.force_calls),
        "optimizer": scan.optimizer,
        "stopped": scan.stopped,
    }
    table = html_facts(f"{scan.molecule.name}, {scan.potential}", facts)
    return beside(table, scan.molecule.to_svg(), scan_svg(scan))


def highest(scan: "Scan") -> str:
    """The highest point above the lowest, and where both are."""
    relative = scan.relative.ravel()
    if not np.isfinite(relative).any():
        return ""
    top, bottom = (at(scan, int(place)) for place in (np.nanargmax(relative), np.nanargmin(relative)))
    return f"{np.nanmax(relative):.2f} at {top}, above the lowest at {bottom}"


def at(scan: "Scan", place: int) -> str:
    units = ("Å" if axis.coordinate.unit == "A" else "°" for axis in scan.axes)
    return ", ".join(f"{value:g}{unit}" for value, unit in zip(scan[place].values, units, strict=True))


def view_of(scan: "Scan") -> Viewer:
    """The points that have a geometry, beside a map of their energies."""
    above = scan.relative.ravel()
    known = [place for place, point in enumerate(scan) if point.positions is not None]
    values = {
        f"{axis.coordinate.named()} / {axis.coordinate.unit}": np.array([scan[place].values[n] for place in known])
        for n, axis in enumerate(scan.axes)
    }
    energies = {"above the lowest / (kcal/mol)": above[known]}
    return viewed([Atoms(scan.molecule.numbers, scan[place].positions) for place in known], values | energies)
