"""Force calls from plain `ase.Atoms`, as `ase.io.read` gives them, beside those from a `molopt.Molecule`.

    python docs/benchmarks/plain_atoms.py --potential mmff94 --potential gfn2-xtb --largest 100 --workers 2

Baker's 30 molecules, Birkholz's and Schlegel's 19 and the 32 of `molecules/`, each from its own start to fmax 0.01
eV/A, by `molopt.relax` with `check=None` and by `molopt.LBFGS`, once as a Molecule and once as atoms that hold numbers
and positions alone, on a calculator that was told the charge. Prints the geometric mean of plain / Molecule, and every
start where they differ.
"""

import argparse
import logging
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import rows as table
from ase import Atoms

import molopt

FMAX, STEPS = 0.01, 3000


class Counts(NamedTuple):
    """Force calls of one start: of `relax` and of the class, from a Molecule and from plain atoms."""

    set: str
    potential: str
    name: str
    atoms: int
    relax: tuple[int, int]
    lbfgs: tuple[int, int]

    def as_row(self) -> dict[str, object]:
        counts = dict(zip(("relax", "relax_plain", "lbfgs", "lbfgs_plain"), (*self.relax, *self.lbfgs), strict=True))
        return {"potential": self.potential, "set": self.set, "molecule": self.name, "atoms": self.atoms} | counts


def molecules(name: str) -> list[molopt.Molecule]:
    if name == "molecules":
        return [molopt.Molecule.named(shipped) for shipped in molopt.shipped_names()]
    return list(molopt.read(name))


def counted(potential: str, start: tuple[str, molopt.Molecule]) -> Counts | None:
    """The counts of one start; None where the potential does not cover the molecule."""
    logging.getLogger("molopt").setLevel(logging.ERROR)
    name, molecule = start
    bare = Atoms(molecule.numbers, molecule.positions)
    try:
        relaxed = []
        for atoms in (molecule.atoms(), bare.copy()):
            atoms.calc = molopt.potential(potential, molecule)
            relaxed.append(molopt.relax(atoms, fmax=FMAX, energy_left=None, steps=STEPS, check=None).force_calls)
        stepped = []
        for atoms in (molecule.atoms(), bare.copy()):
            atoms.calc = molopt.potential(potential, molecule)
            optimizer = molopt.LBFGS(atoms, logfile=None)
            optimizer.run(fmax=FMAX, steps=STEPS)
            stepped.append(optimizer.nsteps + 1)
    except molopt.InputError:
        return None
    return Counts(name, potential, molecule.name, len(molecule), tuple(relaxed), tuple(stepped))


def mean(counts: list[tuple[int, int]]) -> float:
    """The geometric mean of plain over Molecule."""
    return float(np.exp(np.mean([np.log(plain / known) for known, plain in counts])))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--potential", action="append", default=[])
    parser.add_argument("--largest", type=int, default=10**6, help="atoms")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--rows", type=Path, help="a CSV file for the rows")
    arguments = parser.parse_args()
    starts = [
        (name, molecule)
        for name in ("baker", "birkholz-schlegel", "molecules")
        for molecule in molecules(name)
        if len(molecule) <= arguments.largest
    ]
    found: dict[tuple[str, str], list[Counts]] = defaultdict(list)
    with ProcessPoolExecutor(arguments.workers) as pool:
        for potential in arguments.potential or ["mmff94"]:
            for counts in pool.map(partial(counted, potential), starts):
                if counts is not None:
                    found[potential, counts.set].append(counts)
    table.write(arguments.rows, [row.as_row() for counts in found.values() for row in counts])
    print("| potential | set | starts | relax (unchecked), plain / Molecule | LBFGS, the same | starts that differ |")
    print("| --- | --- | --- | --- | --- | --- |")
    for (potential, name), rows in found.items():
        differing = [row.name for row in rows if len(set(row.relax)) > 1 or len(set(row.lbfgs)) > 1]
        ratios = f"{mean([row.relax for row in rows]):.3f} | {mean([row.lbfgs for row in rows]):.3f}"
        print(f"| {potential} | {name} | {len(rows)} | {ratios} | {', '.join(differing) or 'none'} |")


if __name__ == "__main__":
    main()
