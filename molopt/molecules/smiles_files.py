"""Lists of SMILES: a line each, or a column of a table."""

import csv
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TextIO

from molopt.errors import InputError
from molopt.molecules.entries import Entry, Format, Given, Piece
from molopt.molecules.molecule import Molecule
from molopt.molecules.opening import InText, opened
from molopt.molecules.smiles import smiles_and_name
from molopt.spelling import tidied

log = logging.getLogger("molopt")

# Headers of a column of SMILES, the best first; others that contain the word are taken where there is one alone.
SMILES_HEADERS = ("smiles", "isomeric_smiles", "canonical_smiles", "smi")
NAME_HEADERS = ("name", "title", "molecule", "molecule_name", "compound", "compound_name", "id", "identifier", "label")
DELIMITERS = ",;\t"
SHOWN = 8  # headers that a message lists


def smi_lines(file: TextIO) -> Iterator[tuple[int, str]]:
    """Lines that are not blank, comments after #, or the header that RDKit writes first: SMILES Name."""
    for number, line in enumerate(file, start=1):
        first = line.strip().replace("\t", " ").partition(" ")[0]
        if first and not first.startswith("#") and (number > 1 or first.lower() != "smiles"):
            yield number, line


def smi_molecule(line: str, fallback: str, given: Given) -> Molecule:
    """A line of a list of SMILES, each followed by a blank and a name or by nothing."""
    smiles, name = smiles_and_name(line)
    return Molecule.from_smiles(smiles, given.seed, name or fallback, given.charge, given.spin)


def typed_molecule(text: str, fallback: str, given: Given) -> Molecule:
    """A SMILES that stands in no file."""
    return Molecule.from_smiles(text, given.seed, charge=given.charge, spin=given.spin)


@dataclass(frozen=True)
class InTable:
    """The SMILES of a table with a header, each with the name beside it, as lines of a list of SMILES.

    Attributes
    ----------
    delimiter : str
        Between columns; where it is empty, the one that the header has most of.
    """

    delimiter: str = ""

    def __call__(self, path: Path) -> Iterator[Piece]:
        smiles, name = self.columns(path)  # an InputError at once
        return self.rows(path, smiles, name)

    def table(self, file: TextIO) -> Iterator[tuple[int, list[str]]]:
        """The rows, the header first, each with the number of its last line."""
        skipped, header = next(((n, line) for n, line in enumerate(file) if line.strip()), (0, ""))
        delimiter = self.delimiter or max(DELIMITERS, key=header.count)
        rows = csv.reader(chain([header], file), delimiter=delimiter)
        return ((skipped + rows.line_num, row) for row in rows)

    def columns(self, path: Path) -> tuple[int, int | None]:
        """Where the SMILES are and where the names are, counted from 0."""
        try:
            with opened(path) as file:
                header = [cell.strip() for cell in next(self.table(file), (1, []))[1]]
        except csv.Error as error:
            raise InputError(f"{path} is not a table: {error}") from error
        if not any(header):
            raise InputError(f"{path} is empty")
        smiles = smiles_column(header, path)
        return smiles, first_of(NAME_HEADERS, lowered(header), smiles)

    def rows(self, path: Path, smiles: int, name: int | None) -> Iterator[Piece]:
        last, places = 1, (smiles, name)
        with opened(path) as file:
            table = self.table(file)
            next(table)
            try:
                for last, row in table:
                    if any(cell.strip() for cell in row):
                        first, second = (tidied(row[at]) if at is not None and at < len(row) else "" for at in places)
                        yield Piece(last, f"{first} {second}".rstrip() if first else "")
            except csv.Error as error:
                yield Piece(last + 1, "", f"it is not a row of a table: {error}")


def smiles_column(header: Sequence[str], path: Path) -> int:
    """The place of the column of SMILES; InputError where no column is one, or several could be."""
    named = lowered(header)
    if (best := first_of(SMILES_HEADERS, named)) is not None:
        return best
    others = [place for place, cell in enumerate(named) if "smiles" in cell]
    if len(others) == 1:
        return others[0]
    shown = ", ".join(ascii(header[place]) for place in others or range(min(len(header), SHOWN)))
    if others:
        raise InputError(f"{path}: several columns could hold the SMILES, {shown}: call the one that is meant smiles")
    raise InputError(f"{path} has no column of SMILES, only {shown}: call the one that is meant smiles")


def lowered(header: Sequence[str]) -> list[str]:
    return ["_".join(cell.lower().split()) for cell in header]


def first_of(wanted: Sequence[str], header: Sequence[str], but: int | None = None) -> int | None:
    """The place of the first of the wanted names that the header has."""
    return next((header.index(name) for name in wanted if name in header and header.index(name) != but), None)


SMILES = Format("smi", "line", InText(smi_lines), smi_molecule, flat=True)
TYPED = Format("smi", "line", InText(smi_lines), typed_molecule, flat=True)
CSV = Format("csv", "line", InTable(), smi_molecule, flat=True)
TSV = Format("tsv", "line", InTable("\t"), smi_molecule, flat=True)


def typed(smiles: str) -> Entry:
    """A SMILES that stands in no file, to be read later."""
    return Entry(None, 1, smiles, TYPED)
