"""SMILES to RDKit molecules, with errors that show the place."""

import re
from typing import Any

from rdkit import Chem, rdBase
from rdkit.Chem.rdMolDescriptors import CalcMolFormula

from molopt.errors import InputError

POSITION = re.compile(r"around position (\d+)")
ATOM = re.compile(r"\[[^]]*\]|Br|Cl|[BCNOPSFI*bcnops]")
LONGEST_SMILES = 10_000  # characters: many more than a SMILES needs for as many atoms as can be embedded
SEEN = 60  # characters of a SMILES in a message, and around the place of an error
REASON = re.compile(r"SMILES Parse Error: (.+?)(?: while parsing| for input|:)")


def parse_smiles(smiles: str) -> Chem.Mol:
    """The sanitized molecule, without hydrogens.

    Raises
    ------
    InputError
        Syntax, valences or aromaticity are impossible, with a picture: the SMILES with a caret under the place. It is
        longer than any whose molecule could be embedded, or has characters that no SMILES has.

    Examples
    --------
    >>> parse_smiles("CC(C)X")
    Traceback (most recent call last):
        ...
    molopt.errors.InputError: cannot read the SMILES 'CC(C)X': syntax error at character 6
      CC(C)X
           ^
    """
    smiles = smiles.strip().encode("utf-8", "backslashreplace").decode()  # RDKit takes no lone surrogates
    if not smiles:
        raise InputError("the SMILES is empty")
    check_characters(smiles)
    with rdBase.BlockLogs(), rdBase.CaptureErrorLog() as errors:
        mol = Chem.MolFromSmiles(smiles, sanitize=False)
    if mol is None:
        raise syntax_error(smiles.split()[0], logged(errors))
    try:
        with rdBase.BlockLogs():
            problems = Chem.DetectChemistryProblems(mol)
            if problems:
                raise chemistry_error(smiles.split()[0], problems[0])
            Chem.SanitizeMol(mol)
            Chem.AssignStereochemistry(mol, cleanIt=True, force=True)
    except RuntimeError as error:  # a condition of RDKit's own that failed, as of odd dative bonds
        raise InputError(f"RDKit cannot use the SMILES {brief(smiles.split()[0])}: {reason(error)}") from error
    return mol


def smiles_and_name(text: str) -> tuple[str, str]:
    """A SMILES and what follows it after a blank or a tab.

    >>> smiles_and_name("CCO\tgrain alcohol"), smiles_and_name("CCO")
    (('CCO', 'grain alcohol'), ('CCO', ''))
    """
    smiles, _, name = text.strip().replace("\t", " ").partition(" ")
    return smiles, name.strip()


def formula_of(smiles: str) -> str:
    """The formula of what a SMILES means; nothing where it means nothing.

    >>> formula_of("CCO"), formula_of("CX")
    ('C2H6O', '')
    """
    try:
        return CalcMolFormula(parse_smiles(smiles))
    except InputError:
        return ""


def open_stereo(smiles: str) -> list[str]:
    """The stereocentres and double bonds whose configuration a SMILES leaves open, atoms counted from 0.

    >>> open_stereo("CC(N)C(=O)O"), open_stereo("C[C@H](N)C(=O)O"), open_stereo("CC=CC")
    (['centre C1'], [], ['bond C1=C2'])
    """
    mol = parse_smiles(smiles)
    name = [f"{atom.GetSymbol()}{atom.GetIdx()}" for atom in mol.GetAtoms()]
    found = []
    for each in Chem.FindPotentialStereo(mol):
        if each.specified == Chem.StereoSpecified.Specified:
            continue
        if each.type == Chem.StereoType.Atom_Tetrahedral:
            found.append(f"centre {name[each.centeredOn]}")
        elif each.type == Chem.StereoType.Bond_Double:
            bond = mol.GetBondWithIdx(each.centeredOn)
            found.append(f"bond {name[bond.GetBeginAtomIdx()]}={name[bond.GetEndAtomIdx()]}")
    return found


def reason(error: RuntimeError) -> str:
    """What condition of RDKit failed, of the lines that say where."""
    lines = str(error).split("\n")
    return " ".join(lines[1 if len(lines) > 1 else 0].split())


def logged(errors: rdBase.CaptureErrorLog) -> str:
    """What RDKit said; nothing where it cut a letter of more than one byte in two."""
    try:
        return errors.messages
    except UnicodeDecodeError:
        return ""


def check_characters(text: str) -> None:
    """Raise InputError where no SMILES can be: RDKit's time for an error grows with the square of the length."""
    smiles = text.split()[0]
    if len(text) > LONGEST_SMILES:
        raise InputError(
            f"the SMILES {brief(smiles)} has {len(text)} characters, and at most {LONGEST_SMILES} are read: give a "
            "large molecule as an SDF with a 3D geometry"
        )
    strange = re.search(r"[^!-~]", smiles)
    if strange:
        raise InputError(
            f"{brief(smiles)} is not a SMILES: {strange.group()!a} at character {strange.start() + 1} cannot be in one"
        )


def syntax_error(smiles: str, messages: str) -> InputError:
    reason, position = REASON.search(messages), POSITION.search(messages)
    said = f"cannot read the SMILES {brief(smiles)}: {reason.group(1) if reason else 'syntax error'}"
    if position is None:
        return InputError(said)
    column = int(position.group(1))
    return InputError(f"{said} at character {column}", pointing(smiles, [column - 1]))


def chemistry_error(smiles: str, problem: Any) -> InputError:
    """RDKit's complaint, and the SMILES with a caret under each atom it is about."""
    starts = [found.start() for found in ATOM.finditer(smiles)]
    indices = problem.GetAtomIndices() if hasattr(problem, "GetAtomIndices") else [problem.GetAtomIdx()]
    columns = [starts[index] for index in indices if index < len(starts)]
    message = " ".join(problem.Message().split())
    return InputError(f"cannot use the SMILES {brief(smiles)}: {message}", pointing(smiles, columns) if columns else "")


def brief(text: str) -> str:
    """The text in quotes, all ASCII; a long one lacks its end."""
    return ascii(text if len(text) <= SEEN else f"{text[: SEEN - 3]}...")


def pointing(text: str, columns: list[int]) -> str:
    """The text, or the part of it that the first column is in, with carets under the columns."""
    start = max(0, min(min(columns) - SEEN // 2, len(text) - SEEN))
    marks = "".join("^" if start + n in columns else " " for n in range(min(SEEN, max(columns) + 1 - start)))
    return f"  {text[start : start + SEEN]}\n  {marks.rstrip()}"
