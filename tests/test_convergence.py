"""Criteria: each asks what its published definition says, and all must hold together with fmax."""

import math

import numpy as np
import pytest
from ase.build import molecule
from ase.calculators.emt import EMT
from ase.units import Bohr, Hartree

import molopt
from molopt import EnergyLeft, Fmax, Gaussian, GeomeTRIC, InputError
from molopt.convergence import BOHR, HARTREE, Seen, auto

FORCE = Hartree / Bohr  # eV/A


def seen(forces, moves=None, change=0.0, left=0.0, noise=False):
    """What a criterion sees, forces in hartree/bohr and moves in bohr, one row an atom."""
    displacement = None if moves is None else np.ravel(moves) * Bohr
    return Seen(np.ravel(forces) * FORCE, displacement, change * Hartree, lambda: left, lambda: noise)


def test_units_are_those_of_ase():
    # ASE's default constants are CODATA 2014, these 2018: they differ in the ninth digit.
    assert pytest.approx(Hartree, rel=1e-7) == HARTREE
    assert pytest.approx(Bohr, rel=1e-7) == BOHR


def test_fmax_measures_the_longest_force_on_an_atom_as_ase_does():
    gradient = np.array([0.03, 0.04, 0.0, 0.0, 0.0, 0.01])
    here = Seen(gradient, None, 0.0, lambda: 0.0, lambda: False)
    assert Fmax(0.05).met(here)
    assert not Fmax(0.0499).met(here)


def test_energy_left_is_met_at_its_limit_or_at_the_noise_floor():
    assert EnergyLeft(0.001).met(seen(np.zeros(3), left=0.001))
    assert not EnergyLeft(0.001).met(seen(np.zeros(3), left=0.0011))
    assert EnergyLeft(0.001).met(seen(np.zeros(3), left=1.0, noise=True))


@pytest.mark.parametrize("criterion", [*Gaussian.all(), *GeomeTRIC.all()], ids=str)
def test_each_limit_of_a_published_set_decides(criterion):
    limits = criterion.SETS[criterion.name]
    # One atom of four at a value just inside, whose rms over atoms and over components is far smaller.
    forces, moves = np.zeros((4, 3)), np.zeros((4, 3))
    forces[0, 0], moves[0, 0] = 0.999 * limits.max_force, 0.999 * limits.max_displacement
    assert criterion.met(seen(forces, moves))
    assert not criterion.met(seen(forces * 1.01, moves))
    assert not criterion.met(seen(forces, moves * 1.01))
    assert not criterion.met(seen(forces))  # no step yet
    if math.isfinite(limits.energy):
        assert not criterion.met(seen(forces, moves, change=-1.01 * limits.energy))
    # All components alike: the rms decides.
    per_atom = 1 / math.sqrt(3) if isinstance(criterion, GeomeTRIC) else 1.0
    forces, moves = (np.full((4, 3), 0.999 * rms * per_atom) for rms in (limits.rms_force, limits.rms_displacement))
    assert criterion.met(seen(forces, moves))
    assert not criterion.met(seen(forces * 1.01, moves))
    assert not criterion.met(seen(forces, moves * 1.01))


def test_gaussian_does_not_look_at_steps_where_forces_are_a_hundredth_of_their_limits():
    limits = Gaussian.SETS["default"]
    forces = np.full((4, 3), 0.0099 * limits.rms_force)
    assert Gaussian().met(seen(forces, np.ones((4, 3))))
    assert Gaussian().met(seen(forces))
    assert not GeomeTRIC().met(seen(forces, np.ones((4, 3))))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Gaussian("tigth"), "Gaussian has no set 'tigth'; did you mean tight"),
        (lambda: GeomeTRIC("GAU_TIHGT"), "did you mean GAU_TIGHT"),
        (lambda: EnergyLeft(0), "energy left must be positive, got 0"),
        (lambda: Fmax(-1.0), "fmax must be positive, got -1"),
    ],
)
def test_a_criterion_that_cannot_be_is_refused(make, said):
    with pytest.raises(InputError, match=said):
        make()


def test_the_automatic_limit_grows_with_the_molecule():
    assert auto(10) == 0.001
    assert auto(1000) == pytest.approx(0.02)


# In optimizers


def methane():
    atoms = molecule("CH4", calculator=EMT())
    atoms.rattle(0.1, seed=1)
    return atoms


@pytest.mark.parametrize("kind", [molopt.LBFGS, molopt.Adam, molopt.HeavyBall])
def test_criteria_are_asked_beside_fmax_and_replace_nothing(kind):
    loose, strict = methane(), methane()
    kind(loose, logfile=None).run(fmax=0.05)
    assert kind(strict, logfile=None, criteria=Fmax(0.005)).run(fmax=0.05, steps=1000)
    assert Fmax(0.005).met(Seen(strict.get_forces().ravel(), None, 0, float, bool))
    assert not Fmax(0.005).met(Seen(loose.get_forces().ravel(), None, 0, float, bool))
    optimizer = kind(methane(), logfile=None, criteria=[Fmax(100.0)])
    optimizer.run(fmax=0.01, steps=1000)
    assert Fmax(0.01).met(Seen(optimizer.atoms.get_forces().ravel(), None, 0, float, bool))


def ethanol():
    start = molopt.Molecule.from_smiles("CCO")
    atoms = start.atoms()
    atoms.calc = molopt.potential("mmff94", start)
    return atoms


def test_with_an_infinite_fmax_the_criteria_alone_decide():
    atoms = ethanol()
    optimizer = molopt.LBFGS(atoms, logfile=None, criteria=GeomeTRIC("GAU_TIGHT"))
    assert optimizer.run(fmax=math.inf, steps=200)
    assert np.linalg.norm(atoms.get_forces(), axis=1).max() <= 1.5e-5 * FORCE


def test_a_tighter_set_takes_more_steps():
    taken = []
    for name in ("loose", "default", "tight", "verytight"):
        optimizer = molopt.LBFGS(ethanol(), logfile=None, criteria=Gaussian(name))
        assert optimizer.run(fmax=math.inf, steps=200)
        taken.append(optimizer.nsteps)
    assert taken == sorted(taken)
    assert taken[0] < taken[-1]


def test_what_is_no_criterion_is_refused():
    with pytest.raises(InputError, match=r"criteria are objects such as .*, got 0.05"):
        molopt.LBFGS(methane(), logfile=None, criteria=0.05)


def test_an_interrupted_run_with_criteria_is_the_uninterrupted_run(tmp_path):
    def relaxed(steps_at_once):
        atoms, optimizer = methane(), None
        for steps in steps_at_once:
            path = tmp_path / f"{len(steps_at_once)}.json"
            optimizer = molopt.Adam(atoms, logfile=None, restart=path, criteria=GeomeTRIC())
            optimizer.run(fmax=math.inf, steps=steps)
        return atoms.positions

    assert np.array_equal(relaxed([1000]), relaxed([3, 1000]))
