"""A start like one that was tried is known again, whatever its symmetric atoms are called."""

import numpy as np
import pytest

from molopt.ensembles.moves import Moves
from molopt.ensembles.shapes import Shapes
from molopt.ensembles.tried import Tried
from molopt.molecules import Molecule


def tried_of(molecule, tolerance=30.0):
    return Tried(Moves(molecule), Shapes(molecule), tolerance)


@pytest.fixture(scope="module")
def butanol():
    return Molecule.from_smiles("CCCCO")


def test_turns_within_the_tolerance_are_alike_and_larger_ones_are_not(butanol):
    moves, tried = Moves(butanol), tried_of(butanol)
    assert butanol.positions not in tried
    tried.add(butanol.positions)
    for rotor in moves.rotors:
        assert rotor.turned(butanol.positions, np.radians(29)) in tried
        assert rotor.turned(butanol.positions, np.radians(31)) not in tried


def test_many_are_remembered(butanol):
    moves, tried, rng = Moves(butanol), tried_of(butanol, 5.0), np.random.default_rng(0)
    made = [moves.turned(butanol.positions, rng)[0] for _ in range(50)]
    for positions in made:
        tried.add(positions)
    assert all(positions in tried for positions in made)


def test_the_mirror_image_of_an_achiral_molecule_is_known_and_that_of_a_chiral_one_is_not(butanol):
    chiral = Molecule.from_smiles("C[C@H](O)CCC")
    for molecule, known in ((butanol, True), (chiral, False)):
        tried = tried_of(molecule)
        gauche = Moves(molecule).rotors[0].turned(molecule.positions, 1.0)
        tried.add(gauche)
        assert (gauche * [1, 1, -1] in tried) is known


def test_exchanged_carboxylate_oxygens_and_a_phenyl_turned_over_are_known():
    molecule = Molecule.from_smiles("[O-]C(=O)CCc1ccccc1")
    moves, tried = Moves(molecule), tried_of(molecule, 20.0)
    tried.add(molecule.positions)
    ends = [rotor for rotor in moves.rotors if np.pi not in rotor.steps and len(rotor.steps) == 1]
    assert len(ends) == 2
    for rotor in ends:
        assert rotor.turned(molecule.positions, np.pi) in tried
        assert rotor.turned(molecule.positions, np.pi / 2) not in tried


def test_poses_of_fragments_are_never_taken_for_known():
    molecule = Molecule.from_smiles("O.O")
    tried = tried_of(molecule)
    tried.add(molecule.positions)
    assert molecule.positions not in tried
