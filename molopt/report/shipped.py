"""The molecules that come with molopt, as a table."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from rdkit import Chem
from rdkit.Chem.rdMolDescriptors import CalcMolFormula, CalcNumRotatableBonds
from rich.table import Table

from molopt.molecules import Molecule
from molopt.molecules.shipped import shipped_names


class Row(NamedTuple):
    name: str
    formula: str
    atoms: int
    rotatable_bonds: int
    charge: int


def shipped_rows() -> Iterator[Row]:
    for name in shipped_names():
        molecule = Molecule.named(name)
        mol = molecule.to_rdkit()
        rotatable = CalcNumRotatableBonds(Chem.RemoveHs(mol))  # with hydrogens, RDKit counts methyl groups
        yield Row(name, CalcMolFormula(mol), len(molecule), rotatable, molecule.charge)


def shipped_table(rows: Iterable[Row]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("name")
    table.add_column("formula")
    for heading in ("atoms", "rotatable bonds", "charge"):
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(
            row.name, row.formula, str(row.atoms), str(row.rotatable_bonds), f"{row.charge:+d}" if row.charge else "0"
        )
    return table
