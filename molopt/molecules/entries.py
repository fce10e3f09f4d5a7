"""What files of molecules are read through: an entry is one molecule as it stands there, read later and elsewhere."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, Self

from molopt.errors import InputError
from molopt.molecules.molecule import Molecule
from molopt.molecules.smiles import formula_of, smiles_and_name
from molopt.spelling import tidied

KNOWN = 60  # characters of an entry that are shown as its name where nothing else is known


def stem(path: Path) -> str:
    """The name of a file without what says its format.

    >>> stem(Path("set.smi.gz")), stem(Path("folder.d/coord"))
    ('set', 'coord')
    """
    return Path(path.name.removesuffix(".gz")).stem


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
    titled : bool
        Whether the first line of a text is the name of its molecule.
    """

    name: str
    kind: str
    pieces: Callable[[Path], Iterator[Piece]]
    read: Callable[[str, str, Given], Molecule]
    flat: bool = False
    titled: bool = False


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
    name : str
        That the user gives the molecule, in place of its own.
    """

    path: Path | None
    number: int
    text: str
    format: Format
    wrong: str = ""
    name: str = ""

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
        """The name of a molecule that has none: the file's, and the number of the record after the first.

        Empty of a SMILES, whose molecule has its formula for a name.
        """
        return "" if self.path is None or self.is_smiles else numbered(stem(self.path), self.number)

    @property
    def called(self) -> tuple[str, str]:
        """Name and SMILES of what could not be read, as far as they stand there."""
        if self.is_smiles:
            smiles, name = smiles_and_name(self.text)
            if not name and (formula := formula_of(smiles)):
                name = formula if self.path is None else numbered(formula, self.number)
            return self.name or tidied(name or smiles or stem(self.path or Path()))[:KNOWN], smiles
        titled = self.text.partition("\n")[0] if self.format.titled else ""
        return self.name or tidied(titled)[:KNOWN] or self.fallback, ""

    def molecule(self, given: Given) -> Molecule:
        """InputError with the place before its message where it cannot be read."""
        try:
            if self.wrong:
                raise InputError(self.wrong)
            return self.named(self.format.read(self.text, self.fallback, given))
        except InputError as error:
            if self.path is None:
                raise
            raise InputError(f"{self.where}: {error.message}", error.picture) from None

    def renamed(self, name: str) -> Self:
        """The same under a name that the user gives."""
        return self._replace(name=tidied(name))

    def named(self, molecule: Molecule) -> Molecule:
        """The molecule with the name that the user gives; of a list of SMILES without names, with its line."""
        if self.name:
            return molecule.renamed(self.name)
        if self.is_smiles and self.path is not None and not smiles_and_name(self.text)[1]:
            return molecule.renamed(numbered(molecule.name, self.number))
        return molecule


def numbered(name: str, number: int) -> str:
    """The name of one of several: NAME, NAME-2 and so on, as `molopt.naming.Stems` counts them.

    >>> numbered("C2H6O", 1), numbered("C2H6O", 12)
    ('C2H6O', 'C2H6O-12')
    """
    return name if number == 1 else f"{name}-{number}"
