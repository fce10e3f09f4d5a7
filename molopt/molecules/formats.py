"""Molecules from open files, record by record: SDF, XYZ and SMILES lists."""

import io
import logging
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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


def from_sdf(file: TextIO, path: Path, given: Given) -> Iterator[Molecule]:
    """The records of an SDF, or the one of a MOL file; charge and spin are taken from the fields of these names."""
    for number, record in enumerate(sdf_records(file), start=1):
        with located(path, "record", number):
            if "M  END" not in record:
                raise InputError("it is truncated: there is no line M  END")
            mol = sdf_mol(record)
            name = title(mol) or fallback_name(path, number)
            charge = number_in(mol, "charge", name) if given.charge is None else given.charge
            spin = number_in(mol, "spin", name) if given.spin is None else given.spin
            if orders_unknown(record):
                molecule = Molecule.from_atoms(described(untyped_atoms(mol), name, charge, spin))
            else:
                mol = with_hydrogens(mol, name) if has_geometry(mol) else embedded_anew(mol, given.seed, name)
                molecule = Molecule.from_rdkit(mol, name=name, charge=charge, spin=spin)
        yield molecule


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


def from_xyz(file: TextIO, path: Path, given: Given) -> Iterator[Molecule]:
    """The frames of an XYZ file; charge, spin, name and bonds are taken from extended XYZ where they are given."""
    number = 0
    while head := next_filled(file):
        number += 1
        with located(path, "frame", number):
            atoms = xyz_atoms(head, file)
            name = name_of(atoms) if "name" in atoms.info else fallback_name(path, number)
            molecule = Molecule.from_atoms(described(atoms, name, given.charge, given.spin), given.known)
        yield molecule


def described(atoms: Atoms, name: str, charge: int | None, spin: int | None) -> Atoms:
    """The atoms, changed in place, with what is known of them in their info."""
    said = {"name": name, "charge": charge, "spin": spin}
    atoms.info.update({key: value for key, value in said.items() if value is not None})
    if charge is not None and atoms.has("initial_charges"):
        del atoms.arrays["initial_charges"]  # they would say it again, or another
    return atoms


def next_filled(file: TextIO) -> str:
    return next((line for line in file if line.strip()), "")


def xyz_atoms(head: str, file: TextIO) -> Atoms:
    """The frame whose first line is `head` and whose other lines come next in the file."""
    if not re.fullmatch(r"\s*[+-]?\d{1,4000}\s*", head):
        raise InputError(f"the number of atoms must come first, got {head.strip()!r:.60}")
    announced = int(head)
    if announced < 1:
        raise InputError(f"it declares {announced} atoms; at least 1 is needed")
    lines = list(islice(file, min(announced, sys.maxsize - 1) + 1))
    present = sum(bool(line.strip()) for line in lines[1:])
    if present < announced:
        raise InputError(f"it is truncated: it declares {announced} atoms and has {present}")
    if len(lines[0]) > LONGEST_COMMENT:
        raise InputError(f"its second line has {len(lines[0])} characters; at most {LONGEST_COMMENT} are read")
    try:
        return ase.io.read(io.StringIO(head + "".join(lines)), format="extxyz")
    except Exception as error:  # ASE raises whatever its parsing stumbles on
        raise InputError(f"ASE cannot read it: {' '.join(str(error).split())}") from error


def from_smi(file: TextIO, path: Path, given: Given) -> Iterator[Molecule]:
    """The lines of a list of SMILES, each followed by a blank and a name or by nothing."""
    for number, line in enumerate(file, start=1):
        if not line.strip():
            continue
        smiles, _, name = line.strip().replace("\t", " ").partition(" ")
        with located(path, "line", number):
            molecule = Molecule.from_smiles(
                smiles, given.seed, name.strip() or fallback_name(path, number), given.charge, given.spin
            )
        yield molecule


def fallback_name(path: Path, number: int) -> str:
    """The file's name without its ending, and the number of the record after the first."""
    return path.stem if number == 1 else f"{path.stem}-{number}"


@contextmanager
def located(path: Path, kind: str, number: int) -> Iterator[None]:
    """Put the place in the file before the message of an InputError."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{path}, {kind} {number}: {error.message}", error.picture) from None


READERS: dict[str, Callable[[TextIO, Path, Given], Iterator[Molecule]]] = {
    ".sdf": from_sdf,
    ".mol": from_sdf,
    ".xyz": from_xyz,
    ".extxyz": from_xyz,
    ".smi": from_smi,
}
