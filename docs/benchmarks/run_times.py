"""What whole runs cost on one thread, relative to ASE's BFGS: CPU seconds, which do not depend on who else is at work.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python docs/benchmarks/run_times.py --potential mmff94

Baker's 27 molecules of up to 20 atoms, and twelve shipped ones of 22 to 92, to fmax 0.01 eV/A or 3,000 steps. Geometric
means over the molecules on which both converged; each optimizer has run once before, as some compile at first.
"""

import argparse
import math
import time

import molopt
from molopt.optimizers.spec import OptimizerSpec
from molopt.run import Run

SHIPPED = (
    "aladip", "sorbitol", "peg4", "dodecane", "spermine",
    "tetrayne", "octanoic_dimer", "laureth4", "pcda", "verapamil", "peg12", "squalane",
)  # fmt: skip
OPTIMIZERS = ("default", "adam/internal", "heavy-ball/internal", "adam", "bfgs", "lbfgs", "fire", "sella")
SIZES = ((1, 20), (21, 45), (46, 130))  # atoms


def seconds(molecule: molopt.Molecule, optimizer: str, potential: str, steps: int = 3000) -> float:
    """CPU of a run; NaN where it did not converge."""
    run = Run(molecule, OptimizerSpec.of(optimizer), potential, 0.01, None, steps)
    start = time.process_time()
    run.go()
    taken = time.process_time() - start
    return taken if run.result().converged else math.nan


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--potential", default="mmff94")
    potential = parser.parse_args().potential
    molecules = [molecule for molecule in molopt.read("baker") if len(molecule) <= SIZES[0][1]]
    molecules += [molopt.Molecule.named(name) for name in SHIPPED]
    for optimizer in OPTIMIZERS:
        seconds(molecules[-1], optimizer, potential, steps=3)
    logs: dict[tuple[str, int], list[float]] = {}
    for molecule in molecules:
        size = next(n for n, (low, high) in enumerate(SIZES) if low <= len(molecule) <= high)
        taken = {optimizer: seconds(molecule, optimizer, potential) for optimizer in OPTIMIZERS}
        print(
            f"{molecule.name}, {len(molecule)} atoms:",
            ", ".join(f"{key} {value:.2f} s" for key, value in taken.items()),
        )
        for optimizer, value in taken.items():
            log = math.log(value / taken["bfgs"])
            if math.isfinite(log):
                logs.setdefault((optimizer, size), []).append(log)
    print(f"\n| {potential}, CPU time relative to BFGS |", *(f"{low} to {high} atoms |" for low, high in SIZES))
    print(f"|{' --- |' * (1 + len(SIZES))}")
    for optimizer in OPTIMIZERS:
        means = [math.exp(sum(part) / len(part)) for n in range(len(SIZES)) if (part := logs.get((optimizer, n)))]
        print(f"| {optimizer} |", *(f"{mean:.2f} |" for mean in means))


if __name__ == "__main__":
    main()
