"""The learned stiffness: a positive, smooth metric for every molecule, and constants that the fit finds again."""

import json
from dataclasses import replace
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.io import read
from click.testing import CliRunner
from complexes import ferrocene
from rdkit import Chem
from rdkit.Chem.Scaffolds.MurckoScaffold import GetScaffoldForMol
from scipy.spatial.transform import Rotation

import molopt
from molopt.cli import main
from molopt.coordinates.bending import bending
from molopt.coordinates.borrowed import outside
from molopt.coordinates.classes import MARK, bonded, named
from molopt.coordinates.kinds import KINDS, STRETCH
from molopt.coordinates.learned import Constants, floor_of, present, shipped_table
from molopt.coordinates.metric import Model, in_a_mean, learned_table
from molopt.coordinates.rigid import rigid_motions
from molopt.coordinates.springs import NODES, Springs
from molopt.coordinates.stiffness import fischer_almlof
from molopt.fitting import Sample, fitted, held_out_error, samples_of
from molopt.fitting.regression import TOWARDS_WIDER, Class, case, constants, fitted_beyond, literature, model, whitening
from molopt.molecules.published import PUBLISHED, published
from molopt.optimizers.internals import Recipe

BENCHMARKS = Path(__file__).parents[2] / "docs" / "benchmarks"
X, Y, Z = np.eye(3)
OCTAHEDRON = [X, -X, Y, -Y, Z, -Z]


def methyl(carbon, outward):
    """The hydrogens of a methyl group."""
    circle = [np.cos(t) * X + np.sin(t) * Y for t in 2 * np.pi * np.arange(3) / 3]
    return [carbon + 0.36 * outward + 1.03 * side for side in circle]


def dimethylmercury():
    return Atoms("HgC2H6", [0 * X, 2.08 * Z, -2.08 * Z, *methyl(2.08 * Z, Z), *methyl(-2.08 * Z, -Z)])


def embedded(smiles):
    return molopt.Molecule.from_smiles(smiles).atoms()


MOLECULES = {
    "amide": lambda: embedded("CC(=O)NCC(O)c1ccccc1"),
    "alkyne": lambda: embedded("CC#CC"),
    "acetylene": lambda: embedded("C#C"),
    "two fragments": lambda: embedded("CC(=O)O.CO"),
    "zwitterion": lambda: embedded("[NH3+]CC(=O)[O-]"),
    "salt": lambda: embedded("CC(=O)[O-].[NH4+]"),
    "phosphate": lambda: embedded("COP(=O)(O)OC"),
    "sulfur hexafluoride": lambda: Atoms("SF6", [0 * X, *(1.6 * side for side in OCTAHEDRON)]),
    "dimethylmercury": dimethylmercury,
    "ferrocene": ferrocene,
}
every_molecule = pytest.mark.parametrize("name", MOLECULES)


def built(atoms, kind="learned"):
    return Recipe.of(atoms, kind).build(atoms.positions.ravel())


def springs_of(atoms, constants=None):
    """The springs of atoms, with the constants of a table."""
    known = Constants(shipped_table() if constants is None else constants)
    return Springs(built(atoms).primitives, Recipe.of(atoms, "learned").topology, known)


def table_of(springs):
    """Their table, those of atoms that touch included."""
    return in_a_mean(learned_table(springs, True), springs.primitives, springs.topology, None, 0.0, True)


def constants_at(atoms, constants):
    """(nq,) those of the coordinates of atoms where they are, with a table."""
    springs = springs_of(atoms, constants)
    return present(table_of(springs), springs.primitives, atoms.numbers, atoms.positions.ravel())


def metric_of(atoms, constants):
    """The metric of a table."""
    springs, coordinates = springs_of(atoms, constants), built(atoms)
    return Model.of(springs.primitives, table_of(springs), coordinates.stiffness)


def model_hessian(coordinates, x):
    """(3N, 3N) that of the model at x (3N,), eV/A^2."""
    return coordinates.metric.hessian(x, coordinates.primitives.values(x), coordinates.rows(x))


def softest(coordinates, x):
    """The least eigenvalue of the model Hessian but for rigid motions, eV/A^2."""
    rigid = rigid_motions(x.reshape(-1, 3))
    return np.linalg.eigvalsh(outside(model_hessian(coordinates, x), rigid) + 1e3 * rigid @ rigid.T)[0]


def rattled(atoms, seed):
    """(3N,) each coordinate moved by about 0.1 Angstrom."""
    return atoms.positions.ravel() + 0.1 * np.random.default_rng(seed).normal(size=3 * len(atoms))


@every_molecule
def test_every_motion_but_rigid_ones_is_stiff(name):
    atoms = MOLECULES[name]()
    coordinates = built(atoms)
    assert coordinates.metric.table.weights.learned == 1.0
    distorted = [rattled(atoms, seed) for seed in range(3)]
    found = [softest(coordinates, x) for x in (atoms.positions.ravel(), *distorted)]
    for x in distorted:
        atoms.positions = x.reshape(-1, 3)
        found.append(softest(built(atoms), x))
    print(name, found)
    assert min(found) > 1e-3  # a torsion of 0.05 eV/rad^2 that turns heavy ends at 3 Angstrom has about 0.005 / N


@every_molecule
def test_turning_and_moving_everything_turns_the_model_hessian(name):
    atoms = MOLECULES[name]()
    atoms.positions = rattled(atoms, 0).reshape(-1, 3)
    coordinates, x = built(atoms), atoms.positions.ravel()
    turn = Rotation.random(random_state=1)
    whole = np.kron(np.eye(len(atoms)), turn.as_matrix())
    expected = whole @ model_hessian(coordinates, x) @ whole.T
    atoms.positions = turn.apply(atoms.positions) + 2.0
    found = model_hessian(built(atoms), atoms.positions.ravel())
    np.testing.assert_allclose(
        found, expected, atol=1e-8
    )  # rounding of 1e2 eV/A^2, more where angles are near straight


def stretching(t):
    """Ethane with a C-C bond of 1.2 to 1.7 Angstrom: the length of a triple bond to that of a very long single one."""
    atoms = embedded("CC")
    atoms.set_distance(0, 1, 1.2 + 0.5 * t, fix=0, indices=[1, 5, 6, 7])
    return atoms


def flattening(t):
    """Dimethylamine's nitrogen from beyond a pyramid to a plane, and a little through it."""
    atoms = embedded("CNC")
    bonded = [atom for atom in range(len(atoms)) if atom != 1 and atoms.get_distance(1, atom) < 1.6]
    a, b, c = atoms.positions[bonded]
    normal = np.cross(b - a, c - a)
    normal /= np.linalg.norm(normal)
    height = (atoms.positions[1] - a) @ normal
    atoms.positions[1] += (0.6 - 0.7 * t - height) * normal
    return atoms


def closing(t):
    """Two methanes whose hydrogens come nearer: from beyond the reach of contacts to where no molecule is."""
    atoms = embedded("C.C")
    one, other = atoms.positions[[0, 2, 3, 4, 5]], atoms.positions[[1, 6, 7, 8, 9]]
    atoms.positions[[0, 2, 3, 4, 5]] -= one[0]
    atoms.positions[[1, 6, 7, 8, 9]] -= other[0]
    atoms.positions[[1, 6, 7, 8, 9]] += (7.0 - 4.5 * t) * (0.6 * X + 0.8 * Y)
    return atoms


def turning(t):
    """Biphenyl's torsion by half a turn."""
    atoms = embedded("C=CC=C")
    behind = [atom for atom in range(len(atoms)) if atoms.get_distance(atom, 2) < atoms.get_distance(atom, 1)]
    atoms.set_dihedral(0, 1, 2, 3, 180 * t, indices=behind)
    return atoms


@pytest.mark.parametrize("path", [stretching, flattening, closing, turning])
def test_the_model_hessian_has_no_jumps(path):
    coordinates, steps = built(path(0.5)), 150

    def largest(count):
        hessians = [model_hessian(coordinates, path(t).positions.ravel()) for t in np.linspace(0, 1, count + 1)]
        changes = [np.linalg.norm(b - a) for a, b in pairwise(hessians)]
        return max(changes), np.linalg.norm(hessians[-1] - hessians[0])

    (coarse, whole), (fine, _) = largest(steps), largest(2 * steps)
    print(path.__name__, coarse, fine, whole)
    assert whole > 0.5  # eV/A^2: something happens on the way
    assert fine < 0.7 * coarse  # half, where it is smooth; a jump would stay what it is


def bonds_to(coordinates, numbers, z):
    rows = coordinates.primitives.stretches
    return np.flatnonzero((numbers[rows] == z).any(axis=1))


@pytest.mark.parametrize(("name", "element"), [("dimethylmercury", "Hg"), ("ferrocene", "Fe")])
def test_bonds_of_elements_that_were_never_seen_have_the_constants_of_fischer_and_almlof(name, element):
    atoms = MOLECULES[name]()
    organic = {
        kind: {group: row for group, row in rows.items() if not group.startswith(MARK)}
        for kind, rows in shipped_table().items()
    }
    assert not any(element in group.split("-") for group in organic["stretch"])
    coordinates, x = built(atoms), atoms.positions.ravel()
    unseen = bonds_to(coordinates, atoms.numbers, atoms.numbers[0])
    k = constants_at(atoms, organic)
    literature = fischer_almlof(coordinates.primitives, atoms.numbers, x)
    assert len(unseen) in (2, 10)
    np.testing.assert_allclose(k[unseen], np.maximum(literature[unseen], STRETCH.looser))


def test_a_metal_that_was_never_seen_has_the_constants_of_metals_and_organic_parts_their_own():
    atoms = ferrocene()
    atoms.symbols[0] = "Tc"
    assert not any("Tc" in group for rows in shipped_table().values() for group in rows)
    coordinates, x = built(atoms), atoms.positions.ravel()
    codes = springs_of(atoms).naming.codes
    bond, hydrogen = named(bonded, *codes[[0, 1]]), named(bonded, *codes[[1, 11]])
    assert bond[1] in shipped_table()["stretch"]
    assert bond[0] not in shipped_table()["stretch"]
    assert hydrogen == ("C-H", "C-H")
    k, literature = constants_at(atoms, shipped_table()), fischer_almlof(coordinates.primitives, atoms.numbers, x)
    metal = bonds_to(coordinates, atoms.numbers, 43)
    assert (k[metal] < 0.5 * literature[metal]).all()


def test_the_inorganic_training_molecules_are_others_than_those_that_are_reported():
    folder = BENCHMARKS / "inorganic"
    trained, reported = (
        {(atoms.get_chemical_formula(), atoms.info["charge"]) for atoms in read(folder / name, ":")}
        for name in ("training.xyz", "minima.xyz")
    )
    assert len(trained) > 100
    assert len(reported) == 30
    assert not trained & reported


def test_what_a_table_lacks_is_fitted_and_what_it_has_stays():
    corners = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3)
    atoms = Atoms("TiCl4", np.vstack([np.zeros(3), 2.2 * corners]))
    organic = {
        kind: {group: row for group, row in rows.items() if not group.startswith(MARK)}
        for kind, rows in shipped_table().items()
    }
    plain = Sample("TiCl4", atoms, True, np.zeros(15), np.zeros((15, 15)))
    known = {
        Class(kind, group, n): k
        for kind, rows in shipped_table().items()
        for group, row in rows.items()
        for n, k in enumerate(row)
    }
    true = model(case(plain), known)
    sample = Sample("TiCl4", atoms, True, np.zeros(15), true)
    found = fitted_beyond([sample], organic)
    assert found["stretch"]
    assert all(group.startswith(MARK) for rows in found.values() for group in rows)
    together = {kind: organic.get(kind, {}) | found.get(kind, {}) for kind in organic | found}
    assert held_out_error([sample], together) < 0.05
    assert held_out_error([sample], organic) > 0.3


def test_no_class_of_an_organic_molecule_is_an_inorganic_one():
    for smiles in ("CS(=O)(=O)NC(C)=O", "OP(=O)(O)OC", "C[N+](C)(C)CC#N", "C[Si](C)(C)Cl", "CB(O)O", "C[Se]C"):
        atoms = embedded(smiles)
        springs = springs_of(atoms)
        coupled = [pairs.classes for pairs in springs.coupled().values()]
        found = [*springs.diagonal.values(), springs.geminal_classes, *coupled]
        assert not any(MARK in name for classes in found for names in classes.names for name in names)


def test_where_nothing_was_seen_every_constant_is_that_of_fischer_and_almlof():
    atoms = embedded("CC#CC(=O)NC")
    primitives, x = built(atoms).primitives, atoms.positions.ravel()
    literature = fischer_almlof(primitives, atoms.numbers, x) * primitives.shares
    for kind in KINDS[:5]:
        part = primitives.slices[kind.name]
        assert literature[part].size
        found, least = constants_at(atoms, {})[part], kind.floor * primitives.shares[part]
        np.testing.assert_allclose(found, np.maximum(literature[part], least))


def test_the_table_has_positive_constants_for_every_node():
    for kind, rows in shipped_table().items():
        for group, row in rows.items():
            assert len(row) == NODES[kind], (kind, group)
            assert min(row) >= floor_of(kind, group), (kind, group)


HELD_OUT = "OCC1CC1C#N"


def test_on_a_molecule_that_was_not_learned_from_it_is_nearer_to_gfn2_xtb_than_fischer_and_almlof():
    pytest.importorskip("tblite", reason="pip install 'molopt[xtb]'")
    assert plain(HELD_OUT) not in {plain(smiles) for smiles in listed("training_molecules")}
    for sample in samples_of(molopt.Molecule.from_smiles(HELD_OUT), "gfn2-xtb"):
        errors, true = {}, case(sample)
        for kind in ("learned", "fischer-almlof"):
            found = model_hessian(built(sample.atoms, kind), sample.atoms.positions.ravel())
            whiten = whitening(true, (true.size + found) / 2)
            errors[kind] = np.linalg.norm(whiten(whiten(true.hessian - found).T))
            errors[kind] /= np.linalg.norm(whiten(whiten(true.hessian).T))
        print(sample.relaxed, errors)
        assert errors["learned"] < 0.5 * errors["fischer-almlof"]  # measured: a third


def listed(name):
    return [line.split()[0] for line in (BENCHMARKS / f"{name}.smi").read_text().splitlines() if line.strip()]


def plain(smiles):
    """Canonical, without stereo."""
    return Chem.MolToSmiles(Chem.MolFromSmiles(smiles), isomericSmiles=False)


def scaffold(smiles):
    """Murcko's, where it has two rings or more."""
    core = GetScaffoldForMol(Chem.MolFromSmiles(plain(smiles)))
    return Chem.MolToSmiles(core) if core.GetRingInfo().NumRings() > 1 else None


def test_the_training_molecules_are_others_than_those_that_are_shipped_or_tuned_on():
    training = listed("training_molecules")
    assert len(training) == len({Chem.CanonSmiles(smiles) for smiles in training}) == 300
    others = [molopt.Molecule.named(name).smiles for name in molopt.shipped_names()] + listed("tuning_molecules")
    assert not {plain(smiles) for smiles in training} & {plain(smiles) for smiles in others}
    assert not {scaffold(smiles) for smiles in training} & {scaffold(smiles) for smiles in others} - {None}


def test_the_training_molecules_are_others_than_those_of_the_published_sets():
    if find_spec("berny") is None:
        pytest.skip("the geometries come with pyberny: pip install 'molopt[peers]'")
    others = [molecule.smiles for name in PUBLISHED for molecule in published(name) if molecule.orders_known]
    assert len(others) > 30
    training = listed("training_molecules")
    assert not {plain(smiles) for smiles in training} & {plain(smiles) for smiles in others}
    assert not {scaffold(smiles) for smiles in training} & {scaffold(smiles) for smiles in others} - {None}


LEARNED_FROM = ["CCO", "CC(=O)NC", "CC#N", "C=CC=C", "Cc1ccccc1", "CCOC", "NCCO", "CC(C)C=O"]


def chosen(wide):
    """A constant of a wider class, different for each."""
    size = 1 + sum(map(ord, wide.kind + wide.group)) % 7 / 7 + wide.node / 10
    return size * {"stretch": 30.0, "angle": 5.0, "bend": 2.0, "torsion": 0.2, "plane": 1.0}.get(wide.kind, 0.2)


def made_of_springs(smiles):
    """A molecule at its embedding, where it is at rest and its Hessian that of springs with the chosen constants."""
    atoms = embedded(smiles)
    sample = Sample(smiles, atoms, relaxed=True, gradient=np.zeros(3 * len(atoms)), hessian=np.eye(3 * len(atoms)))
    one = case(sample)
    hessian = model(one, {wide: chosen(wide) for _, wide, _ in one.springs})
    return Sample(smiles, atoms, relaxed=True, gradient=sample.gradient, hessian=hessian)


@pytest.fixture(scope="module")
def invented():
    samples = [made_of_springs(smiles) for smiles in LEARNED_FROM]
    return samples, fitted(samples)


def test_least_squares_find_hessians_of_known_constants_again():
    cases = [case(made_of_springs(smiles)) for smiles in LEARNED_FROM]
    found, counts = constants(cases, [one.size for one in cases], lambda own, wide: wide, literature, ridge=1e-8)
    assert min(counts.values()) >= 1
    for one in cases:
        difference = np.linalg.norm(one.hessian - model(one, found))
        assert difference < 1e-3 * np.linalg.norm(one.hessian)  # the root of the ridge, times ten


def test_the_whole_fit_is_as_near_as_its_ridge_lets_it_be(invented):
    samples, table = invented
    assert held_out_error(samples, {}) > 0.5
    assert held_out_error(samples, table) < np.sqrt(TOWARDS_WIDER)  # the bound of regularized least squares


def test_constants_that_the_samples_hardly_determine_stay_near_what_is_expected(invented):
    _, table = invented
    stretches = np.array(list(table["stretch"].values()))
    assert stretches.max() < 200.0  # eV/A^2; those that were chosen, and the literature's, are all below 71


def test_what_was_fitted_is_what_the_metric_is_made_of(invented):
    samples, table = invented
    known = {
        Class(kind, group, node): k
        for kind, rows in table.items()
        for group, row in rows.items()
        for node, k in enumerate(row)
    }
    for sample in samples:
        atoms, x = sample.atoms, sample.atoms.positions.ravel()
        coordinates = replace(built(atoms), metric=metric_of(atoms, table))
        found, expected = model_hessian(coordinates, x), model(case(sample), known)
        largest = np.linalg.norm(found - expected) / np.linalg.norm(expected)
        assert largest < 1e-3  # the fit leaves out nodes whose weight is below that


@pytest.mark.parametrize(
    ("kind", "stiffest"),
    [("stretch", 130.0), ("angle", 15.0), ("bend", 5.0), ("torsion", 10.0), ("geminal", 15.0), ("contact", 100.0)],
)
def test_no_constant_of_the_table_is_stiffer_than_chemistry(kind, stiffest):
    """eV/A^2 and eV/rad^2: above a triple bond, the stiffest angle, a double bond, a 1,3 distance, a bond."""
    found = {(group, node): k for group, row in shipped_table()[kind].items() for node, k in enumerate(row)}
    assert {key: k for key, k in found.items() if k > stiffest} == {}


SMALL = ["C", "CC", "O", "CO", "N", "CN", "C=O", "C=C", "C#C", "CF", "CS"]


def fit_stiffness(*arguments):
    return CliRunner().invoke(main, ["fit-stiffness", *map(str, arguments), "--potential", "mmff94", "--workers", "1"])


def list_of(folder, smiles):
    path = folder / "small.smi"
    path.write_text("".join(f"{one} m{n}\n" for n, one in enumerate(smiles)))
    return path


def test_the_command_writes_constants_that_make_a_metric(tmp_path):
    out = tmp_path / "constants.json"
    said = fit_stiffness(list_of(tmp_path, SMALL), "--write", out)
    assert said.exit_code == 0, said.output
    assert "held-out error" in said.stdout
    written = json.loads(out.read_text())
    assert written["potential"] == "mmff94"
    assert written["molecules"] == len(SMALL)
    assert set(written["constants"]) <= set(NODES)
    atoms = embedded("CCO")
    coordinates = replace(built(atoms), metric=metric_of(atoms, written["constants"]))
    assert softest(coordinates, atoms.positions.ravel()) > 1e-3
    assert not np.allclose(constants_at(atoms, written["constants"]), constants_at(atoms, shipped_table()))

    before = out.read_text()
    refused = fit_stiffness(list_of(tmp_path, SMALL), "--write", out)
    assert (refused.exit_code, refused.stdout, refused.stderr.count("\n")) == (2, "", 1)
    assert f"{out} exists" in refused.stderr
    assert out.read_text() == before


def test_the_command_refuses_lists_that_are_too_short(tmp_path):
    out = tmp_path / "constants.json"
    refused = fit_stiffness(list_of(tmp_path, SMALL[:9]), "--write", out)
    assert (refused.exit_code, refused.stdout, refused.stderr.count("\n")) == (2, "", 1)
    assert "has 9 molecules, at least 10 are needed" in refused.stderr
    assert not out.exists()


@pytest.mark.parametrize("smiles", ["CC#CC(=O)NC", "N#Cc1ccccc1", "C#C", "OO"])
def test_bending_is_the_derivative_of_the_jacobian(smiles):
    atoms = embedded(smiles)
    primitives, x = built(atoms).primitives, rattled(atoms, 2)
    slope = np.random.default_rng(3).normal(size=primitives.count)
    assert not primitives.sizes["fragment"]
    assert not primitives.sizes["point"]
    step, expected = 2e-4, np.zeros((x.size, x.size))
    for entry, unit in enumerate(np.eye(x.size)):
        change = primitives.jacobian(x + step * unit) - primitives.jacobian(x - step * unit)
        expected[entry] = change.T @ slope / (2 * step)
    found = bending(primitives, x, slope)
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())  # both are central differences
    np.testing.assert_allclose(found, found.T)


def test_the_molecules_of_that_test_have_coordinates_of_every_kind():
    sizes = [built(embedded(smiles)).primitives.sizes for smiles in ("CC#CC(=O)NC", "C#C")]
    assert all(sizes[0][kind] for kind in ("stretch", "angle", "bend", "torsion", "plane"))
    assert (built(embedded("C#C")).primitives.bends[:, 3] < 0).all()  # with no atom on any side
