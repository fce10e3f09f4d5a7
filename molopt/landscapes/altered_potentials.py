"""Altered potentials: one that becomes another during a run, one with a factor on its forces, and a constant force."""

from typing import Any, ClassVar

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes

from molopt.rules.partition import Array


class Switched(Calculator):
    """One potential for the first calls, another for those that follow; the energy is continuous where they change.

    Energies of two potentials have nothing in common: that of the second is shifted, so that both agree at the last
    geometry of the first.

    Parameters
    ----------
    first, second : ASE calculators
    calls : int
        Force calls of the first.
    """

    implemented_properties: ClassVar = ["energy", "free_energy", "forces"]

    def __init__(self, first: Any, second: Any, calls: int) -> None:
        super().__init__()
        self.first, self.second, self.calls = first, second, calls
        self.done = 0
        self.shift = 0.0  # eV

    def calculate(self, atoms: Any = None, properties: Any = None, system_changes: Any = all_changes) -> None:
        super().calculate(atoms, properties, system_changes)
        present = self.first if self.done < self.calls else self.second
        energy, forces = ask(present, self.atoms)
        self.done += 1
        if self.done == self.calls:
            self.shift = energy - ask(self.second, self.atoms)[0]
        shifted = energy if present is self.first else energy + self.shift
        self.results = {"energy": shifted, "free_energy": shifted, "forces": forces}


class Scaled(Calculator):
    """A potential whose forces are multiplied, all of them or those on some atoms.

    Parameters
    ----------
    inner : ASE calculator
    factor : float or (N, 1) array
        Of all forces and the energy, or of the forces on each atom: then no energy belongs to them, and that of `inner`
        stays as it is.
    """

    implemented_properties: ClassVar = ["energy", "free_energy", "forces"]

    def __init__(self, inner: Any, factor: float | Array) -> None:
        super().__init__()
        self.inner, self.factor = inner, factor

    def calculate(self, atoms: Any = None, properties: Any = None, system_changes: Any = all_changes) -> None:
        super().calculate(atoms, properties, system_changes)
        energy, forces = ask(self.inner, self.atoms)
        energy *= float(self.factor) if np.ndim(self.factor) == 0 else 1.0
        self.results = {"energy": energy, "free_energy": energy, "forces": self.factor * forces}


def ask(calculator: Any, atoms: Atoms) -> tuple[float, Array]:
    """Energy (eV) and forces (N, 3) of the atoms in a potential."""
    there = atoms.copy()
    there.calc = calculator
    return float(there.get_potential_energy()), there.get_forces()


class Slope(Calculator):
    """A constant force (N, 3), eV/A."""

    implemented_properties: ClassVar = ["energy", "forces"]

    def __init__(self, force: Array) -> None:
        super().__init__()
        self.force = force

    def calculate(self, atoms: Any = None, properties: Any = ("energy",), system_changes: Any = all_changes) -> None:
        super().calculate(atoms, properties, system_changes)
        self.results = {"energy": -float((self.force * atoms.positions).sum()), "forces": self.force.copy()}
