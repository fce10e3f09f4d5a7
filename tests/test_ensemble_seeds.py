"""The first geometries of a search."""

import numpy as np
import pytest

from molopt.ensembles.seeds import embedded_seeds
from molopt.errors import InputError
from molopt.molecules import Molecule


def test_one_seed_gives_one_geometry_whatever_the_others_are():
    molecule = Molecule.from_smiles("C[C@H](O)CCN")
    alone, among = embedded_seeds(molecule, [5])[0], embedded_seeds(molecule, [3, 5, 9])[1]
    assert (alone.positions == among.positions).all()
    assert not np.allclose(among.positions, embedded_seeds(molecule, [9])[0].positions)
    assert molecule.with_positions(alone.positions).smiles == molecule.smiles


def test_a_seed_that_rdkit_would_draw_itself_is_refused():
    with pytest.raises(InputError, match="seed must be at least 0"):
        embedded_seeds(Molecule.from_smiles("CC"), [-1])
