"""PDB files: what they say of bonds and charges, and what follows from their hydrogens."""

import logging
import re
from collections.abc import Iterator
from functools import partial
from typing import TextIO

from rdkit import Chem

from molopt.errors import InputError
from molopt.molecules.annotation import sanitized
from molopt.molecules.entries import Format, Given
from molopt.molecules.molecule import Molecule
from molopt.molecules.opening import InText
from molopt.molecules.rdkit_files import block_read, completed, perceived
from molopt.molecules.sdf import title

log = logging.getLogger("molopt")

# Residues whose bond orders RDKit knows, so that it can add the hydrogens that most PDB files lack.
RESIDUES = frozenset({
    "ALA", "ARG", "ASN", "ASP", "CYS", "GLN", "GLU", "GLY", "HIS", "ILE", "LEU", "LYS", "MET", "PHE", "PRO", "SER",
    "THR", "TRP", "TYR", "VAL", "HOH",
})  # fmt: skip
ACID = Chem.MolFromSmarts("[OD1]-[C,P,S]=O")  # its oxygen; hydrogens that are there are neighbours, too
# What `molopt.molecules.writing` says where PDB has no place for it.
SAID = re.compile(
    r"^REMARK 999 molopt charge (-?\d{1,6}) spin (\d{1,6}) bonds (listed|guessed) name (.+)$", re.MULTILINE
)


def pdb_models(file: TextIO) -> Iterator[tuple[int, str]]:
    """The molecules of a PDB file: those between END lines, and each model of them with the bonds that all share."""
    number = 0
    for block in pdb_blocks(file):
        shared = [line for line in block if line.startswith("CONECT")]
        titles = [line for line in block if line.startswith(("COMPND", "REMARK 999"))]
        for atoms in models(block):
            number += 1
            yield number, "".join([*titles, *atoms, *shared])
    if not number:
        yield 1, ""


def pdb_blocks(file: TextIO) -> Iterator[list[str]]:
    lines: list[str] = []
    for line in file:
        if line.split() == ["END"]:
            yield lines
            lines = []
        else:
            lines.append(line)
    if "".join(lines).strip():
        yield lines


def models(block: list[str]) -> Iterator[list[str]]:
    """The atoms of each model; all of them where there are no models, and nothing where there are none."""
    kept: list[str] = []
    for line in block:
        if line.startswith(("ATOM  ", "HETATM")):
            kept.append(line)
        elif line.startswith("ENDMDL") and kept:
            yield kept
            kept = []
    if kept:
        yield kept


def pdb_molecule(block: str, fallback: str, given: Given) -> Molecule:
    """A model of a PDB file.

    The format says bonds and their orders only of known residues, and where a program wrote bonds twice over. They are
    believed where they leave out no hydrogen; else, as in most files of small molecules, all bonds are perceived. Where
    there are no hydrogens at all they are added, to residues that are known.
    """
    # Without its guesses of bonds, formal charges are those of the file: RDKit gives nitrogen with four of them one.
    plain, why = block_read(partial(Chem.MolFromPDBBlock, proximityBonding=False), block, sanitize=False)
    if plain is None or plain.GetNumAtoms() == 0:
        atoms = re.search(r"^(ATOM  |HETATM)", block, re.MULTILINE)
        raise InputError(f"RDKit cannot read it: {why}" if atoms else "it has no atoms")
    name = title(plain) or fallback
    charge, spin = given.charge, given.spin
    if said := SAID.search(block):
        charge = int(said[1]) if charge is None else charge
        spin = int(said[2]) if spin is None else spin
        name = said[4].strip()
        if said[3] == "listed" and (mol := with_listed_bonds(block)) is not None:
            return Molecule.from_rdkit(mol, name=name, charge=charge, spin=spin)
    mol, _ = block_read(Chem.MolFromPDBBlock, block, sanitize=True)
    formal = Chem.GetFormalCharge(plain)
    if mol is not None:
        hydrogens = any(atom.GetAtomicNum() == 1 for atom in mol.GetAtoms())
        mol = with_acid_anions(mol) if hydrogens else mol
        missing = {atom.GetAtomicNum() for atom in mol.GetAtoms() if atom.GetTotalNumHs()}
        if not missing and charge in (None, Chem.GetFormalCharge(mol)):
            return Molecule.from_rdkit(mol, name=name, charge=charge, spin=spin)
        if 6 in missing and not hydrogens:
            require_known_residues(mol)
            return Molecule.from_rdkit(completed(mol, name, given.seed), name=name, charge=charge, spin=spin)
    if charge is None and (guess := formal or by_neighbours(block)):
        log.warning("%s: taking charge %+d, by the charges and neighbours of its atoms", name, guess)
        charge = guess
    return perceived(plain, name, charge, given._replace(spin=spin), "")


def by_neighbours(block: str) -> int:
    """The charge (e) that a PDB file without charges leaves to the hydrogens that it has.

    Nitrogen with four neighbours and the carbon of a guanidinium have one, an acid one less than it has oxygens that
    lack hydrogen, of sulfonic acids two less.
    """
    mol, _ = block_read(Chem.MolFromPDBBlock, block, sanitize=False)
    if mol is None:
        return 0
    total = 0
    for atom in mol.GetAtoms():
        neighbours = [(each.GetSymbol(), each.GetDegree()) for each in atom.GetNeighbors()]
        kind, bare = (atom.GetSymbol(), atom.GetDegree()), neighbours.count(("O", 1))
        if kind == ("N", 4) or (kind == ("C", 3) and neighbours.count(("N", 3)) == 3):
            total += 1
        elif kind in (("C", 3), ("P", 4)):
            total -= max(0, bare - 1)
        elif kind == ("S", 4):
            total -= max(0, bare - 2)
    return total


def with_acid_anions(mol: Chem.Mol) -> Chem.Mol:
    """The molecule with a charge at each acid's oxygen that lacks its hydrogen, where no other atom lacks one.

    RDKit knows the bond orders of residues, and not which of their acids have lost a proton; the hydrogens that are
    there say it.
    """
    lacking = {atom.GetIdx() for atom in mol.GetAtoms() if atom.GetTotalNumHs()}
    acids = {oxygen for oxygen, *_ in mol.GetSubstructMatches(ACID)}
    if not lacking or not lacking <= acids:
        return mol
    changed = Chem.RWMol(mol)
    for index in lacking:
        changed.GetAtomWithIdx(index).SetFormalCharge(-1)
        changed.GetAtomWithIdx(index).SetNoImplicit(True)
    return sanitized(changed)


def with_listed_bonds(block: str) -> Chem.Mol | None:
    """The molecule with the bonds that a block lists and no others; None where they cannot be all."""
    mol, _ = block_read(partial(Chem.MolFromPDBBlock, proximityBonding=False), block, sanitize=False)
    if mol is None:
        return None
    for atom in mol.GetAtoms():
        atom.SetNoImplicit(True)
    try:
        return sanitized(Chem.RWMol(mol))
    except (ValueError, RuntimeError):
        return None


def require_known_residues(mol: Chem.Mol) -> None:
    """Raise InputError where hydrogens that a PDB file lacks cannot be told from it."""
    if any(atom.GetAtomicNum() == 6 and atom.GetDegree() == 0 for atom in mol.GetAtoms()):
        raise InputError("it has carbon atoms without neighbours, as where a file has one atom of each residue")
    strange = sorted({residue(atom) for atom in mol.GetAtoms()} - RESIDUES)
    if strange:
        raise InputError(
            f"it has no hydrogens, and a PDB file does not say which {', '.join(strange[:3])} has: add them with "
            "another program, or give an SDF or a SMILES"
        )


def residue(atom: Chem.Atom) -> str:
    info = atom.GetPDBResidueInfo()
    return "" if info is None else info.GetResidueName().strip()


PDB = Format("pdb", "model", InText(pdb_models), pdb_molecule)
