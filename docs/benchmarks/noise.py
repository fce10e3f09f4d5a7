"""What runs with noise in the forces end with: where they are called converged, and how far that is above the floor.

    python docs/benchmarks/noise.py --molecules aladip --noise 1,3,10 --optimizers default,adam,heavy-ball --seeds 3

MMFF94 with independent Gaussian noise in each component of the forces (`Noisy`). The truth is the end, relaxed on
without noise by the default with maxstep 0.05 A, rises rejected, to fmax 0.001 eV/A. The floor is the energy left that
noise makes at that minimum, s^2 tr (P H P)^+ / 2 with the model Hessian H: no run can end lower on average and know it.
"""

import argparse
from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes

import molopt
from molopt.control import Trust
from molopt.control.drive import Point
from molopt.coordinates.linearization import of_system, reference_of
from molopt.noise import trace
from molopt.optimizers.energy_left import Estimator, recipe_for

HEADINGS = (
    "molecule",
    "noise, meV/A",
    "floor, meV",
    "optimizer",
    "ends",
    "force calls, unchecked",
    "meV above",
    "of the floor",
)


class Noisy(Calculator):
    """A potential with independent noise of so many eV/A in each component of the forces; energies are exact."""

    implemented_properties = ("energy", "forces")

    def __init__(self, exact: Any, sigma: float, seed: int) -> None:
        super().__init__()
        self.exact, self.sigma, self.random = exact, sigma, np.random.default_rng(seed)

    def calculate(self, atoms: Any = None, properties: Any = (), system_changes: Any = all_changes) -> None:
        super().calculate(atoms, properties, system_changes)
        forces = self.exact.get_property("forces", atoms) + self.random.normal(0.0, self.sigma, (len(atoms), 3))
        self.results = {"energy": self.exact.get_property("energy", atoms), "forces": forces}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--molecules", default="glutathione,aladip,peg4,bithiophene")
    parser.add_argument("--noise", default="1,3,10", help="meV/A")
    parser.add_argument("--optimizers", default="default,adam,heavy-ball,adam/internal,bfgs,fire")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=1000)
    given = parser.parse_args()
    print(f"| {' | '.join(HEADINGS)} |")
    print("|---" * len(HEADINGS) + "|")
    for name, noise, optimizer in product(
        given.molecules.split(","), map(float, given.noise.split(",")), given.optimizers.split(",")
    ):
        runs = [ended(name, noise / 1e3, optimizer, seed, given.steps) for seed in range(given.seeds)]
        print_row(name, noise, optimizer, runs)


def ended(name: str, sigma: float, optimizer: str, seed: int, steps: int) -> dict[str, Any]:
    """One noisy run, and what is true of its end."""
    molecule = molopt.Molecule.named(name)
    exact = molopt.potential("mmff94", molecule)
    noisy = Noisy(exact, sigma, seed)
    result = molopt.relax(molecule, optimizer, noisy, steps=steps, surrogate=None, check=None)
    atoms = result.molecule.atoms()
    atoms.calc = molopt.potential("mmff94", molecule)
    before = atoms.get_potential_energy()
    molopt.LBFGS(atoms, logfile=None, control=Trust(maxstep=0.05, rise=1e-9)).run(fmax=0.001, steps=3000)
    word = "noise floor" if result.at_noise_floor else result.ended
    above = 1e3 * (before - atoms.get_potential_energy())
    return {"word": word, "calls": result.force_calls, "above": above, "floor": 1e3 * floor(atoms, sigma)}


def floor(atoms: Atoms, sigma: float) -> float:
    """The energy left that noise makes at these atoms, eV."""
    estimator = Estimator(recipe_for(atoms))
    estimator.see(Point(atoms.positions.ravel(), -atoms.get_forces().ravel()))
    _, linearization = estimator.at()
    return 0.5 * sigma**2 * trace(reference_of(of_system(linearization, 0)))


def print_row(name: str, noise: float, optimizer: str, runs: Sequence[dict[str, Any]]) -> None:
    lowest, highest = (reduce(run["floor"] for run in runs) for reduce in (min, max))
    columns = [
        name, f"{noise:g}", f"{lowest:.1f}" if highest < 1.05 * lowest else f"{lowest:.1f} to {highest:.1f}", optimizer,
        ", ".join(run["word"] for run in runs), ", ".join(str(run["calls"]) for run in runs),
        ", ".join(f"{run['above']:.1f}" for run in runs),
        ", ".join(f"{run['above'] / run['floor']:.1f}" for run in runs),
    ]  # fmt: skip
    print(f"| {' | '.join(columns)} |", flush=True)


if __name__ == "__main__":
    main()
