"""What Prodigy's estimate of the distance finds on molecules, beside the distance and the rate under control.

    python docs/benchmarks/estimates.py --molecules aladip,peg4,dodecane,sucrose

Cartesians, MMFF94, fmax 0.01 eV/A. The distance is the longest way of an entry from the first point to the last. Adam's
column is its lr times its rate, the length of its steps, in the same part of its own run.
"""

import argparse

import numpy as np

import molopt

EARLY = 30  # calls
CALLS = 1500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--molecules", default="aladip,sorbitol,peg4,glutathione,dodecane,sucrose")
    given = parser.parse_args()
    print("| molecule | calls | d after 30 | d at the end | distance, A | d x rate, second half | Adam's lr x rate |")
    print("|---|---|---|---|---|---|---|")
    for name in given.molecules.split(","):
        d, rates, distance = followed(molopt.Prodigy, name)
        _, others, _ = followed(molopt.Adam, name)
        half = len(d) // 2
        print(
            f"| {name} | {len(d) + 1} | {d[min(EARLY, len(d) - 1)]:.4f} | {d[-1]:.3f} | {distance:.2f} "
            f"| {np.median((d * rates)[half:]):.4f} | {0.03 * np.median(others[len(others) // 2 :]):.4f} |",
            flush=True,
        )


def followed(kind: type[molopt.RuleOptimizer], name: str) -> tuple[np.ndarray, np.ndarray, float]:
    """For each step the estimate d (zero of other rules) and the rate; and the longest way of an entry, Angstrom."""
    molecule = molopt.Molecule.named(name)
    atoms = molecule.atoms()
    atoms.calc = molopt.potential("mmff94", molecule)
    start = atoms.get_positions()
    optimizer, steps = kind(atoms, logfile=None), []
    for _ in optimizer.irun(fmax=0.01, steps=CALLS):
        if optimizer.memory is not None:
            memory = optimizer.memory
            estimate = getattr(memory.after, "d", np.zeros(1))
            steps.append((float(estimate[0]), float(memory.control.applied[0])))
    estimates, rates = np.array(steps).T
    return estimates, rates, float(np.abs(atoms.positions - start).max())


if __name__ == "__main__":
    main()
