"""Force calls of the rules relative to ASE's FIRE: how the defaults were found, and what they give.

    python docs/force_calls.py "adam?lr={0.01,0.03}&b2=0.98" "heavy-ball?growth=1.05"    # braces: one line a value
    python docs/force_calls.py --molecules molecules adam heavy-ball                     # the benchmark set

Arguments are optimizers as on the command line, with hyper-parameters of the rule and of `Control`. MMFF94, fmax
0.01 eV/A, at most 3,000 force calls (a miss counts as 3,000); molecules of docs/tuning_molecules.smi, one start a
seed, unless others are named. Printed: the geometric mean of the ratio to FIRE's calls, the misses, and how many ends
lie over 10 meV lower and higher than FIRE's.
"""

import argparse
import itertools
import re
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

import molopt
from molopt.optimizers.names import choose
from molopt.potentials import Counted

CAP = 3000
TUNING = Path(__file__).with_name("tuning_molecules.smi")


def force_calls(specification: str, molecule: molopt.Molecule) -> tuple[int, bool, float]:
    """Force calls to fmax 0.01, whether it was reached, and the last energy (eV)."""
    atoms = molecule.atoms()
    atoms.calc = Counted(molopt.potential("mmff94", molecule))
    for converged in choose(specification).make(atoms).irun(fmax=0.01):
        if converged or atoms.calc.force_calls >= CAP:
            break
    return (atoms.calc.force_calls if converged else CAP), bool(converged), atoms.get_potential_energy()


def expand(specification: str) -> list[str]:
    """lr={0.01,0.02} -> one specification a value, all combinations."""
    parts = re.split(r"\{([^}]*)\}", specification)
    choices = [part.split(",") if index % 2 else [part] for index, part in enumerate(parts)]
    return ["".join(combination) for combination in itertools.product(*choices)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("specifications", nargs="+")
    parser.add_argument("--molecules", default=str(TUNING), help="file or folder; default: the tuning molecules")
    parser.add_argument("--seeds", default="2,3", help="of the embeddings of SMILES")
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    seeds = [int(seed) for seed in arguments.seeds.split(",")] if arguments.molecules.endswith(".smi") else [0]
    molecules = [molecule for seed in seeds for molecule in molopt.read(arguments.molecules, seed=seed)]
    with ProcessPoolExecutor(arguments.workers) as pool:

        def run(specification: str) -> list[tuple[int, bool, float]]:
            return list(pool.map(force_calls, itertools.repeat(specification), molecules))

        fire = run("fire")
        print(f"{'optimizer':60s} {'calls/FIRE':>10s} {'misses':>7s} {'lower':>6s} {'higher':>7s}")
        for specification in itertools.chain.from_iterable(map(expand, arguments.specifications)):
            runs = run(specification)
            ratios = [ours[0] / theirs[0] for ours, theirs in zip(runs, fire, strict=True)]
            above = np.array([ours[2] - theirs[2] for ours, theirs in zip(runs, fire, strict=True)])
            misses = sum(not converged for _, converged, _ in runs)
            mean = np.exp(np.mean(np.log(ratios)))
            lower, higher = (above < -0.01).sum(), (above > 0.01).sum()
            print(f"{specification:60s} {mean:10.3f} {misses:7d} {lower:6d} {higher:7d}", flush=True)


if __name__ == "__main__":
    main()
