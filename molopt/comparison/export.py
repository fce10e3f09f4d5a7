"""Finished runs as a table for other programs: CSV, one row a run."""

import csv
import math
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from molopt.errors import InputError
from molopt.record import Record
from molopt.schema import EXPORT


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
    target = path.resolve()  # a link stays a link
    if target.exists() and not target.is_file():
        raise InputError(f"{path} is not a file, and is not replaced: give another name")
    begun = target.with_name(f".molopt-export-{os.getpid()}.csv")
    try:
        begun.unlink(missing_ok=True)  # it may be a link
        with begun.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            written = write_rows(records, csv.writer(file))
        os.replace(begun, target)
    except OSError as error:
        raise InputError(f"{path} could not be written: {error.strerror}: give another name, or make room") from error
    finally:
        with suppress(OSError):  # where it could not even be begun
            begun.unlink()
    return written


def write_rows(records: Iterable[Record], table: Table) -> int:
    table.writerow(EXPORT)
    written = 0
    for record in records:
        values = record.values()
        table.writerow([cell(values[name]) for name in EXPORT])
        written += 1
    return written


def cell(value: object) -> str:
    """A value as text from which Python reads it back.

    >>> cell(0.1 + 0.2), cell(float("nan")), cell(None), cell(True), cell("=1+1")
    ('0.30000000000000004', '', '', 'True', '=1+1')
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return repr(float(value)) if isinstance(value, float) else str(value)
