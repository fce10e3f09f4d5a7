"""Whole runs in internal coordinates: awkward molecules, bad starts, bonds that change, and the way back."""

import logging
import time

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.lj import LennardJones
from ase.calculators.morse import MorsePotential
from ase.optimize import BFGS
from ase.optimize.optimize import RestartError
from complexes import ferrocene
from scipy import sparse
from scipy.spatial.transform import Rotation

import molopt
from molopt.control import Trust
from molopt.coordinates.inverse import Projected
from molopt.coordinates.topology import Topology, covalent_bonds
from molopt.optimizers import LBFGS, Adam, HeavyBall
from molopt.optimizers.spec import OptimizerSpec

X, Y, Z = np.eye(3)
TRIANGLE, PENTAGON = ([np.cos(2 * np.pi * k / n) * X + np.sin(2 * np.pi * k / n) * Y for k in range(n)] for n in (3, 5))


def star(symbols, directions, length):
    return Atoms(symbols, [0 * X, *(length * direction for direction in directions)])


def turned(direction, degrees):
    """Towards +y."""
    return np.cos(np.deg2rad(degrees)) * direction + np.sin(np.deg2rad(degrees)) * Y


def charged(atoms, charge):
    atoms.info["charge"] = charge
    return atoms


AWKWARD = {  # name: atoms, noise in Angstrom
    "helium": (Atoms("He"), 0.0),
    "hydrogen": (Atoms("H2", [0 * X, 0.9 * X]), 0.0),
    "sodium chloride": (Atoms("NaCl", [0 * X, 5 * X]), 0.0),
    "water, straight": (star("OH2", [X, -X], 0.96), 0.02),
    "ammonia, flat": (star("NH3", TRIANGLE, 1.0), 0.01),
    "carbon dioxide": (star("CO2", [X, -X], 1.25), 0.0),
    "carbon dioxide, bent by 5 degrees": (star("CO2", [turned(X, 2.5), turned(-X, 2.5)], 1.2), 0.0),
    "carbon dioxide, bent by 60 degrees": (star("CO2", [turned(X, 30), turned(-X, 30)], 1.2), 0.0),
    "hydrogen cyanide, bent": (Atoms("HCN", [-0.7 * X + 0.8 * Y, 0 * X, 1.2 * X]), 0.0),
    "acetylene": (Atoms("CHCH", [0 * X, -1.1 * X, 1.3 * X, 2.2 * X + 0.7 * Y]), 0.02),
    "sulfur hexafluoride": (star("SF6", [X, -X, Y, -Y, Z, -Z], 1.6), 0.05),
    "phosphorus pentafluoride": (star("PF5", [Z, -Z, *TRIANGLE], 1.55), 0.05),
    "chlorine trifluoride": (star("ClF3", [X, -X, Y], 1.65), 0.05),
    "xenon tetrafluoride": (star("XeF4", [X, -X, Y, -Y], 2.0), 0.05),
    "tetrachloroplatinate": (charged(star("PtCl4", [X, -X, Y, -Y], 2.3), -2), 0.05),
    "pentafluoroxenate": (charged(star("XeF5", PENTAGON, 2.0), -1), 0.05),
    "ferrocene": (ferrocene(), 0.03),
}


@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_molecules_reach_the_minimum_that_bfgs_finds(name):
    pytest.importorskip("tblite")
    start, noise = AWKWARD[name]
    energies, counts = [], []
    for optimizer in (LBFGS, HeavyBall, Adam, BFGS):
        atoms = start.copy()
        atoms.positions += noise * np.random.default_rng(5).normal(size=(len(atoms), 3))
        atoms.calc = molopt.potential("gfn2-xtb", atoms)
        more = {} if optimizer is BFGS else {"coordinates": "internal"}
        run = optimizer(atoms, logfile=None, **more)
        assert run.run(fmax=0.01, steps=200), optimizer
        energies.append(atoms.get_potential_energy())
        counts.append(run.nsteps)
    print(name, counts, energies)
    np.testing.assert_allclose(energies, energies[-1], atol=2e-3)  # eV; the softest modes at fmax 0.01


SMILES = {
    "norbornane": "C1CC2CCC1C2",
    "cubane": "C12C3C4C1C5C2C3C45",
    "allene": "C=C=C",
    "butyne": "CC#CC",
    "diyne": "OCC#CC#CCN",
    "polyyne": "C" + "C#C" * 10 + "C",
    "peptide": "CC(=O)N[C@@H](C)C(=O)NC",
    "hydrogen-bonded dimer": "CC(=O)O.CC(=O)O",
    "salt": "CC(=O)[O-].[NH4+]",
    "waters": "O.O.O.O.O.O",
}


def molecule(name):
    """A molecule, and its atoms with MMFF94."""
    molecule = molopt.Molecule.from_smiles(SMILES[name])
    atoms = molecule.atoms()
    atoms.calc = molopt.potential("mmff94", molecule)
    return atoms


def disturbed(atoms, how):
    random = np.random.default_rng(1)
    if how == "noise":
        atoms.positions += 0.3 * random.normal(size=atoms.positions.shape)
    elif how == "stretched":
        atoms.positions *= 1.5
    elif how == "on top of each other":
        atoms.set_distance(0, 1, 0.5)
    elif how == "flat":
        atoms.positions[:, 2] *= 0.01
    return atoms


@pytest.mark.parametrize("how", ["as it is", "noise", "stretched", "on top of each other", "flat"])
@pytest.mark.parametrize("name", SMILES)
def test_bad_starts_are_relaxed(name, how):
    atoms = disturbed(molecule(name), how)
    start = atoms.get_potential_energy()
    run = LBFGS(atoms, coordinates="internal", logfile=None)
    assert run.run(fmax=0.01, steps=400)
    print(name, how, run.nsteps, start, atoms.get_potential_energy())


@pytest.mark.parametrize("optimizer", [LBFGS, HeavyBall, Adam])
@pytest.mark.parametrize("name", ["peptide", "diyne", "salt", "cubane"])
def test_turning_the_molecule_changes_nothing(name, optimizer):
    counts = set()
    for turn in range(4):
        atoms = disturbed(molecule(name), "as it is")
        atoms.rattle(0.05, seed=2)
        if turn:
            atoms.positions = Rotation.random(random_state=turn).apply(atoms.positions) + turn
        run = optimizer(atoms, coordinates="internal", logfile=None)
        assert run.run(fmax=0.01, steps=300)
        counts.add(run.nsteps)
    assert max(counts) - min(counts) <= 1


def bent_nitrile():
    """Acetonitrile with MMFF94, its C-C-N angle 110 degrees: it becomes straight on the way."""
    nitrile = molopt.Molecule.from_smiles("CC#N")
    atoms = nitrile.atoms()
    atoms.set_angle(0, 1, 2, 110, indices=[2])
    atoms.calc = molopt.potential("mmff94", nitrile)
    return atoms


@pytest.mark.parametrize("optimizer", [LBFGS, HeavyBall, Adam])
def test_an_angle_that_becomes_straight_is_exchanged_for_bends_and_the_rest_is_remembered(optimizer, caplog):
    atoms = bent_nitrile()
    run = optimizer(atoms, coordinates="internal", logfile=None)
    with caplog.at_level(logging.INFO, logger="molopt"):
        for _ in run.irun(fmax=0.01, steps=100):
            if "angle became straight; internal coordinates rebuilt" in caplog.text:
                break
        assert len(run.member.primitives.bends) == 1
        before = run.memory.before
        stretches = run.member.primitives.slices["stretch"]
        assert any(np.any(np.asarray(part)[..., stretches]) for part in before if np.ndim(part))
        assert run.run(fmax=0.01, steps=100)
    assert atoms.get_angle(0, 1, 2) > 179


@pytest.mark.parametrize("optimizer", [LBFGS, HeavyBall, Adam])
def test_an_interrupted_run_equals_an_uninterrupted_one_bit_for_bit_across_a_rebuild(optimizer, tmp_path, caplog):
    steps, whole = 26, bent_nitrile()
    with caplog.at_level(logging.INFO, logger="molopt"):
        optimizer(whole, coordinates="internal", logfile=None).run(fmax=0, steps=steps)
    assert "internal coordinates rebuilt" in caplog.text
    for done in range(1, steps, 5):
        atoms, path = bent_nitrile(), tmp_path / f"{done}.json"
        optimizer(atoms, restart=path, coordinates="internal", logfile=None).run(fmax=0, steps=done)
        atoms = bent_nitrile()
        optimizer(atoms, restart=path, coordinates="internal", logfile=None).run(fmax=0, steps=steps - done)
        assert (atoms.positions == whole.positions).all(), done


@pytest.mark.parametrize("name", ["waters", "salt", "peptide"])
def test_restarts_of_several_fragments_and_close_contacts_are_bit_for_bit_too(name, tmp_path):
    whole, atoms = molecule(name), molecule(name)
    LBFGS(whole, logfile=None).run(fmax=0, steps=12)
    for steps in (5, 7):
        LBFGS(atoms, restart=tmp_path / "run.json", logfile=None).run(fmax=0, steps=steps)
    assert (atoms.positions == whole.positions).all()


def test_restart_files_that_do_not_fit_are_refused(tmp_path):
    path = tmp_path / "run.json"
    LBFGS(molecule("allene"), restart=path, logfile=None).run(fmax=0, steps=2)
    with pytest.raises(RestartError, match="it is of 7 atoms, these are 16"):
        LBFGS(molecule("cubane"), restart=path, logfile=None)
    remembering = LBFGS.tuned_defaults("internal")
    with pytest.raises(RestartError, match="it was written by internal, this is cartesian"):
        LBFGS(molecule("allene"), restart=path, coordinates="cartesian", control=Trust(), logfile=None, **remembering)


def test_a_proton_that_changes_its_place_is_said_and_the_run_goes_on(caplog):
    pytest.importorskip("tblite")
    atoms = Atoms(
        "NH4HCOO",
        [
            [0, 0, 0],
            *(1.02 * np.array(v) for v in ([1, 0, 0], [-0.33, 0.94, 0], [-0.33, -0.47, 0.82])),
            [-0.34, -0.48, -0.83],
            [4.2, 0.6, 0.9],
            [3.5, 0.3, 0.1],
            [2.4, 0.0, 0.4],
            [3.9, 0.3, -1.1],
        ],
    )
    atoms.calc = molopt.potential("gfn2-xtb", atoms)
    with caplog.at_level(logging.INFO, logger="molopt"):
        assert LBFGS(atoms, coordinates="internal", logfile=None).run(fmax=0.01, steps=150)
    print(caplog.text)
    assert "broke" in caplog.text or "formed" in caplog.text


def test_a_bond_may_break(caplog):
    atoms = Atoms("Ar2", [0 * X, 1.9 * X], calculator=LennardJones(sigma=3.4, epsilon=0.01, rc=20.0))
    with caplog.at_level(logging.INFO, logger="molopt"):
        assert LBFGS(atoms, coordinates="internal", logfile=None).run(fmax=1e-4, steps=100)
    assert "the bond 0-1 broke" in caplog.text
    assert atoms.get_distance(0, 1) == pytest.approx(3.4 * 2 ** (1 / 6), abs=0.02)


def icosahedron():
    golden = (1 + np.sqrt(5)) / 2
    corners = [sign * X + other * golden * Y for sign in (1, -1) for other in (1, -1)]
    return np.array([0 * X, *corners, *(c[[1, 2, 0]] for c in corners), *(c[[2, 0, 1]] for c in corners)])


def test_bonds_that_a_bad_start_feigns_are_gone_at_the_end():
    pytest.importorskip("tblite")
    atoms = star(
        "CH4",
        [(X + Y + Z) / np.sqrt(3), (X - Y - Z) / np.sqrt(3), (Y - X - Z) / np.sqrt(3), (Z - X - Y) / np.sqrt(3)],
        1.1,
    )
    atoms.positions[2] = atoms.positions[1] + 0.4 * (X - Y)  # two hydrogens, as if they were bonded
    atoms.calc = molopt.potential("gfn2-xtb", atoms)
    run = LBFGS(atoms, coordinates="internal", logfile=None, molecule=molopt.Molecule.from_distances(atoms))
    assert len(run.recipe.bonds) == 5
    assert run.run(fmax=0.01, steps=100)
    assert run.recipe.bonds.tolist() == [[0, 1], [0, 2], [0, 3], [0, 4]]


CLUSTERS = {
    "argon by Lennard-Jones": ("Ar", 2.0, LennardJones(sigma=3.4, epsilon=0.0104, rc=30.0)),
    "argon by Morse": ("Ar", 2.0, MorsePotential(r0=3.8, epsilon=0.05, rho0=4.0, rcut1=20, rcut2=25)),
    "gold by Morse, all bonded": ("Au", 1.5, MorsePotential(r0=2.9, epsilon=0.4, rho0=4.0, rcut1=20, rcut2=25)),
}


@pytest.mark.parametrize("optimizer", [LBFGS, HeavyBall, Adam])
@pytest.mark.parametrize("name", CLUSTERS)
def test_clusters_that_are_no_molecules_are_relaxed(name, optimizer):
    symbol, scale, calculator = CLUSTERS[name]
    atoms = Atoms(f"{symbol}13", scale * icosahedron(), calculator=calculator)
    atoms.rattle(0.1, seed=1)
    assert optimizer(atoms, coordinates="internal", logfile=None).run(fmax=0.01, steps=300)


def test_steps_too_long_for_the_way_back_are_shortened_and_said_and_the_coordinates_built_anew(caplog):
    atoms = molecule("peptide")
    run = Adam(atoms, lr=50.0, control=None, coordinates="internal", logfile=None)
    with caplog.at_level(logging.INFO, logger="molopt"):
        run.run(fmax=0.01, steps=5)
    assert "the back-transformation did not converge: " in caplog.text
    assert "the back-transformation did not converge; internal coordinates rebuilt" in caplog.text
    assert np.isfinite(atoms.positions).all()


class Springs(Calculator):
    """Harmonic between atoms one and two bonds apart: a potential for molecules of any size."""

    implemented_properties = ("energy", "forces")

    def __init__(self, atoms, stiffness=20.0):
        super().__init__()
        topology = Topology(atoms.numbers, covalent_bonds(atoms.numbers, atoms.positions))
        self.pairs, self.stiffness = topology.within_two_bonds, stiffness
        self.lengths = np.linalg.norm(self.gaps(atoms), axis=1)

    def gaps(self, atoms):
        return atoms.positions[self.pairs[:, 0]] - atoms.positions[self.pairs[:, 1]]

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        gaps, forces = self.gaps(atoms), np.zeros((len(atoms), 3))
        lengths = np.linalg.norm(gaps, axis=1)
        pull = (self.stiffness * (self.lengths / lengths - 1))[:, None] * gaps
        np.add.at(forces, self.pairs[:, 0], pull)
        np.add.at(forces, self.pairs[:, 1], -pull)
        self.results = {"energy": 0.5 * self.stiffness * ((lengths - self.lengths) ** 2).sum(), "forces": forces}


@pytest.mark.parametrize("optimizer", [LBFGS, HeavyBall, Adam])
def test_what_internals_cannot_describe_is_moved_in_cartesians_in_the_same_step(optimizer):
    heptagon = [np.cos(2 * np.pi * k / 7) * X + np.sin(2 * np.pi * k / 7) * Y for k in range(7)]
    atoms = star("UF7", heptagon, 2.0)  # nothing but points says how atoms leave the plane
    atoms.calc = Springs(atoms)
    atoms.positions[1::2] += 0.02 * Z
    run = optimizer(atoms, coordinates="internal", logfile=None)
    for _ in run.irun(fmax=0.001, steps=200):
        pass
    assert len(run.member.primitives.points) > 0
    assert np.abs(atoms.get_forces()).max() < 0.001


def alkane(carbons):
    """All-anti."""
    chain = np.array([1.27 * n * X + 0.87 * (n % 2) * Y for n in range(carbons)])
    outward = np.where(np.arange(carbons) % 2, 0.63, -0.63)[:, None] * Y
    caps = [chain[0] - 0.9 * X - outward[0], chain[-1] + 0.9 * X - outward[-1]]
    return Atoms(
        f"C{carbons}H{2 * carbons + 2}",
        np.vstack([chain, chain + outward + 0.89 * Z, chain + outward - 0.89 * Z, caps]),
    )


def waters(count):
    """On a grid, 3.1 Angstrom apart, each turned at random."""
    water = np.array([0.12 * Z, 0.76 * Y - 0.47 * Z, -0.76 * Y - 0.47 * Z])
    grid = 3.1 * np.indices([int(np.ceil(count ** (1 / 3)))] * 3).reshape(3, -1).T[:count]
    turns = Rotation.random(count, random_state=0)
    return Atoms(
        "OH2" * count, np.concatenate([turn.apply(water) + place for turn, place in zip(turns, grid, strict=True)])
    )


@pytest.mark.parametrize(
    "make",
    [lambda: alkane(333), lambda: waters(333), lambda: alkane(1666), lambda: waters(1667)],
    ids=["chain of 1,000 atoms", "1,000 atoms of water", "chain of 5,000 atoms", "5,000 atoms of water"],
)
def test_large_systems_run(make):
    atoms = make()
    atoms.calc = Springs(atoms)
    atoms.rattle(0.05, seed=0)
    energy, start = atoms.get_potential_energy(), time.perf_counter()
    run = OptimizerSpec.of("default").make(atoms, logfile=None)
    run.run(fmax=0, steps=3)
    print(f"{len(atoms)} atoms, {run.member.primitives.count} coordinates: {time.perf_counter() - start:.1f} s")
    assert run.sees == "internal"
    assert atoms.get_potential_energy() < energy


@pytest.mark.parametrize("natoms", [5, 150], ids=["dense", "sparse"])
def test_a_direction_that_no_coordinate_describes_is_solved_for_and_said(natoms, caplog):
    bonds = np.column_stack([np.arange(natoms - 1), np.arange(1, natoms)])
    a = sparse.lil_array((natoms, 3 * natoms))
    for row, (i, j) in enumerate(bonds):  # a chain along x: y and z are in no coordinate
        a[row, 3 * i], a[row, 3 * j] = 1.0, -1.0
    hessian, held = sparse.csr_array(a.T @ a), np.tile(np.eye(3)[:1], (1, natoms)).T / np.sqrt(natoms)
    gradient = np.random.default_rng(0).normal(size=3 * natoms)
    with caplog.at_level(logging.INFO, logger="molopt"):
        solve = Projected(hessian, held)
    step = solve(gradient)
    assert "do not describe every motion" in caplog.text
    assert not solve.complete
    assert np.isfinite(step).all()
    assert step @ gradient > 0
    assert abs(held.T @ step).max() < 1e-8


@pytest.mark.parametrize(("element", "length"), [("C", 1.1), ("Si", 1.5)])
@pytest.mark.parametrize("noise", [0.0, 1e-3, 0.05])
def test_a_square_start_ends_without_an_error(element, length, noise):
    pytest.importorskip("tblite", reason="pip install 'molopt[xtb]'")
    X, Y = np.eye(3)[:2]
    square = np.array([0 * X, length * X, length * Y, -length * X, -length * Y])
    start = Atoms(f"{element}H4", square + noise * np.random.default_rng(1).normal(size=(5, 3)), info={"charge": 0})
    result = molopt.relax(start, potential="gfn2-xtb")
    assert result.error is None
    assert result.converged


@pytest.mark.parametrize("smiles", ["CC#CC#CC#CC#CC#CC", "OCC#CC#CC#CC#CCO"])
def test_a_polyyne_that_was_shaken_is_straight_again_in_a_few_force_calls(smiles):
    molecule = molopt.Molecule.from_smiles(smiles, seed=7)
    shaken = np.random.default_rng(7).normal(0, 0.1, molecule.positions.shape)
    start = molecule.with_positions(molecule.positions + shaken)
    result = molopt.relax(start, potential="gfn2-xtb", fmax=0.02, energy_left=None, steps=30, check=None)
    assert result.converged, result.error
    assert result.force_calls <= 11
