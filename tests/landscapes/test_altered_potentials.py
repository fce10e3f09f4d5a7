"""Altered potentials."""

import numpy as np
import pytest
from ase.build import molecule
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones

from molopt.landscapes.altered_potentials import Scaled, Switched


def test_a_switched_potential_is_the_first_then_the_second_and_its_energy_does_not_jump():
    water = molecule("H2O")
    first, second = EMT(), LennardJones(sigma=1.0)
    alone = [part.get_forces() for calculator in (first, second) for part in [with_calculator(water, calculator)]]
    energy = with_calculator(water, first).get_potential_energy()
    water.calc = Switched(first, second, 1)
    assert water.get_potential_energy() == energy
    np.testing.assert_array_equal(water.get_forces(), alone[0])
    water.calc.reset()  # the same geometry, asked again
    assert water.get_potential_energy() == pytest.approx(energy, abs=1e-12)
    np.testing.assert_array_equal(water.get_forces(), alone[1])


def with_calculator(atoms, calculator):
    there = atoms.copy()
    there.calc = calculator
    return there


def test_a_factor_of_all_forces_is_one_of_the_energy_and_one_of_some_is_not():
    water = molecule("H2O")
    water.calc = EMT()
    energy, forces = water.get_potential_energy(), water.get_forces()
    water.calc = Scaled(EMT(), 2.0)
    assert water.get_potential_energy() == 2 * energy
    np.testing.assert_array_equal(water.get_forces(), 2 * forces)
    water.calc = Scaled(EMT(), np.array([[1.0], [0.5], [0.5]]))
    assert water.get_potential_energy() == energy
    np.testing.assert_array_equal(water.get_forces()[1:], forces[1:] / 2)
