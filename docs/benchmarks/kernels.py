"""Microseconds of each compiled kernel beside the reference in NumPy and SciPy, by the size of the molecule.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python docs/benchmarks/kernels.py

CPU time a system, the least of several repeats: the reference, kernels for one system, and for a batch. Geometries are
the shipped ones, rattled; the memory of the quasi-Newton step is full.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np

import molopt
from molopt.coordinates.kernels.group import Group
from molopt.coordinates.linearization import Linearized
from molopt.coordinates.member import Member
from molopt.optimizers.internals import Recipe

MOLECULES = "aladip,arachidonic,ritonavir,cyclodextrin,squalane"
WIDTH = 16
LIMITS = (0.5, 0.3, 0.3)  # sqrt(eV), Angstrom, Angstrom or rad


def microseconds(function: Callable[[], object], repeats: int = 7) -> float:
    """CPU time of a call, the least of some repeats."""
    function()
    calls = 1
    while True:
        start = time.process_time()
        for _ in range(calls):
            function()
        if (taken := time.process_time() - start) > 0.01:
            break
        calls *= 3
    best = taken / calls
    for _ in range(repeats - 1):
        start = time.process_time()
        for _ in range(calls):
            function()
        best = min(best, (time.process_time() - start) / calls)
    return 1e6 * best


class Start:
    """Conformers of one molecule, and what a step needs."""

    def __init__(self, name: str, width: int) -> None:
        atoms = next(iter(molopt.read(name))).atoms()
        start = atoms.positions.ravel()
        self.member = Recipe.of(atoms).build(start)
        random = np.random.default_rng(0)
        self.x = start + random.normal(0, 0.02, (width, start.size))
        self.gradient = random.normal(0, 0.3, self.x.shape)
        entries = self.member.primitives.count
        self.steps, self.lacks = random.normal(0, 0.05, (2, 8, width, entries))
        self.width = width

    def compiled(self, width: int) -> dict[str, float]:
        """Microseconds of the kernels for so many systems together, a system."""
        group = Group([self.member] * width)
        x, gradient = self.x[:width].ravel(), self.gradient[:width].ravel()
        here = group.linearize(x, gradient)
        steps, lacks = (rows[:, :width].reshape(8, -1) for rows in (self.steps, self.lacks))
        radius, *caps = LIMITS
        radii = np.full(width, radius)
        step = here.secant_step(steps, lacks, 0.5, radii, *caps).displacement
        work = {
            "linearize": lambda: group.linearize(x, gradient),
            "lack": lambda: here.lack(here, step),
            "step": lambda: here.secant_step(steps, lacks, 0.5, radii, *caps),
            "move": lambda: group.move(here, step),
        }
        return {name: microseconds(function) / width for name, function in work.items()}

    def reference(self) -> dict[str, float]:
        """Microseconds of the reference."""
        member, x, gradient = self.member, self.x[0], self.gradient[0]
        here = everything(member, x, gradient)
        steps, lacks = self.steps[:, 0], self.lacks[:, 0]
        radius, *caps = LIMITS
        radii = np.full(1, radius)
        step = here.secant_step(steps, lacks, 0.5, radii, *caps).displacement
        work = {
            "linearize": lambda: everything(member, x, gradient),
            "lack": lambda: here.lack(here, step),
            "step": lambda: here.secant_step(steps, lacks, 0.5, radii, *caps),
            "move": lambda: member.move(here, step),
        }
        return {name: microseconds(function) for name, function in work.items()}


def everything(member: Member, x: np.ndarray, gradient: np.ndarray) -> Linearized:
    """A linearization of which all has been asked that kernels know at once."""
    here = member.linearize(x, gradient)
    here.gradient, here.natural_gradient, here.energy_left  # noqa: B018  # computed when first asked
    return here


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--molecules", default=MOLECULES)
    parser.add_argument("--width", type=int, default=WIDTH, help="systems of the batch")
    options = parser.parse_args()
    print(
        "| molecule | atoms | kernel | reference | compiled, 1 system | compiled, a batch |\n|---|---|---|---|---|---|"
    )
    for name in options.molecules.split(","):
        start = Start(name, options.width)
        columns = [start.reference(), start.compiled(1), start.compiled(options.width)]
        columns = [times | {"together": sum(times.values())} for times in columns]
        for kernel in columns[0]:
            numbers = " | ".join(f"{times[kernel]:.0f}" for times in columns)
            print(f"| {name} | {start.member.primitives.natoms} | {kernel} | {numbers} |", flush=True)


if __name__ == "__main__":
    main()
