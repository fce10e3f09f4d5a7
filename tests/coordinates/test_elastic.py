"""Springs between near atoms as the model Hessian of surfaces, crystals and cells."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc111
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.emt import EMT
from ase.cluster import Icosahedron
from ase.constraints import FixAtoms, FixCartesian, FixedPlane
from ase.filters import FrechetCellFilter, StrainFilter, UnitCellFilter
from ase.neighborlist import neighbor_list
from ase.optimize import BFGS
from complexes import ferrocene

from molopt import LBFGS, Adam, HeavyBall, InputError
from molopt.coordinates.elastic import Elastic, near
from molopt.optimizers.bodies import body_of


def slab(rattle=0.1):
    """Copper with two fixed layers, and oxygen on top."""
    atoms = fcc111("Cu", (2, 2, 4), vacuum=6.0)
    atoms += Atoms("O", positions=[atoms.positions[-1] + [1.3, 0.7, 1.2]])
    atoms.set_constraint(FixAtoms(mask=atoms.positions[:, 2] < atoms.positions[7, 2] + 0.1))
    free = np.setdiff1d(np.arange(len(atoms)), atoms.constraints[0].get_indices())
    atoms.positions[free] += np.random.default_rng(4).normal(0, rattle, (len(free), 3))
    atoms.calc = EMT()
    return atoms


def crystal(rattle=0.1):
    """An alloy in a cell that is not cubic any more."""
    atoms = bulk("Au", cubic=True) * (2, 1, 1)
    atoms.symbols[[1, 4, 6]] = "Pd"
    atoms.set_cell(atoms.cell @ (np.eye(3) + np.random.default_rng(1).normal(0, 0.03, (3, 3))), scale_atoms=True)
    atoms.rattle(rattle, seed=2)
    atoms.calc = EMT()
    return atoms


def cluster(rattle=0.1):
    """Thirteen atoms of gold."""
    atoms = Icosahedron("Au", 2)
    atoms = Atoms(atoms.symbols, positions=atoms.positions, calculator=EMT())
    atoms.rattle(rattle, seed=3)
    return atoms


SYSTEMS = {
    "slab": slab,
    "crystal": crystal,
    "cluster": cluster,
    "primitive cell": lambda: UnitCellFilter(bulk("Al")),
    "cell": lambda: UnitCellFilter(crystal()),
    "cell, logarithm": lambda: FrechetCellFilter(crystal()),
    "cell with a mask": lambda: FrechetCellFilter(crystal(), mask=[True, True, False, False, False, True]),
}


def elastic(system):
    coordinates = Elastic.around(body_of(system))
    return coordinates, system.__ase_optimizable__().get_x()


@pytest.mark.parametrize("periodic", [(1, 1, 1), (1, 1, 0), (0, 0, 1), (0, 0, 0)])
def test_neighbours_are_those_that_ase_finds_in_any_cell(periodic):
    random = np.random.default_rng(sum(periodic))
    cell = np.diag([2.5, 4.0, 3.0]) + random.normal(0, 0.4, (3, 3))
    atoms = Atoms("Cu5", positions=random.uniform(-9, 9, (5, 3)), cell=cell, pbc=periodic)
    pairs, gaps = near(atoms.positions, atoms.cell.array, atoms.pbc, 5.0)
    i, j, gap = neighbor_list("ijD", atoms, 5.0)
    both = np.concatenate([np.c_[pairs, gaps], np.c_[pairs[:, ::-1], -gaps]])
    theirs = np.c_[i, j, gap]
    assert len(both) == len(theirs)
    for rows in (both, theirs):
        rows[:] = rows[np.lexsort(rows.round(6).T)]
    np.testing.assert_allclose(both, theirs, atol=1e-9)


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_model_is_symmetric_and_positive_definite(name):
    coordinates, x = elastic(SYSTEMS[name]())
    hessian = coordinates.linearize(x, np.zeros_like(x)).hessian.toarray()
    np.testing.assert_allclose(hessian, hessian.T, atol=1e-10)
    assert np.linalg.eigvalsh(hessian)[0] >= coordinates.ground - 1e-9


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_model_is_that_of_its_springs_by_finite_differences_through_ase(name):
    system = SYSTEMS[name]()
    atoms = system if isinstance(system, Atoms) else system.atoms
    coordinates, x = elastic(system)
    body, step = coordinates.body, 1e-4
    pairs, gaps = near(atoms.positions, atoms.cell.array, atoms.pbc, 6.0)
    images = np.rint((gaps - atoms.positions[pairs[:, 1]] + atoms.positions[pairs[:, 0]]) @ np.linalg.pinv(atoms.cell))

    def vectors(moved):
        system.__ase_optimizable__().set_x(moved)
        return atoms.positions[pairs[:, 1]] + images @ atoms.cell.array - atoms.positions[pairs[:, 0]]

    jacobian = np.zeros((len(pairs), 3, x.size))
    for entry in np.flatnonzero(body.movable):
        there = np.zeros(x.size)
        there[entry] = step
        jacobian[:, :, entry] = (vectors(x + there) - vectors(x - there)) / (2 * step)
    lengths, sums = np.linalg.norm(gaps, axis=1), coordinates.sums(pairs)
    kept = lengths < coordinates.reach * sums
    pairs, jacobian, gaps, lengths = pairs[kept], jacobian[kept], gaps[kept], lengths[kept]
    units = gaps / lengths[:, None]
    k = coordinates.strengths(pairs, lengths)
    springs = k[:, None, None] * (units[:, :, None] * units[:, None, :] + coordinates.across * np.eye(3))
    expected = np.einsum("pia,pij,pjb->ab", jacobian, springs, jacobian) + coordinates.ground * np.eye(x.size)
    np.testing.assert_allclose(coordinates.hessian(x).toarray(), expected, atol=1e-5 * np.abs(expected).max())


def test_turning_everything_turns_the_model_and_nothing_else():
    atoms = slab()
    turn = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
    other = atoms.copy()
    other.set_cell(atoms.cell @ turn.T)
    other.positions = atoms.positions @ turn.T
    one, two = (coordinates.hessian(x).toarray() for coordinates, x in map(elastic, (atoms, other)))
    turns = np.kron(np.eye(len(atoms)), turn)
    np.testing.assert_allclose(two, turns @ one @ turns.T, atol=1e-9)


def test_an_atom_in_the_next_cell_is_the_same_atom():
    atoms = crystal()
    coordinates, x = elastic(atoms)
    moved = x.reshape(-1, 3).copy()
    moved[3] += 2 * atoms.cell[0] - atoms.cell[2]
    np.testing.assert_allclose(
        coordinates.hessian(x).toarray(), coordinates.hessian(moved.ravel()).toarray(), atol=1e-9
    )


def test_a_metals_bonds_are_softer_than_a_crystals_of_four_neighbours():
    stiffest = {}
    for element in ("C", "Cu"):
        coordinates, x = elastic(bulk(element, cubic=True))
        stiffest[element] = coordinates.hessian(x).diagonal().max()
    assert 20 < stiffest["C"] < 100  # eV/A^2
    assert 3 < stiffest["Cu"] < 20


@pytest.mark.parametrize(
    ("name", "optimizer"),
    [
        ("cluster", LBFGS),
        ("slab", LBFGS),
        ("slab", Adam),
        ("cell", HeavyBall),
        ("cell, logarithm", LBFGS),
        ("cell with a mask", LBFGS),
    ],
)
def test_the_end_is_that_of_ase_in_half_the_force_calls(name, optimizer):
    ours, theirs = SYSTEMS[name](), SYSTEMS[name]()
    run = optimizer(ours, coordinates="elastic", logfile=None)
    reference = BFGS(theirs, logfile=None)
    assert run.run(fmax=0.005, steps=200)
    assert reference.run(fmax=0.005, steps=500)
    energies = [
        (system if isinstance(system, Atoms) else system.atoms).get_potential_energy() for system in (ours, theirs)
    ]
    assert energies[0] == pytest.approx(energies[1], abs=2e-3)
    assert run.nsteps < (0.7 if optimizer is LBFGS else 1.2) * reference.nsteps


def test_what_is_fixed_stays_to_the_last_digit():
    atoms = slab()
    atoms.set_constraint([*atoms.constraints, FixCartesian([14], mask=(True, True, False))])
    before = atoms.positions.copy()
    fixed = atoms.constraints[0].get_indices()
    assert LBFGS(atoms, logfile=None).run(fmax=0.05, steps=100)
    np.testing.assert_array_equal(atoms.positions[fixed], before[fixed])
    np.testing.assert_array_equal(atoms.positions[14, :2], before[14, :2])


def test_auto_is_elastic_where_that_can_be():
    held = slab()
    held.set_constraint(FixedPlane(0, [0, 0, 1]))
    for system, sees in (
        (slab(), "elastic"),
        (crystal(), "elastic"),
        (FrechetCellFilter(crystal()), "elastic"),
        (FrechetCellFilter(crystal(), hydrostatic_strain=True), "cartesian"),
        (StrainFilter(crystal()), "cartesian"),
        (held, "cartesian"),
        (bulk("Cu", cubic=True), "elastic"),
        (Icosahedron("Cu", 2), "elastic"),
        (Atoms("Cu2", positions=[[0, 0, 0], [2.2, 0, 0]]), "internal"),
        (ferrocene(), "internal"),
        (Atoms("OH2", positions=[[0, 0, 0], [0.9, 0, 0], [0, 0.9, 0]]), "internal"),
    ):
        assert LBFGS(system, logfile=None).sees == sees
        assert Adam(system, logfile=None).sees == "cartesian"
        if sees == "cartesian":
            with pytest.raises(InputError, match="elastic coordinates are for"):
                LBFGS(system, logfile=None, coordinates="elastic")


def test_a_surface_or_a_cell_is_not_told_to_be_cartesian(caplog):
    for system in (slab(), FrechetCellFilter(crystal())):
        LBFGS(system, logfile=None)
    assert not [record for record in caplog.records if record.levelname == "WARNING"]
    LBFGS(StrainFilter(crystal()), logfile=None)
    assert 'use coordinates="cartesian"' in caplog.text


@pytest.mark.parametrize(("system", "rounding"), [(slab, 0.0), (lambda: FrechetCellFilter(crystal()), 1e-11)])
def test_a_run_goes_on_from_its_restart_file(system, rounding, tmp_path):
    def run(steps, **keywords):
        target = system()
        LBFGS(target, logfile=None, **keywords).run(fmax=1e-4, steps=steps)
        return target.get_positions()

    whole = run(5)
    run(2, restart=tmp_path / "restart.json")
    np.testing.assert_allclose(run(3, restart=tmp_path / "restart.json"), whole, rtol=0, atol=rounding)


WELLS = 3.0 * np.vstack([np.zeros(3), np.eye(3)])  # Angstrom


class Wells(Calculator):
    """Atoms in wells of their own, between 20 and 60 eV/A^2."""

    implemented_properties = ("energy", "forces")
    stiffness = np.linspace(20, 60, 12).reshape(4, 3)

    def calculate(self, atoms=None, properties=(), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        x = self.atoms.positions - WELLS
        self.results = {"energy": 0.5 * (self.stiffness * x * x).sum(), "forces": -self.stiffness * x}


def test_in_plain_cartesians_the_steps_are_those_of_ases_bfgs():
    start = WELLS + np.random.default_rng(0).normal(0, 0.05, (4, 3))
    paths = []
    for kind in (
        lambda atoms: LBFGS(atoms, logfile=None, coordinates="cartesian"),
        lambda atoms: BFGS(atoms, logfile=None),
    ):
        atoms = Atoms("Ar4", positions=start, calculator=Wells())
        path = []
        optimizer = kind(atoms)
        optimizer.attach(lambda path=path, atoms=atoms: path.append(atoms.positions.copy()))
        optimizer.run(fmax=0.01)
        paths.append(np.array(path))
    np.testing.assert_allclose(*paths, atol=1e-6)
