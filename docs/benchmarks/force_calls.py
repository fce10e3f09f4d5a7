"""Force calls of optimizers relative to one of them: how the defaults of the rules were found, and what they give.

    python docs/benchmarks/force_calls.py "adam?lr={0.01,0.03}&b2=0.98" "heavy-ball?growth=1.05" # one line a value
    python docs/benchmarks/force_calls.py --against bfgs adam/internal heavy-ball/internal     # in internal coordinates
    python docs/benchmarks/force_calls.py --molecules molecules adam heavy-ball                # the benchmark set

Arguments are optimizers as on the command line, with hyper-parameters of the rule and of `Control`. Molecules of
tuning_molecules.smi, one start a seed, unless others are named. One run, to fmax 0.001 eV/A or --cap force
calls, gives two counts: calls to fmax 0.01 eV/A, and calls until the energy is within 1 meV of the lowest of that
run. Printed: the geometric means of their ratios to the reference's (a miss counts as the cap), the misses of both,
how many energies at fmax 0.01 lie over 10 meV lower and higher than the reference's, and the worst ratio of the first.
"""

import argparse
import itertools
import re
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

import molopt
from molopt.errors import PotentialFailed
from molopt.optimizers.spec import OptimizerSpec
from molopt.potentials import Counted

REACHED, SETTLED = 0.01, 0.001  # eV/A
FLOOR = 1e-3  # eV
TUNING = Path(__file__).with_name("tuning_molecules.smi")


class Run(NamedTuple):
    reached: float  # force calls to fmax 0.01, infinite where it was not reached
    floor: float  # until within 1 meV of the lowest energy of the run, infinite where it did not settle
    energy: float  # at the first, eV


def run(specification: str, potential: str, molecule: molopt.Molecule, cap: int) -> Run:
    """One optimizer on one molecule."""
    atoms = molecule.atoms()
    atoms.calc = Counted(molopt.potential(potential, molecule))
    settled = False
    try:
        for settled in OptimizerSpec.of(specification).make(atoms).irun(fmax=SETTLED, steps=cap):
            if settled or atoms.calc.force_calls >= cap:
                break
    except PotentialFailed:
        settled = False
    trace = atoms.calc.trace
    small = [call for call, seen in enumerate(trace, 1) if seen.fmax <= REACHED]
    energies = np.array([seen.energy for seen in trace])
    first = small[0] if small else np.inf
    floor = int(np.argmax(energies <= energies.min() + FLOOR)) + 1 if settled else np.inf
    return Run(first, floor, energies[small[0] - 1 if small else -1])


def expand(specification: str) -> list[str]:
    """lr={0.01,0.02} -> one specification a value, all combinations."""
    parts = re.split(r"\{([^}]*)\}", specification)
    choices = [part.split(",") if index % 2 else [part] for index, part in enumerate(parts)]
    return ["".join(combination) for combination in itertools.product(*choices)]


def line(name: str, runs: Sequence[Run], reference: Sequence[Run], cap: int) -> str:
    """A row of the table."""
    cells = [f"{name:60s}"]
    for count in ("reached", "floor"):
        ours, theirs = (np.array([getattr(one, count) for one in those]) for those in (runs, reference))
        ratios = np.minimum(ours, cap) / np.minimum(theirs, cap)
        cells.append(f"{np.exp(np.log(ratios).mean()):8.3f} {np.isinf(ours).sum():7d}")
    above = np.array([ours.energy - theirs.energy for ours, theirs in zip(runs, reference, strict=True)])
    worst = max(min(ours.reached, cap) / min(theirs.reached, cap) for ours, theirs in zip(runs, reference, strict=True))
    return " ".join([*cells, f"{(above < -0.01).sum():6d} {(above > 0.01).sum():7d} {worst:6.2f}"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("specifications", nargs="+")
    parser.add_argument("--against", default="fire", help="the optimizer whose counts the others are divided by")
    parser.add_argument("--molecules", default=str(TUNING), help="file or folder; default: the tuning molecules")
    parser.add_argument("--seeds", default="2,3", help="of the embeddings of SMILES")
    parser.add_argument("--potential", default="mmff94")
    parser.add_argument("--atoms", type=int, default=1000, help="leave larger molecules out")
    parser.add_argument("--cap", type=int, default=3000, help="force calls of one run")
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    seeds = [int(seed) for seed in arguments.seeds.split(",")] if arguments.molecules.endswith(".smi") else [0]
    molecules = [molecule for seed in seeds for molecule in molopt.read(arguments.molecules, seed=seed)]
    molecules = [molecule for molecule in molecules if len(molecule) <= arguments.atoms]
    with ProcessPoolExecutor(arguments.workers) as pool:

        def runs(name: str) -> list[Run]:
            shared = [itertools.repeat(value) for value in (name, arguments.potential)]
            return list(pool.map(run, *shared, molecules, itertools.repeat(arguments.cap)))

        reference = runs(arguments.against)
        print(f"{len(molecules)} runs each, relative to {arguments.against}")
        print(f"{'optimizer':60s} {'to 0.01':>8s} {'misses':>7s} {'to floor':>8s} {'misses':>7s}", end=" ")
        print(f"{'lower':>6s} {'higher':>7s} {'worst':>6s}")
        for name in [arguments.against, *itertools.chain.from_iterable(map(expand, arguments.specifications))]:
            found = reference if name == arguments.against else runs(name)
            print(line(name, found, reference, arguments.cap), flush=True)


if __name__ == "__main__":
    main()
