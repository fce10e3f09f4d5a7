"""A stream of molecules from whatever the user names: a file, a folder, a shipped molecule, a SMILES."""

import re
from collections.abc import Iterator
from pathlib import Path

from molopt.errors import InputError
from molopt.files import require_regular
from molopt.molecules.formats import READERS, Entry, Given, entries
from molopt.molecules.molecule import SEED, Molecule
from molopt.molecules.published import PUBLISHED, published
from molopt.molecules.shipped import find_shipped, shipped_names
from molopt.molecules.smiles import parse_smiles
from molopt.spelling import nearest

ENDINGS = ", ".join(READERS)
FOLDERS = re.compile(r"[\w.~+ -]*[/\\][\w.~+ /\\-]*")  # a SMILES with a slash has a double bond, too
ENDING = re.compile(r".*\.(?![bcnopsBCNOPSFI\d]+$)([a-z][a-z\d]{1,7}|[A-Z][A-Z\d]{2,7})")  # which no fragment is
# A name that was not meant as a SMILES: without bonds and brackets, and with a letter that no SMILES has there.
WORDS = re.compile(r"(?=\S*[adefghijkmqtuvwxyz]|[^\WBCNOPSFIbcnops])[\w',() +-]*")


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
        A file (.sdf, .mol, .xyz, .extxyz, .smi), a folder of such files, "baker" or "birkholz-schlegel" (sets of the
        literature), the name of a shipped molecule, or a SMILES, which a blank and a name may follow: the first that
        it can be, in this order.
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
    path = Path(source)
    given = Given(charge, spin, seed, known)
    if exists(path):
        return read_path(path, given)
    if str(source) in PUBLISHED:
        return published(str(source))
    if path.suffix.lower() in READERS:
        raise InputError(f"there is no file {str(source)!r}")
    return iter([named_or_smiles(str(source), given)])


def exists(path: Path) -> bool:
    """Whether a file or folder of this name is there."""
    try:
        return path.exists()
    except (OSError, ValueError):  # too long for a file name, as a SMILES may be
        return False


def read_path(path: Path, given: Given) -> Iterator[Molecule]:
    return (entry.molecule(given) for entry in entries_of(path))


def entries_of(path: Path) -> Iterator[Entry]:
    """What the molecules of a file, or of the files in a folder, are read from, one at a time.

    Raises
    ------
    InputError
        At once where the path is not one that is read; where a file is empty, when its turn comes.
    """
    if path.is_dir():
        files = sorted(entry for entry in path.iterdir() if entry.suffix.lower() in READERS and not entry.is_dir())
        if not files:
            raise InputError(f"the folder {str(path)!r} has no file that ends in {ENDINGS}")
        for file in files:
            require_regular(file)
        return (entry for file in files for entry in entries_in(file))
    if path.suffix.lower() not in READERS:
        raise InputError(f"cannot tell the format of {str(path)!r}: its name must end in {ENDINGS}")
    require_regular(path)
    return entries_in(path)


def entries_in(path: Path) -> Iterator[Entry]:
    found = False
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        for entry in entries(file, path):
            found = True
            yield entry
    if not found:
        raise InputError(f"{path} is empty")


def listed(source: str | Path, given: Given) -> Iterator[Entry | Molecule]:
    """As `read`, but molecules of files, and a SMILES, are left as they stand, to be read by whoever needs them.

    One that cannot be read is no error here, and does not end the stream.
    """
    path = Path(source)
    if not str(source).strip():
        return read(source)  # which says what is wrong
    if exists(path):
        return iter(entries_of(path))
    if str(source) in PUBLISHED or find_shipped(str(source)):
        return read(source, given.charge, given.spin, given.seed, given.known)
    if path.suffix.lower() in READERS:
        return read(source)  # likewise
    require_smiles(str(source))
    return iter([Entry(None, 1, str(source))])


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
