"""Geometries as files of other programs, in the format that the ending of a path says."""

import io
import json
import math
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import ase.io
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io.extxyz import key_val_dict_to_str, key_val_str_to_dict
from ase.io.trajectory import TrajectoryWriter
from rdkit import Chem

from molopt.errors import InputError
from molopt.files import draft, whole
from molopt.molecules.annotation import TRAVELLING
from molopt.spelling import exact, tidied

if TYPE_CHECKING:
    from molopt.molecules.molecule import Molecule

Value = str | int | float | None
FREE = "free_energy"  # of electrons, which some calculators repeat


class Structure(NamedTuple):
    """What is written of one geometry.

    Attributes
    ----------
    molecule : Molecule or None
        Bonds, charge, multiplicity and name; None where atoms are not known to be a molecule.
    atoms : ase.Atoms
        The same geometry; energy and forces, where a calculator has them, are written.
    fields : mapping
        What else is said of it, by name.
    """

    molecule: "Molecule | None"
    atoms: Atoms
    fields: Mapping[str, Value] = {}  # a mapping has no setters


def write(path: str | os.PathLike[str], structures: Iterable[Structure]) -> int:
    """Write geometries into one file, each as it is drawn; the file appears whole, or not at all.

    Parameters
    ----------
    path : path
        That ends in .sdf, .xyz, .extxyz, .pdb or .traj. Bonds are in SDF, and in the info of XYZ and trajectories for
        those who look there; energy and forces are in XYZ and trajectories.
    structures : iterable of Structure

    Returns
    -------
    int
        How many were written.

    Raises
    ------
    InputError
        The ending is another; the file cannot be written; SDF or PDB is asked for of atoms that are no molecule.
    """
    ending, counted = ending_of(path), count()
    drawn = (structure for structure, _ in zip(structures, counted, strict=False))
    if ending == ".traj":
        with draft(path) as begun, TrajectoryWriter(str(begun)) as frames:
            for structure in drawn:
                frames.write(annotated(structure))
    else:
        with whole(path) as file:
            file.writelines(map(TEXTS[ending], drawn))
    return next(counted)


def ending_of(path: str | os.PathLike[str]) -> str:
    """The ending of a path, in small letters; InputError where no such file is written."""
    ending = Path(path).suffix.lower()
    if ending not in WRITTEN:
        raise InputError(f"cannot write {str(path)!r}: its name must end in {', '.join(WRITTEN)}")
    return ending


def sdf_record(structure: Structure) -> str:
    return molecule_of(structure).to_sdf({name: exact(value) for name, value in known(structure.fields)})


def xyz_frame(structure: Structure) -> str:
    """A frame of extended XYZ, with forces where they are known."""
    atoms = annotated(structure)
    for key, value in atoms.info.items():
        if isinstance(value, str):
            atoms.info[key] = spelled(value)
    text = io.StringIO()
    ase.io.write(text, atoms, format="extxyz")
    return text.getvalue()


def spelled(value: str) -> str:
    """A text as ASE must be given it to read the same: it reads escapes and writes none, and takes T for a truth.

    >>> spelled("water"), spelled("F/C=C\\\\F"), spelled("T")
    ('water', 'F/C=C\\\\\\\\F', '_JSON "T"')
    """
    escaped = value.replace("\\", "\\\\")
    in_json = f"_JSON {json.dumps(value)}".replace("\\", "\\\\")
    for text in (value, escaped, in_json):
        with suppress(ValueError):
            again = key_val_str_to_dict(key_val_dict_to_str({"before": 1, "said": text, "after": 2}))
            if isinstance(again.get("said"), str) and again == {"before": 1, "said": value, "after": 2}:
                return text
    return escaped


def pdb_model(structure: Structure) -> str:
    """A molecule with its bonds, the charge and the multiplicity in a remark: PDB has no place of its own for them."""
    molecule = molecule_of(structure)
    mol = molecule.to_rdkit()
    mol.ClearProp("_Name")
    name = molecule.name.replace("\0", " ")  # behind which RDKit reads nothing
    bonds = "listed" if molecule.orders_known else "guessed"
    remark = f"REMARK 999 molopt charge {molecule.charge} spin {molecule.spin} bonds {bonds} name {name}"
    return f"COMPND    {name}\n{remark}\n{Chem.MolToPDBBlock(mol)}"


def annotated(structure: Structure) -> Atoms:
    """A copy of the atoms, with what is known of the molecule and the fields in its info."""
    atoms = structure.atoms.copy()
    if structure.atoms.calc is not None:
        found = structure.atoms.calc.results
        atoms.calc = SinglePointCalculator(atoms, **{name: found[name] for name in found if name != FREE})
    molecule = structure.molecule
    if molecule is not None:
        atoms.info = {key: value for key, value in atoms.info.items() if key not in TRAVELLING}
        atoms.info |= {"name": molecule.name, "charge": molecule.charge, "spin": molecule.spin}
        atoms.info |= molecule.annotation()
    atoms.info |= dict(known(structure.fields))
    return atoms


def molecule_of(structure: Structure) -> "Molecule":
    if structure.molecule is None:
        raise InputError("these atoms are not known to be a molecule: write them as .xyz or .traj")
    return structure.molecule


def known(fields: Mapping[str, Value]) -> Iterable[tuple[str, str | int | float]]:
    """The fields that have a value, texts as one line."""
    for name, value in fields.items():
        if value is not None and value != "" and not (isinstance(value, float) and math.isnan(value)):
            yield name, tidied(value) if isinstance(value, str) else value


TEXTS: dict[str, Callable[[Structure], str]] = {
    ".sdf": sdf_record,
    ".xyz": xyz_frame,
    ".extxyz": xyz_frame,
    ".pdb": pdb_model,
}
WRITTEN = (*TEXTS, ".traj")
