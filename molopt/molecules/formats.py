"""Which format a file has: by its ending, as ASE knows it, as Open Babel does, or by what stands in it."""

import re
from pathlib import Path

from molopt.errors import InputError
from molopt.files import require_regular
from molopt.molecules import openbabel_files
from molopt.molecules.ase_files import READ_BY_ASE, XYZ, by_ase, known_to_ase
from molopt.molecules.entries import Format
from molopt.molecules.opening import head, is_packed
from molopt.molecules.pdb_files import PDB
from molopt.molecules.rdkit_files import MOL2, MOL2_START, SDF
from molopt.molecules.smiles import parse_smiles
from molopt.molecules.smiles_files import CSV, SMILES, TSV
from molopt.spelling import offer

READERS = {
    ".sdf": SDF,
    ".mol": SDF,
    ".mol2": MOL2,
    ".pdb": PDB,
    ".ent": PDB,
    ".xyz": XYZ,
    ".extxyz": XYZ,
    ".smi": SMILES,
    ".smiles": SMILES,
    ".csv": CSV,
    ".tsv": TSV,
}
TABLES = (".csv", ".tsv")  # beside molecules they are mostly about them
IN_FOLDERS = tuple(each for each in READERS if each not in TABLES)  # what says most before what says less
ENDINGS = ", ".join(READERS)
PACKED = ".gz"
LINES = 20  # of standard input, half of which must be SMILES: there are words that are one


def ending(path: Path) -> str:
    """The last part of a name that says a format, in small letters, without ".gz"; empty where there is none.

    >>> ending(Path("a.SDF")), ending(Path("b.smi.gz")), ending(Path("coord"))
    ('.sdf', '.smi', '')
    """
    last = path.suffix.lower()
    return Path(path.stem).suffix.lower() if last == PACKED else last


def format_named(name: str) -> Format:
    """The format that a user names: an ending without its dot, or one of ASE's or Open Babel's; InputError else."""
    if f".{name}" in READERS:
        return READERS[f".{name}"]
    if name in READ_BY_ASE:
        return by_ase(name)
    if openbabel_files.known(name):
        return openbabel_files.by_openbabel(name)
    known = [each[1:] for each in READERS]
    raise InputError(f"there is no format {name!r:.60}{offer(name, known)}, and those of ASE and Open Babel")


def is_format(name: str) -> bool:
    return f".{name}" in READERS or name in READ_BY_ASE or openbabel_files.known(name)


def format_of(path: Path) -> Format:
    """The format of a file; InputError where it cannot be told or is not read."""
    if ending(path) in READERS:
        return READERS[ending(path)]
    require_regular(path)
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty")
    if is_packed(path):  # under a name that does not say so
        return format_within(path, str(path))
    if found := known_to_ase(path):
        return by_ase(found)
    if openbabel_files.known(name := ending(path)[1:]):
        return openbabel_files.by_openbabel(name)
    raise InputError(
        f"cannot tell the format of {str(path)!r}: its name must end in {ENDINGS}, or ASE must know it; "
        f"sdf:{path} says what it is{openbabel_files.hint()}"
    )


def format_within(path: Path, name: str) -> Format:
    """The format of what has no name, by its content; InputError with `name` where it cannot be told.

    It may be SDF, XYZ, MOL2, PDB, what ASE knows by its content, a list of SMILES, or a table with a column of them.
    """
    text = head(path)
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise InputError(f"{name} is empty")
    if re.search(r"^M  END|V[23]000\s*$", text, re.MULTILINE):
        return SDF
    if re.search(f"^{MOL2_START}", text, re.MULTILINE):
        return MOL2
    if re.fullmatch(r"\s*\d+\s*", lines[0]):
        return XYZ
    if re.match(r"(HEADER|COMPND|MODEL |ATOM  |HETATM)", lines[0]):
        return PDB
    if found := known_to_ase(path, name):
        return by_ase(found)
    if 2 * sum(map(is_smiles_line, lines[:LINES])) >= len(lines[:LINES]):
        return SMILES
    if "smiles" in lines[0].lower():
        return CSV
    raise InputError(f"cannot tell the format of {name}, which begins with {lines[0]!r:.60}: name it, as sdf:-")


def is_smiles_line(line: str) -> bool:
    try:
        parse_smiles(line.split()[0])
    except InputError:
        return False
    return True
