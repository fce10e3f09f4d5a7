"""Which cheap potential guides which expensive one."""

import logging
from typing import Any

from molopt.errors import InputError
from molopt.molecules import Molecule
from molopt.potentials.alone import Alone
from molopt.potentials.force_fields import RDKitForceField

log = logging.getLogger("molopt")

SMALL = 20  # atoms; below, a step that a surrogate guides costs more time than the calls of xTB that it saves
QUICK = frozenset({"tblite", "xtb"})  # programs of which that is true
LARGE = 1000  # atoms; beyond, the pairs of a force field without cutoff cost seconds a step
GUIDE = "mmff94s"  # UFF costs more force calls than it saves: docs/notes/surrogates.md


def automatic(calculator: Any, molecule: Molecule | None) -> RDKitForceField | None:
    """The surrogate that "auto" means for a molecule on a calculator; None where there is none.

    A force field has none: it is as cheap itself. Nor has GFN-xTB below 20 atoms, where fewer calls take more time in
    all (docs/notes/surrogates.md). Nor has a function of many molecules, so that a run takes the steps that it takes in
    a batch, where systems that each have a guide could not step together. For all else it is MMFF94s where it has
    parameters for the molecule, up to 1,000 atoms. Beyond, there is none: pairs cost too much, and the bonded terms
    alone, which can be asked for as "mmff94s?terms=bonded", save no force calls.
    This depends on the class of the calculator and the number of atoms, never on the clock. UFF, which has parameters
    for any element, and GFN-xTB can guide where they are asked for.

    >>> from molopt.potentials import potential
    >>> ethanol = Molecule.from_smiles("CCO")
    >>> automatic(potential("mmff94", ethanol), ethanol) is None
    True
    """
    if molecule is None or isinstance(calculator, RDKitForceField | Alone) or len(molecule) > LARGE:
        return None
    if len(molecule) < SMALL and engine(calculator) in QUICK:
        log.debug("the run has no surrogate: %s has fewer than %d atoms, and is run on xTB", molecule.name, SMALL)
        return None
    try:
        return RDKitForceField(molecule, GUIDE)
    except InputError as error:
        log.info("the run has no surrogate: %s", error)
        return None


def engine(calculator: Any) -> str:
    """The program behind a calculator: its package, and RDKit for force fields.

    >>> engine(RDKitForceField(Molecule.from_smiles("O")))
    'rdkit'
    """
    if isinstance(calculator, RDKitForceField):
        return "rdkit"
    return type(calculator).__module__.partition(".")[0]
