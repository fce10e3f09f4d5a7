"""Shapes are compared as RDKit compares them; minima are told apart as they arrive."""

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdMolAlign

from molopt.ensembles.distinct import Distinct
from molopt.ensembles.matching import matched_rmsd
from molopt.ensembles.seeds import embedded_seeds
from molopt.ensembles.shapes import Shapes
from molopt.errors import InputError
from molopt.molecules import Molecule

SMILES = ("COc1ccc2cc(ccc2c1)[C@H](C)C(=O)O", "CCOC(=O)C1CCNCC1", "CCCCCCC", "CC(C)CC(C(C)C)C(C)(C)C", "OCCO.O")


def geometries(molecule, count=6):
    return np.array([seed.positions for seed in embedded_seeds(molecule, range(count))])


def by_rdkit(molecule, shapes, positions):
    """(S, S) the lowest RMSD by RDKit over the numberings, and mirror images where they are one."""
    graph = Chem.RWMol()
    for number in molecule.numbers[shapes.kept].tolist():
        graph.AddAtom(Chem.Atom(number))
    for place in positions[:, shapes.kept]:
        conformer = Chem.Conformer(len(place))
        conformer.SetPositions(place)
        graph.AddConformer(conformer, assignId=True)
    maps = [list(enumerate(numbering)) for numbering in shapes.numberings.tolist()]
    reflections = (False, True) if shapes.reflects else (False,)
    size = len(positions)
    found = [
        [
            min(
                rdMolAlign.GetAlignmentTransform(graph, graph, one, other, atomMap=pairs, reflect=reflect)[0]
                for pairs in maps
                for reflect in reflections
            )
            for other in range(size)
        ]
        for one in range(size)
    ]
    return np.array(found)


@pytest.mark.parametrize("smiles", SMILES)
def test_the_rmsd_is_that_of_rdkit_and_no_bound_is_above_it(smiles):
    molecule = Molecule.from_smiles(smiles)
    shapes = Shapes(molecule)
    positions = geometries(molecule)
    outlines = shapes.outline(positions)
    apart = np.array([shapes.rmsd(outline, outlines) for outline in outlines])
    assert apart == pytest.approx(by_rdkit(molecule, shapes, positions), abs=1e-5)
    descriptions = shapes.describe(outlines)
    for description, row in zip(descriptions, apart, strict=True):
        assert (shapes.bound(description, descriptions) <= row + 1e-9).all()


@pytest.mark.parametrize(
    ("smiles", "achiral"),
    [
        ("CCCC", True),
        ("C[C@H](O)CC", False),
        ("O[C@H](C(=O)O)[C@@H](O)C(=O)O", True),  # meso
        ("O[C@H](C(=O)O)[C@H](O)C(=O)O", False),
        ("C[S@](=O)CC", False),
        ("[Na+].[Cl-]", True),
    ],
)
def test_a_molecule_is_achiral_where_its_mirror_image_is_the_same_molecule(smiles, achiral):
    assert Shapes(Molecule.from_smiles(smiles)).achiral is achiral


def test_mirror_images_are_one_conformer_of_an_achiral_molecule_unless_they_are_kept():
    butanol = Molecule.from_smiles("CCCCO")
    image = butanol.positions * [1, 1, -1]
    for mirror, new in (("merge", False), ("keep", True)):
        distinct = Distinct(Shapes(butanol, mirror))
        distinct.add(butanol.positions, 0.0)
        assert distinct.add(image, 0.0)[1] is new
    with pytest.raises(InputError, match="mirror must be one of merge, keep, got 'both'"):
        Shapes(butanol, "both")


def test_the_lower_of_two_that_are_one_is_kept_under_the_number_of_the_first():
    butanol = Molecule.from_smiles("CCCCO")
    first, second = geometries(butanol, 2)
    distinct = Distinct(Shapes(butanol), energy=0.01)
    assert distinct.add(first, 1.0) == (0, True)
    assert distinct.add(second, 2.0) == (1, True)
    assert distinct.add(first + 0.001, 0.995) == (0, False)
    assert distinct.energies.tolist() == [0.995, 2.0]
    assert (distinct.positions[0] == first + 0.001).all()
    assert distinct.add(first, 1.2) == (2, True)  # the same shape, too far in energy


def test_conformers_that_differ_by_exchanged_hydrogens_are_one():
    molecule = Molecule.from_smiles("CCC[NH3+]")
    nitrogen = next(k for k, number in enumerate(molecule.numbers) if number == 7)
    hydrogens = [k for bond in molecule.bonds.tolist() if nitrogen in bond for k in bond if molecule.numbers[k] == 1]
    exchanged = molecule.positions
    exchanged[hydrogens] = exchanged[hydrogens[1:] + hydrogens[:1]]
    distinct = Distinct(Shapes(molecule))
    distinct.add(molecule.positions, 0.0)
    assert distinct.add(exchanged, 0.0) == (0, False)


def test_a_lone_atom_has_one_shape():
    ion = Molecule.from_smiles("[Na+]")
    distinct = Distinct(Shapes(ion))
    assert distinct.add(ion.positions, 0.0) == (0, True)
    assert distinct.add(ion.positions + 5, 0.0) == (0, False)


def test_exchanged_groups_are_one_shape_where_there_are_too_many_numberings_to_try():
    molecule = Molecule.from_smiles("C[Si](C)(C)[Si]([Si](C)(C)C)([Si](C)(C)C)[Si](C)(C)C")
    shapes = Shapes(molecule)
    assert len(shapes.numberings) == 5000
    outline = shapes.outline(molecule.positions)
    turn = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    again = outline[exchanged(molecule, shapes, np.random.default_rng(0))] @ turn
    assert shapes.rmsd(outline, np.stack([again, -again])) == pytest.approx([0, 0], abs=1e-6)
    assert shapes.rmsd(outline, (again + np.random.default_rng(1).normal(size=again.shape))[None])[0] > 0.5


def exchanged(molecule, shapes, rng):
    """An order of the atoms with methyls exchanged on each silyl group, and silyl groups exchanged."""
    mol = molecule.to_rdkit()
    centre = next(a for a in mol.GetAtoms() if sum(b.GetSymbol() == "Si" for b in a.GetNeighbors()) == 4)
    groups = [
        [silyl.GetIdx(), *(c.GetIdx() for c in silyl.GetNeighbors() if c.GetSymbol() == "C")]
        for silyl in centre.GetNeighbors()
    ]
    order = np.arange(len(molecule))
    for group, other in zip(groups, rng.permutation(len(groups)), strict=True):
        order[group] = [groups[other][0], *rng.permutation(groups[other][1:])]
    place = {int(atom): k for k, atom in enumerate(shapes.kept)}
    return [place[int(atom)] for atom in order[shapes.kept]]


@pytest.mark.parametrize("smiles", SMILES)
def test_matching_finds_what_trying_each_numbering_finds_for_shapes_that_are_near(smiles):
    molecule = Molecule.from_smiles(smiles)
    shapes, rng = Shapes(molecule), np.random.default_rng(0)
    for positions in geometries(molecule, 4):
        outline = shapes.outline(positions)
        numbering = shapes.numberings[rng.integers(len(shapes.numberings))]
        near = shapes.outline(positions + 0.05 * rng.normal(size=positions.shape))[numbering]
        expected = shapes.rmsd(outline, near[None])[0]
        assert matched_rmsd(outline, near, shapes.classes, shapes.reflects) == pytest.approx(expected, abs=1e-6)
