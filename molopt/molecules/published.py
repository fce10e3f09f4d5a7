"""Test sets of the literature, from the wheel of pyberny (the extra `peers`), with their own starts and charges."""

from collections.abc import Iterator

import numpy as np
from ase import Atoms

from molopt.errors import MissingExtra
from molopt.molecules.molecule import Molecule

PUBLISHED = {"baker": "baker", "birkholz-schlegel": "birkholz"}  # by name: what pyberny calls it


def published(name: str) -> Iterator[Molecule]:
    """The molecules of a set: "baker", 30 small ones, or "birkholz-schlegel", 19 of 20 to 95 atoms.

    J. Baker, J. Comput. Chem. 14, 1085 (1993); A. B. Birkholz, H. B. Schlegel, Theor. Chem. Acc. 135, 84 (2016).
    """
    try:
        with np.printoptions():  # pyberny's import changes how NumPy prints
            from berny.benchmarks import iter_molecules
    except ImportError:
        raise MissingExtra("peers", f"the set {name}") from None
    for label, geometry, about in iter_molecules(PUBLISHED[name]):
        atoms = Atoms(geometry.species, geometry.coords)
        atoms.info.update(name=label, charge=about["charge"], spin=about["mult"])
        yield Molecule.from_atoms(atoms)
