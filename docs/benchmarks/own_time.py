"""The time an optimizer itself takes a step: CPU time less that inside the potential, best of five runs.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python docs/benchmarks/own_time.py

The potential is a harmonic well for each atom, stiff and soft ones mixed; counting the calls is part of the time.
"""

import argparse
import time

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator
from ase.optimize import BFGS, FIRE

import molopt
from molopt.potentials import Counted

STEPS = 100
SPACING = 6.0  # Angstrom between wells: no two atoms meet on their way


class Wells(Calculator):
    """E = sum k (x - x0)^2 / 2, k from 0.01 to 100 eV/A^2."""

    implemented_properties = ("energy", "forces")

    def __init__(self, x0: np.ndarray, k: np.ndarray) -> None:
        super().__init__()
        self.x0, self.k = x0, k
        self.seconds = 0.0  # of CPU

    def calculate(self, atoms=None, properties=("energy",), system_changes=()) -> None:
        start = time.process_time()
        d = atoms.positions - self.x0
        self.results = {"energy": 0.5 * float((self.k * d * d).sum()), "forces": -self.k * d}
        self.seconds += time.process_time() - start


def own_milliseconds(optimizer, size: int) -> float:
    """Per step, for so many atoms."""
    random = np.random.default_rng(0)
    side = np.arange(np.ceil(size ** (1 / 3)))
    x0 = SPACING * np.stack(np.meshgrid(side, side, side), axis=-1).reshape(-1, 3)[:size]
    k = 10 ** random.uniform(-2, 2, size=(size, 3))
    best = np.inf
    for _ in range(5):
        atoms = Atoms("C" * size, positions=x0 + random.normal(size=(size, 3)) * 0.3)
        wells = Wells(x0, k)
        atoms.calc = Counted(wells)
        run = optimizer(atoms, logfile=None)
        run.run(fmax=0, steps=3)
        start, inside = time.process_time(), wells.seconds
        run.run(fmax=0, steps=STEPS)
        best = min(best, time.process_time() - start - (wells.seconds - inside))
    return 1e3 * best / STEPS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="50,500,5000", help="atoms")
    sizes = [int(size) for size in parser.parse_args().sizes.split(",")]
    print(f"{'CPU ms a step':20s}", *(f"{size:>8d}" for size in sizes), " atoms")
    for name in ("GradientDescent", "HeavyBall", "Adam", "PerAtomAdam", "NAdam", "Apollo"):
        print(f"{name:20s}", *(f"{own_milliseconds(getattr(molopt, name), size):8.3f}" for size in sizes), flush=True)
    print(f"{'FIRE (ASE)':20s}", *(f"{own_milliseconds(FIRE, size):8.3f}" for size in sizes))
    print(f"{'BFGS (ASE)':20s}", *(f"{own_milliseconds(BFGS, size):8.3f}" for size in sizes[:1]))


if __name__ == "__main__":
    main()
