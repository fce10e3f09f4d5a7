"""A scan in lines of text."""

import math
from collections.abc import Iterator

from molopt.columns import UNKNOWN, number
from molopt.scanning.point import Point
from molopt.scanning.scan import Scan

VALUE = 16  # characters of a coordinate's value


def headings(scan: Scan, first: int = 0) -> list[str]:
    """What is scanned, and what stands below."""
    names = " and ".join(axis.coordinate.named(first) for axis in scan.axes)
    units = "".join(f"{axis.coordinate.unit:>{VALUE}}" for axis in scan.axes)
    return [f"{scan.molecule.name}, {names}, {scan.potential}", f"{units}  kcal/mol       energy, eV  calls  end"]


def line(point: Point, above: float) -> str:
    """A point; `above` is in kcal/mol."""
    values = "".join(f"{value:>{VALUE}.6g}" for value in point.values)
    energy = f"{point.energy:.6f}" if math.isfinite(point.energy) else UNKNOWN
    return f"{values}  {number(above, 2):>8}  {energy:>15}  {point.force_calls:>5}  {word(point)}"


def word(point: Point) -> str:
    """How the point ended, and what became of the molecule if it is not kept."""
    if point.verdict is None:
        return "not done" if not point.runs else "failed"
    return point.verdict.short if point.kept else f"{point.verdict.short}, {point.verdict.molecule}"


def remarks(scan: Scan) -> Iterator[str]:
    """What must be said of single points: why they failed or did not converge, and which bonds changed."""
    for point in scan:
        values = ", ".join(f"{value:g}" for value in point.values)
        if point.failed and point.runs:
            yield f"  {values}: {point.error}"
        elif point.verdict is not None and (not point.kept or not point.converged) and point.verdict.why:
            yield f"  {values}: {point.verdict.why}"
    if scan.stopped:
        yield f"  stopped before all points were done: {scan.stopped}"


def summary(scan: Scan) -> str:
    """How many points converged, and for how many force calls."""
    done = sum(point.converged for point in scan)
    runs = sum(point.runs for point in scan)
    each = f", {scan.force_calls / runs:.1f} a run" if runs else ""
    return f"{done} of {len(scan)} points converged; {scan.force_calls} force calls in {runs} runs{each}"
