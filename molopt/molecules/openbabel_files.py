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
from molopt.molecules.entries import Format, Piece
from molopt.molecules.rdkit_files import sdf_molecule

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


def known(ending: str) -> str:
    """Open Babel's name of the format of an ending such as ".cml"; empty where it has none or is not installed."""
    name = ending.removeprefix(".")
    module = pybel() if name else None
    return name if module is not None and name in module.informats else ""


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


def by_openbabel(name: str) -> Format:
    """The format of this name of Open Babel's."""
    return Format(name, "molecule", ByOpenBabel(name), sdf_molecule)
