"""Force calls on straight chains: polyynes of two to six triple bonds, relative to Sella's.

    python docs/benchmarks/polyynes.py                  # the table of docs/notes/polyynes.md, Markdown; minutes
    python docs/benchmarks/polyynes.py --set tuning     # what was tuned on

Molecules are embedded by RDKit (ETKDGv3) and relaxed under GFN2-xTB to fmax 0.01 eV/A. The two sets were chosen before
anything was tuned. `default` is `molopt.relax` with `check=None`, `unguided` the same without a surrogate; `plain`
starts from atoms without bonds, as they are read from an XYZ file.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from typing import NamedTuple

import numpy as np
from ase import Atoms

import molopt
from molopt.errors import PotentialFailed

FMAX = 0.01  # eV/A
CAP = 300  # force calls
SAME = 1e-3  # eV; ends that differ by more are different ends
COLUMNS = {
    "Sella": ("sella", False),
    "default": ("default", False),
    "default, plain": ("default", True),
    "unguided": ("default?surrogate=none", False),
    "unguided, plain": ("default?surrogate=none", True),
}

ENDS = {  # SMILES whose first atom is bonded to the chain
    "H": "",
    "Me": "C",
    "Ph": "c1ccccc1",
    "TMS": "[Si](C)(C)C",
    "CH2OH": "CO",
    "tBu": "C(C)(C)C",
    "CF3": "C(F)(F)F",
    "CHO": "C=O",
    "vinyl": "C=C",
    "NMe2": "N(C)C",
}
TUNING = ["H-3-H", "Me-2-H", "Me-5-Me", "Ph-3-H", "TMS-2-TMS", "CH2OH-4-CH2OH", "tBu-3-tBu", "vinyl-4-H", "NMe2-2-Ph"]
REPORTED = [
    *("H-2-H", "H-4-H", "H-6-H"),
    *("Me-2-Me", "Me-4-Me"),
    *("Ph-2-Ph", "Ph-5-H"),
    *("TMS-3-TMS", "TMS-6-H"),
    *("CH2OH-3-CH2OH", "CH2OH-5-H"),
    *("Me-3-Ph", "CF3-4-CH2OH", "CHO-2-Me"),
]
SETS = {"tuning": TUNING, "reported": REPORTED}


class Run(NamedTuple):
    calls: float  # to fmax 0.01, infinite where it was not reached
    energy: float  # there, eV


def polyyne(name: str, seed: int) -> molopt.Molecule:
    """A chain by its ends and the number of its triple bonds: Me-2-Ph."""
    first, count, last = name.split("-")
    start = f"C({ENDS[first]})#C" if ENDS[first] else "C#C"
    return molopt.Molecule.from_smiles(start + "C#C" * (int(count) - 1) + ENDS[last], seed=seed, name=name)


def displaced(molecule: molopt.Molecule, seed: int, size: float) -> molopt.Molecule:
    """Each coordinate of each atom displaced at random, by a standard deviation of so many Angstrom."""
    random = np.random.default_rng(seed)
    return molecule.with_positions(molecule.positions + random.normal(0, size, molecule.positions.shape))


def run(name: str, seed: int, displacement: float, optimizer: str, plain: bool) -> Run:
    """One optimizer on one chain."""
    target: molopt.Molecule | Atoms = displaced(polyyne(name, seed), seed, displacement)
    if plain:
        target = Atoms(target.numbers, positions=target.positions, info={"charge": 0})
    try:
        result = molopt.relax(target, optimizer, "gfn2-xtb", fmax=FMAX, energy_left=None, steps=CAP - 1, check=None)
    except PotentialFailed:
        return Run(np.inf, np.nan)
    return Run(result.force_calls if result.converged else np.inf, float(result.energy))


def cell(one: Run, reference: Run) -> str:
    """Calls, and how far the end lies above or below the reference's, in meV, where it does."""
    calls = "-" if np.isinf(one.calls) else f"{one.calls:.0f}"
    apart = one.energy - reference.energy
    return f"{calls} ({1e3 * apart:+.0f})" if abs(apart) > SAME else calls


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", default="reported", choices=SETS)
    parser.add_argument("--chains", help="instead of a set: names such as Me-2-Ph, separated by commas")
    parser.add_argument("--seeds", default="7")
    parser.add_argument("--displacements", default="0,0.1", help="of the starts, Angstrom")
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    seeds = [int(seed) for seed in arguments.seeds.split(",")]
    displacements = [float(size) for size in arguments.displacements.split(",")]
    chains = arguments.chains.split(",") if arguments.chains else SETS[arguments.set]
    systems = list(product(chains, seeds, displacements))
    tasks = [(*system, *column) for column in COLUMNS.values() for system in systems]
    with ProcessPoolExecutor(arguments.workers) as pool:
        done = list(pool.map(run, *zip(*tasks, strict=True)))
    runs = {name: done[n * len(systems) : (n + 1) * len(systems)] for n, name in enumerate(COLUMNS)}
    print("| unchecked |", " | ".join(COLUMNS), "|\n|---|" + "---|" * len(COLUMNS))
    for n, (name, seed, size) in enumerate(systems):
        label = f"{name}, {size:g}" + (f", {seed}" if len(seeds) > 1 else "")
        print("|", " | ".join([label, *(cell(found[n], runs["Sella"][n]) for found in runs.values())]), "|")
    counts = {name: np.array([min(one.calls, CAP) for one in found]) for name, found in runs.items()}
    for size in displacements:
        chosen = [n for n, system in enumerate(systems) if system[2] == size]
        means = [np.exp(np.log(count[chosen] / counts["Sella"][chosen]).mean()) for count in counts.values()]
        print(f"| **mean ratio to Sella, {size:g}** |", " | ".join(f"{mean:.2f}" for mean in means), "|")


if __name__ == "__main__":
    main()
