"""The model surfaces: their gradients are those of their energies, and every optimizer runs on them."""

import ase.optimize
import numpy as np
import pytest
from scipy.optimize import check_grad

import molopt
from molopt.landscapes import surfaces
from molopt.landscapes.surface import Surface
from molopt.landscapes.track import follow

MADE = {
    "quadratic": surfaces.quadratic([1.0, 9.0, 4.0, 2.0], [1.0, 1.0, -1.0, 0.5]),
    "ravine": surfaces.ravine(100.0, 0.4),
} | {make.__name__: make() for make in surfaces.ALL if make is not surfaces.ravine}


@pytest.mark.parametrize("surface", MADE.values(), ids=MADE)
def test_the_gradient_is_that_of_the_energy(surface):
    rng = np.random.default_rng(3)
    for _ in range(20):
        x = surface.start + rng.normal(size=surface.start.size)
        assert check_grad(surface.energy, surface.gradient, x) < 1e-5 * (1 + np.linalg.norm(surface.gradient(x)))


@pytest.mark.parametrize(
    "make", [ase.optimize.BFGS, ase.optimize.FIRE, ase.optimize.LBFGS, molopt.LBFGS, molopt.Adam, molopt.HeavyBall]
)
def test_the_optimizers_of_ase_and_of_molopt_find_the_floor_of_rosenbrocks_ravine(make):
    track = follow(surfaces.rosenbrock(), make, 5000, fmax=1e-4)
    np.testing.assert_allclose(track.x[-1], [1, 1], atol=1e-3)
    assert track.slopes[-1] < 1e-4


@pytest.mark.parametrize(
    ("start", "floor", "energy"),
    [
        ((-0.8, 1.4), (-0.558, 1.442), -1.467),
        ((0.5, 0.2), (0.623, 0.028), -1.0817),
        ((-0.1, 0.5), (-0.05, 0.467), -0.8077),
    ],
)
def test_the_minima_of_muller_and_brown_are_the_published_ones(start, floor, energy):
    surface = surfaces.muller_brown().at(start)
    ase.optimize.BFGS(surface, logfile=None, maxstep=0.05).run(fmax=1e-6, steps=200)
    np.testing.assert_allclose(surface.x, floor, atol=2e-3)
    assert surface.get_value() == pytest.approx(energy, abs=2e-4)


def test_a_point_of_two_coordinates_is_an_atom_in_a_plane():
    surface = Surface("bowl", lambda x: float(x @ x), lambda x: 2 * x, [3.0, 4.0])
    assert surface.ndofs() == 3
    np.testing.assert_array_equal(surface.get_gradient(), [6, 8, 0])
    assert surface.gradient_norm(surface.get_gradient()) == 10


def test_a_force_call_is_counted_once_for_each_point():
    surface = surfaces.rosenbrock()
    for _ in range(3):
        surface.get_gradient(), surface.get_value()
    assert len(surface.seen) == 1


def test_the_plateau_is_as_flat_and_as_long_as_it_says():
    surface = surfaces.plateau(steep=1.0, flat=0.01, length=2.0)
    for x, slope in ((-0.5, -1.0), (1.0, -0.01), (2.7, -1.0)):
        assert surface.gradient(np.array([x, 0.0]))[0] == pytest.approx(slope, rel=1e-3)
    floor = 3.5
    assert surface.gradient(np.array([floor - 0.5, 0.0]))[0] < 0 < surface.gradient(np.array([floor + 0.5, 0.0]))[0]


def test_the_wells_are_of_one_depth_and_as_wide_as_they_say():
    surface = surfaces.double_well(narrow=0.08, wide=0.5, apart=1.6)
    for centre, width in ((-0.8, 0.08), (0.8, 0.5)):
        step = 1e-3
        sides = [surface.gradient(np.array([centre + sign * step, 0.0]))[0] for sign in (-1, 1)]
        assert (sides[1] - sides[0]) / (2 * step) == pytest.approx(1 / width**2, rel=0.05)
