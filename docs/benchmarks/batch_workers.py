"""Wall time of a batch of conformers in one process over that in two, on a machine with nothing else to do.

    python docs/benchmarks/batch_workers.py --molecules oseltamivir --count 4096

Starts are 128 embedded geometries in turn, each time moved at random by 0.02 A. Starting the processes is in the time.
"""

import argparse
import time

import numpy as np
from batch_ratio import MOLECULES, SETTINGS, embedded, with_conformers

import molopt

EMBEDDED = 128
MOVE = 0.02  # Angstrom


def seconds(molecule: molopt.Molecule, x: np.ndarray, workers: int) -> float:
    start = time.perf_counter()
    molopt.relax_batch(molecule, positions=x, workers=workers, **SETTINGS).collect()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--molecules", default="dopamine,oseltamivir,imatinib")
    parser.add_argument("--count", type=int, default=512)
    given = parser.parse_args()
    for name in given.molecules.split(","):
        mol = embedded(MOLECULES[name], EMBEDDED, 11)
        molecule = molopt.Molecule.from_rdkit(with_conformers(mol, [0]), name=name)
        found = np.array([conformer.GetPositions() for conformer in mol.GetConformers()])
        x = np.resize(found, (given.count, *found.shape[1:]))
        x = x + np.random.default_rng(0).normal(0, MOVE, x.shape)
        one, two = (seconds(molecule, x, workers) for workers in (1, 2))
        print(f"{name}, {given.count}: one {one:.2f} s, two {two:.2f} s, ratio {one / two:.2f}", flush=True)


if __name__ == "__main__":
    main()
