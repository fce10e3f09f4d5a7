"""A calculator whose forces are off by seeded noise, the same at the same geometry."""

import hashlib
from typing import Any

import numpy as np
from ase.calculators.calculator import Calculator, all_changes


class Noisy(Calculator):
    """Each component of the forces of another calculator, plus normal noise of standard deviation `sigma`, eV/A."""

    implemented_properties = ("energy", "forces")

    def __init__(self, calculator: Calculator, sigma: float, seed: int = 0) -> None:
        super().__init__()
        self.calculator, self.sigma, self.seed = calculator, sigma, seed

    def calculate(self, atoms: Any = None, properties: Any = (), system_changes: Any = all_changes) -> None:
        super().calculate(atoms, properties, system_changes)
        place = hashlib.sha256(np.ascontiguousarray(self.atoms.positions).tobytes() + bytes([self.seed])).digest()
        bare = self.atoms.copy()
        bare.calc = self.calculator
        noise = np.random.default_rng(list(place)).normal(scale=self.sigma, size=self.atoms.positions.shape)
        self.results = {"forces": bare.get_forces() + noise, "energy": bare.get_potential_energy()}
