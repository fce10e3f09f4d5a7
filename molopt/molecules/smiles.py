"""SMILES to RDKit molecules, with errors that show the place."""

import re
from typing import Any

from rdkit import Chem, rdBase

from molopt.errors import InputError

POSITION = re.compile(r"around position (\d+)")
ATOM = re.compile(r"\[[^]]*\]|Br|Cl|[BCNOPSFI*bcnops]")
REASON = re.compile(r"SMILES Parse Error: (.+?)(?: while parsing| for input|:)")


def parse_smiles(smiles: str) -> Chem.Mol:
    """The sanitized molecule, without hydrogens.

    Raises
    ------
    InputError
        Syntax, valences or aromaticity are impossible. The message shows the SMILES with a caret under the place.

    Examples
    --------
    >>> parse_smiles("CC(C)X")
    Traceback (most recent call last):
        ...
    molopt.errors.InputError: cannot read the SMILES 'CC(C)X': syntax error at character 6
      CC(C)X
           ^
    """
    smiles = smiles.strip()
    if not smiles:
        raise InputError("the SMILES is empty")
    with rdBase.BlockLogs(), rdBase.CaptureErrorLog() as errors:
        mol = Chem.MolFromSmiles(smiles, sanitize=False)
    if mol is None:
        raise InputError(syntax_error(smiles, errors.messages))
    with rdBase.BlockLogs():
        problems = Chem.DetectChemistryProblems(mol)
        if problems:
            raise InputError(chemistry_error(smiles, problems[0]))
        Chem.SanitizeMol(mol)
        Chem.AssignStereochemistry(mol, cleanIt=True, force=True)
    return mol


def syntax_error(smiles: str, messages: str) -> str:
    reason, position = REASON.search(messages), POSITION.search(messages)
    said = f"cannot read the SMILES {smiles!r}: {reason.group(1) if reason else 'syntax error'}"
    if position is None:
        return said
    column = int(position.group(1))
    return f"{said} at character {column}\n{pointing(smiles, [column - 1])}"


def chemistry_error(smiles: str, problem: Any) -> str:
    """RDKit's complaint, and the SMILES with a caret under each atom it is about."""
    starts = [found.start() for found in ATOM.finditer(smiles)]
    indices = problem.GetAtomIndices() if hasattr(problem, "GetAtomIndices") else [problem.GetAtomIdx()]
    message = " ".join(problem.Message().split())
    return f"cannot use the SMILES {smiles!r}: {message}\n{pointing(smiles, [starts[index] for index in indices])}"


def pointing(text: str, columns: list[int]) -> str:
    marks = "".join("^" if column in columns else " " for column in range(max(columns) + 1))
    return f"  {text}\n  {marks}"
