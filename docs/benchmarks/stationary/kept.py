"""Sella's force calls to fmax 0.01 eV/A from the starts of docs/results/comparison.md, as they are kept there."""

import csv
from functools import cache
from pathlib import Path

COMPARISON = Path(__file__).parents[2] / "results" / "data"


@cache
def sella(potential: str) -> dict[tuple[str, str], int]:
    """Calls by set and molecule, of runs that converged."""
    file = COMPARISON / f"{potential}_0.1.0.csv"  # one start a molecule
    if not file.exists():
        return {}
    with file.open(newline="") as opened:
        return {
            (row["source"], row["molecule"]): int(row["force_calls"])
            for row in csv.DictReader(opened)
            if row["optimizer"] == "sella" and row["ended"] == "converged"
        }
