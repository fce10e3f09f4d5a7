"""Scans find the lowest geometry at each value, from both sides, and go on where a point cannot be done."""

import csv

import numpy as np
import pytest
from ase.calculators.calculator import Calculator
from rdkit import Chem

import molopt
from molopt.constraining.coordinate import Coordinate
from molopt.errors import InputError
from molopt.scanning.grid import Axis, Grid
from molopt.scanning.point import Point
from molopt.scanning.spreading import Spreading

TURN = np.linspace(0, 360, 13)
DIHEDRAL = Coordinate((0, 1, 2, 3))


@pytest.fixture(scope="module")
def butane():
    return molopt.Molecule.from_smiles("CCCC")


@pytest.fixture(scope="module")
def turned(butane):
    return molopt.scan(butane, (0, 1, 2, 3), TURN, fmax=0.01)


def test_all_points_are_done_and_hold_their_values(turned):
    assert turned.converged
    for point in turned:
        assert abs(DIHEDRAL.gap(DIHEDRAL.at(point.positions), point.values[0])) < 1e-4
    assert turned.energies.shape == turned.relative.shape == turned.shape == (13,)
    assert turned.positions.shape == (13, 14, 3)


def test_a_scan_of_butane_has_its_three_wells_and_the_symmetry_of_the_molecule(turned):
    np.testing.assert_allclose(turned.relative, turned.relative[::-1], atol=0.03)
    assert turned.relative.argmin() == 6
    wells = [n for n in range(1, 12) if turned.relative[n] < min(turned.relative[n - 1], turned.relative[n + 1])]
    assert wells == [2, 6, 10]


def test_each_point_is_as_low_as_a_run_of_its_own_to_tight_criteria(butane, turned):
    for point in turned[1:12:3]:
        atoms = butane.with_positions(point.positions).atoms()
        atoms.set_constraint(molopt.constraints_of(butane, hold=[((0, 1, 2, 3), point.values[0])]))
        tight = molopt.relax(atoms, potential="mmff94", fmax=1e-3, energy_left=1e-5, check=None)
        assert 0 <= point.energy - tight.energy + 1e-6 < 1e-3


def test_a_full_turn_is_one_point_that_costs_nothing_twice(turned):
    assert turned[0].energy == turned[12].energy
    assert (turned[12].force_calls, turned[12].runs) == (0, 0)
    assert turned[0].values != turned[12].values


def test_force_calls_are_counted_by_the_calculator(butane):
    calls = []
    found = molopt.scan(butane, "CCCC", [60, 90, 120], on_call=lambda place, counted: calls.append(place))
    assert found.force_calls == len(calls)
    assert {point.place for point in found} == set(calls)


def test_a_target_with_its_own_calculator_and_constraints_is_left_alone(butane):
    atoms = butane.atoms()
    atoms.calc = molopt.potential("mmff94", butane)
    atoms.set_constraint(molopt.constraints_of(butane, fix=[0]))
    before = atoms.positions.copy()
    found = molopt.scan(
        atoms, (0, 1, 2), [105, 112, 120], constraints=molopt.constraints_of(butane, hold=[((1, 2), 1.6)])
    )
    assert found.converged
    np.testing.assert_array_equal(atoms.positions, before)
    for point in found:
        np.testing.assert_allclose(point.positions[0], before[0], atol=1e-9)
        assert np.isclose(Coordinate((1, 2)).at(point.positions), 1.6, atol=1e-5)


def test_two_coordinates_make_a_map():
    glycol = molopt.Molecule.from_smiles("OCCO")
    found = molopt.scan(glycol, [(4, 0, 1, 2), (0, 1, 2, 3)], [[60, 180], [60, 120, 180]])
    assert found.shape == found.energies.shape == (2, 3)
    assert found.converged
    assert found.values[1, 2].tolist() == [180.0, 180.0]
    for point in found:
        for coordinate, value in zip(((4, 0, 1, 2), (0, 1, 2, 3)), point.values, strict=True):
            there = Coordinate(coordinate)
            assert abs(there.gap(there.at(point.positions), value)) < 1e-4


def test_what_is_written_is_read_back(turned, tmp_path):
    turned.to_csv(tmp_path / "scan.csv")
    turned.to_sdf(tmp_path / "scan.sdf")
    with open(tmp_path / "scan.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["energy_eV"]) for row in rows] == turned.energies.tolist()
    assert [float(row["dihedral 0-1-2-3 degrees"]) for row in rows] == TURN.tolist()
    records = list(Chem.SDMolSupplier(str(tmp_path / "scan.sdf"), removeHs=False))
    assert [float(mol.GetProp("energy_eV")) for mol in records] == turned.energies.tolist()
    read = [each.positions for each in molopt.read(tmp_path / "scan.sdf")]
    np.testing.assert_allclose(read, turned.positions, atol=1e-4)


def test_a_table_for_pandas_has_the_same_columns(turned, tmp_path):
    pandas = pytest.importorskip("pandas")
    turned.to_csv(tmp_path / "scan.csv")
    assert list(turned.to_frame().columns) == list(pandas.read_csv(tmp_path / "scan.csv").columns)


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_a_figure_is_written(turned, tmp_path, ending):
    figure = turned.plot(tmp_path / f"scan.{ending}")
    (panel,) = figure.axes
    np.testing.assert_array_equal(panel.lines[0].get_xydata(), np.column_stack([TURN, turned.relative]))
    assert (tmp_path / f"scan.{ending}").stat().st_size > 1000
    with pytest.raises(InputError, match="a figure ends with"):
        turned.plot(tmp_path / "scan.txt")


class Fails(Calculator):
    """MMFF94 that fails where the dihedral is between 80 and 100 degrees."""

    implemented_properties = ("energy", "forces")

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def calculate(self, atoms=None, properties=("energy",), system_changes=()):
        super().calculate(atoms, properties, system_changes)
        if 80 < Coordinate((0, 1, 2, 3)).at(atoms.positions) < 100:
            raise RuntimeError("no convergence of the SCF")
        self.results = {name: self.inner.get_property(name, atoms) for name in ("energy", "forces")}


def test_a_point_that_fails_is_named_and_the_scan_goes_on_behind_it(butane):
    found = molopt.scan(butane, (0, 1, 2, 3), [60, 90, 120, 150, 180], Fails(molopt.potential("mmff94", butane)))
    assert [point.failed for point in found] == [False, True, False, False, False]
    assert "no convergence of the SCF" in found[1].error
    assert not found.converged
    assert np.isnan(found.energies[1])
    assert np.nanmin(found.relative) == 0


def test_a_value_that_cannot_be_reached_is_a_failed_point():
    propane = molopt.Molecule.from_smiles("CCC")
    found = molopt.scan(propane, (0, 2), [2.5, 0.05])
    assert not found[0].failed
    assert found[1].failed
    assert "cannot be met" in found[1].error


def test_a_bond_that_broke_is_said():
    methanol = molopt.Molecule.from_smiles("CO")
    found = molopt.scan(methanol, (0, 1), [1.4, 1.8, 2.2, 2.6, 3.0])
    assert found[0].verdict.molecule == "kept"
    assert found[4].verdict.molecule == "dissociated"
    assert "C0-O1 broken" in found[4].verdict.why


def test_a_budget_ends_the_scan_with_what_there_is(butane):
    found = molopt.scan(butane, (0, 1, 2, 3), TURN, max_calls=12)
    assert found.force_calls <= 12
    assert found.stopped == "the budget of 12 force calls is spent"
    assert 1 <= sum(point.converged for point in found) < 13
    assert any("not reached" in point.error for point in found)


@pytest.mark.parametrize(
    ("coordinates", "values", "said"),
    [
        ((0, 1, 2, 3), [], "a list of numbers"),
        ((0, 1, 2, 3), [60, 60], "rise or fall"),
        ((0, 1, 2, 3), [0, 90, 45], "rise or fall"),
        ((0, 1, 2, 3), [0, 400], "within one turn"),
        ((0, 1, 2, 3), ["a"], "must be numbers"),
        ((0, 1, 2, 3), 60, "a list of numbers"),
        ((0, 1, 2), [90, 180], "between 0 and 180"),
        ((0, 1), [0.0, 1.0], "a positive number"),
        ((0, 1, 2, 30), [0], "has atoms 0 to 13"),
        ([(0, 1), (1, 2)], [[1.5, 1.6]], "2 coordinates, 1 lists"),
        ([(0, 1), (1, 0)], [[1.5], [1.6]], "are the same"),
        ([(0, 1), (1, 2), (2, 3)], [[1.5], [1.6], [1.5]], "one or two coordinates"),
        ("CC", [1.5], "matches 3 coordinates"),
        ([], [], "one or two coordinates"),
    ],
)
def test_bad_arguments_are_one_line(butane, coordinates, values, said):
    with pytest.raises(InputError, match=said) as error:
        molopt.scan(butane, coordinates, values)
    assert "\n" not in str(error.value)


class Wells:
    """A stand-in for relaxing: a geometry is the number of its well, whose energy at a place is given."""

    def __init__(self, energies, jumps):
        self.energies, self.jumps, self.runs = energies, jumps, []

    def led(self, start, place):
        return start

    def alike(self, one, other):
        return one[0, 0] == other[0, 0]

    def over(self):
        return ""

    def run(self, start, place, origin, known=None):
        well = self.jumps.get((place[0], int(start[0, 0])), int(start[0, 0]))
        self.runs.append((place, origin))
        verdict = molopt.Verdict("converged", "unchecked", "kept")
        at = in_well(well)
        return Point(place, (0.0,), self.energies[well][place[0]], 0.0, at, verdict, 1, 1, origin)


def in_well(number):
    return np.array([[number, 0.0, 0.0], [number, 0.0, 1.0]])


def on_a_line(count):
    return Grid((Axis.of(Coordinate((0, 1)), np.arange(1.0, count + 1)),))


def test_a_well_that_is_found_late_goes_back_to_where_it_is_the_lowest():
    wells = Wells({0: [0, 1, 2, 3, 4], 1: [1, 0.5, 0, -1, -2]}, {(4, 0): 1})  # on the last point, well 0 ends in well 1
    spreading = Spreading(on_a_line(5), wells, in_well(0), lambda point: None)
    assert spreading.go() == ""
    assert [spreading.points[(n,)].positions[0, 0] for n in range(5)] == [0, 1, 1, 1, 1]
    assert spreading.points[(0,)].runs == 2  # tried, and not better


def test_points_of_one_conformation_are_run_once():
    wells = Wells({0: [0, 1, 2, 3, 4]}, {})
    Spreading(on_a_line(5), wells, in_well(0), lambda point: None).go()
    assert len(wells.runs) == 5


def test_neighbours_of_a_closed_dihedral_go_round():
    closed = Axis.of(DIHEDRAL, [0, 90, 180, 270, 360])
    open_end = Axis.of(DIHEDRAL, [-180, -90, 0, 90])
    part = Axis.of(DIHEDRAL, [0, 90, 180])
    assert sorted(Grid((closed,)).next_to((0,))) == [(1,), (3,)]
    assert sorted(Grid((open_end,)).next_to((3,))) == [(0,), (2,)]
    assert sorted(Grid((part,)).next_to((0,))) == [(1,)]
    assert len(Grid((closed, closed)).places) == 16
