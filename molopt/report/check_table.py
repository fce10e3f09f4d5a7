"""Checks of many geometries on the terminal: a line for each, and what must be said of single ones."""

from dataclasses import replace

from molopt.checked.check import Check
from molopt.checked.figures import NAMED
from molopt.columns import Cell
from molopt.report.table import Lines
from molopt.stationary.verdict import MOLECULE

SHOWN = ("stationary", "force_calls", "stiffness", "energy_left", "fmax")
COLUMNS = {name: NAMED[name].column for name in SHOWN}
COLUMNS["energy_left"] = replace(COLUMNS["energy_left"], cell=lambda check: Cell(check.left))
CHECKS = Lines(tuple(COLUMNS.values()), {"stationary": 14, "energy_left": 9})  # which 999999.9? fills
HEADINGS = CHECKS.headings


def row(check: Check) -> str:
    """A check as a line under `HEADINGS`."""
    return CHECKS.row(check.name, check)


def remarks(check: Check) -> list[str]:
    """What a reader of its row must know besides."""
    verdict = check.verdict
    if verdict.molecule not in ("kept", "unknown"):
        return [f"{verdict.molecule}: {verdict.why or MOLECULE[verdict.molecule].meaning}"]
    return [] if check.stationary == "minimum" or not verdict.why else [verdict.why]
