"""Force calls of the default optimizer with one model Hessian or another, and with one setting or another.

    python docs/benchmarks/stiffness_models.py                          # the models, MMFF94
    python docs/benchmarks/stiffness_models.py --potential gfn2-xtb --largest 48 --seeds 2
    python docs/benchmarks/stiffness_models.py --settings               # memory, fade, damping, caps

Molecules of tuning_molecules.smi, none of which is reported elsewhere. One run goes to fmax 0.001 eV/A: (a) calls
to fmax 0.01, (b) calls until within 1 meV of the run's own floor; geometric means of the ratios to the first line;
misses of 500 calls; stops of (a) that are more than 5 meV above their floor.
"""

import argparse
import itertools
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

import molopt
from molopt.control import Trust
from molopt.potentials import Counted

CAP = 500
TUNING = Path(__file__).with_name("tuning_molecules.smi")


@dataclass(frozen=True)
class Variant:
    label: str
    model: str = "blend"
    contacts: bool = True
    direction: dict = field(default_factory=dict)
    control: dict = field(default_factory=dict)


MODELS = [
    Variant("learned, with MMFF94's constants (default)"),
    Variant("learned alone", "learned"),
    Variant("MMFF94's constants, contacts", "mmff94"),
    Variant("MMFF94's constants, no contacts", "mmff94", contacts=False),
    Variant("Fischer-Almlof, contacts", "fischer-almlof"),
    Variant("Fischer-Almlof, no contacts", "fischer-almlof", contacts=False),
    Variant("Lindh, contacts", "lindh"),
    Variant("Lindh, no contacts", "lindh", contacts=False),
    Variant("constant, contacts", "constant"),
    Variant("constant, no contacts", "constant", contacts=False),
]
SETTINGS = [
    Variant("default"),
    *(Variant(f"memory {value}", direction={"memory": value}) for value in (1, 3, 12, 30)),
    *(Variant(f"fade {value}", direction={"fade": value}) for value in (0.7, 0.8, 1.0)),
    *(Variant(f"damping {value}", direction={"damping": value}) for value in (0.2, 0.3, 0.7)),
    *(Variant(f"maxstep {value}", control={"maxstep": value}) for value in (0.5, 0.7, 1.5)),
    *(Variant(f"maxchange {value}", control={"maxchange": value}) for value in (0.35, 0.7)),
    *(Variant(f"rise {value}", control={"rise": value}) for value in (0.01, 1.0)),
]


class Counts(NamedTuple):
    to_fmax: int
    to_floor: int
    left: float  # eV, at the stop of (a)
    missed: bool


def counts(molecule: molopt.Molecule, potential: str, variant: Variant) -> Counts:
    atoms = molecule.atoms()
    atoms.calc = Counted(molopt.potential(potential, molecule))
    optimizer = molopt.LBFGS(
        atoms,
        logfile=None,
        coordinates="internal",
        model=variant.model,
        control=replace(Trust(), **variant.control),
        **variant.direction,
    )
    if not variant.contacts:
        optimizer.recipe = replace(optimizer.recipe, pairs=None)
    for converged in optimizer.irun(fmax=0.001):
        if converged or atoms.calc.force_calls >= CAP:
            break
    energies = np.array([call.energy for call in atoms.calc.trace])
    done = np.flatnonzero([call.fmax <= 0.01 for call in atoms.calc.trace])
    stop = int(done[0]) if len(done) else CAP - 1
    floor = int(np.flatnonzero(energies <= energies.min() + 1e-3)[0])
    left = float(energies[stop] - energies.min()) if len(done) else np.nan
    return Counts(stop + 1, floor + 1 if converged else CAP, left, not converged)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--settings", action="store_true", help="vary the settings, not the model")
    parser.add_argument("--potential", default="mmff94")
    parser.add_argument("--seeds", default="2,3")
    parser.add_argument("--largest", type=int, default=1000, help="atoms")
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    starts = [m for seed in given.seeds.split(",") for m in molopt.read(str(TUNING), seed=int(seed))]
    starts = [molecule for molecule in starts if len(molecule) <= given.largest]
    print(f"{given.potential}, {len(starts)} starts")
    print(f"{'':42s} {'(a)':>6s} {'(b)':>6s} {'calls':>6s} {'missed':>7s} {'stopped high':>13s}")
    first: list[Counts] = []
    with ProcessPoolExecutor(given.workers) as pool:
        for variant in SETTINGS if given.settings else MODELS:
            repeated = itertools.repeat
            found = list(pool.map(counts, starts, repeated(given.potential), repeated(variant)))
            first = first or found
            ratios = [[np.log(f[n] / g[n]) for f, g in zip(found, first, strict=True)] for n in range(2)]
            a, b = (np.exp(np.mean(ratio)) for ratio in ratios)
            high = sum(f.left > 0.005 for f in found)
            missed = sum(f.missed for f in found)
            total = sum(f.to_fmax for f in found)
            print(f"{variant.label:42s} {a:6.3f} {b:6.3f} {total:6d} {missed:7d} {high:13d}", flush=True)


if __name__ == "__main__":
    main()
