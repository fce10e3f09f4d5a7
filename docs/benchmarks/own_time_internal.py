"""The time an optimizer itself takes a step in internal coordinates, by the size of the molecule.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python docs/benchmarks/own_time_internal.py

First molecules of the shipped set under MMFF94, from their shipped geometries: what a user's molecule costs. Then
alkane chains and water clusters under a bonded test potential: springs on all internal coordinates, at rest at the
starting geometry before it was rattled by 0.05 A; with the exponent of the growth between the two largest. CPU
milliseconds a step without the potential, the median of the steps but for the first three.
"""

import argparse
import itertools
import time
from collections.abc import Iterator

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator

import molopt
from molopt.optimizers.internals import Recipe
from molopt.optimizers.spec import OptimizerSpec

NAMES = ("lbfgs/internal", "adam/internal", "heavy-ball/internal")
MOLECULES = "aladip,sucrose,pcda,atorvastatin,enkephalin,ala8,ritonavir,cyclodextrin"
STEPS = 12


def chain(size: int) -> Atoms:
    """An alkane in its zigzag."""
    carbons = (size - 2) // 3
    way = np.arange(carbons)
    side = (-1.0) ** way
    backbone = np.stack([1.27 * way, 0.42 * side, 0 * way], axis=1)
    across = [backbone + np.stack([0 * way, 0.63 * side, sign * 0.89 + 0 * way], axis=1) for sign in (-1, 1)]
    ends = [backbone[n] + (0.89 * out, -0.63 * side[n], 0) for n, out in ((0, -1), (-1, 1))]
    positions = np.concatenate([backbone, *across, ends])
    hydrogens = [(n, carbons * (1 + copy) + n) for copy in range(2) for n in way]
    bonds = [*itertools.pairwise(way), *hydrogens, (0, len(positions) - 2), (carbons - 1, len(positions) - 1)]
    atoms = Atoms("C" * carbons + "H" * (2 * carbons + 2), positions)
    atoms.info["bonds"] = [[int(i), int(j), 1] for i, j in bonds]
    return atoms


def water(size: int) -> Atoms:
    """Molecules on a cubic lattice, turned at random."""
    random = np.random.default_rng(0)
    molecules = size // 3
    edge = int(np.ceil(molecules ** (1 / 3)))
    molecule = np.array([[0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]])
    places = [3.1 * np.array(place) for place in np.ndindex(edge, edge, edge)][:molecules]
    turned = [molecule @ np.linalg.qr(random.normal(size=(3, 3)))[0].T + place for place in places]
    atoms = Atoms("OHH" * molecules, np.concatenate(turned))
    atoms.info["bonds"] = [[3 * n, 3 * n + hydrogen, 1] for n in range(molecules) for hydrogen in (1, 2)]
    return atoms


class Springs(Calculator):
    """E = |u - u0|^2 / 2 in the scaled internal coordinates of the atoms as they are given."""

    implemented_properties = ("energy", "forces")

    def __init__(self, atoms: Atoms) -> None:
        super().__init__()
        self.rest = atoms.positions.ravel().copy()
        self.internal = Recipe.of(atoms).build(self.rest)
        self.asked = 0
        self.seconds = 0.0

    def calculate(self, atoms=None, properties=("energy",), system_changes=()) -> None:
        start = time.process_time()
        x = atoms.positions.ravel()
        u = self.internal.roots * self.internal.primitives.difference(x, self.rest)
        forces = -self.internal.pull_back_at(x, u).reshape(-1, 3)
        self.results = {"energy": 0.5 * float(u @ u), "forces": forces}
        self.seconds += time.process_time() - start


class Timed(Calculator):
    """Another calculator, with the CPU seconds inside it."""

    implemented_properties = ("energy", "forces")

    def __init__(self, inner: Calculator) -> None:
        super().__init__()
        self.inner = inner
        self.seconds = 0.0

    def calculate(self, atoms=None, properties=("energy",), system_changes=()) -> None:
        start = time.process_time()
        self.results = {key: self.inner.get_property(key, atoms) for key in ("energy", "forces")}
        self.seconds += time.process_time() - start


def milliseconds(name: str, atoms: Atoms) -> float:
    """CPU of a step outside of the potential, the median but for the first three."""
    return float(np.median(list(steps(name, atoms))[3:]))


def steps(name: str, atoms: Atoms) -> Iterator[float]:
    """CPU milliseconds of each step outside of the potential."""
    optimizer = OptimizerSpec.of(name).make(atoms)
    last, inside = time.process_time(), atoms.calc.seconds
    for _ in optimizer.irun(fmax=1e-9, steps=STEPS):
        now = time.process_time()
        yield 1e3 * (now - last - (atoms.calc.seconds - inside))
        last, inside = now, atoms.calc.seconds


def sprung(atoms: Atoms) -> Atoms:
    """On springs that are at rest, rattled."""
    atoms.calc = Springs(atoms)
    atoms.rattle(0.05, seed=1)
    return atoms


def shipped(name: str) -> Atoms:
    molecule = molopt.Molecule.named(name)
    atoms = molecule.atoms()
    atoms.calc = Timed(molopt.potential("mmff94", molecule))
    return atoms


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--molecules", default=MOLECULES, help="of the shipped set")
    parser.add_argument("--sizes", default="80,300,1000,5000", help="atoms of chains and clusters, two at least")
    given = parser.parse_args()
    molecules, sizes = given.molecules.split(","), [int(size) for size in given.sizes.split(",")]
    print(f"{'CPU ms a step':22s}", *(f"{len(shipped(molecule)):>13d}" for molecule in molecules), " atoms")
    print(f"{'MMFF94':22s}", *(f"{molecule:>13s}" for molecule in molecules))
    for name in NAMES:
        times = [milliseconds(name, shipped(molecule)) for molecule in molecules]
        print(f"{name:22s}", *(f"{t:13.1f}" for t in times), flush=True)
    print(f"\n{'CPU ms a step':30s}", *(f"{size:>8d}" for size in sizes), " atoms, exponent")
    for build in (chain, water):
        for name in NAMES:
            times = [milliseconds(name, sprung(build(size))) for size in sizes]
            exponent = np.log(times[-1] / times[-2]) / np.log(sizes[-1] / sizes[-2])
            print(f"{build.__name__:6s} {name:23s}", *(f"{t:8.1f}" for t in times), f"  N^{exponent:.2f}", flush=True)


if __name__ == "__main__":
    main()
