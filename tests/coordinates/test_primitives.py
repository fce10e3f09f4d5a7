"""Internal coordinates describe every molecule completely, and their derivatives are right."""

import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import AllChem

from molopt.coordinates.description import undescribed
from molopt.coordinates.evaluation import outdated
from molopt.coordinates.primitives import Primitives, carried
from molopt.coordinates.rigid import rigid_motions
from molopt.coordinates.selection import Shape, complete, select_primitives, shapes, torsions_of
from molopt.coordinates.topology import Topology, covalent_bonds

SMILES = {
    "ethanol": "CCO",
    "benzene": "c1ccccc1",
    "acetonitrile": "CC#N",
    "allene": "C=C=C",
    "propyne": "CC#C",
    "butyne": "CC#CC",
    "diyne": "OCC#CC#CCN",
    "norbornane": "C1CC2CCC1C2",
    "cubane": "C12C3C4C1C5C2C3C45",
    "ammonium acetate": "CC(=O)[O-].[NH4+]",
}
X, Y, Z = np.eye(3)
CORNERS = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3)
TRIANGLE, PENTAGON, HEPTAGON = (
    [[np.cos(2 * np.pi * k / n), np.sin(2 * np.pi * k / n), 0] for k in range(n)] for n in (3, 5, 7)
)
WATER = np.array([[0.0, 0.0, 0.12], [0.0, 0.76, -0.47], [0.0, -0.76, -0.47]])


def embedded(smiles):
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    AllChem.EmbedMolecule(mol, randomSeed=7)
    bonds = [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in mol.GetBonds()]
    numbers = np.array([atom.GetAtomicNum() for atom in mol.GetAtoms()])
    return Topology(numbers, np.unique(np.sort(bonds, axis=1), axis=0)), mol.GetConformer().GetPositions().ravel()


def near(numbers, positions):
    numbers, positions = np.asarray(numbers), np.asarray(positions, dtype=float)
    return Topology(numbers, covalent_bonds(numbers, positions)), positions.ravel()


def star(centre, ligand, directions, length):
    bonds = np.array([(0, n + 1) for n in range(len(directions))])
    positions = np.vstack([np.zeros((1, 3)), length * np.array(directions, dtype=float)])
    return Topology(np.array([centre] + [ligand] * len(directions)), bonds), positions.ravel()


def carbon_dioxide(bent=0.0):
    half = np.deg2rad(bent) / 2
    return star(6, 8, [np.cos(half) * X + np.sin(half) * Y, -np.cos(half) * X + np.sin(half) * Y], 1.16)


def polyyne(carbons):
    lengths = [1.06, *(1.21 if n % 2 == 0 else 1.36 for n in range(carbons - 1)), 1.06]
    return near([1] + [6] * carbons + [1], np.outer(np.cumsum([0.0, *lengths]), Z))


def waters(count):
    """On a grid, 3.1 Angstrom apart, each turned at random."""
    random, side = np.random.default_rng(0), int(np.ceil(count ** (1 / 3)))
    grid = 3.1 * np.array(np.meshgrid(*[range(side)] * 3)).reshape(3, -1).T[:count]
    turns = [np.linalg.qr(random.normal(size=(3, 3)))[0] for _ in grid]
    positions = np.concatenate([WATER @ turn + place for turn, place in zip(turns, grid, strict=True)])
    return near([8, 1, 1] * count, positions)


def alkane(carbons):
    """All-anti, C-C 1.54 Angstrom."""
    chain = np.array([[1.27 * n, 0.87 * (n % 2), 0.0] for n in range(carbons)])
    outward = np.where(np.arange(carbons) % 2, 0.63, -0.63)[:, None] * Y
    caps = [chain[0] - 0.9 * X - outward[0], chain[-1] + 0.9 * X - outward[-1]]
    positions = np.vstack([chain, chain + outward + 0.89 * Z, chain + outward - 0.89 * Z, caps])
    return near([6] * carbons + [1] * (2 * carbons + 2), positions)


def ferrocene():
    turn = 2 * np.pi * np.arange(5) / 5

    def ring(r, z, by):
        return np.column_stack([r * np.cos(turn + by), r * np.sin(turn + by), np.full(5, z)])

    carbons = [ring(1.21, 1.65, 0), ring(1.21, -1.65, 0.3)]
    return near(
        [26] + [6] * 10 + [1] * 10, np.vstack([np.zeros((1, 3)), *carbons, ring(2.29, 1.65, 0), ring(2.29, -1.65, 0.3)])
    )


def published(name):
    """A geometry of the set of Birkholz and Schlegel, which comes with pyberny."""
    berny = find_spec("berny")  # not imported: it changes how NumPy prints
    if berny is None:
        pytest.skip("the geometry comes with pyberny: pip install 'molopt[peers]'")
    from ase.io import read

    atoms = read(Path(berny.origin).parent / "benchmarks" / "birkholz_schlegel" / f"{name}.xyz")
    return near(atoms.numbers, atoms.positions)


def hexacarbonyl():
    directions = np.array([X, -X, Y, -Y, Z, -Z])
    return near([24] + [6] * 6 + [8] * 6, np.vstack([0 * X, 1.9 * directions, 3.05 * directions]))


MOLECULES = {name: (embedded, smiles) for name, smiles in SMILES.items()} | {
    "helium": (near, [2], [[0, 0, 0]]),
    "hydrogen": (near, [1, 1], [[0, 0, 0], [0, 0, 0.74]]),
    "water": (near, [8, 1, 1], WATER),
    "two heliums": (near, [2, 2], [[0, 0, 0], [0, 0, 3]]),
    "salt": (near, [11, 17], [[0, 0, 0], [0, 0, 2.36]]),
    "ions apart": (near, [11, 17], [[0, 0, 0], [0, 0, 5]]),
    "hydrogen and water": (near, [8, 1, 1, 1, 1], [*WATER, [3, 0, 0], [3.74, 0, 0]]),
    "carbon dioxide": (carbon_dioxide,),
    "bent carbon dioxide": (carbon_dioxide, 5.0),
    "acetylene": (polyyne, 2),
    "polyyne": (polyyne, 20),
    "water hexamer": (waters, 6),
    "methane": (star, 6, 1, CORNERS, 1.09),
    "sulfur hexafluoride": (star, 16, 9, [X, -X, Y, -Y, Z, -Z], 1.56),
    "xenon tetrafluoride": (star, 54, 9, [X, Y, -X, -Y], 1.95),
    "tetrachloroplatinate": (star, 78, 17, [X, Y, -X, -Y], 2.3),
    "phosphorus pentafluoride": (star, 15, 9, [Z, -Z, *TRIANGLE], 1.55),
    "chlorine trifluoride": (star, 17, 9, [X, -X, Y], 1.6),
    "pentafluoroxenate": (star, 54, 9, PENTAGON, 2.0),
    "seven in a plane": (star, 92, 9, HEPTAGON, 2.3),
    "hexacarbonyl": (hexacarbonyl,),
    "ferrocene": (ferrocene,),
    "Zn-EDTA": (published, "zn_edta"),
    "Mg-porphin": (published, "mg_porphin"),
}


@pytest.fixture(params=MOLECULES)
def molecule(request):
    """Topology and x (3N,)."""
    make, *arguments = MOLECULES[request.param]
    return make(*arguments)


def made(name):
    make, *arguments = MOLECULES[name]
    return make(*arguments)


def least_described(primitives, x):
    """The smallest eigenvalue of B^T B, rigid motions added."""
    b, rigid = primitives.jacobian(x).toarray(), rigid_motions(x.reshape(-1, 3))
    return np.linalg.eigvalsh(b.T @ b + rigid @ rigid.T)[0]


def test_the_jacobian_is_the_derivative_of_differences(molecule):
    topology, x = molecule
    primitives, h = select_primitives(topology, x), 1e-5
    steps = h * np.eye(x.size)
    slopes = [(primitives.difference(x + d, x) - primitives.difference(x - d, x)) / (2 * h) for d in steps]
    b = primitives.jacobian(x).toarray()
    # h^2 times third derivatives, which grow with the derivatives, and rounding: 1e-16 / h
    np.testing.assert_allclose(np.array(slopes).T, b, atol=1e-8 * max(1.0, np.abs(b).max()))


def test_coordinates_describe_every_motion_that_is_not_rigid(molecule):
    topology, x = molecule
    # a missing motion has 1e-16; the softest here, the polyyne as a bow, has 1e-3
    assert least_described(select_primitives(topology, x), x) > 1e-4


def complete_at(topology, x, torsions=None):
    """Whether it is plain that a list describes everything, all torsions about bonds in it or these."""
    shape, xyz = Shape(*(part[0] for part in shapes(topology, x.reshape(1, -1, 3)))), x.reshape(-1, 3)
    return complete(topology, shape, torsions_of(topology, shape) if torsions is None else torsions, xyz)


def test_what_plainly_describes_a_molecule_has_no_gaps(molecule):
    topology, x = molecule
    if complete_at(topology, x):
        assert undescribed(select_primitives(topology, x), topology, x.reshape(-1, 3)) == []


@pytest.mark.parametrize("smiles", ["CC(C)Cc1ccc(cc1)C(C)C(=O)O", "NCC(=O)NCC(=O)O", "C1CC1CN"])
def test_it_is_plain_of_molecules_with_torsions_at_all_atoms(smiles):
    topology, x = embedded(smiles)
    assert complete_at(topology, x)
    assert not complete_at(topology, x, topology.torsions[:0])
    far = x.copy()
    far[-3:] += 100.0
    assert not complete_at(topology, far)


@pytest.mark.parametrize("name", ["propyne", "ammonium acetate", "methane", "water hexamer", "seven in a plane"])
def test_it_is_not_plain_of_straight_chains_several_molecules_and_small_ones(name):
    assert not complete_at(*made(name))


@pytest.mark.parametrize("name", [name for name in MOLECULES if name != "polyyne"])
@pytest.mark.parametrize("noise", [0.02, 0.05, 0.15])
def test_coordinates_describe_every_motion_at_disturbed_geometries(name, noise):
    topology, x = made(name)
    disturbed = x + noise * np.random.default_rng(3).normal(size=x.size)
    primitives = select_primitives(topology, disturbed)
    assert np.isfinite(primitives.values(disturbed)).all()
    assert least_described(primitives, disturbed) > 1e-5


def test_turning_a_molecule_changes_no_coordinate_of_its_own(molecule):
    topology, x = molecule
    primitives = select_primitives(topology, x)
    valence = slice(0, primitives.slices["fragment"].start)
    change = primitives.jacobian(x)[valence] @ rigid_motions(x.reshape(-1, 3))
    fixed = np.repeat(primitives.bends[:, 3] < 0, 2)  # measured against axes in space
    own = np.ones(change.shape[0], dtype=bool)
    own[primitives.slices["bend"]] = ~fixed
    np.testing.assert_allclose(change[own], 0.0, atol=1e-9)  # rounding


@pytest.mark.parametrize(
    ("name", "angles", "bends", "torsions", "points"),
    [
        ("water", 1, 0, 0, 0),
        ("ethanol", 13, 0, 12, 0),
        ("allene", 6, 1, 4, 0),  # the torsions are those of one CH2 against the other
        ("propyne", 6, 2, 0, 0),
        ("butyne", 12, 2, 9, 0),
        ("carbon dioxide", 0, 1, 0, 0),
        ("polyyne", 0, 20, 0, 0),
        ("sulfur hexafluoride", 12, 0, 0, 0),
        ("helium", 0, 0, 0, 1),
    ],
)
def test_the_list_holds_so_many(name, angles, bends, torsions, points):
    found = select_primitives(*made(name))
    counts = len(found.angles), len(found.bends), len(found.torsions), len(found.points)
    assert counts == (angles, bends, torsions, points)


def test_planar_centres_have_planes_and_pyramids_have_none():
    assert len(select_primitives(*made("benzene")).planes) == 6
    assert len(select_primitives(*made("xenon tetrafluoride")).planes) == 4
    assert len(select_primitives(*made("methane")).planes) == 0


def test_what_internals_cannot_describe_moves_in_cartesians():
    assert len(select_primitives(*made("seven in a plane")).points) > 0
    assert len(select_primitives(*made("pentafluoroxenate")).points) == 0


def test_a_torsion_has_the_sign_of_iupac():
    up = np.array(
        [1.0, 0, 0, 0, 0, 0, 0, 0, 1.5, np.cos(1.0), np.sin(1.0), 1.5]
    )  # seen along z, x turns to y clockwise
    torsion = Primitives(4, torsions=np.array([[0, 1, 2, 3]]))
    assert torsion.values(up)[0] == pytest.approx(1.0)


def test_a_torsion_takes_the_short_way_round():
    def at(phi):
        return np.array([1.0, 0, 0, 0, 0, 0, 0, 0, 1.5, np.cos(phi), np.sin(phi), 1.5])

    torsion = Primitives(4, torsions=np.array([[0, 1, 2, 3]]))
    assert torsion.difference(at(-3.1), at(3.1))[0] == pytest.approx(2 * np.pi - 6.2)


@pytest.mark.parametrize("degrees", [1, 90, 150])
def test_the_pose_of_a_turned_fragment_is_its_rotation_vector(degrees):
    topology, x = waters(2)
    axis, angle = np.array([0.6, 0.48, 0.64]), np.deg2rad(degrees)
    k = np.cross(np.eye(3), axis)
    turn = np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * k @ k
    moved = x.reshape(-1, 3).copy()
    centre = moved[:3].mean(axis=0)
    moved[:3] = (moved[:3] - centre) @ turn.T + centre
    primitives = select_primitives(topology, x)
    change = primitives.difference(moved.ravel(), x)
    gyration = np.sqrt(x.reshape(-1, 3)[:3].var(axis=0).sum())
    position, orientation = change[primitives.slices["fragment"]].reshape(2, 2, 3) @ primitives.axes
    np.testing.assert_allclose(orientation[0], gyration * angle * axis, atol=1e-9)
    np.testing.assert_allclose([*position, orientation[1]], 0.0, atol=1e-9)


def test_an_anchored_molecule_has_a_pose_and_then_nothing_is_free():
    topology, x = made("ethanol")
    b = select_primitives(topology, x, anchored=True).jacobian(x).toarray()
    assert np.linalg.matrix_rank(b) == x.size


def test_what_stays_is_carried_over():
    topology, x = made("butyne")
    old = select_primitives(topology, x)
    bent = x + 0.15 * np.random.default_rng(0).normal(size=x.size)
    new = select_primitives(topology, bent)
    now, before = carried(old, new)
    assert [new.keys[n] for n in now] == [old.keys[n] for n in before]
    assert len(now) >= len(new.stretches)
    same = carried(old, old)
    np.testing.assert_array_equal(same[0], same[1])
    assert len(same[0]) == old.count


@pytest.mark.parametrize(
    "name",
    [
        "sulfur hexafluoride",
        "phosphorus pentafluoride",
        "xenon tetrafluoride",
        "tetrachloroplatinate",
        "hexacarbonyl",
        "ferrocene",
    ],
)
def test_angles_on_their_way_to_180_degrees_at_crowded_centres_are_not_taken_and_then_outdated(name):
    topology, ideal = made(name)
    for seed in range(8):
        start = ideal + 0.1 * np.random.default_rng(seed).normal(size=ideal.size)
        assert outdated(select_primitives(topology, start), ideal) == ""


def test_a_square_that_is_far_from_flat_has_planes_and_a_tetrahedron_has_none():
    topology, square = made("xenon tetrafluoride")
    buckled = square.reshape(-1, 3) + 0.5 * np.outer([0, 1, -1, 1, -1], Z)
    assert len(select_primitives(topology, buckled.ravel()).planes) == 4
    assert least_described(select_primitives(topology, buckled.ravel()), buckled.ravel()) > 1e-2
    assert len(select_primitives(*made("methane")).planes) == 0


def test_a_list_is_outdated_when_an_angle_becomes_straight_or_a_chain_bends():
    topology, x = made("water")
    straight = np.array([0, 0, 0, 0, 0.96, 0, 0, -0.96, 0.01])
    assert outdated(select_primitives(topology, x), x) == ""
    assert "straight" in outdated(select_primitives(topology, x), straight)
    linear = select_primitives(*carbon_dioxide())
    assert outdated(linear, carbon_dioxide(20)[1]) == ""
    assert outdated(linear, carbon_dioxide(40)[1]) == ""
    assert outdated(linear, carbon_dioxide(65)[1]) != ""


def test_a_list_survives_a_file(molecule):
    topology, x = molecule
    primitives = select_primitives(topology, x)
    again = Primitives.from_plain(primitives.plain())
    assert again.keys == primitives.keys
    np.testing.assert_array_equal(again.jacobian(x).toarray(), primitives.jacobian(x).toarray())


def test_about_one_bond_of_a_metal_there_are_not_hundreds_of_torsions():
    assert select_primitives(*ferrocene()).sharing.max() <= 36


@pytest.mark.parametrize("make", [lambda: alkane(1666), lambda: waters(1667)], ids=["chain", "water"])
def test_five_thousand_atoms_are_described(make):
    topology, x = make()
    start = time.perf_counter()
    primitives = select_primitives(topology, x)
    built = time.perf_counter() - start
    b = primitives.jacobian(x)
    start = time.perf_counter()
    primitives.values(x)
    primitives.jacobian(x)
    print(f"{x.size // 3} atoms: list {built:.2f} s, values and derivatives {time.perf_counter() - start:.4f} s")
    assert b.shape == (primitives.count, x.size)
    assert np.isfinite(b.data).all()
    assert len(primitives.points) == 0


def test_a_list_is_outdated_when_a_pyramid_becomes_flat_or_a_straight_angle_at_a_metal_bends():
    topology, flat = star(7, 1, TRIANGLE, 1.0)
    bent = flat + np.array([0, 0, 0.4] + 9 * [0])
    assert outdated(select_primitives(topology, bent), bent) == ""
    assert outdated(select_primitives(topology, bent), flat) == "a pyramid became flat"
    topology, square = star(78, 17, [X, Y, -X, -Y], 2.3)
    bent = square.copy().reshape(-1, 3)
    bent[1] += 3.0 * Z
    assert outdated(select_primitives(topology, square), square) == ""
    assert outdated(select_primitives(topology, square), bent.ravel()) == "a straight angle bent"


@pytest.mark.parametrize(("bent", "centre"), [(30, 6), (20, 6), (50, 6), (20, 8)])
def test_a_bent_carbon_of_two_neighbours_is_a_bend_and_other_centres_are_angles(bent, centre):
    half = np.deg2rad(bent) / 2
    ends = [np.cos(half) * X + np.sin(half) * Y, -np.cos(half) * X + np.sin(half) * Y]
    sizes = select_primitives(*star(centre, 9, ends, 1.3)).sizes
    straightens = centre == 6 and bent < 45
    assert (sizes["bend"], sizes["angle"]) == ((2, 0) if straightens else (0, 1))


def test_the_sides_of_a_long_chain_do_not_hang_on_an_atom_at_its_far_end():
    assert (select_primitives(*embedded("CC#CC#CC")).bends[:, 3] < 0).all()
    assert (select_primitives(*embedded("CC#CC")).bends[:, 3] >= 0).all()
