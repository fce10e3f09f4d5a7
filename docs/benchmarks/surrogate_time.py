"""What a surrogate costs a step: CPU seconds inside it and of the way down on the corrected model, by size.

    OMP_NUM_THREADS=1 python docs/benchmarks/surrogate_time.py

Alkanes from RDKit, relaxed on UFF and guided by MMFF94s; median and largest of the guided steps, potential excluded.
"""

import time

import numpy as np

import molopt
from molopt.potentials import Counted

SIZES = (80, 300, 998)  # atoms
STEPS = 6


def main() -> None:
    print("atoms  set-up s  a step: surrogate s, all of molopt's s (median, largest); calls a step")
    for size in SIZES:
        molecule = molopt.Molecule.from_smiles("C" * ((size - 2) // 3), seed=1)
        atoms = molecule.atoms()
        atoms.calc = Counted(molopt.potential("uff", molecule))
        start = time.process_time()
        surrogate = molopt.potential("mmff94s", molecule)
        set_up = time.process_time() - start
        optimizer = molopt.LBFGS(atoms, logfile=None, coordinates="internal", surrogate=surrogate)
        inside, own = [], []
        before = time.process_time()
        for _ in optimizer.irun(fmax=1e-6, steps=STEPS):
            now = time.process_time()
            inside.append(optimizer.surrogate.seconds - sum(inside))
            own.append(now - before - atoms.calc.trace[-1].seconds)
            before = now
        guided, spent = np.array(inside[1:]), np.array(own[1:])
        print(
            f"{len(molecule):5d}  {set_up:8.2f}  {np.median(guided):.3f}, {np.median(spent):.3f} ({guided.max():.3f}, "
            f"{spent.max():.3f}); {optimizer.surrogate.calls / STEPS:.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
