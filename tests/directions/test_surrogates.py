"""Surrogates: they guide a run, are put right by its forces, and never change where it ends."""

import json

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.calculator import CalculationFailed, Calculator, all_changes
from rdkit import Chem

import molopt
from molopt.coordinates.borrowed import Borrowed, outside
from molopt.coordinates.rigid import rigid_motions
from molopt.directions.interpolation import Interpolation, symmetric_solve
from molopt.errors import InputError, PotentialFailed
from molopt.optimizers import LBFGS, HeavyBall
from molopt.optimizers.spec import OptimizerSpec
from molopt.optimizers.surrogate import Surrogate
from molopt.potentials import automatic
from molopt.specification import parse

FMAX = 0.01  # eV/A
SAME = 2e-3  # eV; the softest modes at this fmax


def ethanol():
    return molopt.Molecule.from_smiles("CCO")


def glycol_ether():
    return molopt.Molecule.from_smiles("COCCO")


def gfn2(molecule):
    pytest.importorskip("tblite", reason="pip install 'molopt[xtb]'")
    return molopt.potential("gfn2-xtb", molecule)


class Asked(Calculator):
    """Any calculator, with the geometries it was asked about counted."""

    implemented_properties = ("energy", "forces")

    def __init__(self, calculator):
        super().__init__()
        self.calculator, self.calls = calculator, 0

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        self.calls += 1
        self.results = self.evaluated(atoms)

    def evaluated(self, atoms):
        forces = self.calculator.get_property("forces", atoms)
        return {"energy": self.calculator.get_property("energy", atoms), "forces": forces}


def relaxed(molecule, potential, surrogate=None, optimizer=LBFGS, steps=150, **more):
    """Energy (eV), force calls and the run, which must have converged."""
    atoms = molecule.atoms()
    atoms.calc = Asked(potential)
    run = optimizer(atoms, logfile=None, surrogate=surrogate, **more)
    assert run.run(fmax=FMAX, steps=steps)
    return atoms.get_potential_energy(), atoms.calc.calls, run


# the interpolation


def scattered(points=5, entries=7):
    random = np.random.default_rng(4)
    where = 0.3 * random.normal(size=(points, entries))
    where[-1] = 0.0
    stiff = (np.arange(entries) < 4).astype(float)
    return where, random.normal(size=(points, entries)), stiff


def test_the_interpolation_has_the_gradients_it_was_given():
    points, gradients, stiff = scattered()
    difference = Interpolation.through(0.01 * points, gradients, stiff)
    found = np.array([difference(point)[1] for point in 0.01 * points])
    np.testing.assert_allclose(found[-1], gradients[-1], atol=2e-2)  # five gradients at nearly one point are averaged
    difference = Interpolation.through(points, gradients, stiff)
    found = np.array([difference(point)[1] for point in points])
    np.testing.assert_allclose(found[-1], gradients[-1], atol=1e-6)  # the noise is 1e-10 of the variance
    allowed = 0.2 * (points**2).sum(axis=1)[:, None] + 1e-6  # far points are doubted
    assert (np.abs(found - gradients) <= allowed * (1 + np.abs(gradients))).all()


def test_the_gradient_of_the_interpolation_is_the_derivative_of_its_value():
    points, gradients, stiff = scattered()
    difference = Interpolation.through(points, gradients, stiff)
    for u in (points[0], 0.5 * (points[0] + points[1]), points[2] + 0.4, np.full(points.shape[1], 3.0)):
        step = 1e-5
        units = step * np.eye(u.size)
        slopes = [(difference(u + unit)[0] - difference(u - unit)[0]) / (2 * step) for unit in units]
        np.testing.assert_allclose(difference(u)[1], slopes, atol=1e-7)  # step**2 and rounding over step


def test_far_from_all_points_only_stiff_coordinates_are_corrected():
    points, gradients, stiff = scattered()
    gradient = Interpolation.through(points, gradients, stiff)(np.full(points.shape[1], 20.0))[1]
    assert np.abs(gradient[stiff == 0]).max() == 0.0  # a bump has died out long before
    assert np.abs(gradient[stiff == 1]).min() > 0.01


def test_the_interpolation_is_the_mean_of_the_gaussian_process():
    points, gradients, stiff = scattered()
    length, (m, n) = 0.6, points.shape
    apart, flat = (points[:, None] - points) / length, points * stiff
    local = 0.1 * np.exp(-(apart**2).sum(axis=2) / 2) / length**2
    matrix = np.einsum("ij,pq->ipjq", local, np.eye(n)) - np.einsum("ij,ijp,ijq->ipjq", local, apart, apart)
    matrix += np.einsum("ij,pq->ipjq", 1.0 + 0.04 * flat @ flat.T, np.diag(stiff))
    matrix += 0.04 * np.einsum("jp,iq->ipjq", flat, flat)
    matrix = matrix.reshape(m * n, m * n)
    matrix += np.diag(np.repeat((0.2 * (points**2).sum(axis=1)) ** 2 + 1e-10 * 0.1 / length**2, n))
    expected = np.linalg.solve(matrix, gradients.ravel()).reshape(m, n)
    found = Interpolation.through(points, gradients, stiff).weights
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)


def test_a_matrix_that_rounding_made_indefinite_is_solved_all_the_same():
    random = np.random.default_rng(0)
    half, right = random.normal(size=(6, 6)), random.normal(size=(6, 2))
    for matrix in (half + half.T, half @ half.T):
        np.testing.assert_allclose(matrix @ symmetric_solve(matrix.copy(), right), right, atol=1e-9)


# the corrected surrogate


def test_the_corrected_model_is_exact_where_forces_are_known():
    molecule = glycol_ether()
    atoms = molecule.atoms()
    atoms.calc = molopt.potential("mmff94", molecule)
    run = LBFGS(atoms, logfile=None, surrogate=molopt.potential("uff", molecule))
    compared = 0
    for _ in run.irun(fmax=FMAX, steps=8):
        if run.memory is None:
            continue
        here, state = run.memory.linearization, run.memory.after
        for weight in (0.3, 0.7):
            energy, gradient = run.direction.model(here, state, weight)(
                run.coordinates.place(here.x), 0 * here.gradient
            )
            assert energy == pytest.approx(0.0, abs=1e-8)
            size = np.linalg.norm(here.cartesian_gradient)
            rigid = rigid_motions(here.x.reshape(-1, 3))
            lack = gradient - here.cartesian_gradient
            lack -= rigid @ (rigid.T @ lack)
            assert np.linalg.norm(lack) < 1e-4 * size + 1e-6  # the noise that is assumed in gradients
            compared += 1
    assert compared >= 8


def led():
    """The default on ethanol after three steps under a surrogate."""
    molecule = ethanol()
    atoms = molecule.atoms()
    atoms.calc = molopt.potential("mmff94", molecule)
    run = LBFGS(atoms, logfile=None, surrogate=molopt.potential("uff", molecule))
    run.run(fmax=FMAX, steps=3)
    return run


def test_a_place_says_what_coordinates_say_of_it():
    run = led()
    here = run.memory.linearization
    for coordinates in (run.coordinates, run.member):
        start = coordinates.linearize(here.x, here.cartesian_gradient)
        x = here.x + 0.02 * np.random.default_rng(0).normal(size=here.x.size)
        place, u = coordinates.place(x), here.gradient
        np.testing.assert_allclose(place.displacement(start), coordinates.displacement(start, x), atol=1e-12)
        np.testing.assert_allclose(place.pull_back(u), coordinates.pull_back_at(x, u), atol=1e-12)
        both = (place.linearize(here.cartesian_gradient), coordinates.linearize(x, here.cartesian_gradient))
        np.testing.assert_allclose(*(one.natural_gradient for one in both), atol=1e-12)


def test_the_corrected_model_has_the_gradient_of_its_energy():
    run = led()
    here = run.memory.linearization
    model = run.direction.model(here, run.memory.after, 0.5)

    def surface(x):
        place = run.coordinates.place(x)
        return model(place, place.displacement(here))

    random = np.random.default_rng(0)
    for _ in range(3):
        x, way = here.x + 0.05 * random.normal(size=here.x.size), random.normal(size=here.x.size)
        slope = (surface(x + 1e-4 * way)[0] - surface(x - 1e-4 * way)[0]) / 2e-4
        assert slope == pytest.approx(surface(x)[1] @ way, abs=1e-4)  # eV/A; step**2


@pytest.mark.parametrize("make", [ethanol, glycol_ether])
def test_a_good_surrogate_leads_to_the_same_minimum_in_no_more_calls(make):
    molecule = make()
    alone, calls, _ = relaxed(molecule, gfn2(molecule))
    energy, guided, _ = relaxed(molecule, gfn2(molecule), molopt.potential("mmff94s", molecule))
    print(calls, guided, energy - alone)
    assert energy == pytest.approx(alone, abs=SAME)
    assert guided <= calls + 3


# surrogates that are wrong


class Reversed(Asked):
    def evaluated(self, atoms):
        return {name: -np.asarray(value) for name, value in super().evaluated(atoms).items()}


class Stiffened(Asked):
    def evaluated(self, atoms):
        return {name: 10 * np.asarray(value) for name, value in super().evaluated(atoms).items()}


class Permuted(Asked):
    """The energy of the molecule with its hydrogens in another order."""

    def evaluated(self, atoms):
        order = np.arange(len(atoms))
        hydrogens = np.flatnonzero(atoms.numbers == 1)
        order[hydrogens] = np.random.default_rng(0).permutation(hydrogens)
        found = super().evaluated(Atoms(atoms.numbers, atoms.positions[order]))
        forces = np.zeros((len(atoms), 3))
        forces[order] = found["forces"]
        return {"energy": found["energy"], "forces": forces}


class Failing(Asked):
    def evaluated(self, atoms):
        if self.calls % 2 == 0:
            raise RuntimeError("no convergence")
        return super().evaluated(atoms)


class NotANumber(Asked):
    def evaluated(self, atoms):
        return {"energy": np.nan, "forces": np.full((len(atoms), 3), np.nan)}


class Infinite(Asked):
    """Right at first, then without bounds."""

    def evaluated(self, atoms):
        found = super().evaluated(atoms)
        return found if self.calls < 5 else {"energy": -np.inf, "forces": found["forces"]}


class Noisy(Asked):
    """With forces that have nothing to do with its energy, and are never the same."""

    def evaluated(self, atoms):
        random = np.random.default_rng(self.calls)
        return {"energy": float(random.normal()), "forces": random.normal(size=(len(atoms), 3))}


class Elsewhere(Asked):
    """Springs to a geometry of no sense."""

    def evaluated(self, atoms):
        away = atoms.positions - 2 * np.random.default_rng(3).normal(size=(len(atoms), 3))
        return {"energy": 2.5 * (away**2).sum(), "forces": -5.0 * away}


WRONG = [Reversed, Stiffened, Permuted, Failing, NotANumber, Infinite, Noisy, Elsewhere]


@pytest.mark.parametrize("optimizer", [LBFGS, HeavyBall])
@pytest.mark.parametrize("smiles", ["CCO", "CCCC", "CC(=O)N", "OO"])
@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_surrogate_costs_calls_and_never_the_result(wrong, smiles, optimizer):
    molecule = molopt.Molecule.from_smiles(smiles)
    more = {} if optimizer is LBFGS else {"coordinates": "internal"}
    alone, calls, _ = relaxed(molecule, molopt.potential("mmff94", molecule), optimizer=optimizer, **more)
    surrogate = wrong(molopt.potential("uff", molecule))
    energy, guided, _ = relaxed(
        molecule, molopt.potential("mmff94", molecule), surrogate, optimizer=optimizer, steps=300, **more
    )
    print(wrong.__name__, smiles, optimizer.__name__, calls, guided, energy - alone)
    assert surrogate.calls > 0
    assert energy == pytest.approx(alone, abs=SAME)
    assert guided <= 2 * calls + 3


def test_a_surrogate_of_another_protomer_changes_nothing():
    neutral, zwitterion = (molopt.Molecule.from_smiles(smiles) for smiles in ("NCC(=O)O", "[NH3+]CC(=O)[O-]"))
    heavy = zwitterion.numbers[zwitterion.numbers > 1]
    np.testing.assert_array_equal(neutral.numbers, [*heavy, *zwitterion.numbers[zwitterion.numbers == 1]])
    alone, calls, _ = relaxed(neutral, molopt.potential("mmff94", neutral))
    energy, guided, _ = relaxed(neutral, molopt.potential("mmff94", neutral), molopt.potential("mmff94", zwitterion))
    print(calls, guided, energy - alone)
    assert energy == pytest.approx(alone, abs=SAME)
    assert guided <= 2 * calls + 3


def test_a_surrogate_of_other_atoms_is_an_error():
    molecule = ethanol()
    atoms = molecule.atoms()
    atoms.calc = molopt.potential("mmff94", molecule)
    run = LBFGS(atoms, logfile=None, surrogate=molopt.potential("uff", glycol_ether()))
    with pytest.raises(InputError, match="was made for the atoms of"):
        run.run(fmax=FMAX, steps=3)


class FailingAt(Asked):
    """Fails at one call, counted from 1."""

    at = 0

    def evaluated(self, atoms):
        if self.calls == self.at:
            raise RuntimeError("no convergence")
        return super().evaluated(atoms)


def borrowing(surrogate):
    """A rule on ethanol after one step in the metric of a surrogate."""
    atoms = ethanol().atoms()
    atoms.calc = molopt.potential("mmff94", ethanol())
    run = HeavyBall(atoms, coordinates="internal", logfile=None, surrogate=surrogate)
    run.run(fmax=0, steps=1)
    return run


@pytest.mark.parametrize("at", [1, 2, 10])
def test_a_metric_is_not_borrowed_from_a_surrogate_that_fails_at_any_of_its_geometries(at):
    surrogate = FailingAt(molopt.potential("uff", ethanol()))
    run = borrowing(surrogate)
    metric, x = run.member.metric, run.atoms.positions.ravel()
    surrogate.calls, surrogate.at = 0, at
    x = x + 1e-4  # not the geometry that the surrogate has seen last
    values, rows = run.member.primitives.values(x), run.member.rows(x)
    found, expected = (m.hessian(x, values, rows) for m in (metric, metric.metric))
    np.testing.assert_array_equal(found, expected)


def test_the_work_of_a_step_is_known_where_the_surrogate_failed_before_it():
    run = led()
    memory, taken = run.memory, run.memory.proposal.displacement
    failed = memory.after._replace(energy=np.full_like(memory.after.energy, np.inf))
    assert np.isfinite(
        run.direction.work(failed, memory.after, memory.linearization, memory.linearization, taken)
    ).all()
    assert np.isfinite(
        run.direction.work(memory.after, failed, memory.linearization, memory.linearization, taken)
    ).all()


# potentials that fail


class Fragile(Asked):
    """Fails where an atom has moved by more than 0.3 Angstrom since the last geometry that worked."""

    def __init__(self, calculator, error):
        super().__init__(calculator)
        self.last, self.error, self.failures = None, error, 0

    def evaluated(self, atoms):
        moved = 0 if self.last is None else np.linalg.norm(atoms.positions - self.last, axis=1).max()
        if moved > 0.3:
            self.failures += 1
            raise self.error("no convergence")
        self.last = atoms.positions.copy()
        return super().evaluated(atoms)


@pytest.mark.parametrize("error", [PotentialFailed, CalculationFailed])
@pytest.mark.parametrize("guide", [None, "uff"])
def test_steps_to_where_the_potential_fails_are_shortened(error, guide):
    molecule = molopt.Molecule.named("peg4")
    molecule = next(molecule.conformers(1, 3))
    atoms = molecule.atoms()
    atoms.calc = Fragile(molopt.potential("mmff94", molecule), error)
    surrogate = guide and molopt.potential(guide, molecule)
    assert LBFGS(atoms, logfile=None, surrogate=surrogate).run(fmax=FMAX, steps=200)
    assert atoms.calc.failures > 0


class Broken(Fragile):
    def evaluated(self, atoms):
        if self.calls > 4:
            self.failures += 1
            raise self.error("out of memory")
        return Asked.evaluated(self, atoms)


def test_a_potential_that_fails_wherever_it_is_asked_is_not_asked_for_ever():
    molecule = ethanol()
    atoms = molecule.atoms()
    atoms.calc = Broken(molopt.potential("mmff94", molecule), PotentialFailed)
    with pytest.raises(PotentialFailed, match="out of memory"):
        LBFGS(atoms, logfile=None).run(fmax=1e-6, steps=50)
    assert atoms.calc.failures == 4  # the step, and three shorter ones


def test_relax_shortens_such_steps_too_and_counts_the_calls_that_failed():
    molecule = next(molopt.Molecule.named("peg4").conformers(1, 3))
    fragile = Fragile(molopt.potential("mmff94", molecule), RuntimeError)
    result = molopt.relax(molecule, potential=fragile, fmax=FMAX, surrogate=None)
    assert result.converged
    assert fragile.failures > 0
    assert result.force_calls == len(result.trace) + fragile.failures


# the metric that a surrogate lends


def test_a_surrogate_lends_rules_its_metric_and_they_end_in_the_same_minimum():
    molecule = glycol_ether()
    where = {"optimizer": HeavyBall, "coordinates": "internal"}
    alone, calls, _ = relaxed(molecule, gfn2(molecule), **where)
    energy, guided, run = relaxed(molecule, gfn2(molecule), molopt.potential("mmff94s", molecule), **where)
    print(calls, guided)
    assert isinstance(run.member.metric, Borrowed)
    assert energy == pytest.approx(alone, abs=SAME)
    assert guided <= calls + 3


@pytest.mark.parametrize("kind", [Asked, Reversed, Stiffened, Elsewhere, NotANumber, Failing])
def test_a_borrowed_metric_is_positive_whatever_the_surrogate(kind):
    surrogate = kind(molopt.potential("uff", ethanol()))
    run = borrowing(surrogate)
    own = run.member.metric.metric
    for seed in range(3):
        x = run.atoms.positions.ravel() + 0.1 * np.random.default_rng(seed).normal(size=3 * len(run.atoms))
        rigid, rows = rigid_motions(x.reshape(-1, 3)), run.member.rows(x)
        values, metrics = run.member.primitives.values(x), (run.member.metric, own)
        hessian, model = (outside(m.hessian(x, values, rows), rigid) for m in metrics)
        fence = 1e3 * rigid @ rigid.T
        softest, least = (np.linalg.eigvalsh(h + fence)[0] for h in (hessian, model))
        assert softest > 0.5 * least  # half of the model's is always kept
        if kind is NotANumber:
            np.testing.assert_array_equal(hessian, model)
        if kind in (Asked, Elsewhere):
            assert not np.allclose(hessian, model)


# restarts


@pytest.mark.parametrize("done", [1, 4, 6])
@pytest.mark.parametrize("optimizer", [LBFGS, HeavyBall])
def test_an_interrupted_run_with_a_surrogate_equals_an_uninterrupted_one_bit_for_bit(optimizer, done, tmp_path):
    molecule, steps, path = glycol_ether(), 9, tmp_path / "run.json"

    def begun(restart=None):
        atoms = molecule.atoms()
        atoms.calc = molopt.potential("mmff94", molecule)
        surrogate = molopt.potential("uff", molecule)
        return optimizer(atoms, restart=restart, coordinates="internal", logfile=None, surrogate=surrogate)

    whole = begun()
    whole.run(fmax=0, steps=steps)
    begun(path).run(fmax=0, steps=done)
    second = begun(path)
    second.run(fmax=0, steps=steps - done)
    assert (second.atoms.positions == whole.atoms.positions).all()


# names


def test_the_default_is_guided_and_says_so():
    assert OptimizerSpec.of("default").surrogate == "auto"
    assert OptimizerSpec.of("default?surrogate=none").surrogate is None
    assert OptimizerSpec.of("default").guided_by(None).surrogate is None
    assert "surrogate=auto" in str(OptimizerSpec.of("default"))
    assert "surrogate=none" in str(OptimizerSpec.of("default?surrogate=none"))
    for name in ("lbfgs/internal", "lbfgs/cartesian", "heavy-ball", "heavy-ball/internal", "bfgs", "fire"):
        assert OptimizerSpec.of(name).surrogate is None


@pytest.mark.parametrize(
    "name",
    [
        "default",
        "default?surrogate=none",
        "default?surrogate=gfn1-xtb",
        "lbfgs/internal?surrogate=mmff94",
        "heavy-ball/internal?surrogate=uff",
        "adam/internal?surrogate=auto&lr=0.4",
        "default?surrogate=ase.calculators.morse:MorsePotential",
    ],
)
def test_names_with_surrogates_can_be_read_back(name):
    spec = OptimizerSpec.of(name)
    again = OptimizerSpec.of(str(spec))
    assert str(again) == str(spec)
    assert again == spec


@pytest.mark.parametrize(
    "name", ["default", "default?maxstep=1.0&maxchange=0.5", "default?maxstep=0.9", "heavy-ball/internal?maxstep=0.3"]
)
def test_a_guided_run_has_the_control_that_its_name_says(name):
    molecule = ethanol()
    atoms = molecule.atoms()
    atoms.calc = molopt.potential("mmff94", molecule)
    spec = OptimizerSpec.of(name).guided_by("uff")
    run = spec.make(atoms, logfile=None, surrogate=molopt.potential("uff", molecule))
    said = parse(str(spec))[1]
    assert (run.control.maxstep, run.control.maxchange) == (said["maxstep"], said["maxchange"])


@pytest.mark.parametrize("argument", ["memory=1", "fade=0.1"])
def test_an_argument_that_is_accepted_is_used_in_a_guided_run_too(argument):
    molecule = glycol_ether()

    def end(name):
        atoms = molecule.atoms()
        atoms.calc = molopt.potential("mmff94", molecule)
        OptimizerSpec.of(name).make(atoms, logfile=None, surrogate=molopt.potential("uff", molecule)).run(
            fmax=0, steps=12
        )
        return atoms.positions

    assert (end("default") != end(f"default?{argument}")).any()


def test_the_damping_that_is_asked_for_is_that_of_the_secants_of_a_guided_run():
    molecule = glycol_ether()
    atoms = molecule.atoms()
    atoms.calc = molopt.potential("mmff94", molecule)
    run = OptimizerSpec.of("default?damping=0.3").make(atoms, logfile=None, surrogate=molopt.potential("uff", molecule))
    assert run.direction.secants.damping == 0.3


def test_names_that_are_no_surrogates_are_refused_with_those_that_are():
    with pytest.raises(InputError, match=r"'mmf94' is not a surrogate; did you mean mmff94.*are auto, none, mmff94"):
        OptimizerSpec.of("default?surrogate=mmf94")
    with pytest.raises(InputError, match="is not a surrogate"):
        molopt.relax(ethanol(), surrogate="gfn3")
    with pytest.raises(InputError, match="surrogate must be auto, none or the name"):
        OptimizerSpec.of("default?surrogate=3")


@pytest.mark.parametrize(
    "name", ["lbfgs/cartesian?surrogate=uff", "adam?surrogate=auto", "adam/cartesian?surrogate=uff"]
)
def test_a_surrogate_in_cartesians_is_refused(name):
    with pytest.raises(InputError, match="needs internal coordinates"):
        OptimizerSpec.of(name)


def test_a_surrogate_of_an_optimizer_of_ase_is_refused():
    with pytest.raises(InputError, match="bfgs has no argument 'surrogate'"):
        OptimizerSpec.of("bfgs?surrogate=uff")


def test_the_potential_is_no_surrogate_of_its_own():
    molecule = ethanol()
    with pytest.raises(InputError, match="is the potential itself"):
        molopt.relax(molecule, surrogate="mmff94")
    potential = molopt.potential("mmff94", molecule)
    with pytest.raises(InputError, match="is the potential itself"):
        molopt.relax(molecule, potential=potential, surrogate=potential)
    atoms = molecule.atoms()
    atoms.calc = potential
    with pytest.raises(InputError, match="is the potential itself"):
        LBFGS(atoms, logfile=None, surrogate=potential)


@pytest.mark.parametrize("surrogate", [3, object(), ethanol()])
def test_what_is_no_calculator_is_no_surrogate(surrogate):
    with pytest.raises(InputError, match="surrogate"):
        molopt.relax(ethanol(), surrogate=surrogate)


# relax


def test_a_force_field_is_not_guided_unless_asked_to():
    result = molopt.relax(ethanol())
    assert (result.surrogate, result.surrogate_calls, result.surrogate_seconds) == (None, 0, 0.0)
    guided = molopt.relax(ethanol(), surrogate="uff")
    assert guided.surrogate == "uff"
    assert guided.surrogate_calls > 0
    assert guided.energy == pytest.approx(result.energy, abs=SAME)


def test_xtb_has_no_surrogate_where_its_calls_are_cheaper_than_guided_steps():
    small, large = molopt.Molecule.from_smiles("CCCCC"), molopt.Molecule.from_smiles("CCCCCC")
    assert (len(small), len(large)) == (17, 20)
    assert automatic(gfn2(small), small) is None
    assert automatic(gfn2(large), large).name == "mmff94s"
    assert automatic(Asked(gfn2(small)), small).name == "mmff94s"  # of another program it is not known


@pytest.mark.parametrize("smiles", ["CCCCCCCC", "CCOCCOCCOCC"])
def test_xtb_is_guided_by_mmff94s(smiles):
    molecule = molopt.Molecule.from_smiles(smiles)
    result = molopt.relax(molecule, potential=gfn2(molecule), fmax=FMAX)
    assert result.surrogate == "mmff94s"
    assert result.converged
    assert result.surrogate_calls > 0
    assert 0 <= result.surrogate_seconds <= result.seconds
    assert result.surrogate_setup_seconds >= 0
    assert result.optimizer_seconds >= 0
    assert result.force_calls == len(result.trace)
    assert "surrogate=auto" in result.optimizer
    written = json.loads(json.dumps(result.as_dict()))
    assert written["surrogate"] == "mmff94s"
    assert written["surrogate_calls"] == result.surrogate_calls
    alone = molopt.relax(molecule, potential=gfn2(molecule), fmax=FMAX, surrogate=None)
    assert alone.surrogate is None
    assert "surrogate=none" in alone.optimizer
    assert result.energy == pytest.approx(alone.energy, abs=SAME)


@pytest.mark.parametrize("smiles", ["CB(O)O", "C[Hg]C"])
def test_where_mmff94s_has_no_parameters_only_uff_that_is_asked_for_is_a_guide(smiles):
    molecule = molopt.Molecule.from_smiles(smiles)
    alone = molopt.relax(molecule, potential=gfn2(molecule), fmax=FMAX)
    assert (alone.surrogate, alone.converged) == (None, True)
    result = molopt.relax(molecule, potential=gfn2(molecule), fmax=FMAX, surrogate="uff")
    assert (result.surrogate, result.converged) == ("uff", True)
    assert result.energy < alone.energy + SAME


def test_calls_of_a_surrogate_of_the_same_program_are_force_calls():
    molecule = ethanol()
    result = molopt.relax(molecule, potential=gfn2(molecule), surrogate="gfn1-xtb", fmax=FMAX)
    assert result.converged
    assert result.force_calls == len(result.trace) + result.surrogate_calls > len(result.trace)
    guided = molopt.relax(molecule, surrogate="uff")  # RDKit's, as the potential
    assert guided.force_calls == len(guided.trace) + guided.surrogate_calls > len(guided.trace)


def test_bonded_terms_alone_guide_where_they_are_asked_for():
    molecule = glycol_ether()
    result = molopt.relax(molecule, potential=gfn2(molecule), surrogate="mmff94s?terms=bonded", fmax=FMAX)
    assert (result.surrogate, result.converged) == ("mmff94s?terms=bonded", True)
    assert result.surrogate_calls > 0


def test_beyond_1000_atoms_there_is_no_surrogate_unless_asked_for():
    waters = Chem.AddHs(Chem.MolFromSmiles(".".join(["O"] * 334)))
    places = Chem.Conformer(waters.GetNumAtoms())
    for atom, place in enumerate(np.ndindex(11, 11, 11)):
        if atom < waters.GetNumAtoms():
            places.SetAtomPosition(atom, [2.0 * entry for entry in place])
    waters.AddConformer(places)
    many = molopt.Molecule.from_rdkit(waters)
    assert len(many) == 1002
    assert automatic(gfn2(ethanol()), many) is None
    assert np.isfinite(molopt.potential("mmff94s?terms=bonded", many).get_potential_energy(many.atoms()))


def test_a_calculator_can_be_the_surrogate_of_a_name():
    molecule = ethanol()
    own = Asked(molopt.potential("uff", molecule))
    result = molopt.relax(molecule, "lbfgs/internal", surrogate=own)
    assert result.converged
    assert result.surrogate == "asked"
    assert result.surrogate_calls == own.calls > 0


def test_cartesian_runs_are_not_guided():
    molecule = ethanol()
    result = molopt.relax(molecule, "default", coordinates="cartesian", surrogate="auto", potential=gfn2(molecule))
    assert (result.surrogate, result.surrogate_calls) == (None, 0)


def test_a_failing_surrogate_is_infinitely_high():
    molecule = ethanol()
    atoms = molecule.atoms()
    for kind in (Failing, NotANumber):
        surrogate = Surrogate(kind(molopt.potential("uff", molecule)), atoms)
        surrogate(atoms.positions.ravel())
        energy, gradient = surrogate(atoms.positions.ravel() + 0.01)
        assert energy == np.inf
        assert (gradient == 0).all()
        assert surrogate.calls == 2


def test_a_run_that_a_calculator_guides_is_called_after_it():
    molecule = ethanol()
    result = molopt.relax(molecule, potential="mmff94", surrogate=molopt.potential("uff", molecule))
    assert result.surrogate == "uff"
    assert result.optimizer.endswith("surrogate=uff")
    again = molopt.relax(molecule, result.optimizer, "mmff94")
    assert again.optimizer == result.optimizer
    assert again.force_calls == result.force_calls


def test_a_force_field_that_guides_says_nothing_of_where_it_was_before():
    """A user's own calculator, asked at one geometry, then as a surrogate at another, where no energy is kept."""
    molecule = molopt.Molecule.from_smiles("CCO")
    calculator, atoms = molopt.potential("mmff94", molecule), molecule.atoms()
    calculator.get_property("energy", atoms)
    moved = atoms.copy()
    moved.positions[0, 0] += 0.5
    moved.calc = calculator
    calculator.look_at(moved)
    assert moved.get_potential_energy() == molopt.potential("mmff94", molecule).get_potential_energy(moved)
