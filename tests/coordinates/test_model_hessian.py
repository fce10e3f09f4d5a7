"""The model Hessian is what its tables say, for one molecule and for many geometries of it."""

from dataclasses import replace

import numpy as np
import pytest
from complexes import ferrocene
from rdkit import Chem
from rdkit.Chem import AllChem

import molopt
from molopt.coordinates import description, evaluation
from molopt.coordinates.kinds import FOUND, KINDS
from molopt.coordinates.metric import SOFTER, Model, yielding
from molopt.coordinates.model_hessian import model_hessian
from molopt.coordinates.primitives import Primitives
from molopt.coordinates.rigid import rigid_motions
from molopt.coordinates.selection import select_primitives
from molopt.coordinates.splines import Nodes
from molopt.coordinates.topology import Topology
from molopt.optimizers.hessian_models import MODEL_NAMES
from molopt.optimizers.internals import Recipe

SMILES = {"amide": "CC(=O)NCC(O)C#CC", "two fragments": "CC(=O)O.CO", "acetylene": "C#C", "water": "O"}


def built(smiles, model="blend"):
    atoms = molopt.Molecule.from_smiles(smiles).atoms()
    recipe = Recipe.of(atoms, model)
    return recipe, recipe.build(atoms.positions.ravel()), atoms.positions.ravel()


def shaken(x, count):
    return x + 0.05 * np.random.default_rng(1).normal(size=(count, x.size))


def dense(member, x):
    """(3N, 3N) the sum that `ModelHessian` documents."""
    primitives, model = member.primitives, model_of(member, x)
    table = member.metric.table
    m = np.diag(model.diagonal)
    np.add.at(m, (table.couplings.first, table.couplings.second), model.couplings)
    np.add.at(m, (table.couplings.second, table.couplings.first), model.couplings)
    a = member.roots[:, None] * primitives.jacobian(x).toarray()
    rows = np.zeros((len(model.pairs), x.size // 3, 3))
    places = np.arange(len(model.pairs))
    rows[places, model.pairs[:, 0]], rows[places, model.pairs[:, 1]] = model.units, -model.units
    rows = rows.reshape(len(rows), x.size)
    return a.T @ m @ a + rows.T @ (model.constants[:, None] * rows)


def model_of(member, x):
    return model_hessian(member.metric.table, member.metric.scaling, x, member.primitives.values(x))


@pytest.mark.parametrize("name", SMILES)
def test_values_and_derivatives_of_many_geometries_are_those_of_each(name):
    _, member, x = built(SMILES[name])
    xs = shaken(x, 3)
    for one, values in zip(xs, evaluation.values(member.primitives, xs), strict=True):
        np.testing.assert_array_equal(values, evaluation.values(member.primitives, one))
    for one, slopes in zip(xs, evaluation.derivatives(member.primitives, xs), strict=True):
        np.testing.assert_allclose(slopes, evaluation.derivatives(member.primitives, one), rtol=0, atol=1e-14)
    values = evaluation.values(member.primitives, xs)
    changes = evaluation.change(member.primitives, xs[1:], values[1:], xs[:-1], values[:-1])
    for n in range(2):
        np.testing.assert_allclose(changes[n], member.primitives.difference(xs[n + 1], xs[n]), rtol=0, atol=1e-14)


def test_every_kind_lists_its_atoms_in_a_field_of_its_own():
    fields = [kind.listed for kind in KINDS if kind not in FOUND]
    assert len(set(fields)) == len(fields)
    assert len({kind.name for kind in KINDS}) == len(KINDS)
    nothing = Primitives(3)
    assert [kind.entries(nothing) for kind in KINDS] == [0] * len(KINDS)
    assert nothing.count == 0
    assert {kind.name for kind in KINDS if not (kind.stiff or kind in FOUND)} == {"torsion", "fragment", "point"}


@pytest.mark.parametrize("model", MODEL_NAMES)
@pytest.mark.parametrize("name", SMILES)
def test_the_hessian_is_the_sum_of_what_its_arrays_say(name, model):
    _, member, x = built(SMILES[name], model)
    here = shaken(x, 1)[0]
    found = member.metric.hessian(here, member.primitives.values(here), member.rows(here))
    expected = dense(member, here)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-11 * np.abs(expected).max())


def test_a_large_molecule_has_the_same_hessian_as_a_sparse_matrix(monkeypatch):
    _, member, x = built(SMILES["amide"])
    monkeypatch.setattr("molopt.coordinates.rows.DENSE", 0)
    monkeypatch.setattr("molopt.coordinates.model_hessian.LISTED", 0)
    member = replace(member, primitives=replace(member.primitives))  # with a pattern of its own
    metric = Model.of(member.primitives, member.metric.table, member.stiffness)
    found = metric.hessian(x, member.primitives.values(x), member.rows(x)).toarray()
    expected = dense(member, x)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-11 * np.abs(expected).max())


def test_in_the_energy_left_torsions_and_pairs_of_atoms_count_less_and_nothing_else_does():
    _, member, x = built(SMILES["amide"])
    table, primitives = member.metric.table, member.primitives
    full = model_of(member, x)
    softer = Model.of(primitives, yielding(table, primitives), member.stiffness)
    less = model_hessian(softer.table, softer.scaling, x, primitives.values(x))
    part = primitives.slices["torsion"]
    np.testing.assert_allclose(less.diagonal[part], SOFTER * full.diagonal[part])
    np.testing.assert_allclose(less.constants, SOFTER * full.constants)
    np.testing.assert_array_equal(np.delete(less.diagonal, np.r_[part]), np.delete(full.diagonal, np.r_[part]))
    np.testing.assert_array_equal(less.couplings, full.couplings)


def test_where_a_model_has_no_classes_the_frozen_stiffness_stays():
    _, member, x = built(SMILES["amide"], "lindh")
    for here in shaken(x, 3):
        np.testing.assert_array_equal(model_of(member, here).diagonal, 1.0)


def test_a_spline_is_continuous_and_so_is_its_slope():
    nodes = Nodes(-0.32, 0.08, 6)
    pieces = nodes.pieces(np.random.default_rng(0).normal(size=(1, 6)))
    at = np.linspace(-0.28, 0.04, 3201)
    values = nodes.at(at, pieces, np.zeros(len(at), dtype=int))
    slopes = np.diff(values) / (at[1] - at[0])
    assert np.abs(np.diff(slopes)).max() < 0.05 * np.abs(slopes).max()


def near_and_far(natoms, bonds):
    """How many bonds atoms are apart, by walking."""
    apart = np.full((natoms, natoms), 4)
    for start in range(natoms):
        reached, edge = {start: 0}, {start}
        for distance in (1, 2, 3):
            edge = {j for i in edge for bond in bonds if i in bond for j in bond} - set(reached)
            reached |= dict.fromkeys(edge, distance)
        for atom, distance in reached.items():
            apart[start, atom] = distance
    return apart


@pytest.mark.parametrize("smiles", ["CC(=O)NCC(O)C#CC", "C12C3C4C1C5C2C3C45", "C1CC1.O", "[He]"])
def test_a_topology_knows_angles_torsions_and_how_far_atoms_are_apart(smiles):
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    bonds = sorted(sorted((bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())) for bond in mol.GetBonds())
    numbers = np.array([atom.GetAtomicNum() for atom in mol.GetAtoms()])
    topology = Topology(numbers, np.array(bonds, dtype=int).reshape(-1, 2))
    pairs = {tuple(bond) for bond in bonds}
    np.testing.assert_array_equal(topology.apart, near_and_far(len(numbers), pairs))
    linked = pairs | {pair[::-1] for pair in pairs}
    every = [(i, j, k) for i, j in linked for k in range(i + 1, len(numbers)) if (j, k) in linked]
    assert sorted(map(tuple, topology.angles.tolist())) == sorted(every)
    known = topology.angles.tolist()
    for (a, b, c, d), first, last in zip(topology.torsions.tolist(), *topology.turning, strict=True):
        assert {(a, b), (b, c), (c, d)} <= linked
        assert known[first] in ([a, b, c], [c, b, a])
        assert known[last] in ([b, c, d], [d, c, b])


@pytest.mark.parametrize("smiles", ["CCCCCC", "c1ccccc1", "CC#CC"])
def test_a_factor_tells_what_an_eigenproblem_tells(smiles):
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    AllChem.EmbedMolecule(mol, randomSeed=7)
    molecule = molopt.Molecule.from_rdkit(mol)
    topology = Topology(molecule.numbers, np.sort(molecule.bonds, axis=1))
    x = molecule.positions.ravel()
    primitives = select_primitives(topology, x)
    b, rigid = primitives.jacobian(x).toarray(), rigid_motions(x.reshape(-1, 3))
    scale = (b * b).sum(axis=0).max()
    whole = b.T @ b + scale * rigid @ rigid.T
    assert description.regular(whole, 1e-7 * scale)
    lame = replace(primitives, torsions=primitives.torsions[:0], bends=primitives.bends[:0])
    b = lame.jacobian(x).toarray()
    assert not description.regular(b.T @ b + scale * rigid @ rigid.T, 1e-7 * scale)
    assert len(description.undescribed(lame, topology, x.reshape(-1, 3))) > 0


def test_a_molecule_of_metal_and_rings_has_a_positive_hessian_at_every_geometry():
    atoms = ferrocene()
    x = atoms.positions.ravel()
    member = Recipe.of(atoms).build(x)
    for here in shaken(x, 3):
        rigid = rigid_motions(here.reshape(-1, 3))
        hessian = member.metric.hessian(here, member.primitives.values(here), member.rows(here))
        assert np.linalg.eigvalsh(hessian + 1e3 * rigid @ rigid.T)[0] > 1e-3
