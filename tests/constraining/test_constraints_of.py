"""Coordinates and constraints are named by atoms or by a SMARTS, from 0 in Python and from 1 on the command line."""

import ase.io
import numpy as np
import pytest
from ase.constraints import FixAtoms, FixInternals
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import molopt
from molopt.cli import main
from molopt.constraining.choosing import Chooser
from molopt.constraining.coordinate import Coordinate
from molopt.constraining.text import atoms, atoms_and_grid, atoms_and_value, constraints
from molopt.errors import InputError
from molopt.molecules.matching import matches
from molopt.numbering import from_one


@pytest.fixture(scope="module")
def butane():
    return molopt.Molecule.from_smiles("CCCC")


@pytest.fixture(scope="module")
def toluene():
    return molopt.Molecule.from_smiles("Cc1ccccc1")


def test_values_are_those_of_ase(butane):
    atoms, x = butane.atoms(), butane.positions
    assert np.isclose(Coordinate((0, 1)).at(x), atoms.get_distance(0, 1))
    assert np.isclose(Coordinate((0, 1, 2)).at(x), atoms.get_angle(0, 1, 2))
    assert np.isclose(Coordinate((4, 0, 1, 2)).at(x) % 360, atoms.get_dihedral(4, 0, 1, 2))


@given(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4))
def test_dihedrals_go_the_shorter_way_round(one, other):
    gap = Coordinate((0, 1, 2, 3)).gap(one, other)
    assert -180 <= gap <= 180
    assert np.isclose(np.cos(np.deg2rad(one + gap)), np.cos(np.deg2rad(other)), atol=1e-9)


def test_a_smarts_and_its_reverse_match_once(butane):
    assert matches(butane, "CCCC") == [(0, 1, 2, 3)]
    assert matches(molopt.Molecule.from_smiles("C1CCC1"), "CCCC") != [
        (0, 1, 2, 3)
    ]  # four dihedrals of one set of atoms
    assert len(matches(butane, "[CH3]C")) == 2


def test_numbered_atoms_say_which_and_in_which_order(toluene):
    assert matches(toluene, "[CH3:2]c1[cH:1][cH][cH][cH][cH]1") == [(2, 0), (6, 0)]


@pytest.mark.parametrize("smarts", ["C(", "", "N", "1,2,x", "C" * 2000, "[#99]", "\x00", "é"])
def test_what_matches_nothing_is_one_line(butane, smarts):
    with pytest.raises(InputError) as error:
        matches(butane, smarts)
    assert "\n" not in str(error.value)


def test_molecules_without_bond_orders_are_not_matched():
    guessed = molopt.Molecule.from_distances(molopt.Molecule.from_smiles("CCCC").atoms())
    with pytest.raises(InputError, match="bond orders are not known"):
        matches(guessed, "CCCC")


def test_constraints_hold_the_present_value_or_another(butane):
    (held,) = molopt.constraints_of(butane, hold=[(0, 1), ((0, 1, 2), 115), ("CCCC", 60)])
    assert isinstance(held, FixInternals)
    assert held.bonds == [[pytest.approx(butane.atoms().get_distance(0, 1)), [0, 1]]]
    assert held.angles == [[115.0, [0, 1, 2]]]
    assert held.dihedrals == [[60.0, [0, 1, 2, 3]]]


def test_fixed_atoms_are_those_of_all_matches(toluene):
    (fixed,) = molopt.constraints_of(toluene, fix=["c1ccccc1", 0])
    assert isinstance(fixed, FixAtoms)
    assert fixed.get_indices().tolist() == list(range(7))
    assert molopt.constraints_of(toluene) == []


@pytest.mark.parametrize(
    ("fix", "hold", "said"),
    [
        ([99], [], "has atoms 0 to 13, got 99"),
        ([-1], [], "has atoms 0 to 13, got -1"),
        ([0.5], [], "whole numbers counted from 0"),
        ([True], [], "whole numbers counted from 0"),
        ([], [(0, 1, 2, 3, 4)], "a bond is of 2, an angle of 3, a dihedral of 4"),
        ([], [(0, 0)], "different atoms"),
        ([], [(0, 1), ((1, 0), 1.5)], "held twice"),
        ([], [((0, 1), -1.5)], "must be a positive number of A, got -1.5"),
        ([], [((0, 1, 2), 180)], "between 0 and 180 degrees, got 180"),
        ([], [((0, 1, 2, 3), float("nan"))], "must be a number of degrees"),
        ([], [((0, 1, 2, 3), "x")], "must be a number of degrees, got x"),
        ([], ["N"], "no match"),
    ],
)
def test_what_cannot_be_held_is_one_line(butane, fix, hold, said):
    with pytest.raises(InputError, match=said):
        molopt.constraints_of(butane, fix, hold)


def test_a_dihedral_with_three_atoms_on_a_line_is_refused():
    butyne = molopt.Molecule.from_smiles("CC#CC")
    with pytest.raises(InputError, match="on a line"):
        molopt.constraints_of(butyne, hold=[((0, 1, 2, 3), 0)])


def test_the_command_line_counts_from_one(butane):
    held, fixed = constraints(butane, ["1-2", "4"], ["1,2,3,4=60"])
    assert fixed.get_indices().tolist() == [0, 1, 3]
    assert held.dihedrals == [[60.0, [0, 1, 2, 3]]]
    with pytest.raises(InputError, match="has atoms 1 to 14, got 0"):
        constraints(butane, ["0"], [])
    with pytest.raises(InputError, match="dihedral 1-2-3-4 is held twice"):
        constraints(butane, [], ["1,2,3,4", "CCCC=60"])


@pytest.mark.parametrize("text", ["1,,2", "3-1", "1-", "-1", "1 2", "", " ", "1+2", "1-99999999", ","])
def test_bad_numbers_are_not_taken_for_a_smarts(text):
    with pytest.raises(InputError) as error:
        atoms(text)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1,2", [1, 2]),
        ("1,2=1.5", ([1, 2], 1.5)),
        ("1,2,3,4=-60", ([1, 2, 3, 4], -60.0)),
        ("C=C", "C=C"),
        ("C=C=1.3", ("C=C", 1.3)),
        ("C1CCCCC=1", "C1CCCCC=1"),  # a ring that closes with a double bond
        ("[CH3:1][C:2]=1.5", ("[CH3:1][C:2]", 1.5)),
    ],
)
def test_a_value_is_told_from_a_double_bond(text, found):
    assert atoms_and_value(text) == found


@pytest.mark.parametrize("text", ["1,2=x", "1,2=", "1,2=nan", "1,2=inf"])
def test_a_value_that_is_no_number_is_an_error(text):
    with pytest.raises(InputError, match="is not a number"):
        atoms_and_value(text)


def test_a_grid_may_stand_with_its_coordinate():
    assert atoms_and_grid("[CH3:1][C:2]=1.2:2:9") == ("[CH3:1][C:2]", (1.2, 2.0, 9))
    assert atoms_and_grid("CC=CC") == ("CC=CC", None)
    for text in ("1,2=1:2", "1,2=a:2:3", "1,2=1:2:x", "1,2=1:2:3:4", "1,2=nan:2:3"):
        with pytest.raises(InputError, match="FROM:TO:POINTS"):
            atoms_and_grid(text)


def test_a_smarts_of_several_coordinates_names_them_from_one(butane):
    with pytest.raises(InputError, match=r"matches 3 coordinates in C4H10 \(bond 1-2, bond 2-3, bond 3-4\)"):
        Chooser(butane, 1).coordinate("CC")


def test_sentences_of_molopt_are_renumbered():
    said = (
        "the constraints cannot be met: dihedral 0-1-2-3 came from 10 to 20 degrees, and atoms 3 and 11 would be 1.2 A"
    )
    assert from_one(said) == said.replace("0-1-2-3", "1-2-3-4").replace("atoms 3 and 11", "atoms 4 and 12")
    assert from_one("distances 0-1, 2-3; C0-Cl11 formed; fragments 2 CH3") == (
        "distances 1-2, 3-4; C1-Cl12 formed; fragments 2 CH3"
    )


def test_relax_fixes_and_holds_what_it_is_told_to(butane, tmp_path):
    ran = CliRunner().invoke(main, ["relax", "CCCC b", "--fix", "5,6", "--hold", "CCCC=60", "--out", str(tmp_path)])
    assert ran.exit_code == 0, ran.output
    end = ase.io.read(tmp_path / "relaxed.xyz")
    assert end.get_dihedral(0, 1, 2, 3) == pytest.approx(60, abs=1e-4)
    np.testing.assert_allclose(end.positions[[4, 5]], butane.positions[[4, 5]], atol=1e-7)


@pytest.mark.parametrize(
    ("option", "text", "said"),
    [
        ("--fix", "1-99", "has atoms 1 to 14, got 15"),
        ("--hold", "1,2=x", "is not a number"),
        ("--fix", "N", "no match"),
    ],
)
def test_relax_says_in_one_line_what_it_cannot_fix_or_hold(tmp_path, option, text, said):
    ran = CliRunner().invoke(main, ["relax", "CCCC", option, text, "--out", str(tmp_path / "out")])
    assert ran.exit_code == 2
    assert said in ran.stderr
    assert len(ran.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()
