"""Atoms and coordinates as the command line names them: by numbers from 1, or by a SMARTS."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from molopt.errors import InputError
from molopt.numbering import FIRST

if TYPE_CHECKING:
    from molopt.constraining.choosing import Chosen, Hold
    from molopt.molecules import Molecule

NUMBERS = re.compile(
    r"[\d\s,+-]+"
)  # what is meant as numbers, be they right or wrong; no SMARTS is made of these alone
SPAN = re.compile(r"\s*(\d{1,7})\s*(?:-\s*(\d{1,7})\s*)?")
GRID = re.compile(r"\s*([^:=]+):([^:=]+):\s*(\d{1,9})\s*")
MOST = 100_000  # atoms that a span may name


class Grid(NamedTuple):
    """The values that a coordinate is scanned over."""

    start: float
    end: float
    points: int


def atoms(text: str) -> "Chosen":
    """Numbers as they are, counted from 1, or a SMARTS.

    >>> atoms("1-3,8"), atoms("c1ccccc1"), atoms("4, 2")
    ([1, 2, 3, 8], 'c1ccccc1', [4, 2])
    """
    if not text.strip():
        raise InputError("give atoms as 1,2,3,4 or 1-5,8, or a SMARTS, got nothing")
    if not NUMBERS.fullmatch(text):
        return text.strip()
    found: list[int] = []
    for part in text.split(","):
        span = SPAN.fullmatch(part)
        if span is None:
            raise InputError(f"give atoms as 1,2,3,4 or 1-5,8, counted from 1, got {text!r}")
        low, high = int(span[1]), int(span[2] or span[1])
        if high < low or high - low > MOST:
            raise InputError(f"{part.strip()} in {text!r} names no atoms: give the lower number first")
        found += range(low, high + 1)
    return found


def atoms_and_value(text: str) -> "Hold":
    """What is held, and at what value if one is given.

    >>> atoms_and_value("1,2,3,4=60"), atoms_and_value("CC=O"), atoms_and_value("C=O=1.3")
    (([1, 2, 3, 4], 60.0), 'CC=O', ('C=O', 1.3))
    """
    before, mark, after = text.rpartition("=")
    value = number(after) if mark else None
    if value is None:
        if mark and NUMBERS.fullmatch(before):
            raise InputError(f"{after.strip()!r} in {text!r} is not a number: give A or degrees, as in 1,2,3,4=60")
        return atoms(text)
    return (atoms(before), value) if readable(before) else atoms(text)


def readable(text: str) -> bool:
    """Whether this names atoms, so that what follows it is a value: C1CCCCC=1 is a ring."""
    from molopt.molecules.matching import pattern_of

    return bool(NUMBERS.fullmatch(text)) or pattern_of(text) is not None or pattern_of(f"{text}=1") is None


def atoms_and_grid(text: str) -> "tuple[Chosen, Grid | None]":
    """What is scanned, and over which values if they are given with it.

    >>> atoms_and_grid("1,2,3,4=0:360:37"), atoms_and_grid("CC=C")
    (([1, 2, 3, 4], Grid(start=0.0, end=360.0, points=37)), ('CC=C', None))
    """
    before, mark, after = text.rpartition("=")
    given = GRID.fullmatch(after) if mark else None
    if given is None:
        if ":" in after and mark and NUMBERS.fullmatch(before):
            raise InputError(f"{after!r} in {text!r} is not FROM:TO:POINTS, as in 1,2,3,4=0:360:37")
        return atoms(text), None
    low, high = number(given[1]), number(given[2])
    if low is None or high is None:
        raise InputError(f"{after!r} in {text!r} is not FROM:TO:POINTS, as in 1,2,3,4=0:360:37")
    return atoms(before), Grid(low, high, int(given[3]))


def number(text: str) -> float | None:
    """The number that a text is; None where it is not one, or not finite."""
    try:
        found = float(text)
    except ValueError:
        return None
    return found if abs(found) < float("inf") else None


def constraints(molecule: "Molecule", fixed: Sequence[str], held: Sequence[str]) -> list[Any]:
    """The ASE constraints that --fix and --hold ask for; InputError names atoms from 1."""
    from molopt.constraining.choosing import Chooser

    fix = [atoms(text) for text in fixed]
    hold = [atoms_and_value(text) for text in held]
    return Chooser(molecule, FIRST).constraints(fix, hold)
