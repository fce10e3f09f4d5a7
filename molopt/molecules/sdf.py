"""SDF records: an RDKit molecule, and data fields for what its block of atoms and bonds cannot say."""

import io
import re
from collections.abc import Iterator, Mapping
from typing import TextIO

from ase import Atoms
from rdkit import Chem, rdBase

from molopt.errors import InputError
from molopt.molecules.annotation import annotate
from molopt.molecules.checks import whole
from molopt.molecules.smiles import logged

COMPLAINT = re.compile(r"^\[[\d:]+\] (?:ERROR: )?(.+)$", re.MULTILINE)  # a line of RDKit's log, after the time
GUESSED = re.compile(r"^> [^\n]*<bond_orders>[^<\n]*\nunknown\s*$", re.MULTILINE)
MOST_FIELDS = 1000  # data fields of a record: RDKit's time grows with the square of their number


def sdf_text(
    mol: Chem.Mol, name: str, charge: int, spin: int, orders_known: bool, further: Mapping[str, str] | None = None
) -> str:
    """One record, with the fields charge (e), spin (the multiplicity) and, where they are, bond_orders: unknown.

    `further` are more fields, of one line each.
    """
    mol = Chem.Mol(mol)
    mol.SetProp("_Name", within(name))
    mol.SetIntProp("charge", charge)
    mol.SetIntProp("spin", spin)
    if not orders_known:
        mol.SetProp("bond_orders", "unknown")
    for field, value in (further or {}).items():
        mol.SetProp(field, within(value))
    text = io.StringIO()
    with Chem.SDWriter(text) as writer:
        writer.SetKekulize(orders_known)
        writer.write(mol)
    return text.getvalue()


def within(line: str) -> str:
    """A line that does not end the record.

    >>> within("$$$$"), within("$$")
    (' $$$$', '$$')
    """
    return f" {line}" if line.startswith("$$$$") else line


def sdf_records(file: TextIO) -> Iterator[str]:
    lines: list[str] = []
    for line in file:
        if line.startswith("$$$$"):
            yield "".join(lines)
            lines = []
        else:
            lines.append(line)
    if "".join(lines).strip():
        yield "".join(lines)


def sdf_mol(record: str) -> Chem.Mol:
    """One record with its data fields, hydrogens left as they are; not sanitized where bond orders are unknown."""
    fields = record.count("\n>")
    if fields > MOST_FIELDS:
        raise InputError(f"it has {fields} data fields; at most {MOST_FIELDS} are read")
    supplier = Chem.SDMolSupplier()
    with rdBase.BlockLogs(), rdBase.CaptureErrorLog() as errors:
        supplier.SetData(record, sanitize=not orders_unknown(record), removeHs=False)
        mol = supplier[0] if len(supplier) else None  # none in a record of one line
    if mol is None:
        complaint = COMPLAINT.search(logged(errors))
        raise InputError(f"RDKit cannot read it: {complaint.group(1) if complaint else 'it gives no reason'}")
    if mol.GetNumAtoms() == 0:
        raise InputError("it has no atoms")
    return mol


def orders_unknown(record: str) -> bool:
    return GUESSED.search(record) is not None


def title(mol: Chem.Mol) -> str:
    return mol.GetProp("_Name").strip() if mol.HasProp("_Name") else ""


def number_in(mol: Chem.Mol, field: str, name: str) -> int | None:
    """The whole number in a data field; None where there is no such field or it is empty."""
    text = mol.GetProp(field).strip() if mol.HasProp(field) else ""
    return whole(text, field, name) if text else None


def untyped_atoms(mol: Chem.Mol) -> Atoms:
    """The atoms of a record whose bond orders are unknown, and its bonds in their info."""
    numbers = [atom.GetAtomicNum() for atom in mol.GetAtoms()]
    bonds = annotate(mol, orders_known=False)["bonds"]
    return Atoms(numbers, mol.GetConformer().GetPositions(), info={"bonds": bonds})
