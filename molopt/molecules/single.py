"""One molecule, from whatever describes one: a SMILES, a file, an RDKit molecule, ASE atoms."""

from itertools import islice
from pathlib import Path
from typing import NamedTuple, TypeAlias

from ase import Atoms
from rdkit import Chem
from rdkit.Chem.rdMolDescriptors import CalcMolFormula

from molopt.errors import InputError
from molopt.molecules.acceptance import sanitized_copy, smiles_of
from molopt.molecules.entries import Entry, Given
from molopt.molecules.molecule import SEED, Molecule
from molopt.molecules.rdkit_files import completed, has_geometry
from molopt.molecules.reading import listed
from molopt.molecules.sdf import title

Described: TypeAlias = Molecule | Atoms | Chem.Mol | str | Path


class Single(NamedTuple):
    """A molecule.

    Attributes
    ----------
    molecule : Molecule
    smiles : str
        From which its geometry was embedded; empty where it came with one.
    """

    molecule: Molecule
    smiles: str = ""


def single(
    target: Described,
    charge: int | None = None,
    spin: int | None = None,
    seed: int = SEED,
    known: dict[str, int] | None = None,
) -> Single:
    """The one molecule that is described.

    Parameters
    ----------
    target : Molecule, ase.Atoms, rdkit.Chem.Mol, str or Path
        A str is what `molopt.read` takes, and must name one molecule. An RDKit molecule without a 3D conformer is
        embedded, with hydrogens; one that lacks hydrogens gets them.
    charge, spin, seed, known
        As `molopt.read` takes them; of a Molecule they must be None.

    Raises
    ------
    InputError
        It is none of these, names several molecules, or is not a molecule.
    """
    given = Given(charge, spin, seed, known)
    if isinstance(target, Molecule):
        return Single(target)
    if isinstance(target, Atoms):
        atoms = target.copy()
        atoms.calc = target.calc
        atoms.info |= {key: value for key, value in (("charge", charge), ("spin", spin)) if value is not None}
        return Single(Molecule.from_atoms(atoms, known))
    if isinstance(target, Chem.Mol):
        mol = sanitized_copy(target)
        name = title(mol) or CalcMolFormula(Chem.AddHs(mol))
        whole = completed(mol, name, seed)
        molecule = Molecule.from_rdkit(whole, name=name, charge=charge, spin=spin)
        return Single(molecule, "" if has_geometry(mol) else smiles_of(mol))
    if not isinstance(target, str | Path):
        raise InputError(
            f"a molecule is a Molecule, ase.Atoms, RDKit's, a SMILES or the path of a file, got {target!r:.60}"
        )
    first, *others = islice(listed(target, given), 2)
    if others:
        raise InputError(f"{str(target)!r:.60} has several molecules, and one is needed: take them from molopt.read")
    if isinstance(first, Entry):
        return Single(first.molecule(given), first.text if first.is_smiles else "")
    return Single(first)
