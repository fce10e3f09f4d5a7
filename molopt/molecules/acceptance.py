"""RDKit molecules from outside: what must be true of them, and a copy that is."""

from rdkit import Chem, rdBase
from rdkit.Chem.rdMolDescriptors import CalcMolFormula

from molopt.errors import InputError
from molopt.molecules.checks import check_geometry
from molopt.spelling import tidied


def accepted(mol: Chem.Mol, conformer: int, name: str | None) -> tuple[Chem.Mol, str]:
    """A sanitized copy with one conformer, and its name: the one given, else the property `_Name`, else the formula.

    Raises
    ------
    InputError
        Valences are impossible, there is no such conformer or it is a drawing, hydrogens are missing, atoms are
        dummies, lie on one spot or nowhere.
    """
    mol = sanitized_copy(mol)
    title = mol.GetProp("_Name") if mol.HasProp("_Name") else ""
    name = tidied(name or title) or CalcMolFormula(mol)
    keep_conformer(mol, conformer, name)
    if any(atom.GetTotalNumHs() for atom in mol.GetAtoms()):
        raise InputError(f"{name} lacks hydrogens: add them with Chem.AddHs(mol, addCoords=True)")
    numbers = [atom.GetAtomicNum() for atom in mol.GetAtoms()]
    if 0 in numbers:
        raise InputError(f"{name}: atom {numbers.index(0)}, counted from 0, is a dummy and has no element")
    check_geometry(numbers, mol.GetConformer().GetPositions(), name)
    return mol, name


def sanitized_copy(mol: Chem.Mol) -> Chem.Mol:
    mol = Chem.Mol(mol)
    if mol.NeedsUpdatePropertyCache():
        try:
            with rdBase.BlockLogs():
                Chem.SanitizeMol(mol)
        except Chem.MolSanitizeException as error:
            raise InputError(f"RDKit cannot use the molecule: {error}") from None
    return mol


def keep_conformer(mol: Chem.Mol, conformer: int, name: str) -> None:
    """Remove all conformers but one, in place."""
    try:
        kept = Chem.Conformer(mol.GetConformer(conformer))
    except ValueError:
        raise InputError(f"{name} has no conformer {conformer}: embed it, or use Molecule.from_smiles") from None
    if not kept.Is3D() and mol.GetNumAtoms() > 1:
        raise InputError(f"conformer {conformer} of {name} is a drawing in two dimensions: embed it in three")
    mol.RemoveAllConformers()
    mol.AddConformer(kept, assignId=True)


def smiles_of(mol: Chem.Mol) -> str:
    with rdBase.BlockLogs():
        return Chem.MolToSmiles(Chem.RemoveHs(mol, sanitize=False))
