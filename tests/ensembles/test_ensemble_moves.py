"""Moves keep bonds, angles beside the axes and stereo; each changes what it says it changes."""

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdMolTransforms
from scipy.spatial.transform import Rotation

from molopt.coordinates.formulas import plane_value, torsion_value
from molopt.coordinates.topology import lengths
from molopt.ensembles.moves import Moves
from molopt.molecules import Molecule

NAPROXEN = "COc1ccc2cc(ccc2c1)[C@H](C)C(=O)O"
OSELTAMIVIR = "CCOC(=O)C1=C[C@@H](OC(CC)CC)[C@H](NC(C)=O)[C@@H](N)C1"
MACROCYCLE = "O=C1COCC(=O)OCC(=O)NCCOCCN1"
DIPEPTIDE = "CC(=O)N[C@@H](C(C)C)C(=O)NC"
DECALIN = "C1CC[C@H]2CCCC[C@@H]2C1"
MOLECULES = (NAPROXEN, OSELTAMIVIR, MACROCYCLE, DIPEPTIDE, DECALIN)


@pytest.fixture(scope="module", params=MOLECULES)
def molecule(request):
    return Molecule.from_smiles(request.param)


@pytest.fixture(scope="module")
def moves(molecule):
    return Moves(molecule)


def wrapped(angles):
    return (angles + np.pi) % (2 * np.pi) - np.pi


def neighbours_of(molecule, atom):
    return [k for bond in molecule.bonds.tolist() if atom in bond for k in bond if k != atom]


def assert_same_molecule(molecule, positions, within=1e-9):
    bonds = molecule.bonds
    assert np.abs(lengths(positions, bonds) - lengths(molecule.positions, bonds)).max() < within
    assert molecule.with_positions(positions).smiles == molecule.smiles


def test_every_single_change_keeps_bond_lengths_and_stereo(molecule, moves):
    found = list(moves.neighbours(molecule.positions))
    assert {source for _, source in found} <= {"turn", "crankshaft", "flip"}
    for positions, source in found:
        if source != "flip" or not moves.inversions:
            assert_same_molecule(molecule, positions)


def test_a_rotor_changes_its_own_torsion_alone(molecule, moves):
    before = moves.angles(molecule.positions)
    for number, rotor in enumerate(moves.rotors):
        changed = wrapped(moves.angles(rotor.turned(molecule.positions, 0.7)) - before)
        assert changed[number] == pytest.approx(0.7)
        assert np.abs(np.delete(changed, number)).max(initial=0.0) < 1e-9


def test_random_changes_keep_bonds_and_differ_from_seed_to_seed_alone(molecule, moves):
    one, again = (moves.turned(molecule.positions, np.random.default_rng(3))[0] for _ in range(2))
    assert (one == again).all()
    assert np.abs(one - molecule.positions).max() > 0.3


def test_a_cross_of_a_conformer_with_itself_is_that_conformer(molecule, moves):
    child = moves.crossed(molecule.positions, molecule.positions, np.random.default_rng(0))
    assert np.abs(child - molecule.positions).max() < 1e-9


def test_a_cross_has_each_torsion_of_a_rotor_from_one_of_its_parents(molecule, moves):
    (father,) = (other.positions for other in molecule.conformers(1, seed=5))
    rng = np.random.default_rng(1)
    for _ in range(10):
        child = moves.crossed(molecule.positions, father, rng)
        assert molecule.with_positions(child).smiles == molecule.smiles
        for rotor in moves.rotors:
            of_parents = np.array([rotor.value(molecule.positions), rotor.value(father)])
            assert np.abs(wrapped(rotor.value(child) - of_parents)).min() < 1e-9


def test_a_rigid_molecule_has_nothing_to_move():
    benzene = Molecule.from_smiles("c1ccccc1")
    moves = Moves(benzene)
    assert not moves
    moved, _ = moves.turned(benzene.positions, np.random.default_rng(0))
    assert (moved == benzene.positions).all()


def test_fragments_move_about_each_other_without_a_clash():
    complexed = Molecule.from_smiles("OCCO.O")
    moves, rng = Moves(complexed), np.random.default_rng(0)
    posed = [p for p, source in (moves.turned(complexed.positions, rng) for _ in range(40)) if source == "pose"]
    assert posed
    assert not any(moves.clashes(moves.changed(complexed.positions, "pose", rng)) for _ in range(40))


def test_a_large_ring_stays_closed_where_one_of_its_torsions_is_driven():
    molecule = Molecule.from_smiles(MACROCYCLE)
    before = molecule.positions
    for loop in Moves(molecule).loops[::5]:
        for hinge in range(0, len(loop.stiff), 4):
            moved, gap = loop.driven(before, hinge, 1.5)
            assert gap < 1e-3
            assert_same_molecule(molecule, moved, 1e-3)
            i, j = loop.starts[hinge], loop.ends[hinge]
            a = next(k for k in neighbours_of(molecule, i) if k != j)
            d = next(k for k in neighbours_of(molecule, j) if k != i)
            quad = np.array([[a, i, j, d]])
            turned = torsion_value(moved[quad]) - torsion_value(before[quad])
            assert wrapped(turned) == pytest.approx(1.5, abs=0.01)


def test_an_arc_of_a_ring_is_exchanged_between_two_conformers_that_fit():
    molecule = Molecule.from_smiles(MACROCYCLE)
    moves = Moves(molecule)
    crank = max(moves.cranks, key=lambda crank: len(crank.part))
    father = crank.turned(molecule.positions, 0.5)
    child, misfit = crank.grafted(molecule.positions, father)
    assert misfit < 1e-9
    assert np.abs(child - father).max() < 1e-9


def test_crankshafts_that_would_invert_a_centre_are_left_out():
    decalin = Molecule.from_smiles(DECALIN)
    moves, rng = Moves(decalin), np.random.default_rng(0)
    inverting = [crank.flipped(decalin.positions) for crank in moves.cranks]
    assert not all(moves.same_centres(decalin.positions, moved) for moved in inverting)
    for _ in range(30):
        assert moves.same_centres(decalin.positions, moves.changed(decalin.positions, "crankshaft", rng))


@pytest.mark.parametrize("smiles", [NAPROXEN, DIPEPTIDE, DECALIN, "CCP(CC)(CC)->[Pd](Cl)(Cl)<-P(CC)(CC)CC"])
def test_without_bond_orders_the_same_bonds_turn(smiles):
    molecule = Molecule.from_smiles(smiles)
    by_orders, by_lengths = Moves(molecule), Moves(Molecule.from_distances(molecule.atoms()))
    axes = [{frozenset(rotor.quad[1:3].tolist()) for rotor in moves.rotors} for moves in (by_orders, by_lengths)]
    assert axes[0] == axes[1]
    assert len(by_orders.cranks) == len(by_lengths.cranks)


def test_a_bond_to_a_metal_turns_where_both_sides_fall_apart_without_it():
    monodentate = Moves(Molecule.from_smiles("CCP(C)(C)->[Pd](Cl)(Cl)<-[NH3]"))
    chelate = Moves(Molecule.from_smiles("Cl[Zn]1(Cl)<-[NH2]CC[NH2]->1"))
    assert any({2, 5} == set(rotor.quad[1:3].tolist()) for rotor in monodentate.rotors)
    assert not chelate.rotors
    assert chelate.cranks


def test_a_straight_chain_is_one_axis():
    molecule = Molecule.from_smiles("OCC#CC#CCO")
    moves = Moves(molecule)
    (chain,) = (rotor for rotor in moves.rotors if {1, 6} == set(rotor.quad[1:3].tolist()))
    turned = chain.turned(molecule.positions, 1.0)
    assert wrapped(chain.value(turned) - chain.value(molecule.positions)) == pytest.approx(1.0)
    assert_same_molecule(molecule, turned)
    assert len(moves.rotors) == 3


def test_tops_that_look_the_same_after_a_third_of_a_turn_and_amide_nh2_are_left_out():
    assert not Moves(Molecule.from_smiles("CC(C)(C)C"))
    assert not Moves(Molecule.from_smiles("CC(F)(F)F"))
    assert not Moves(Molecule.from_smiles("CC(=O)N")).flips
    assert len(Moves(Molecule.from_smiles("CC(=O)NC")).flips) == 1


def test_a_pyramidal_nitrogen_is_turned_inside_out_unless_it_is_a_stereocentre_or_a_bridgehead():
    amine = Molecule.from_smiles("CCN(C)CCC")
    (inversion,) = Moves(amine).inversions
    quad = inversion.quad[None]
    after = plane_value(inversion.flipped(amine.positions)[quad])
    assert after == pytest.approx(-plane_value(amine.positions[quad]), abs=0.2)
    assert not Moves(Molecule.from_smiles("C1CN2CCC1CC2")).inversions
    assert not Moves(Molecule.from_smiles("CCN")).inversions


def test_a_fragment_comes_to_lie_on_any_side_and_at_contact():
    molecule = Molecule.from_smiles("CCO.O")
    moves, rng = Moves(molecule), np.random.default_rng(0)
    (water,) = moves.poses.movable
    rest = np.setdiff1d(np.arange(len(molecule)), water)
    sides = []
    for _ in range(60):
        posed = moves.changed(molecule.positions, "pose", rng)
        gaps = np.linalg.norm(posed[water][:, None] - posed[rest], axis=-1)
        assert 1.5 < gaps.min() < 3.0
        assert np.linalg.norm(posed[water[0]] - posed[water[1]]) == pytest.approx(
            np.linalg.norm(molecule.positions[water[0]] - molecule.positions[water[1]])
        )
        sides.append(posed[water].mean(axis=0) - posed[rest].mean(axis=0))
    assert (np.array(sides) > 1).any(axis=0).all()
    assert (np.array(sides) < -1).any(axis=0).all()
    assert not Moves(Molecule.from_smiles("[Na+].[Cl-]"))


def test_a_turn_is_what_rdkit_makes_of_the_same_torsion(molecule, moves):
    mol = molecule.to_rdkit()
    for rotor in moves.rotors:
        angle = float(rotor.value(molecule.positions)) + 1.1
        conformer = Chem.Conformer(mol.GetConformer())
        rdMolTransforms.SetDihedralRad(conformer, *rotor.quad.tolist(), angle)
        turned = rotor.turned(molecule.positions, 1.1)
        assert rmsd(turned, conformer.GetPositions()) < 1e-6


def rmsd(one, other):
    one, other = one - one.mean(axis=0), other - other.mean(axis=0)
    return Rotation.align_vectors(one, other)[1] / np.sqrt(len(one))


def test_a_cross_is_neither_of_its_parents_where_these_differ_in_more_than_one_torsion(molecule, moves):
    father = next(molecule.conformers(1, seed=5)).positions
    for rotor in moves.rotors[:3]:
        father = rotor.turned(father, 1.5)
    rng = np.random.default_rng(2)
    assert moves.differing(molecule.positions, father) > 1
    for _ in range(10):
        child = moves.crossed(molecule.positions, father, rng)
        assert moves.differing(child, molecule.positions)
        assert moves.differing(child, father)


def test_a_ring_of_alternating_bonds_has_torsions_to_drive_and_no_crankshafts():
    ring = Molecule.from_smiles(r"C1=C\\C=C/C=C\\C=C/C=C\\C=C/C=C\\C=C/1".replace("\\\\", "\\"))
    moves = Moves(ring)
    assert not moves.cranks
    assert moves.loops
    moved, source = moves.turned(ring.positions, np.random.default_rng(0))
    assert source == "crankshaft"
    assert moved.shape == ring.positions.shape


@pytest.mark.parametrize("smiles", ["[Na+]", "[H][H]", "O", "C", "[Na+].[Cl-]"])
def test_the_smallest_molecules_have_nothing_to_move(smiles):
    molecule = Molecule.from_smiles(smiles)
    moves = Moves(molecule)
    assert not moves
    assert not moves.clashes(molecule.positions)
    assert not list(moves.neighbours(molecule.positions))
    assert moves.angles(molecule.positions).shape == (0,)
    crossed = moves.crossed(molecule.positions, molecule.positions, np.random.default_rng(0))
    assert np.abs(crossed - molecule.positions).max() < 1e-9


def test_conformers_with_straight_chains_are_crossed_as_others_are():
    molecule = Molecule.from_smiles("CC[C@H](O)C#CC#C[C@@H](O)CCCOC")
    moves, father = Moves(molecule), next(molecule.conformers(1, seed=3)).positions
    rng = np.random.default_rng(0)
    itself = moves.crossed(molecule.positions, molecule.positions, rng)
    assert np.abs(itself - molecule.positions).max() < 1e-9
    for _ in range(5):
        child = moves.crossed(molecule.positions, father, rng)
        assert molecule.with_positions(child).smiles == molecule.smiles
        bonds = molecule.bonds
        parents = [lengths(parent, bonds) for parent in (molecule.positions, father)]
        assert (np.abs(lengths(child, bonds) - parents).min(axis=0) < 1e-9).all()
