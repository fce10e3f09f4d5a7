"""Files that neither RDKit nor ASE reads, by Open Babel where it is installed, as SDF records."""

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from molopt.errors import InputError
from molopt.files import require_regular
from molopt.molecules.entries import Format, Given, Piece
from molopt.molecules.molecule import Molecule
from molopt.molecules.rdkit_files import sdf_molecule

NO_MOLECULES = ("txt", "text", "fs", "png", "rxn", "rsmi")  # of Open Babel's: text, indices, pictures, reactions
INSTALL = "pip install 'molopt[openbabel]'"


@cache
def pybel() -> ModuleType | None:
    """Open Babel's own interface; None where it is not installed."""
    if find_spec("openbabel") is None:
        return None
    try:
        return importlib.import_module("openbabel.pybel")
    except ImportError:  # built for another Python, or without its library
        return None


def known(name: str) -> bool:
    """Whether Open Babel, where it is installed, has a format of this name: an ending without its dot."""
    module = pybel() if name and name not in NO_MOLECULES else None
    return module is not None and name in module.informats


def hint() -> str:
    """What a message about an unknown format ends with."""
    return "" if find_spec("openbabel") is not None else f"; more formats with Open Babel: {INSTALL}"


@dataclass(frozen=True)
class ByOpenBabel:
    """The molecules of a file that Open Babel reads, as records of an SDF.

    Attributes
    ----------
    format : str
        Open Babel's name of it.
    """

    format: str

    def __call__(self, path: Path) -> Iterator[Piece]:
        require_regular(path)
        module = pybel()
        if module is None:
            raise InputError(f"{path} needs Open Babel: {INSTALL}")
        number = 0
        module.ob.obErrorLog.SetOutputLevel(-1)  # what it complains of goes to no one
        try:
            for number, mol in enumerate(module.readfile(self.format, str(path)), start=1):
                yield Piece(number, mol.write("sdf").removesuffix("$$$$\n"))
        except (OSError, ValueError) as error:
            yield Piece(number + 1, "", f"Open Babel cannot read it: {' '.join(str(error).split())}")


def openbabel_molecule(record: str, fallback: str, given: Given) -> Molecule:
    """As of an SDF; InputError where atoms have unpaired electrons that nobody asked for, as where hydrogens are left
    out: PDBQT has the polar ones alone.
    """
    found = sdf_molecule(record, fallback, given)
    if found.spin > 1 and given.spin is None:
        raise InputError(
            f"Open Babel finds {found.spin - 1} unpaired electrons in it, as where hydrogens are missing: add them, or "
            "give the multiplicity"
        )
    return found


def by_openbabel(name: str) -> Format:
    """The format of this name of Open Babel's."""
    return Format(name, "molecule", ByOpenBabel(name), openbabel_molecule)
