"""A stream of molecules from whatever the user names: a file, a folder, a shipped molecule, a SMILES."""

import logging
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, Self, TypeVar

from molopt.errors import InputError
from molopt.files import require_regular
from molopt.molecules.entries import Entry, Format, Given, Piece, numbered, stem
from molopt.molecules.formats import (
    ENDINGS,
    IN_FOLDERS,
    READERS,
    ending,
    format_named,
    format_of,
    format_within,
    is_format,
)
from molopt.molecules.molecule import SEED, Molecule
from molopt.molecules.published import PUBLISHED, published
from molopt.molecules.shipped import find_shipped, shipped_names
from molopt.molecules.smiles import parse_smiles
from molopt.molecules.smiles_files import typed
from molopt.molecules.standard_input import DASH, SHOWN, received
from molopt.spelling import nearest

log = logging.getLogger("molopt")

FOLDERS = re.compile(r"[\w.~+ -]*[/\\][\w.~+ /\\-]*")  # a SMILES with a slash has a double bond, too
ENDING = re.compile(r".*\.(?![bcnopsBCNOPSFI\d]+$)([a-z][a-z\d]{1,7}|[A-Z][A-Z\d]{2,7})")  # which no fragment is
# A name that was not meant as a SMILES: without bonds and brackets, and with a letter that no SMILES has there.
WORDS = re.compile(r"(?=\S*[adefghijkmqtuvwxyz]|[^\WBCNOPSFIbcnops])[\w',() +-]*")
FORMATTED = re.compile(r"([\w-]+):(.+)", re.DOTALL)  # FORMAT:PATH
Named = TypeVar("Named", Entry, Molecule, Entry | Molecule)


def read(
    source: str | Path,
    charge: int | None = None,
    spin: int | None = None,
    seed: int = SEED,
    known: dict[str, int] | None = None,
) -> Iterator[Molecule]:
    """Molecules one at a time, each read when it is asked for.

    Parameters
    ----------
    source : str or Path
        A file of a format in docs/guide/formats.md, a folder of such files, "-" (standard input), "baker" or
        "birkholz-schlegel" (sets of the literature), the name of a shipped molecule, or a SMILES, which a blank and a
        name may follow: the first that it can be, in this order. "FORMAT:PATH" says the format of a file whose name
        does not, as "sdf:-" or "gaussian-out:job.txt".
    charge, spin : int, optional
        Of all molecules, in place of what the source says; spin is the multiplicity. A charge that contradicts
        the formal charges of a SMILES or an SDF is an error.
    seed : int
        Of embeddings: of a SMILES, and of an SDF without a 3D geometry.
    known : dict, optional
        The charge and the multiplicity that a potential was told, for files that say neither: XYZ.

    Raises
    ------
    InputError
        There is no such file or name, at once; a record cannot be read, when its turn comes, with its number.

    Examples
    --------
    >>> [molecule.name for molecule in read("CCO ethanol")]
    ['ethanol']
    """
    if not str(source).strip():
        raise InputError("nothing to read: give a file, the name of a shipped molecule, or a SMILES")
    given = Given(charge, spin, seed, known)
    if found := Located.of(source):
        return (entry.molecule(given) for entry in found.entries())
    if str(source) in PUBLISHED:
        return published(str(source))
    if ending(Path(source)) in READERS:
        raise InputError(f"there is no file {str(source)!r}")
    return iter([named_or_smiles(str(source), given)])


class Located(NamedTuple):
    """A file or a folder that a source names.

    Attributes
    ----------
    path : Path
        To open.
    shown : Path
        In messages and names.
    format : str
        That the source says; empty where it does not.
    """

    path: Path
    shown: Path
    format: str = ""

    @classmethod
    def of(cls, source: str | Path) -> Self | None:
        """What a source names; None where it names no file or folder. Standard input is read to its end."""
        path = Path(source)
        if str(source) == DASH:
            return cls(received(), SHOWN)
        if exists(path):
            return cls(path, path)
        said = FORMATTED.fullmatch(str(source))
        if said is None or not is_format(said[1]):
            return None
        if said[2] == DASH:
            return cls(received(), SHOWN, said[1])
        if exists(Path(said[2])):
            return cls(Path(said[2]), Path(said[2]), said[1])
        raise InputError(f"there is no file {said[2]!r}")

    def absolute(self) -> str:
        """The same source, wherever the program is started next."""
        path = str(self.path.resolve())
        return f"{self.format}:{path}" if self.format else path

    def files(self) -> list[Path]:
        """The files that molecules are read from, in their order; of a folder one of each name, which says most."""
        if not self.path.is_dir():
            return [self.path]
        parts = [part for part in self.path.iterdir() if ending(part) in IN_FOLDERS and not part.is_dir()]
        found: dict[str, Path] = {}
        for part in sorted(parts, key=lambda part: (IN_FOLDERS.index(ending(part)), part)):
            first = found.setdefault(stem(part), part)
            if first is not part:
                log.info("%s is not read: %s has the same name and says more", part, first.name)
        return sorted(found.values())

    def format_of(self, file: Path) -> Format:
        if self.format:
            return format_named(self.format)
        return format_within(file, "standard input") if self.shown == SHOWN else format_of(file)

    def entries(self) -> Iterator[Entry]:
        """What the molecules are read from, one at a time.

        Raises
        ------
        InputError
            At once where the path is not one that is read; where a file is empty, when its turn comes.
        """
        files = self.files()
        if not files:
            raise InputError(f"the folder {str(self.path)!r} has no file that ends in {', '.join(IN_FOLDERS)}")
        for file in files:
            require_regular(file)
        readers = [(file, self.format_of(file)) for file in files]
        streams = [(file, reader, reader.pieces(file)) for file, reader in readers]
        return (entry for file, reader, pieces in streams for entry in self.entries_in(file, reader, pieces))

    def entries_in(self, file: Path, reader: Format, pieces: Iterator[Piece]) -> Iterator[Entry]:
        shown = file if self.path.is_dir() else self.shown
        found = False
        for piece in pieces:
            found = True
            yield Entry(shown, piece.number, piece.text, reader, piece.wrong)
        if not found:
            raise InputError(f"{shown} is empty")


def kept(sources: Iterable[str], folder: Path) -> tuple[str, ...]:
    """The sources, standard input copied to a file in the folder: whoever goes on there reads it again."""
    found = []
    for source in sources:
        at = Located.of(source)
        if at is not None and at.shown == SHOWN:
            shutil.copyfile(at.path, folder / SHOWN)
            source = f"{at.format_of(at.path).name}:{folder / SHOWN}"
        found.append(source)
    return tuple(found)


def exists(path: Path) -> bool:
    """Whether a file or folder of this name is there."""
    try:
        return path.exists()
    except (OSError, ValueError):  # too long for a file name, as a SMILES may be
        return False


def called(streams: Iterable[tuple[str, Iterable[Named]]], name: str | None) -> Iterator[tuple[str, Named]]:
    """Each with its source: of its own name, or where the user gives one, NAME, NAME-2 and so on."""
    drawn = ((source, each) for source, stream in streams for each in stream)
    if name is None:
        return drawn
    return ((source, each.renamed(numbered(name, number))) for number, (source, each) in enumerate(drawn, start=1))


def listed(source: str | Path, given: Given) -> Iterator[Entry | Molecule]:
    """As `read`, but molecules of files, and a SMILES, are left as they stand, to be read by whoever needs them.

    One that cannot be read is no error here, and does not end the stream.
    """
    if not str(source).strip():
        return read(source)  # which says what is wrong
    if found := Located.of(source):
        return iter(found.entries())
    if str(source) in PUBLISHED or find_shipped(str(source)):
        return read(source, given.charge, given.spin, given.seed, given.known)
    if ending(Path(source)) in READERS:
        return read(source)  # likewise
    require_smiles(str(source))
    return iter([typed(str(source))])


def named_or_smiles(text: str, given: Given) -> Molecule:
    if find_shipped(text):
        molecule = Molecule.named(text)
        return Molecule.from_rdkit(molecule.to_rdkit(), name=molecule.name, charge=given.charge, spin=given.spin)
    require_smiles(text)
    return Molecule.from_smiles(text, seed=given.seed, charge=given.charge, spin=given.spin)


def require_smiles(text: str) -> None:
    """Raise InputError where a text is not a SMILES, with what it may have been meant to be."""
    try:
        parse_smiles(text)
    except InputError:
        if FOLDERS.fullmatch(text) or ENDING.fullmatch(text):
            raise InputError(
                f"there is no file {text!r}, and it is not a SMILES; files that are read end in {ENDINGS}"
            ) from None
        near = nearest(text, [*PUBLISHED, *shipped_names()])
        if WORDS.fullmatch(text) or (near and re.fullmatch(r"\w+", text)):
            raise InputError(neither(text, near)) from None
        raise


def neither(name: str, near: list[str]) -> str:
    """What is said of a word that means nothing here, with the known names that are near it."""
    remedy = (
        f"did you mean {' or '.join(near)}?"
        if near
        else f"names are not looked up, so give its SMILES or a file ({ENDINGS}); molopt molecules lists what ships"
    )
    return f"{name!r:.60} is neither a file, nor a SMILES, nor a shipped molecule; {remedy}"
