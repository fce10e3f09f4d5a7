"""Force calls on inorganic molecules: metals, hypervalent atoms, clusters and cages, under GFN2-xTB.

    python docs/benchmarks/inorganic                       # the 15 to report: default, Sella and ASE's BFGS
    python docs/benchmarks/inorganic --set tune            # the 15 that settings were tuned on
    python docs/benchmarks/inorganic --build               # minima.xyz anew, from the ideal polyhedra of ideal.py

Starts are the minima of minima.xyz with every Cartesian displaced by a normal deviate of 0.05 or 0.1 Angstrom, one
seed each. A run goes to fmax 0.01 eV/A or 500 force calls. Printed are the calls of each start, and the geometric
means of their ratios to Sella's, a miss counted as 500; "higher" and "lower" are ends more than 5 meV above and below
Sella's. Sella needs `pip install "molopt[peers]"`.
"""

import argparse
import itertools
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import ase.io
import numpy as np
from ase import Atoms
from ideal import TO_REPORT, TO_TUNE, ideal

import molopt
from molopt.coordinates.rigid import rigid_motions

MINIMA = Path(__file__).with_name("minima.xyz")
CAP = 500  # force calls
DIFFERENT = 0.005  # eV
STEP = 0.01  # Angstrom, of finite differences
NEGATIVE = -0.005  # eV/A^2; more is the noise of flat torsions


class Start(NamedTuple):
    atoms: Atoms
    displacement: float  # Angstrom
    seed: int


class End(NamedTuple):
    calls: int
    energy: float  # eV
    converged: bool


def displaced(minimum: Atoms, displacement: float, seed: int) -> Start:
    atoms = minimum.copy()
    atoms.rattle(stdev=displacement, seed=seed)
    return Start(atoms, displacement, seed)


def end(start: Start, optimizer: str) -> End:
    """Where one optimizer ends, and after how many force calls."""
    result = molopt.relax(start.atoms, optimizer, "gfn2-xtb", fmax=0.01, energy_left=None, steps=CAP, check=None)
    return End(result.force_calls if result.converged else CAP, result.energy, result.converged)


def compare(arguments: argparse.Namespace) -> None:
    """Print the table."""
    chosen = [atoms for atoms in ase.io.read(MINIMA, ":") if atoms.info["set"] == arguments.set]
    if arguments.molecules:
        chosen = [atoms for atoms in chosen if atoms.info["name"] in arguments.molecules.split(",")]
    names = arguments.optimizers.split(",")
    starts = [
        displaced(atoms, size, seed) for atoms in chosen for size in (0.05, 0.1) for seed in range(arguments.seeds)
    ]
    print(f"{'':14s} {'force calls, unchecked, displaced by 0.05 A':>38s} {'0.1 A':>38s}")
    print(f"{'molecule':14s} " + " ".join(f"{name:>12s}" for name in names * 2))
    with ProcessPoolExecutor(arguments.workers) as pool:
        runs = {name: pool.map(end, starts, itertools.repeat(name)) for name in names}
        found = {name: list(ends) for name, ends in runs.items()}
    for atoms in chosen:
        cells = []
        for size in (0.05, 0.1):
            rows = [n for n, s in enumerate(starts) if s.displacement == size and s.atoms.info == atoms.info]
            cells += [" ".join(str(found[name][n].calls) for n in rows) for name in names]
        print(f"{atoms.info['name']:14s} " + " ".join(f"{cell:>12s}" for cell in cells))
    for size in (0.05, 0.1):
        rows = [n for n, s in enumerate(starts) if s.displacement == size]
        print(f"\ndisplaced by {size} A, {len(rows)} starts, relative to {names[0]}")
        for name in names:
            print(line(name, [found[name][n] for n in rows], [found[names[0]][n] for n in rows]))
    print()
    for name in names[1:]:
        for start, ours, theirs in zip(starts, found[name], found[names[0]], strict=True):
            if abs(ours.energy - theirs.energy) > DIFFERENT:
                above = 1e3 * (ours.energy - theirs.energy)
                print(
                    f"{name}: {start.atoms.info['name']}, {start.displacement} A, seed {start.seed}: {above:+.0f} meV"
                )


def line(name: str, ours: list[End], theirs: list[End]) -> str:
    ratio = np.exp(np.mean([np.log(a.calls / b.calls) for a, b in zip(ours, theirs, strict=True)]))
    above = np.array([a.energy - b.energy for a, b in zip(ours, theirs, strict=True)])
    missed = sum(not one.converged for one in ours)
    calls = sum(one.calls for one in ours)
    higher, lower = (above > DIFFERENT).sum(), (above < -DIFFERENT).sum()
    return f"{name:24s} {ratio:6.3f}  calls {calls:5d}  missed {missed:2d}  higher {higher:2d}  lower {lower:2d}"


def build() -> None:
    """Relax the ideal geometries to minima, and write them."""
    minima = [minimum(ideal(name)) for name in TO_TUNE | TO_REPORT]
    ase.io.write(MINIMA, minima, format="extxyz", columns=["symbols", "positions"], write_results=False)


def minimum(atoms: Atoms) -> Atoms:
    """Where a run from slightly displaced atoms ends, and runs down every negative curvature after it."""
    atoms.rattle(0.03, seed=5)
    atoms.calc = molopt.potential("gfn2-xtb", atoms)
    while True:
        molopt.LBFGS(atoms, logfile=None).run(fmax=5e-4, steps=CAP)
        values, vectors = modes(atoms)
        print(f"{atoms.info['name']:14s} {len(atoms)} atoms, softest {values[0]:.3f} eV/A^2", flush=True)
        if values[0] > NEGATIVE:
            return atoms
        atoms.positions += 0.3 * vectors[:, 0].reshape(-1, 3)


def modes(atoms: Atoms) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues, eV/A^2, and vectors of the Hessian by finite differences, rigid motions apart."""
    moved, rows = atoms.copy(), []
    moved.calc = atoms.calc
    for shift in STEP * np.eye(3 * len(atoms)).reshape(-1, len(atoms), 3):
        pair = []
        for sign in (1, -1):
            moved.positions = atoms.positions + sign * shift
            pair.append(-moved.get_forces().ravel())
        rows.append((pair[0] - pair[1]) / (2 * STEP))
    hessian = (np.array(rows) + np.array(rows).T) / 2
    rigid = rigid_motions(atoms.positions)
    outside = np.eye(len(hessian)) - rigid @ rigid.T
    values, vectors = np.linalg.eigh(outside @ hessian @ outside + 1e3 * rigid @ rigid.T)
    return values, vectors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", choices=("report", "tune"), default="report")
    parser.add_argument("--molecules", help="of the set, separated by commas; all by default")
    parser.add_argument("--optimizers", default="sella,default,bfgs", help="the first is what others are divided by")
    parser.add_argument("--seeds", type=int, default=1, help="starts of each displacement")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--build", action="store_true", help="build the minima instead")
    arguments = parser.parse_args()
    if arguments.build:
        build()
    else:
        compare(arguments)


if __name__ == "__main__":
    main()
