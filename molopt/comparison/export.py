"""Finished runs as a table for other programs: CSV, one row a run."""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from molopt.files import whole
from molopt.record import Record
from molopt.schema import EXPORT
from molopt.spelling import exact


class Table(Protocol):
    """What `csv.writer` makes."""

    def writerow(self, row: Iterable[str], /) -> object: ...


def write_csv(records: Iterable[Record], path: Path) -> int:
    """Write runs one by one; at the end the file is there, whole, or as it was before.

    The columns are `EXPORT`, in the units of the schema; `atoms` is the number of atoms. Numbers have all
    their digits; a cell is empty where a value is not known. Text is as it was read: in a spreadsheet, where text that
    begins with = + - or @ is a formula, import these columns as text. The file is UTF-8 with line ends as RFC 4180 has
    them; lone surrogates, which UTF-8 cannot hold, are written as backslash and number.

    Returns
    -------
    int
        The number of runs.

    Raises
    ------
    InputError
        The file cannot be written: no folder, no permission, no room.
    """
    with whole(path) as file:
        return write_rows(records, csv.writer(file))


def write_rows(records: Iterable[Record], table: Table) -> int:
    table.writerow(EXPORT)
    written = 0
    for record in records:
        values = record.values()
        table.writerow([exact(values[name]) for name in EXPORT])
        written += 1
    return written
