"""Text files of molecules, compressed or not, one piece at a time."""

import gzip
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from molopt.errors import InputError
from molopt.files import require_regular
from molopt.molecules.entries import Piece

COMPRESSED = b"\x1f\x8b"  # how a gzip file begins, whatever it is called
DAMAGED = (EOFError, gzip.BadGzipFile, zlib.error)


def opened(path: Path) -> TextIO:
    """The text of a file, unpacked where it is a gzip file; what is not UTF-8 is replaced."""
    require_regular(path)
    if is_packed(path):
        return gzip.open(path, "rt", encoding="utf-8-sig", errors="replace", newline=None)
    return path.open(encoding="utf-8-sig", errors="replace")


def is_packed(path: Path) -> bool:
    with path.open("rb") as raw:
        return raw.read(len(COMPRESSED)) == COMPRESSED


def head(path: Path, size: int = 50_000) -> str:
    """The first characters of a file: as many as ASE looks at to tell a format."""
    try:
        with opened(path) as file:
            return file.read(size)
    except DAMAGED as error:
        raise InputError(f"{path}: its compressed data is damaged: {error}") from error


@dataclass(frozen=True)
class InText:
    """The pieces of a text file; where compressed data is damaged, the last says so.

    Attributes
    ----------
    split : callable
        The texts in an open file with their numbers, one at a time.
    """

    split: Callable[[TextIO], Iterator[tuple[int, str]]]

    def __call__(self, path: Path) -> Iterator[Piece]:
        last = 0
        try:
            with opened(path) as file:
                for last, text in self.split(file):
                    yield Piece(last, text)
        except DAMAGED as error:
            yield Piece(last + 1, "", f"its compressed data is damaged: {error}")
