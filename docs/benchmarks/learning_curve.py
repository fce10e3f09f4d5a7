"""How much the learned stiffness gains with the number of molecules that it was fitted to: printed, and drawn.

    python docs/benchmarks/learning_curve.py --out docs/pictures/learning_curve.png [--workers 2]

Hessians are those of training_molecules.smi under GFN2-xTB. For prefixes of the list: the error on every fifth
molecule, which is held out; and the force calls to fmax 0.01 eV/A of `molopt.LBFGS(model="learned")` under GFN2-xTB
from the molecules of tuning_molecules.smi up to 48 atoms, relative to Fischer's and Almlof's constants (geometric
mean).
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import repeat
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import molopt
from molopt.coordinates import learned
from molopt.coordinates.learned import Table
from molopt.fitting import fitted, held_out_error, samples_or_reason
from molopt.potentials import Counted

HERE = Path(__file__).parent
SIZES = (5, 10, 20, 40, 80, 160)
EVERY = 5  # one of so many is held out
LARGEST = 48  # atoms
CAP = 300
POTENTIAL = "gfn2-xtb"


def calls(molecule: molopt.Molecule, table: Table | None) -> int:
    """Force calls with the constants of a table, or Fischer's and Almlof's."""
    if table is not None:
        learned.shipped_constants = lambda: learned.Constants(table)
    atoms = molecule.atoms()
    atoms.calc = Counted(molopt.potential(POTENTIAL, molecule))
    model = "fischer-almlof" if table is None else "learned"
    molopt.LBFGS(atoms, logfile=None, coordinates="internal", model=model).run(fmax=0.01, steps=CAP)
    return atoms.calc.force_calls


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    starts = [m for m in molopt.read(str(HERE / "tuning_molecules.smi"), seed=2) if len(m) <= LARGEST]
    molecules = list(molopt.read(str(HERE / "training_molecules.smi"), seed=1))
    rows = []
    with ProcessPoolExecutor(given.workers) as pool:
        found = [
            one for one in pool.map(partial(samples_or_reason, method=POTENTIAL), molecules) if not isinstance(one, str)
        ]
        tests = [sample for one in found[::EVERY] for sample in one]
        training = [one for n, one in enumerate(found) if n % EVERY]
        plain = np.array(list(pool.map(calls, starts, repeat(None))))
        print("molecules  held-out error  calls relative to Fischer-Almlof", flush=True)
        for size in (*SIZES, len(training)):
            table = fitted([sample for one in training[:size] for sample in one])
            ratios = np.array(list(pool.map(calls, starts, repeat(table)))) / plain
            rows.append((size, held_out_error(tests, table), float(np.exp(np.log(ratios).mean()))))
            print(f"{rows[-1][0]:9d}  {rows[-1][1]:14.3f}  {rows[-1][2]:.3f}", flush=True)
    draw(np.array(rows), given.out)


def draw(rows: np.ndarray, path: Path) -> None:
    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.set(xscale="log", xlabel="training molecules", ylim=(0, 1.05 * rows[:, 1:].max()))
    axes.plot(rows[:, 0], rows[:, 2], "o-", color="#B00020", label="force calls relative to Fischer-Almlof")
    axes.plot(rows[:, 0], rows[:, 1], "s--", color="#1B1B7A", label="error of held-out Hessians")
    axes.set_xticks(rows[:, 0], [f"{size:.0f}" for size in rows[:, 0]])
    axes.minorticks_off()
    axes.legend(frameon=False)
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
