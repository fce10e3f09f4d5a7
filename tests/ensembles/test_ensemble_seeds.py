"""The first geometries of a search."""

import sys

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdDistGeom

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


def test_a_caged_molecule_is_embedded_from_random_coordinates_after_a_few_tries_and_says_so():
    triterpene = (
        r"C[C@@H]1CC[C@]2(C)CC[C@@]3(C)[C@H](CC[C@@H]4[C@@]5(C)CC[C@H](O)C(C)(C)[C@@H]5CC[C@]34C)[C@@H]2[C@H]1C"
    )
    molecule = Molecule.from_rdkit(embedded_by_rdkit(triterpene))
    (seed,) = embedded_seeds(molecule, [1])
    assert seed.note == "from random coordinates"
    assert molecule.with_positions(seed.positions).smiles == molecule.smiles


def test_what_cannot_be_embedded_says_so():
    given = Molecule.from_rdkit(drawn_at_random("O=C=[Fe](=C=O)(=C=O)(=C=O)=C=O"))
    (seed,) = embedded_seeds(given, [0])
    assert seed.positions is None
    assert "RDKit cannot embed it" in seed.note


def embedded_by_rdkit(smiles):
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    settings = rdDistGeom.ETKDGv3()
    settings.useRandomCoords, settings.randomSeed = True, 1
    rdDistGeom.EmbedMolecule(mol, settings)
    return mol


def drawn_at_random(smiles):
    mol = Chem.MolFromSmiles(smiles)
    conformer = Chem.Conformer(mol.GetNumAtoms())
    conformer.SetPositions(np.random.default_rng(0).normal(scale=4.0, size=(mol.GetNumAtoms(), 3)))
    conformer.Set3D(True)
    mol.AddConformer(conformer)
    return mol
