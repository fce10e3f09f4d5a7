"""Ensembles as files of other programs: SDF, XYZ, CSV. A file appears whole, or not at all."""

import csv
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from ase import Atoms, units
from ase.calculators.singlepoint import SinglePointCalculator
from ase.data import chemical_symbols
from rdkit import Chem

from molopt.columns import Value
from molopt.ensembles.comparing import filled
from molopt.ensembles.fields import FIELDS, Row
from molopt.files import whole
from molopt.molecules.writing import Structure, annotated, sdf_record
from molopt.numbering import FIRST, from_one
from molopt.rules.partition import Array
from molopt.spelling import exact, tidied

if TYPE_CHECKING:
    from molopt.ensembles.ensemble import Ensemble


def write_sdf(ensemble: "Ensemble", path: str | os.PathLike[str]) -> None:
    """One record a conformer, with `FIELDS`, the potential and the temperature as its data fields."""
    with whole(path) as file:
        file.writelines(sdf_records(ensemble))


def sdf_records(ensemble: "Ensemble") -> Iterator[str]:
    return map(sdf_record, structures(ensemble))


def structures(ensemble: "Ensemble") -> Iterator[Structure]:
    """Each conformer as files have it: its energy, `FIELDS`, the potential and the temperature."""
    besides: dict[str, Value] = {"potential": ensemble.potential, "temperature_K": ensemble.temperature}
    for row in ensemble.rows():
        there = ensemble.molecule.with_positions(row.conformer.positions)
        atoms = there.atoms()
        atoms.calc = SinglePointCalculator(atoms, energy=row.conformer.energy)
        yield Structure(there, atoms, {field.tagged: field.value(row) for field in FIELDS} | besides)


def write_xyz(ensemble: "Ensemble", path: str | os.PathLike[str]) -> None:
    """One frame a conformer as CREST writes them: its energy in hartree is the comment."""
    symbols = [chemical_symbols[number] for number in ensemble.molecule.numbers]
    with whole(path) as file:
        for conformer in ensemble:
            file.write(xyz_frame(symbols, conformer.positions, f"{conformer.energy / units.Hartree:20.10f}"))


def xyz_frame(symbols: Sequence[str], positions: Array, comment: str) -> str:
    rows = (f" {s:<2} {x:19.10f} {y:19.10f} {z:19.10f}" for s, (x, y, z) in zip(symbols, positions, strict=True))
    return "\n".join([f"  {len(symbols)}", comment, *rows]) + "\n"


def write_csv(ensemble: "Ensemble", path: str | os.PathLike[str], first: int = 0) -> None:
    """One line a conformer with `FIELDS` and soft torsions in degrees; numbers have all their digits.

    Atoms in names of torsions count from `first`, 0 or 1.
    """
    names, angles = ensemble.torsions()
    names = list(map(from_one, names)) if first == FIRST else names
    with whole(path) as file:
        table = csv.writer(file)
        table.writerow([*(field.tagged for field in FIELDS), *(f"torsion {name}" for name in names)])
        for row, torsions in zip(ensemble.rows(), angles, strict=True):
            table.writerow([*(exact(field.value(row)) for field in FIELDS), *map(exact, torsions.tolist())])


def columns(ensemble: "Ensemble") -> dict[str, Sequence[Value]]:
    """The table of `write_csv` by column."""
    names, angles = ensemble.torsions()
    rows: Iterable[Row] = list(ensemble.rows())
    found: dict[str, Sequence[Value]] = {field.tagged: [field.value(row) for row in rows] for field in FIELDS}
    return found | {f"torsion {name}": angles[:, place].tolist() for place, name in enumerate(names)}


def rdkit_mol(ensemble: "Ensemble") -> Chem.Mol:
    """One molecule with the conformers, numbered from 0; the fields of each are its properties, of their own types."""
    mol = ensemble.molecule.to_rdkit()
    mol.SetProp("_Name", tidied(ensemble.molecule.name))
    filled(mol, ensemble.positions)
    for row in ensemble.rows():
        conformer = mol.GetConformer(row.number - 1)
        for field in FIELDS:
            value = field.value(row)
            if isinstance(value, float):
                conformer.SetDoubleProp(field.tagged, value)
            elif isinstance(value, int):
                conformer.SetIntProp(field.tagged, value)
            elif value is not None:
                conformer.SetProp(field.tagged, tidied(value))
    return mol


def ase_atoms(ensemble: "Ensemble") -> list[Atoms]:
    """One Atoms a conformer, which knows its energy; fields and what the molecule is are in `info`."""
    return [annotated(structure) for structure in structures(ensemble)]
