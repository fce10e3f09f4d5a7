"""What all distances of a geometry say at once is what looking at each bond and angle says."""

import numpy as np
import pytest

import molopt
from molopt.coordinates.distances import squares, wider
from molopt.coordinates.evaluation import outdated
from molopt.optimizers.internals import Recipe
from molopt.potentials.sense import Evaluated, Sense, crowded

NAMES = ("aladip", "tetrayne", "arachidonic", "enkephalin")


@pytest.mark.parametrize("name", NAMES)
def test_coordinates_are_outdated_where_one_by_one_they_are(name):
    molecule = molopt.Molecule.named(name)
    atoms = molecule.atoms()
    recipe, x = Recipe.of(atoms, molecule=molecule), atoms.positions.ravel()
    member, random = recipe.build(x), np.random.default_rng(0)
    said = set()
    for size in np.linspace(0.0, 0.5, 60):
        moved = x + random.normal(0, size, x.size)
        slowly = recipe.bonding.changed(member.built, moved) or outdated(member.primitives, moved)
        assert recipe.outdated(member, moved) == slowly
        said.add(slowly.partition(" ")[2][:8])
    assert len(said) > 1
    assert recipe.outdated(member, x) == ""


def test_far_from_the_origin_squared_distances_are_as_right():
    positions = np.random.default_rng(1).normal(0, 5, (60, 3))
    exact = ((positions[:, None] - positions) ** 2).sum(axis=2)
    np.testing.assert_allclose(squares(positions + 1e4), exact, atol=1e-9)


def test_an_angle_just_below_a_limit_leaves_a_doubt_and_one_far_below_none():
    bent = np.array([[1.0, 0, 0], [0, 0, 0], [np.cos(2.0), np.sin(2.0), 0]])
    triples = np.array([[0 * 3 + 1], [1 * 3 + 2], [0 * 3 + 2]])
    assert wider(squares(bent), triples, 1.9)
    assert wider(squares(bent), triples, 2.0 + 1e-9)
    assert not wider(squares(bent), triples, 2.1)


def test_two_atoms_on_one_spot_are_seen_among_many():
    positions = molopt.Molecule.named("arachidonic").positions.copy()
    sense = Sense()
    atoms = molopt.Molecule.named("arachidonic").atoms()
    sense.see(atoms, Evaluated(1, positions.copy(), 0.0, 1.0, {}))
    assert not crowded(squares(positions), 0.1)
    assert sense.nonsense == ""
    positions[7] = positions[30] + 0.05
    assert crowded(squares(positions), 0.1)
    sense.see(atoms, Evaluated(2, positions, 0.0, 1.0, {}))
    assert sense.nonsense == "atoms 7 and 30, counted from 0, are less than 0.1 A from each other"
    positions[7] += 200.0
    sense.see(atoms, Evaluated(3, positions, 0.0, 1.0, {}))
    assert "were bonded and are" in sense.nonsense
