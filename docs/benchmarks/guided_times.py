"""Whether a surrogate saves time on GFN2-xTB: CPU time and force calls of guided over unguided runs, by size.

    OMP_NUM_THREADS=1 python docs/benchmarks/guided_times.py docs/benchmarks/training_molecules.smi --largest 19
    OMP_NUM_THREADS=1 python docs/benchmarks/guided_times.py docs/benchmarks/drugs.smi --largest 48 --every 5

Runs are `molopt.relax(molecule, potential="gfn2-xtb", surrogate=...)` with "mmff94s" and None, one after the other, at
the other defaults, the check included; one conformer a molecule. Geometric means, and how many are slower by more than
2 %. Below 20 atoms "auto" has no surrogate on xTB.
"""

import argparse
import math
import statistics
import time
from typing import NamedTuple

import molopt

CLASSES = (0, 8, 12, 16, 20, 25, 30, 40, 60, 100)  # atoms at which one begins


class Pair(NamedTuple):
    atoms: int
    calls: float  # guided over unguided
    seconds: float  # likewise


def spent(molecule: molopt.Molecule, surrogate: str | None) -> tuple[int, float]:
    """Force calls and CPU seconds of one run."""
    start = time.process_time()
    result = molopt.relax(molecule, potential="gfn2-xtb", surrogate=surrogate, fmax=0.01)
    return result.force_calls, time.process_time() - start


def geometric(ratios: list[float]) -> float:
    return math.exp(statistics.fmean(map(math.log, ratios)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("molecules", help="a file of molecules")
    parser.add_argument("--largest", type=int, default=40, help="atoms")
    parser.add_argument("--every", type=int, default=1, help="take every so many molecules only")
    given = parser.parse_args()
    molecules = [m for m in molopt.read(given.molecules, seed=3) if len(m) <= given.largest][:: given.every]
    for surrogate in (None, "mmff94s"):
        spent(molecules[0], surrogate)  # imports, and kernels
    pairs = []
    for molecule in molecules:
        try:
            (calls, seconds), (fewer, less) = (spent(molecule, surrogate) for surrogate in (None, "mmff94s"))
        except molopt.InputError:  # no parameters
            continue
        pairs.append(Pair(len(molecule), fewer / calls, less / seconds))
    print("   atoms  molecules  calls   time  slower")
    for first, end in zip(CLASSES, (*CLASSES[1:], math.inf), strict=True):
        those = [pair for pair in pairs if first <= pair.atoms < end]
        if those:
            calls, times = geometric([pair.calls for pair in those]), geometric([pair.seconds for pair in those])
            slower = sum(pair.seconds > 1.02 for pair in those)
            print(f"{first:3d} ..{end - 1:3.0f}  {len(those):9d}  {calls:5.3f}  {times:5.3f}  {slower:6d}", flush=True)


if __name__ == "__main__":
    main()
