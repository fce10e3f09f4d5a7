"""Atoms of a molecule that a SMARTS matches."""

from collections.abc import Sequence

from rdkit import Chem, rdBase

from molopt.errors import InputError
from molopt.molecules.molecule import Molecule
from molopt.molecules.smiles import brief

LONGEST = 1000  # characters of a pattern
MOST = 100_000  # matches; RDKit stops at 1000 unless it is told


def pattern_of(smarts: str) -> Chem.Mol | None:
    """The query that a SMARTS is; None where it cannot be read.

    >>> pattern_of("CC=O") is None, pattern_of("C(") is None, pattern_of("") is None
    (False, True, True)
    """
    text = smarts.strip()
    if not text or len(text) > LONGEST or not text.isascii() or "\0" in text:
        return None
    with rdBase.BlockLogs():
        found = Chem.MolFromSmarts(text)
    return found if found is not None and found.GetNumAtoms() else None


def matches(molecule: Molecule, smarts: str) -> list[tuple[int, ...]]:
    """All matches of a SMARTS, each as atoms counted from 0, in the order of the pattern.

    Atoms with numbers, as in `[CH3:1][C:2]`, are given alone and in the order of these numbers. A match and the same
    read backwards are one.

    Raises
    ------
    InputError
        It is not a SMARTS, the molecule has no bond orders to match, or there is no match.

    Examples
    --------
    >>> matches(Molecule.from_smiles("CCCC"), "CCCC"), matches(Molecule.from_smiles("CCO"), "[O:2][C:1]")
    ([(0, 1, 2, 3)], [(1, 2)])
    """
    pattern = pattern_of(smarts)
    if pattern is None:
        raise InputError(f"{brief(smarts)} is neither atoms such as 1,2,3,4 nor a SMARTS such as CCCC")
    if not molecule.orders_known:
        raise InputError(
            f"{molecule.name}: bond orders are not known, so a SMARTS cannot be matched: give atoms instead"
        )
    numbered = sorted((atom.GetAtomMapNum(), atom.GetIdx()) for atom in pattern.GetAtoms() if atom.GetAtomMapNum())
    order: Sequence[int] = [index for _, index in numbered] or range(pattern.GetNumAtoms())
    unique: dict[tuple[int, ...], None] = {}
    for match in molecule.to_rdkit().GetSubstructMatches(pattern, uniquify=False, maxMatches=MOST):
        atoms = tuple(int(match[place]) for place in order)
        if atoms[::-1] not in unique:
            unique.setdefault(atoms)
    if not unique:
        raise InputError(f"{molecule.name} has no match of the SMARTS {brief(smarts)}")
    return list(unique)
