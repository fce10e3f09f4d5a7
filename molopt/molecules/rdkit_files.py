"""Files that RDKit reads: SDF, MOL and MOL2, record by record; for PDB, see `pdb_files`."""

import logging
from collections.abc import Callable, Iterator
from typing import TextIO

import numpy as np
from ase import Atoms
from rdkit import Chem, rdBase

from molopt.errors import InputError
from molopt.molecules.ase_files import described
from molopt.molecules.embedding import embedded_first
from molopt.molecules.entries import Format, Given
from molopt.molecules.molecule import Molecule
from molopt.molecules.opening import InText
from molopt.molecules.sdf import COMPLAINT, number_in, orders_unknown, sdf_mol, sdf_records, title, untyped_atoms
from molopt.molecules.smiles import logged

log = logging.getLogger("molopt")

MOL2_START = "@<TRIPOS>MOLECULE"
PARTIAL = "_TriposPartialCharge"  # RDKit's name for the charge of an atom in a MOL2 file
NEARLY = 0.05  # e; partial charges of two or three decimals that add up to a whole number come so near to it


def numbered_records(file: TextIO) -> Iterator[tuple[int, str]]:
    return enumerate(sdf_records(file), start=1)


def sdf_molecule(record: str, fallback: str, given: Given) -> Molecule:
    """A record of an SDF, or the one of a MOL file; charge and spin are taken from the fields of these names."""
    if "M  END" not in record:
        raise InputError("it is truncated: there is no line M  END")
    mol = sdf_mol(record)
    name = title(mol) or fallback
    charge = number_in(mol, "charge", name) if given.charge is None else given.charge
    spin = number_in(mol, "spin", name) if given.spin is None else given.spin
    if orders_unknown(record):
        return Molecule.from_atoms(described(untyped_atoms(mol), name, charge, spin))
    return Molecule.from_rdkit(completed(mol, name, given.seed), name=name, charge=charge, spin=spin)


def completed(mol: Chem.Mol, name: str, seed: int) -> Chem.Mol:
    """The molecule with all hydrogens, embedded where it has no 3D geometry; the log says what was added."""
    return with_hydrogens(mol, name) if has_geometry(mol) else embedded_anew(mol, seed, name)


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
        log.warning("%s: %d hydrogens that are left out of it were added", name, missing)
    return Chem.AddHs(mol, addCoords=True)


def embedded_anew(mol: Chem.Mol, seed: int, name: str) -> Chem.Mol:
    log.warning("%s has no 3D geometry, and was embedded with seed %d", name, seed)
    return embedded_first(Chem.AddHs(mol), seed, name)


def mol2_records(file: TextIO) -> Iterator[tuple[int, str]]:
    lines: list[str] = []
    number = 0
    for line in file:
        if line.startswith(MOL2_START):
            if number:
                yield number, "".join(lines)
            number, lines = number + 1, []
        lines.append(line)
    if "".join(lines).strip():
        yield max(number, 1), "".join(lines)


def mol2_molecule(record: str, fallback: str, given: Given) -> Molecule:
    """A molecule of a MOL2 file: its bonds, unless they contradict its charge; then they are perceived."""
    if MOL2_START not in record:
        raise InputError(f"there is no line {MOL2_START}")
    plain, why = block_read(Chem.MolFromMol2Block, record, sanitize=False)
    if plain is None:
        raise InputError(f"RDKit cannot read it: {why}")
    mol, why = block_read(Chem.MolFromMol2Block, record, sanitize=True)
    name = title(plain) or fallback
    name = fallback if name == "*****" else name  # as programs write where they know none
    charge = partial_sum(plain) if given.charge is None else given.charge
    if plain.GetNumBonds() == 0 and plain.GetNumAtoms() > 1:
        return perceived(plain, name, charge, given, "")
    if mol is not None and charge in (None, Chem.GetFormalCharge(mol)):
        return Molecule.from_rdkit(completed(mol, name, given.seed), name=name, charge=given.charge, spin=given.spin)
    why = "its bonds do not agree with its charge" if mol is not None else f"RDKit cannot use its bonds ({why})"
    return perceived(plain, name, charge, given, why)


def partial_sum(mol: Chem.Mol) -> int | None:
    """The total charge (e) that partial charges of the atoms add up to; None where there are none.

    Nor is it known where it would leave an electron alone: programs charge a guanidine like its cation.
    """
    try:
        charges = [float(atom.GetProp(PARTIAL)) for atom in mol.GetAtoms()]
    except (KeyError, ValueError):
        return None
    total = sum(charges)
    electrons = sum(atom.GetAtomicNum() for atom in mol.GetAtoms()) - round(total)
    return round(total) if any(charges) and abs(total - round(total)) < NEARLY and electrons % 2 == 0 else None


def block_read(read: Callable[..., Chem.Mol | None], block: str, sanitize: bool) -> tuple[Chem.Mol | None, str]:
    """What RDKit makes of a block with all its hydrogens, or None and the reason."""
    with rdBase.BlockLogs(), rdBase.CaptureErrorLog() as errors:
        mol = read(block, sanitize=sanitize, removeHs=False)
    if mol is not None:
        if mol.GetNumConformers() and not any(atom.GetTotalNumHs() for atom in mol.GetAtoms() if sanitize):
            mol.GetConformer().Set3D(True)  # RDKit takes any flat molecule for a drawing; few have all hydrogens
        return mol, ""
    complaint = COMPLAINT.search(logged(errors))
    return None, complaint.group(1).strip() if complaint else "it gives no reason"


def perceived(mol: Chem.Mol, name: str, charge: int | None, given: Given, why: str) -> Molecule:
    """The molecule of the atoms alone, their bonds perceived from the geometry."""
    if not has_geometry(mol):
        raise InputError(f"{why}, and there is no 3D geometry to perceive others from" if why else "it has no geometry")
    if why:
        log.warning("%s: %s: they are perceived from the geometry", name, why)
    numbers = [atom.GetAtomicNum() for atom in mol.GetAtoms()]
    if 0 in numbers:
        raise InputError(f"atom {numbers.index(0)}, counted from 0, has no element")
    atoms = Atoms(numbers, mol.GetConformer().GetPositions())
    return Molecule.from_atoms(described(atoms, name, charge, given.spin), given.known)


SDF = Format("sdf", "record", InText(numbered_records), sdf_molecule, titled=True)
MOL2 = Format("mol2", "molecule", InText(mol2_records), mol2_molecule)
