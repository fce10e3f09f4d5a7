"""Many systems in flight: each as if it were alone, none harmed by another."""

import gc
import json
import os
import pickle
import tracemalloc
from itertools import islice

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms

from molopt import InputError, Molecule, PotentialFailed, potential, relax, relax_batch
from molopt.batch import steps
from molopt.batch.conformers import first_members
from molopt.optimizers.internals import Recipe
from molopt.optimizers.registry import RULES

ETHANOL = Molecule.from_smiles("CCO", name="ethanol")
GLYCINE = Molecule.from_smiles("NCC(=O)O", name="glycine")
STARTS = [*ETHANOL.conformers(2), *GLYCINE.conformers(2)]
PLAIN = {"potential": "mmff94", "fmax": 0.01, "energy_left": None, "check": None}


def assert_same(batched, single):
    """That a result of a batch is that of a run alone."""
    assert (batched.force_calls, batched.steps, batched.error) == (single.force_calls, single.steps, single.error)
    assert str(batched.verdict) == str(single.verdict)
    assert batched.energy == pytest.approx(single.energy, abs=1e-6)
    assert batched.atoms.positions == pytest.approx(single.atoms.positions, abs=1e-4)
    traces = [np.array([call[:2] for call in one.trace]) for one in (batched, single)]
    assert traces[0] == pytest.approx(traces[1], abs=1e-6)
    assert batched.at_noise_floor == single.at_noise_floor
    assert (batched.bonds_kept, batched.stereo_kept) == (single.bonds_kept, single.stereo_kept)
    assert (batched.name, batched.optimizer, batched.potential) == (single.name, single.optimizer, single.potential)


def leaves(value):
    """All numbers and arrays in nested tuples."""
    if isinstance(value, tuple):
        for part in value:
            yield from leaves(part)
    else:
        yield np.asarray(value)


def test_different_molecules_have_the_coordinates_that_each_has_alone():
    smiles = [
        "CCO",
        "c1ccccc1C(=O)NC",
        "CC#CC",
        "O",
        "[NH4+].[Cl-]",
        "CS(=O)(=O)CCBr",
        "CCCB(O)O",
        "FS(F)(F)(F)(F)F",
        "C1CC1CN",
    ]
    molecules = [Molecule.from_smiles(one) for one in smiles]
    x = [molecule.positions.ravel() for molecule in molecules]
    gradients = [np.zeros_like(one) for one in x]
    gradients[-1][0] = 1.0  # something pulls at it
    together = first_members([Recipe.of(one.atoms(), molecule=one) for one in molecules], x, gradients)
    for molecule, found, at, gradient in zip(molecules, together, x, gradients, strict=True):
        own = Recipe.of(molecule.atoms(), molecule=molecule).build(at, gradient)
        for name, rows in own.primitives.plain().items():
            if isinstance(rows, np.ndarray):
                np.testing.assert_array_equal(found.primitives.plain()[name], rows)
        assert found.free == own.free
        parts = ((one.stiffness, one.built, one.metric.table, one.metric.scaling) for one in (found, own))
        for got, wanted in zip(*map(leaves, parts), strict=True):
            assert got.dtype == wanted.dtype
            np.testing.assert_array_equal(got, wanted)


def test_a_list_made_among_others_is_that_of_later_conformers():
    recipes = [Recipe.of(one.atoms(), molecule=one) for one in (GLYCINE, Molecule.from_smiles("CCCCO"))]
    x = [recipe.molecule.positions.ravel() for recipe in recipes]
    first = first_members(recipes, x, [np.zeros_like(one) for one in x])
    later = [recipe.build(one) for recipe, one in zip(recipes, x, strict=True)]
    for one, other in zip(first, later, strict=True):
        assert one.primitives is other.primitives
        assert one.metric.table is other.metric.table


def bits(results):
    """All that says whether runs took the same steps, to the last bit."""
    return {one.number: (one.force_calls, one.energy, one.positions.tobytes()) for one in results}


@pytest.mark.parametrize("coordinates", ["cartesian", "internal"])
@pytest.mark.parametrize("rule", sorted(RULES))
def test_every_rule_takes_the_steps_of_runs_alone(rule, coordinates):
    keywords = PLAIN | {"optimizer": rule, "coordinates": coordinates, "steps": 8}
    for start, result in zip(STARTS[1:3], relax_batch(STARTS[1:3], **keywords, ordered=True), strict=True):
        assert_same(result, relax(start, **keywords))


@pytest.mark.parametrize(
    "keywords",
    [
        {"fmax": 0.01},
        {"check": "report", "energy_left": None, "fmax": 0.01},
        {"check": None, "energy_left": 0.002},
        {"optimizer": "lbfgs/cartesian", "check": None, "energy_left": None},
        {"optimizer": "default?memory=3", "coordinates": "internal", "check": None},
        {"potential": "uff", "check": None},
        {"max_calls": 5},
        {"steps": 3, "check": None},
    ],
)
def test_quasi_newton_takes_the_steps_of_runs_alone(keywords):
    keywords = {"potential": "mmff94"} | keywords
    for start, result in zip(STARTS, relax_batch(STARTS, **keywords, ordered=True), strict=True):
        single = relax(start, **keywords)
        assert_same(result, single)
        assert str(result.energy_left) == str(single.energy_left)
        assert result.as_dict().keys() == single.as_dict().keys()


def test_a_run_that_a_surrogate_guides_goes_by_itself_in_the_batch():
    pytest.importorskip("tblite")
    starts = [Molecule.from_smiles("CO"), Molecule.from_smiles("O")]
    keywords = {"potential": "gfn2-xtb", "surrogate": "mmff94s"}
    for start, result in zip(starts, relax_batch(starts, **keywords, ordered=True), strict=True):
        single = relax(start, **keywords)
        assert_same(result, single)
        assert result.surrogate == single.surrogate == "mmff94s"
        assert result.surrogate_calls == single.surrogate_calls


def test_ridges_are_left_and_named_in_a_batch_as_alone():
    eclipsed = ETHANOL.with_positions(turned(ETHANOL, 60.0))
    for check in ("auto", "report"):
        keywords = {"potential": "mmff94", "fmax": 0.01, "check": check}
        (result, _) = relax_batch([eclipsed, STARTS[0]], **keywords, ordered=True)
        assert_same(result, relax(eclipsed, **keywords))


def turned(molecule, degrees):
    """Positions of ethanol with its methyl group turned."""
    atoms = molecule.atoms()
    atoms.set_dihedral(3, 0, 1, 2, degrees, indices=[3, 4, 5])
    return atoms.positions


def test_the_same_bits_at_any_width_and_in_any_company():
    keywords = PLAIN | {"fmax": 0.002}
    alone = bits(relax_batch(STARTS, **keywords, width=1))
    for width in (3, 8):
        assert bits(relax_batch(STARTS, **keywords, width=width)) == alone
    others = [*GLYCINE.conformers(3, seed=5), STARTS[3], ETHANOL]
    (found,) = (one for one in relax_batch(others, **keywords, width=4) if one.number == 3)
    assert (found.force_calls, found.energy, found.positions.tobytes()) == alone[3]


def test_results_come_in_order_where_that_is_asked_for():
    starts = [GLYCINE, Molecule.from_smiles("O"), ETHANOL, Molecule.from_smiles("C")]
    names = [one.name for one in relax_batch(starts, **PLAIN, width=2, ordered=True)]
    assert names == [start.name for start in starts]
    told = []
    numbers = [one.number for one in relax_batch(starts, **PLAIN, width=2, on_result=told.append)]
    assert sorted(numbers) == [0, 1, 2, 3]
    assert [one.number for one in told] == numbers


def test_conformers_of_one_molecule_are_arrays():
    x = np.array([conformer.positions for conformer in GLYCINE.conformers(3)])
    batch = relax_batch(GLYCINE, positions=x, **PLAIN).collect()
    assert batch.positions.shape == x.shape
    assert batch.converged.all()
    assert batch.verdicts == ["converged"] * 3
    for start, energy, calls in zip(x, batch.energies, batch.force_calls, strict=True):
        single = relax(GLYCINE.with_positions(start), **PLAIN)
        assert (energy, calls) == (pytest.approx(single.energy, abs=1e-6), single.force_calls)


def test_a_stream_is_drawn_from_as_there_are_seats_and_memory_does_not_grow():
    water, drawn = Molecule.from_smiles("O"), []

    def stream():
        for number in range(200):
            drawn.append(number)
            yield water.positions

    batch = relax_batch(water, positions=stream(), **PLAIN, width=4)
    next(batch)
    assert len(drawn) <= 8
    tracemalloc.start()
    held = []
    for several in (60, 139):
        assert sum(1 for _ in islice(batch, several)) == several
        gc.collect()
        held.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert held[1] - held[0] < 100_000


class Odd(Calculator):
    """MMFF94 of glycine, and something else for the molecules that a test names."""

    implemented_properties = ("energy", "forces")

    def __init__(self, molecule, answer):
        super().__init__()
        self.real, self.answer, self.calls = potential("mmff94", molecule), answer, 0

    def calculate(self, atoms=None, properties=(), system_changes=all_changes):
        self.calls += 1
        energy, forces = self.real.get_potential_energy(atoms), self.real.get_forces(atoms)
        self.results = dict(zip(("energy", "forces"), self.answer(self.calls, energy, forces), strict=True))


def raising(calls, energy, forces):
    if calls == 3:
        raise RuntimeError("no convergence")
    return energy, forces


BAD = {
    "NaN": lambda calls, energy, forces: (energy, forces * (np.nan if calls > 2 else 1)),
    "raises for good": lambda calls, energy, forces: raising(min(calls, 3), energy, forces),
    "raises once": raising,
    "raises at once": lambda calls, energy, forces: raising(3, energy, forces),
    "explodes": lambda calls, energy, forces: (energy + 1e3 * calls**2, forces),
    "stalls": lambda calls, energy, forces: (energy, np.where(np.arange(3) == 0, 0.1, 0.0) * np.ones_like(forces)),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_system_has_the_verdict_that_it_has_alone_and_harms_no_other(what):
    def start(answer):
        atoms = GLYCINE.atoms()
        atoms.calc = Odd(GLYCINE, answer)
        return atoms

    keywords = {"fmax": 0.01, "surrogate": None, "check": None, "steps": 60}
    well = bits(relax_batch([start(lambda calls, *found: found) for _ in range(3)], **keywords, width=3))
    mixed = [start(lambda calls, *found: found) for _ in range(3)]
    mixed[1] = start(BAD[what])
    results = list(relax_batch(mixed, **keywords, width=3, ordered=True))
    assert {number: found for number, found in bits(results).items() if number != 1} == {0: well[0], 2: well[2]}
    assert [results[0].ended, results[2].ended] == ["converged"] * 2
    if what == "raises at once":
        with pytest.raises(PotentialFailed, match="force call 1: RuntimeError: no convergence"):
            relax(start(BAD[what]), **keywords)
        assert results[1].ended == "failed"
        assert results[1].error.endswith("failed at force call 1: RuntimeError: no convergence")
        return
    single = relax(start(BAD[what]), **keywords)
    assert (results[1].ended, results[1].force_calls) == (single.ended, single.force_calls)
    assert results[1].steps == single.steps
    assert (results[1].error is None) == (single.error is None)
    assert results[1].energy == pytest.approx(single.energy, nan_ok=True)


def test_targets_that_cannot_be_relaxed_have_a_result_that_says_so():
    radical = Molecule.from_smiles("C[CH2]")
    held = ETHANOL.atoms()
    held.set_constraint(FixAtoms([0]))
    results = list(relax_batch([radical, ETHANOL, held], **PLAIN, ordered=True))
    assert [one.ended for one in results] == ["failed", "converged", "failed"]
    assert "no parameters for radicals" in results[0].error
    assert "has constraints, and a batch keeps none: use molopt.relax" in results[2].error


def test_a_function_of_many_systems_is_a_potential():
    asked = []

    def springs(positions, numbers, system, charges, spins):
        asked.append(len(charges))
        energies = np.zeros(len(charges))
        np.add.at(energies, system, 0.5 * (positions**2).sum(axis=1))
        return energies.astype(np.float32), -positions.astype(np.float32)

    starts = [Atoms("Ar", positions=[[x, 0.0, 0.0]]) for x in (0.5, 1.0, 1.5)]
    results = list(relax_batch(starts, "adam", springs, coordinates="cartesian", check=None, energy_left=None))
    assert all(one.converged for one in results)
    assert asked[0] == 3
    assert max(np.abs(one.positions).max() for one in results) < 0.05


def test_coordinates_that_are_outdated_are_built_anew_apart():
    swung = GLYCINE.atoms()
    swung.set_angle(1, 2, 4, 172.0)
    starts = [GLYCINE.with_positions(swung.positions), *STARTS[2:]]
    keywords = PLAIN | {"fmax": 0.05}
    for start, result in zip(starts, relax_batch(starts, **keywords, ordered=True), strict=True):
        assert_same(result, relax(start, **keywords))


@pytest.mark.skipif(os.cpu_count() < 2, reason="needs two cores")
def test_processes_give_what_one_gives():
    x = [conformer.positions for conformer in GLYCINE.conformers(4)]
    one = list(relax_batch(GLYCINE, positions=x, **PLAIN, ordered=True))
    two = list(relax_batch(GLYCINE, positions=x, **PLAIN, ordered=True, workers=2))
    for mine, theirs in zip(one, two, strict=True):
        assert (mine.number, mine.force_calls, mine.name) == (theirs.number, theirs.force_calls, theirs.name)
        assert str(mine.verdict) == str(theirs.verdict)
        assert mine.energy == pytest.approx(theirs.energy, abs=1e-9)
        assert mine.atoms.get_forces() == pytest.approx(theirs.atoms.get_forces(), abs=1e-6)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"optimizer": "bfgs"}, "bfgs cannot be batched: use default or a rule of molopt, or molopt.relax"),
        ({"width": 0}, "width must be positive"),
        ({"workers": 1.5}, "workers must be a whole number"),
        ({"fmax": -1}, "fmax must be positive"),
        ({"potential": 3}, "potential must be a name, an ASE calculator or a function"),
        ({"potential": "mmff95"}, "'mmff95' is not a potential; did you mean mmff94"),
        ({"surrogate": "uff"}, "a batch on mmff94 takes no surrogate, got 'uff': give surrogate=None"),
        ({"workers": 1000}, "workers must be a whole number from 1 to"),
        ({"workers": 2, "potential": lambda *asked: None}, "workers need a function at the top of a module"),
        ({"on_result": 3}, "on_result must be a function of one result, or None, got 3"),
        ({"positions": [[0.0]]}, "positions= are of one Molecule"),
        ({"targets": 5}, "takes an iterable of Molecules or ase.Atoms, got 5"),
        ({"targets": "CCO"}, "takes an iterable of Molecules or ase.Atoms, got 'CCO'"),
        ({"targets": ETHANOL, "positions": 7}, r"positions= of ethanol must be of shape \(S, 9, 3\), got 7"),
        ({"targets": ETHANOL, "positions": ETHANOL.positions}, r"shape \(S, 9, 3\), got an array of shape \(9, 3\)"),
    ],
)
def test_arguments_that_cannot_be_used_are_refused_at_once(arguments, said):
    if arguments.get("workers") == 2 and os.cpu_count() < 2:
        pytest.skip("two workers need two cores, and this machine has one")
    with pytest.raises(InputError, match=said):
        relax_batch(**{"targets": [ETHANOL]} | arguments)


@pytest.mark.parametrize("ordered", [False, True])
def test_where_the_stream_raises_those_drawn_before_land_first(ordered):
    def breaking():
        yield GLYCINE
        yield ETHANOL
        raise OSError("the file ends here")

    batch, names = relax_batch(breaking(), **PLAIN, ordered=ordered), []
    with pytest.raises(OSError, match="the file ends here"):
        names.extend(iter(lambda: next(batch).name, None))
    assert sorted(names) == ["ethanol", "glycine"]


@pytest.mark.parametrize("odd", [ETHANOL.positions[:4], ETHANOL.positions[:, :2], [[1, 2], [3]], "here"])
def test_positions_of_another_shape_are_refused_by_name(odd):
    batch = relax_batch(ETHANOL, positions=[ETHANOL.positions, odd], **PLAIN)
    assert next(batch).converged
    with pytest.raises(InputError, match=r"ethanol needs positions of shape \(9, 3\).* at place 1"):
        next(batch)


def test_one_molecule_alone_is_not_a_batch():
    with pytest.raises(InputError, match="takes many molecules"):
        relax_batch(ETHANOL)
    with pytest.raises(InputError, match=r"takes Molecules or ase\.Atoms, got 'CCO' at place 0"):
        next(relax_batch(["CCO"]))
    with pytest.raises(InputError, match=r"^relax_batch takes .* got array\(.{,60} \.\.\. at place 0: see"):
        next(relax_batch(np.zeros((2, 9, 3))))
    with pytest.raises(InputError, match="arrays of conformers of one molecule"):
        relax_batch([ETHANOL, GLYCINE], **PLAIN).collect()


def test_a_result_can_be_pickled_and_said_in_plain_values_whatever_its_end():
    given, nowhere = ETHANOL.atoms(), np.full((9, 3), np.nan)
    given.calc = Odd(ETHANOL, lambda calls, *found: found)
    results = list(relax_batch(ETHANOL, positions=[ETHANOL.positions, nowhere], **PLAIN, ordered=True))
    results += relax_batch([given], fmax=0.01, check=None, surrogate=None)
    for result in results:
        said = json.dumps(result.as_dict(), allow_nan=False)
        copy = pickle.loads(pickle.dumps(result))
        assert json.dumps(copy.as_dict(), allow_nan=False) == said
        assert (copy.number, str(copy.energy_left)) == (result.number, str(result.energy_left))
        assert np.array_equal(copy.positions, result.positions, equal_nan=True)
    assert [result.ended for result in results] == ["converged", "failed", "converged"]


@pytest.mark.parametrize("check", [None, "auto"])
def test_a_step_that_is_tried_again_leaves_nothing_behind(check, monkeypatch):
    """Where the algebra fails once for all, after some have left or got other coordinates, each goes on alone."""
    molecules = [Molecule.from_smiles(smiles) for smiles in ("O", "CO", "CCO", "CC#CCO", "CCOC", "CC=O")]
    expected = [result.energy for result in relax_batch(molecules, "default", "mmff94", check=check, ordered=True)]
    depart, failures = steps.depart, iter([False, True, False, True] + [True, False] * 10)

    def failing(direction, control, coordinates, arrival):
        if coordinates.layout.count > 1 and next(failures, False):
            raise np.linalg.LinAlgError("not positive definite")
        return depart(direction, control, coordinates, arrival)

    monkeypatch.setattr(steps, "depart", failing)
    results = list(relax_batch(molecules, "default", "mmff94", check=check))
    assert sorted(result.number for result in results) == list(range(len(molecules)))
    found = [result.energy for result in sorted(results, key=lambda result: result.number)]
    assert np.allclose(found, expected, atol=1e-6)


def test_periodic_atoms_that_are_nowhere_harm_no_other():
    nowhere = Atoms("H2", [[0, 0, 0], [0, 0, np.nan]], pbc=True, cell=[9, 9, 9])
    good = Atoms("H2", [[0, 0, 0], [0, 0, 0.8]])
    results = list(relax_batch([good, nowhere], "default", EMT(), coordinates="cartesian", check=None, ordered=True))
    assert results[0].converged
    assert results[1].ended == "failed"
    assert "atom 1 (H)" in results[1].error


@pytest.mark.parametrize("seed", [320, 404, 594])
def test_conformers_of_a_straight_chain_have_the_lists_that_they_would_have_alone(seed):
    """Which torsions go along a chain depends on more than which angles are straight."""
    molecule = Molecule.from_smiles("CC#CC", seed=1)
    atoms = molecule.atoms()
    xs = atoms.positions.ravel() + np.random.default_rng(seed).normal(0, 0.4, (2, 3 * len(atoms)))
    together = Recipe.of(atoms, molecule=molecule).lists.at(xs)
    for found, x in zip(together, xs, strict=True):
        (alone,) = Recipe.of(atoms, molecule=molecule).lists.at(x[None])
        assert np.array_equal(found.torsions, alone.torsions)
        assert np.array_equal(found.bends, alone.bends)
