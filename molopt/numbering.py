"""Sentences of molopt, which count atoms from 0, as the command line counts them: from 1."""

import re

FIRST = 1  # the number of the first atom

# Atoms in what molopt says, which counts them from 0: C3-O7, "centre C3", "torsion 7-1-2-8", "atoms 0 and 4".
NAMED = re.compile(
    r"(?<=\b)([A-Z][a-z]?)(\d+)(?=-[A-Z][a-z]?\d)|(?<=\d-)([A-Z][a-z]?)(\d+)\b|(?<=centre )([A-Z][a-z]?)(\d+)\b"
)
KINDS = "distances?|bond|stretch|angle|bend|dihedral|torsion|plane|fragment|point"
ROWS = re.compile(rf"\b((?:{KINDS}) )(\d+(?:-\d+)*(?:, \d+(?:-\d+)+)*)(?![\d.])")
PAIRS = re.compile(r"\batoms (\d+) and (\d+)\b")
COUNTED = re.compile(r"\b(atoms? )(\d+)((?: \(\w+\))?)(?:( and )(\d+)((?: \(\w+\))?))?, counted from 0,?")


def from_one(said: str) -> str:
    """What molopt says of a molecule with its atoms counted from 1.

    >>> from_one("C3-O7 broken; fragments CH3, CH3O"), from_one("atoms 0 and 4 would be 0.50 A apart")
    ('C4-O8 broken; fragments CH3, CH3O', 'atoms 1 and 5 would be 0.50 A apart')
    >>> from_one("the bond 0-1 would be 2.10 A long"), from_one("centre C3"), from_one("torsion 7-1-2-8 69 %")
    ('the bond 1-2 would be 2.10 A long', 'centre C4', 'torsion 8-2-3-9 69 %')
    """

    def named(found: re.Match[str]) -> str:
        symbol, place = [group for group in found.groups() if group is not None]
        return f"{symbol}{int(place) + FIRST}"

    def rows(found: re.Match[str]) -> str:
        return found[1] + re.sub(r"\d+", lambda each: str(int(each[0]) + FIRST), found[2])

    said = ROWS.sub(rows, NAMED.sub(named, counted_from_one(said)))
    return PAIRS.sub(lambda found: f"atoms {int(found[1]) + FIRST} and {int(found[2]) + FIRST}", said)


def counted_from_one(said: str) -> str:
    """The same where it says itself that it counts from 0, which no name of a file does.

    >>> counted_from_one("atoms 0 (H) and 1 (H), counted from 0, are 0.050 A apart")
    'atoms no. 1 (H) and 2 (H) are 0.050 A apart'
    """

    def number(found: re.Match[str]) -> str:
        word, first, symbol, between, second, other = found.groups("")
        more = f"{between}{int(second) + FIRST}{other}" if second else ""
        return f"{word}no. {int(first) + FIRST}{symbol}{more}"

    return COUNTED.sub(number, said)
