"""The first geometries of a search."""

import sys

import numpy as np
import pytest

from molopt.ensembles.conforge import conforge_seeds
from molopt.ensembles.seeds import embedded_seeds
from molopt.errors import InputError, MissingExtra
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


def test_conforge_gives_the_same_conformers_each_time_with_the_stereo_of_the_molecule():
    pytest.importorskip("CDPL")
    molecule = Molecule.from_smiles("C/C=C\\C[C@H](N)C(=O)NC")
    one, again = conforge_seeds(molecule, 5), conforge_seeds(molecule, 5)
    assert len(one) == 5
    for seed, same in zip(one, again, strict=True):
        assert (seed.positions == same.positions).all()
        assert molecule.with_positions(seed.positions).smiles == molecule.smiles


def test_conforge_says_why_it_has_none():
    pytest.importorskip("CDPL")
    (seed,) = conforge_seeds(Molecule.from_smiles("[Fe]"), 3)
    assert seed.positions is None
    assert "force" in seed.note
    with pytest.raises(InputError, match="at least 1, got 0"):
        conforge_seeds(Molecule.from_smiles("CC"), 0)


def test_without_cdpkit_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "CDPL", None)
    with pytest.raises(MissingExtra, match=r"pip install 'molopt\[conforge\]'"):
        conforge_seeds(Molecule.from_smiles("CC"), 1)
