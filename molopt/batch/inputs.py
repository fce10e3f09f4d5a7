"""What a batch takes: molecules, atoms, conformers."""

from typing import TypeAlias

from ase import Atoms

from molopt.ending import Start
from molopt.molecules import Molecule
from molopt.molecules.electrons import name_of
from molopt.rules.partition import Array

Conformer: TypeAlias = tuple[Molecule, Array]  # a molecule, and the positions (N, 3) at which it begins
Target: TypeAlias = Molecule | Atoms | Conformer


def started(target: Target, molecule: Molecule | None) -> Start:
    """Where a target begins; `molecule` is what was perceived of atoms."""
    if isinstance(target, Atoms):
        name = name_of(target) if molecule is None else molecule.name
        return Start(molecule, target, target.positions.copy(), name)
    found, positions = target if isinstance(target, tuple) else (target, target.positions)
    return Start(found, None, positions, found.name)
