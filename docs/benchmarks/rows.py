"""The rows of a measurement as a CSV file, from which docs/results computes what is claimed."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path


def write(path: Path | None, rows: Sequence[Mapping[str, object]]) -> None:
    """Write rows of equal keys, the first of which gives the head; nothing where there is no path.

    Numbers have all their digits; None is an empty cell.
    """
    if path is None:
        return
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
