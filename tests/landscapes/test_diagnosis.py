"""Each known pattern is said of a real run that shows it, with numbers that are right, and of no good run."""

import itertools
from typing import ClassVar

import numpy as np
import pytest
from ase.calculators.calculator import Calculator, all_changes
from ase.io import read
from ase.optimize import BFGS, FIRE
from rdkit.Chem import rdMolTransforms

import molopt
from molopt import Molecule, diagnose
from molopt.control import Control

DEFAULT = ("aladip", "crown18", "dodecane", "peg4", "sorbitol")  # molecules on which the default is watched


def started(source, potential="mmff94"):
    """Atoms with a calculator, from a shipped molecule or a SMILES."""
    molecule = Molecule.of(source)
    atoms = molecule.atoms()
    atoms.calc = molopt.potential(potential, molecule)
    return atoms


def turned(smiles, bond, degrees):
    """A molecule turned about a bond, so many degrees from eclipsed."""
    molecule, (i, j) = Molecule.from_smiles(smiles), bond
    mol = molecule.to_rdkit()
    neighbours = [[one.GetIdx() for one in mol.GetAtomWithIdx(atom).GetNeighbors()] for atom in bond]
    first, last = (min(set(beside) - set(bond)) for beside in neighbours)
    rdMolTransforms.SetDihedralDeg(mol.GetConformer(), first, i, j, last, degrees)
    atoms = started(molecule)
    atoms.positions = mol.GetConformer().GetPositions()
    return atoms


class Noisy(Calculator):
    """The same potential, with noise of a standard deviation in each force, eV/A."""

    implemented_properties: ClassVar = ["energy", "forces"]

    def __init__(self, inner, sigma):
        super().__init__()
        self.inner, self.sigma, self.random = inner, sigma, np.random.default_rng(0)

    def calculate(self, atoms=None, properties=None, system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        forces = self.inner.get_property("forces", atoms)
        noise = self.sigma * self.random.normal(size=forces.shape)
        self.results = {"energy": self.inner.get_property("energy", atoms), "forces": forces + noise}


def diagnosis_of(optimizer, path, fmax=0.05, steps=100):
    """Of a run that was begun with this trajectory."""
    optimizer.run(fmax, steps)
    return diagnose(path)


def said(diagnosis):
    """The patterns, by their names."""
    return {advice.pattern: advice for advice in diagnosis.advice}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.traj"


def test_gradient_descent_whose_rate_is_too_large_zigzags_in_the_stiffest_bond(path):
    run = molopt.GradientDescent(started("CCCO"), lr=0.022, control=None, logfile=None, trajectory=path)
    found = diagnosis_of(run, path, steps=40)
    advice = said(found)["zig-zag"]
    assert "O3-H" in advice.evidence  # of all bonds of propanol the one that is stiffest
    assert "divide the learning rate or maxstep by 2" in advice.remedy
    assert np.nanmedian(found.calls.turn) < -0.95
    assert np.nanmedian(found.calls.overshoot) == pytest.approx(2.0, abs=0.1)


def test_divided_as_it_was_advised_the_same_run_no_longer_zigzags(path):
    run = molopt.GradientDescent(started("CCCO"), lr=0.011, control=None, logfile=None, trajectory=path)
    assert "zig-zag" not in said(diagnosis_of(run, path, steps=40))


@pytest.mark.parametrize("make", [BFGS, FIRE, molopt.LBFGS], ids=lambda make: make.__name__)
def test_a_tiny_maxstep_caps_all_steps(make, path):
    more = {"coordinates": "internal"} if make is molopt.LBFGS else {}
    found = diagnosis_of(make(started("aladip"), maxstep=0.01, logfile=None, trajectory=path, **more), path, steps=30)
    advice = said(found)["all steps capped"]
    assert "raise maxstep" in advice.remedy
    assert np.nanmax(found.calls.longest) < 0.0101


def test_heavy_momentum_works_against_the_gradient(path):
    run = molopt.Momentum(
        started("aladip"), lr=0.3, b1=0.97, control=None, coordinates="internal", logfile=None, trajectory=path
    )
    advice = said(diagnosis_of(run, path, 0.02, 80))["memory against gradient"]
    assert "lower b1" in advice.remedy


def test_bfgs_that_stopped_on_a_plateau_is_told_what_is_left_and_where(path):
    atoms = started("peg4")
    found = diagnosis_of(BFGS(atoms, logfile=None, trajectory=path), path, steps=200)
    advice = said(found)["plateau"]
    assert found.calls.fmax[-1] < 0.05
    assert "torsion" in advice.evidence
    assert molopt.relax(atoms, potential="mmff94").energy < found.calls.energy[-1] - 0.01


def test_noise_is_heard_and_is_neither_a_plateau_nor_a_ridge(path):
    atoms = started("aladip")
    atoms.calc = Noisy(atoms.calc, 0.03)
    found = said(diagnosis_of(BFGS(atoms, logfile=None, trajectory=path), path, 0.01, 60))
    assert {"noise floor"} == set(found)
    assert "noise of 30 meV/A" in found["noise floor"].evidence or "noise of 29 meV/A" in found["noise floor"].evidence


def test_a_run_beside_an_eclipsed_ridge_is_warned_and_no_longer_once_it_has_come_down(path):
    diagnosis = diagnosis_of(BFGS(turned("CC", (0, 1), 10), logfile=None, trajectory=path), path)
    frames = read(path, ":")
    warned = [count for count in range(4, len(frames) + 1) if "a ridge ahead" in said(diagnose(frames[:count]))]
    assert len(warned) >= 3
    assert max(warned) < len(frames) - 5
    assert "a ridge ahead" not in said(diagnosis)
    assert diagnosis.calls.energy[warned[0]] > diagnosis.calls.energy[-1] + 0.1  # eV: the ridge is that much higher


def test_a_run_that_stops_on_the_ridge_with_small_forces_is_warned(path):
    run = molopt.LBFGS(turned("CC", (0, 1), 3), coordinates="internal", logfile=None, trajectory=path)
    found = diagnosis_of(run, path)
    assert found.calls.fmax[-1] < 0.05
    assert "torsion" in said(found)["a ridge ahead"].evidence


def test_a_proton_on_its_way_is_a_bond_about_to_break(path):
    pytest.importorskip("tblite")
    diagnosis_of(BFGS(started("[NH3+]CC(=O)[O-] glycine", "gfn2-xtb"), logfile=None, trajectory=path), path, steps=12)
    frames = read(path, ":")
    assert "a bond about to break" not in said(diagnose(frames[:4]))
    advice = said(diagnose(frames[:10]))["a bond about to break"]
    assert "bond N0-H" in advice.evidence
    assert "still grows" in advice.evidence
    first, last = (np.linalg.norm(frames[k].positions[0] - frames[k].positions, axis=1) for k in (0, 9))
    assert last[advice_atom(advice)] / first[advice_atom(advice)] > 1.1


def advice_atom(advice):
    """The second atom of the bond that an advice names."""
    return int(advice.evidence.partition("-H")[2].partition(" ")[0])


@pytest.mark.parametrize("name", DEFAULT)
def test_nothing_is_said_of_the_default(name, path):
    result = molopt.relax(name, trajectory=path)
    found = diagnose(path)
    assert not found.advice
    assert len(found.calls) >= result.force_calls - 1


def test_a_rule_without_control_takes_its_rate_of_the_newton_step_in_each_class(path):
    lr = 0.5
    run = molopt.GradientDescent(
        started("aladip"), lr=lr, control=None, coordinates="internal", logfile=None, trajectory=path
    )
    rates = diagnosis_of(run, path, steps=8).calls.rates
    for group, springs in {"bonds": 1.0, "angles": 1.0, "torsions": 0.7}.items():  # what soft springs count
        assert np.nanmedian(rates[group]) == pytest.approx(springs * lr, rel=0.15)


def test_a_step_in_cartesians_leaves_torsions_behind(path):
    run = molopt.GradientDescent(started("aladip"), lr=0.005, control=None, logfile=None, trajectory=path)
    rates = diagnosis_of(run, path, steps=20).calls.rates
    assert np.nanmedian(rates["torsions"]) < 0.01
    assert np.nanmedian(rates["bonds"]) > 10 * np.nanmedian(rates["torsions"])


def test_changes_of_the_energy_and_shares_add_up(path):
    calls = diagnosis_of(molopt.GradientDescent(started("CCCO"), logfile=None, trajectory=path), path, steps=20).calls
    taken = calls.rejected != 1
    assert np.nansum(calls.change[taken]) == pytest.approx(calls.energy[-1] - calls.energy[0])
    found = diagnose(path)
    assert sum(found.shares.values()) == pytest.approx(found.calls.left[-1])


def test_rejected_and_capped_steps_are_those_that_the_run_took_back_and_shortened(path):
    atoms = started("CCCO")
    run = molopt.GradientDescent(atoms, lr=0.1, control=Control(maxstep=0.02), logfile=None, trajectory=path)
    places = [atoms.positions.copy()]
    for _ in itertools.islice(run.irun(0.01, 25), 1, None):
        places.append(atoms.positions.copy())
    calls = diagnose(path).calls
    back = [place for place in range(1, len(places) - 1) if calls.rejected[place] == 1]
    assert back  # a rate of 0.1 is far too large
    for place in back:  # the step after it begins where it had begun
        moved = places[place + 1] - places[place - 1]
        assert np.linalg.norm(moved, axis=1).max() == pytest.approx(calls.longest[place + 1])
    capped = calls.shortened == 1
    assert capped.any()
    assert np.allclose(calls.longest[capped], 0.02)
