"""Molecules from open files, record by record: SDF, XYZ and SMILES lists."""

import io
import logging
import re
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TextIO

import ase.io
import numpy as np
from ase import Atoms
from rdkit import Chem

from molopt.errors import InputError
from molopt.molecules.electrons import name_of
from molopt.molecules.embedding import embedded_first
from molopt.molecules.molecule import Molecule
from molopt.molecules.sdf import number_in, orders_unknown, sdf_mol, sdf_records, title, untyped_atoms

log = logging.getLogger("molopt")

LONGEST_COMMENT = 1_000_000  # characters: bonds of many thousand atoms, read in two seconds


class Given(NamedTuple):
    """What the user says of all molecules of a source."""

    charge: int | None
    spin: int | None
    seed: int
    known: dict[str, int] | None = None  # the charge and the multiplicity that a potential was told


class Entry(NamedTuple):
    """One molecule of a file as it stands there, or a SMILES: text, which costs little to pass on, and is read later.

    Attributes
    ----------
    path : Path or None
        Of the file; None of a SMILES that no file has.
    number : int
        Of its record, frame or line, from 1.
    text : str
    """

    path: Path | None
    number: int
    text: str

    @property
    def format(self) -> "Format":
        return READERS[".smi" if self.path is None else self.path.suffix.lower()]

    @property
    def is_smiles(self) -> bool:
        """Whether it has no geometry of its own."""
        return self.format is READERS[".smi"]

    @property
    def where(self) -> str:
        """Its place, as "set.smi, line 12"; nothing for a SMILES that no file has."""
        return "" if self.path is None else f"{self.path}, {self.format.kind} {self.number}"

    def molecule(self, given: Given) -> Molecule:
        """InputError with the place before its message where it cannot be read."""
        if self.path is None:
            return Molecule.from_smiles(self.text, given.seed, charge=given.charge, spin=given.spin)
        try:
            return self.format.read(self.text, self.path, self.number, given)
        except InputError as error:
            raise InputError(f"{self.where}: {error.message}", error.picture) from None


class Format(NamedTuple):
    """How files of a format are read.

    Attributes
    ----------
    kind : str
        What a molecule of it is called in messages.
    entries : callable
        The number and the text of each, one at a time; never an error.
    read : callable
        The molecule of a text; InputError where there is none.
    """

    kind: str
    entries: Callable[[TextIO], Iterator[tuple[int, str]]]
    read: Callable[[str, Path, int, Given], Molecule]


def entries(file: TextIO, path: Path) -> Iterator[Entry]:
    """The molecules of an open file as they stand there, one at a time."""
    for number, text in READERS[path.suffix.lower()].entries(file):
        yield Entry(path, number, text)


def sdf_molecule(record: str, path: Path, number: int, given: Given) -> Molecule:
    """A record of an SDF, or the one of a MOL file; charge and spin are taken from the fields of these names."""
    if "M  END" not in record:
        raise InputError("it is truncated: there is no line M  END")
    mol = sdf_mol(record)
    name = title(mol) or fallback_name(path, number)
    charge = number_in(mol, "charge", name) if given.charge is None else given.charge
    spin = number_in(mol, "spin", name) if given.spin is None else given.spin
    if orders_unknown(record):
        return Molecule.from_atoms(described(untyped_atoms(mol), name, charge, spin))
    mol = with_hydrogens(mol, name) if has_geometry(mol) else embedded_anew(mol, given.seed, name)
    return Molecule.from_rdkit(mol, name=name, charge=charge, spin=spin)


def has_geometry(mol: Chem.Mol) -> bool:
    """Whether there are 3D coordinates, and not a drawing or a list of zeros."""
    if mol.GetNumConformers() == 0:
        return False
    conformer = mol.GetConformer()
    positions = conformer.GetPositions()
    if len(positions) > 1 and not positions.any():
        return False
    return conformer.Is3D() or bool(np.any(positions[:, 2] != 0)) or len(positions) == 1


def with_hydrogens(mol: Chem.Mol, name: str) -> Chem.Mol:
    missing = sum(atom.GetTotalNumHs() for atom in mol.GetAtoms())
    if missing:
        log.warning("%s: %d hydrogens that its record leaves out were added", name, missing)
    return Chem.AddHs(mol, addCoords=True)


def embedded_anew(mol: Chem.Mol, seed: int, name: str) -> Chem.Mol:
    log.warning("%s: its record has no 3D geometry, and was embedded with seed %d", name, seed)
    return embedded_first(Chem.AddHs(mol), seed, name)


def xyz_frames(file: TextIO) -> Iterator[tuple[int, str]]:
    """The frames of an XYZ file; after one that does not say how many lines it has, nothing can be told apart."""
    number = 0
    while head := next_filled(file):
        number += 1
        announced = atoms_announced(head)
        yield number, head + "".join(islice(file, min(announced, sys.maxsize - 1) + 1 if announced > 0 else 0))
        if announced < 1:
            return


def atoms_announced(head: str) -> int:
    """What the first line of a frame says; 0 where it is not a number."""
    return int(head) if re.fullmatch(r"\s*[+-]?\d{1,4000}\s*", head) else 0


def xyz_molecule(frame: str, path: Path, number: int, given: Given) -> Molecule:
    """A frame; charge, spin, name and bonds are taken from extended XYZ where they are given."""
    atoms = xyz_atoms(frame)
    name = name_of(atoms) if "name" in atoms.info else fallback_name(path, number)
    return Molecule.from_atoms(described(atoms, name, given.charge, given.spin), given.known)


def described(atoms: Atoms, name: str, charge: int | None, spin: int | None) -> Atoms:
    """The atoms, changed in place, with what is known of them in their info."""
    said = {"name": name, "charge": charge, "spin": spin}
    atoms.info.update({key: value for key, value in said.items() if value is not None})
    if charge is not None and atoms.has("initial_charges"):
        del atoms.arrays["initial_charges"]  # they would say it again, or another
    return atoms


def next_filled(file: TextIO) -> str:
    return next((line for line in file if line.strip()), "")


def xyz_atoms(frame: str) -> Atoms:
    head, *lines = io.StringIO(frame)
    if not re.fullmatch(r"\s*[+-]?\d{1,4000}\s*", head):
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
        raise InputError(f"ASE cannot read it: {' '.join(str(error).split())}") from error


def smi_lines(file: TextIO) -> Iterator[tuple[int, str]]:
    return ((number, line) for number, line in enumerate(file, start=1) if line.strip())


def smi_molecule(line: str, path: Path, number: int, given: Given) -> Molecule:
    """A line of a list of SMILES, each followed by a blank and a name or by nothing."""
    smiles, _, name = line.strip().replace("\t", " ").partition(" ")
    name = name.strip() or fallback_name(path, number)
    return Molecule.from_smiles(smiles, given.seed, name, given.charge, given.spin)


def fallback_name(path: Path, number: int) -> str:
    """The file's name without its ending, and the number of the record after the first."""
    return path.stem if number == 1 else f"{path.stem}-{number}"


SDF = Format("record", lambda file: enumerate(sdf_records(file), start=1), sdf_molecule)
XYZ = Format("frame", xyz_frames, xyz_molecule)
READERS = {".sdf": SDF, ".mol": SDF, ".xyz": XYZ, ".extxyz": XYZ, ".smi": Format("line", smi_lines, smi_molecule)}
