"""RDKit's force fields of a molecule, and the atom that has no parameters."""

import os
import re
import tempfile
from typing import Any

from rdkit import Chem, rdBase
from rdkit.Chem import rdForceFieldHelpers

from molopt.errors import InputError
from molopt.molecules import Molecule
from molopt.molecules.annotation import atoms_in
from molopt.molecules.smiles import reason

VARIANTS = {"mmff94": "MMFF94", "mmff94s": "MMFF94s"}
FORCE_FIELDS = (*VARIANTS, "uff")
TERMS = ("all", "bonded")
NO_CUTOFF = 1e6  # A for MMFF, well depths for UFF: farther than any molecule is wide


def force_field(molecule: Molecule, method: str, terms: str = "all") -> Any:
    """An initialized `rdkit.ForceField.ForceField`, by default with every non-bonded term, between fragments too.

    Raises
    ------
    InputError
        An atom has no parameters; MMFF is asked for a radical, for a multiplicity above 1, or where bond orders are
        not known; UFF is asked for its bonded terms alone.
    """
    if method not in FORCE_FIELDS:
        raise InputError(f"method must be one of {', '.join(FORCE_FIELDS)}, got {method!r}")
    if terms not in TERMS:
        raise InputError(f"terms must be one of {', '.join(TERMS)}, got {terms!r}")
    if method == "uff" and terms != "all":
        raise InputError(f"uff has no terms={terms}: use mmff94 or mmff94s")
    with rdBase.BlockLogs():
        field = uff(molecule) if method == "uff" else mmff(molecule, method, terms)
        field.Initialize()
    return field


def uff(molecule: Molecule) -> Any:
    mol = molecule.to_rdkit()
    with rdBase.CaptureErrorLog() as errors:
        complete = rdForceFieldHelpers.UFFHasAllMoleculeParams(mol)
    if not complete:
        # RDKit ends its complaint with the index of the atom in parentheses.
        atom = described(mol, re.search(r"\((\d+)\)", errors.messages), counted_from=0)
        raise InputError(f"UFF has no parameters for {atom} of {molecule.name}: use gfn2-xtb")
    try:
        return rdForceFieldHelpers.UFFGetMoleculeForceField(mol, vdwThresh=NO_CUTOFF, ignoreInterfragInteractions=False)
    except RuntimeError as error:  # as of a bond without an order
        raise InputError(f"UFF cannot be used for {molecule.name}: {reason(error)}; use gfn2-xtb") from error


def mmff(molecule: Molecule, method: str, terms: str = "all") -> Any:
    name, mol = molecule.name, molecule.to_rdkit()
    if not molecule.orders_known:
        raise InputError(
            f"{method} needs bond orders, and those of {name} are not known at charge {molecule.charge}: "
            "give another charge if that is wrong, or use uff or gfn2-xtb"
        )
    radicals = [atom.GetIdx() for atom in atoms_in(mol) if atom.GetNumRadicalElectrons()]
    if radicals:
        raise InputError(
            f"{method} has no parameters for radicals, and {labelled(mol, radicals[0])} of {name} has an unpaired "
            "electron: use gfn2-xtb"
        )
    if molecule.spin > 1:
        raise InputError(f"{method} has no parameters for multiplicity {molecule.spin}, which {name} has: use gfn2-xtb")
    properties = rdForceFieldHelpers.MMFFGetMoleculeProperties(mol, mmffVariant=VARIANTS[method])
    if properties is None:
        atom = described(mol, re.search(r"#(\d+) +0 ", mmff_types(mol)), counted_from=1)
        raise InputError(f"{method} has no parameters for {atom} of {name}: use uff or gfn2-xtb")
    properties.SetMMFFVdWTerm(terms == "all")
    properties.SetMMFFEleTerm(terms == "all")
    return rdForceFieldHelpers.MMFFGetMoleculeForceField(
        mol, properties, nonBondedThresh=NO_CUTOFF, ignoreInterfragInteractions=False
    )


def described(mol: Chem.Mol, found: re.Match[str] | None, counted_from: int) -> str:
    """The atom whose number RDKit printed."""
    return labelled(mol, int(found.group(1)) - counted_from) if found else "an atom"


def labelled(mol: Chem.Mol, index: int) -> str:
    return f"atom {index} ({mol.GetAtomWithIdx(index).GetSymbol()}), counted from 0,"


def mmff_types(mol: Chem.Mol) -> str:
    """The table of MMFF types, 0 where there is none. RDKit prints it from C++, and offers it in no other way."""
    with tempfile.TemporaryFile() as file:
        stdout = os.dup(1)
        try:
            os.dup2(file.fileno(), 1)
            rdForceFieldHelpers.MMFFGetMoleculeProperties(mol, mmffVerbosity=2)
        finally:
            os.dup2(stdout, 1)
            os.close(stdout)
        file.seek(0)
        return file.read().decode()
