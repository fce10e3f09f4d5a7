"""Files that ASE reads: XYZ, frame by frame as text, and what `ase.io` knows, which decides the format."""

import io
import logging
import re
import sqlite3
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TextIO

import ase.io
import numpy as np
from ase import Atoms
from ase.db.jsondb import JSONDatabase
from ase.db.sqlite import SQLite3Database
from ase.io import jsonio
from ase.io.formats import UnknownFileTypeError, filetype, ioformats

from molopt.errors import InputError
from molopt.files import obstacle, require_regular
from molopt.molecules.annotation import SAID, TRAVELLING
from molopt.molecules.electrons import name_of, told
from molopt.molecules.entries import Format, Given, Piece
from molopt.molecules.molecule import Molecule
from molopt.molecules.opening import DAMAGED, InText
from molopt.molecules.periodic import without_cell

log = logging.getLogger("molopt")

LONGEST_COMMENT = 1_000_000  # characters: bonds of many thousand atoms, read in two seconds
COUNT = re.compile(r"\s*[+-]?\d{1,4000}\s*")
NEARLY = 0.02  # e; charges of atoms with six decimals add up to the total to much less
# Of what ASE knows, the formats whose readers were seen to take text and numbers and nothing else: none imports, runs
# or opens what a file names. Databases of servers, folders, and formats that unpickle are not among them.
STRUCTURES = frozenset({
    "aims", "castep-cell", "cfg", "cif", "cjson", "crystal", "cube", "dlp4", "dmol-car", "eon", "espresso-in",
    "extxyz", "gaussian-in", "gen", "gromacs", "gromos", "jsv", "lammps-data", "magres", "nwchem-in",
    "proteindatabank", "sys", "traj", "turbomole", "v-sim", "vasp", "xsd", "xsf", "xyz",
})  # fmt: skip
# What programs print of one run: its last geometry is the molecule.
RUNS = frozenset({
    "aims-output", "castep-castep", "castep-geom", "espresso-out", "gamess-us-out", "gamess-us-punch", "gaussian-out",
    "gpaw-out", "nwchem-out", "orca-output", "qbox", "turbomole-gradient", "vasp-out",
})  # fmt: skip
DATABASES = frozenset(("db", "json"))
READ_BY_ASE = STRUCTURES | RUNS | DATABASES


def xyz_frames(file: TextIO) -> Iterator[tuple[int, str]]:
    """The frames of an XYZ file; after one that does not say how many lines it has, nothing can be told apart."""
    number = 0
    while head := next_filled(file):
        number += 1
        announced = atoms_announced(head)
        yield number, head + "".join(islice(file, min(announced, sys.maxsize - 1) + 1 if announced > 0 else 0))
        if announced < 1:
            return


def next_filled(file: TextIO) -> str:
    return next((line for line in file if line.strip()), "")


def atoms_announced(head: str) -> int:
    """What the first line of a frame says; 0 where it is not a number."""
    return int(head) if COUNT.fullmatch(head) else 0


def xyz_molecule(frame: str, fallback: str, given: Given) -> Molecule:
    """A frame; charge, spin, name and bonds are taken from extended XYZ where they are given."""
    return of_atoms(xyz_atoms(frame), fallback, given)


def xyz_atoms(frame: str) -> Atoms:
    head, *lines = io.StringIO(frame)
    if not COUNT.fullmatch(head):
        raise InputError(f"the number of atoms must come first, got {head.strip()!r:.60}")
    announced = int(head)
    if announced < 1:
        raise InputError(f"it declares {announced} atoms; at least 1 is needed")
    present = sum(bool(line.strip()) for line in lines[1:])
    if present < announced:
        raise InputError(f"it is truncated: it declares {announced} atoms and has {present}")
    if len(lines[0]) > LONGEST_COMMENT:
        raise InputError(f"its second line has {len(lines[0])} characters; at most {LONGEST_COMMENT} are read")
    try:
        return ase.io.read(io.StringIO(frame), format="extxyz")
    except Exception as error:  # ASE raises whatever its parsing stumbles on
        raise InputError(cannot(error)) from error


def cannot(error: Exception, name: str = "") -> str:
    if isinstance(error, KeyError):
        return f"{error} is not the symbol of an element"
    said = " ".join(str(error).split()) or type(error).__name__
    return f"ASE cannot read it{f' as {name}' if name else ''}: {said:.200}"


def of_atoms(atoms: Atoms, fallback: str, given: Given) -> Molecule:
    """The molecule that atoms of a file describe, by its own name where it has one."""
    name = name_of(atoms) if "name" in atoms.info else fallback
    return Molecule.from_atoms(described(without_cell(atoms, name), name, given.charge, given.spin), given.known)


def described(atoms: Atoms, name: str, charge: int | None, spin: int | None) -> Atoms:
    """The atoms, changed in place, with what is known of them in their info."""
    said = {"name": name, "charge": charge, "spin": spin}
    atoms.info.update({key: value for key, value in said.items() if value is not None})
    if charge is not None and atoms.has("initial_charges"):
        del atoms.arrays["initial_charges"]  # they would say it again, or another
    return atoms


def known_to_ase(path: Path, name: str = "") -> str:
    """The name of ASE's format of a file; empty where ASE does not know it.

    Parameters
    ----------
    path : Path
    name : str
        By which the file goes; by default that of the path.

    Raises
    ------
    InputError
        It is of a format that is not read here.
    """
    try:
        found = filetype(str(path.resolve()))  # ASE takes "postgres..." for the address of a server
    except (UnknownFileTypeError, *DAMAGED):
        return ""
    if found not in ioformats:  # ASE gives the ending of a name that it does not know
        return ""
    if found not in READ_BY_ASE:
        raise InputError(f"{name or path} is a file of ASE's format {found!r}, from which no molecules are read")
    return found


@dataclass(frozen=True)
class ByAse:
    """The molecules of a file that ASE reads, each as the JSON that ASE makes of its atoms.

    Attributes
    ----------
    format : str
        One of `READ_BY_ASE`.
    """

    format: str

    def __call__(self, path: Path) -> Iterator[Piece]:
        require_regular(path)
        number = 0
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                for number, atoms in enumerate(self.atoms(path), start=1):
                    yield Piece(number, as_text(atoms))
            except Exception as error:  # ASE raises whatever its parsing stumbles on
                yield Piece(number + 1, "", cannot(error, self.format))
                number += 1
        if not number:
            yield Piece(1, "", f"ASE finds no structure in it as {self.format}: name another, as FORMAT:PATH")

    def atoms(self, path: Path) -> Iterator[Atoms]:
        if self.format in DATABASES:
            return database_atoms(path, self.format)
        single = ioformats[self.format].single
        index = slice(None) if self.format in STRUCTURES and not single else -1
        besides = {"attach_calculator": True} if self.format == "gaussian-in" else {}  # which knows charge and spin
        return ase.io.iread(str(path), index, self.format, do_not_split_by_at_sign=True, **besides)


def as_text(atoms: Atoms) -> str:
    """Elements, geometry, cell, and what is said of charge, multiplicity, name and bonds, as JSON."""
    kept = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
    kept.info = {key: atoms.info[key] for key in TRAVELLING if key in atoms.info}
    told_of = {} if atoms.calc is None else told(atoms.calc, atoms)
    said = {what: told_of[key] for what, key in (("charge", "charge"), ("spin", "multiplicity")) if key in told_of}
    for what, number in (summed(atoms) | said).items():
        kept.info.setdefault(what, number)
    return str(jsonio.encode(kept))


def summed(atoms: Atoms) -> dict[str, int]:
    """The charge and the multiplicity that the charges and moments add up to which a program printed of its atoms."""
    results = getattr(atoms.calc, "results", None) or {}
    found = {}
    for what, source, more in (("charge", "charges", 0), ("spin", "magmoms", 1)):
        values = np.asarray(results.get(source, atoms.arrays.get(f"initial_{source}", [])), dtype=float)
        if values.shape != (len(atoms),) or not np.isfinite(values).all() or not values.any():
            continue
        if abs(values.sum() - round(values.sum())) < NEARLY:
            found[what] = abs(round(values.sum())) + 1 if more else round(values.sum())
    return found


def ase_molecule(text: str, fallback: str, given: Given) -> Molecule:
    return of_atoms(jsonio.decode(text), fallback, given)


class ReadOnly(SQLite3Database):
    """An `ase.db` of someone else: only read, and nothing in it is run."""

    def _connect(self) -> sqlite3.Connection:
        path = Path(self.filename).resolve()
        for beside in (f"{path}-wal", f"{path}-shm", f"{path}-journal"):
            if kind := obstacle(Path(beside)):
                raise InputError(f"{beside} is {kind}: give a plain file")
        connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=1)
        connection.execute("PRAGMA trusted_schema = OFF")
        (others,) = connection.execute(
            "SELECT COUNT(*) FROM sqlite_master WHERE type NOT IN ('table', 'index')"
        ).fetchone()
        (systems,) = connection.execute(
            "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'systems' "
            "AND upper(sql) LIKE 'CREATE TABLE %'"
        ).fetchone()
        if others or not systems:
            raise InputError("it is not a database of ASE, or it was changed")
        return connection


def database_atoms(path: Path, kind: str) -> Iterator[Atoms]:
    """The rows of an `ase.db` in their order; charge, spin and name are taken from key-value pairs."""
    database = ReadOnly(str(path)) if kind == "db" else JSONDatabase(str(path))
    for row in database.select():
        atoms = row.toatoms()
        atoms.info.update({key: vars(row)[key] for key in SAID if key in row.key_value_pairs})  # row.charge is another
        yield atoms


def by_ase(name: str) -> Format:
    """The format of this name of `ase.io.formats`."""
    return Format(name, "structure", ByAse(name), ase_molecule)


XYZ = Format("xyz", "frame", InText(xyz_frames), xyz_molecule)
