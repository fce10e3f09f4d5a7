"""Memory of a stream of many conformers through `molopt.relax_batch`: it must not grow with their number.

    python docs/benchmarks/batch_memory.py                      # 20,000 starts of one molecule
    python docs/benchmarks/batch_memory.py --different          # of the molecules of drugs.smi in turn
    python docs/benchmarks/batch_memory.py --workers 2

Starts are made when they are asked for: 64 embedded geometries in turn, each time moved at random by 0.02 A. Printed
are the conformers that are done, the resident memory of this process and its children, and the CPU time so far.
"""

import argparse
import itertools
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from batch_ratio import DRUGS, SETTINGS

import molopt

MB = 2**20
MOVE = 0.02  # Angstrom
EMBEDDED = 64


def different(molecules: list[molopt.Molecule], count: int) -> Iterator[molopt.Molecule]:
    """`count` starts, of the molecules in turn."""
    turn = itertools.cycle([(molecule, moves([molecule])) for molecule in molecules])
    for molecule, positions in itertools.islice(turn, count):
        yield molecule.moved(next(positions))


def moves(conformers: list[molopt.Molecule]) -> Iterator[np.ndarray]:
    """The geometries in turn, moved at random, without end."""
    random = np.random.default_rng(0)
    for conformer in itertools.cycle(conformers):
        yield conformer.positions + random.normal(0, MOVE, (len(conformer), 3))


def resident(process: int) -> float:
    """MB, with the children."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return pages * os.sysconf("SC_PAGE_SIZE") / MB + sum(resident(int(child)) for child in children)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--molecule", default="CC(=O)N[C@@H](C)C(=O)NC")
    parser.add_argument("--different", action="store_true")
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    lines = DRUGS.read_text().splitlines() if given.different else [given.molecule]
    molecules = [molopt.Molecule.from_smiles(line) for line in lines]
    if given.different:
        batch = molopt.relax_batch(different(molecules, given.count), workers=given.workers, **SETTINGS)
    else:
        embedded = list(molecules[0].conformers(EMBEDDED))
        positions = itertools.islice(moves(embedded), given.count)
        batch = molopt.relax_batch(molecules[0], positions=positions, workers=given.workers, **SETTINGS)
    converged, begun = 0, time.process_time()
    print("done  converged  MB  CPU s")
    for done, result in enumerate(batch, 1):
        converged += result.converged
        if done % (given.count // 10) == 0 or done == 100:
            print(done, converged, f"{resident(os.getpid()):.0f}", f"{time.process_time() - begun:.1f}", flush=True)


if __name__ == "__main__":
    main()
