"""What files of molecules are read through: an entry is one molecule as it stands there, read later and elsewhere."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from molopt.errors import InputError
from molopt.molecules.molecule import Molecule


class Given(NamedTuple):
    """What the user says of all molecules of a source."""

    charge: int | None
    spin: int | None
    seed: int
    known: dict[str, int] | None = None  # the charge and the multiplicity that a potential was told


class Piece(NamedTuple):
    """What a file holds of one molecule.

    Attributes
    ----------
    number : int
        Of its record, frame or line, from 1.
    text : str
        From which the molecule is read.
    wrong : str
        Why there is no text, where the file could not be read that far.
    """

    number: int
    text: str
    wrong: str = ""


class Format(NamedTuple):
    """How files of a format are read.

    Attributes
    ----------
    name : str
        By which a user may give it, as "sdf"; an ending without its dot, or a name of `ase.io.formats`.
    kind : str
        What a molecule of it is called in messages.
    pieces : callable
        What the file at a path holds, one molecule at a time; InputError at once where the whole file cannot be read,
        never one for a single molecule.
    read : callable
        The molecule of a text, given the path and the number that it is named by where it has no name; InputError
        where there is none.
    flat : bool
        Whether its molecules have no geometry: SMILES.
    """

    name: str
    kind: str
    pieces: Callable[[Path], Iterator[Piece]]
    read: Callable[[str, str, Given], Molecule]
    flat: bool = False


class Entry(NamedTuple):
    """One molecule of a file as it stands there, or a SMILES: text, which costs little to pass on, and is read later.

    Attributes
    ----------
    path : Path or None
        Of the file, "stdin" of standard input; None of a SMILES that no file has.
    number : int
        Of its record, frame or line, from 1.
    text : str
    format : Format
    wrong : str
        Why there is nothing to read, where the file could not be read that far.
    """

    path: Path | None
    number: int
    text: str
    format: Format
    wrong: str = ""

    @property
    def is_smiles(self) -> bool:
        """Whether it has no geometry of its own."""
        return self.format.flat

    @property
    def where(self) -> str:
        """Its place, as "set.smi, line 12"; nothing for a SMILES that no file has."""
        return "" if self.path is None else f"{self.path}, {self.format.kind} {self.number}"

    @property
    def fallback(self) -> str:
        """The name of a molecule that has none: the file's, and the number of the record after the first."""
        if self.path is None:
            return ""
        stem = self.path.name.removesuffix(".gz")
        stem = stem[: -len(Path(stem).suffix)] if Path(stem).suffix else stem
        return stem if self.number == 1 else f"{stem}-{self.number}"

    def molecule(self, given: Given) -> Molecule:
        """InputError with the place before its message where it cannot be read."""
        try:
            if self.wrong:
                raise InputError(self.wrong)
            return self.format.read(self.text, self.fallback, given)
        except InputError as error:
            if self.path is None:
                raise
            raise InputError(f"{self.where}: {error.message}", error.picture) from None
