"""Force calls on surfaces, vacancies, crystals, clusters and bands: the systems without internal coordinates.

    python docs/benchmarks/cartesian.py             # the table of docs/notes/cartesian.md, Markdown; minutes
    python docs/benchmarks/cartesian.py --set tuning --seeds 0,1   # what was tuned on
    python docs/benchmarks/cartesian.py --systems "Pt(111),Al vacancy" --optimizers default

Systems are built by ASE and computed with ASE's EMT, so that nothing else is needed to repeat it. The two sets were
chosen before anything was tuned. A run that does not arrive within --cap force calls counts as --cap. A band counts its
steps, each of which computes every moving image; it has no elastic coordinates, and rules are plainly Cartesian there.
"""

import argparse
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import rows as table
from ase import Atoms
from ase.build import add_adsorbate, bulk, fcc100, fcc110, fcc111, fcc211
from ase.calculators.emt import EMT
from ase.cluster import Decahedron, Icosahedron, Octahedron
from ase.constraints import FixAtoms
from ase.filters import FrechetCellFilter, UnitCellFilter
from ase.mep import NEB
from ase.optimize import BFGS

from molopt.optimizers.spec import OptimizerSpec

FMAX = (0.05, 0.01)  # eV/A
OPTIMIZERS = ",".join(
    [
        *("bfgs", "lbfgs", "fire", "fire2", "default", "lbfgs/elastic", "lbfgs/cartesian"),
        *("adam/elastic", "heavy-ball/elastic", "adam", "heavy-ball", "momentum"),
    ]
)
REFERENCES = ("bfgs", "fire")
SAME = 5e-3  # eV; ends that differ by more are different ends

Random = np.random.Generator


def slab(atoms: Atoms, random: Random, fixed: int = 2, rattle: float = 0.05) -> Atoms:
    """The atoms displaced at random, with the lowest layers fixed; tag 1 is the uppermost layer."""
    atoms.positions += random.normal(0, rattle, (len(atoms), 3))
    layers = int(atoms.get_tags().max())
    atoms.set_constraint(FixAtoms(mask=atoms.get_tags() > layers - fixed))
    return atoms


def stepped(element: str, random: Random) -> Atoms:
    """A (211) surface, whose layers ASE does not count; the lower half is fixed."""
    atoms = fcc211(element, (3, 3, 4), vacuum=6.0)
    heights = atoms.positions[:, 2].round(3)
    atoms.set_tags(len(np.unique(heights)) - np.unique(heights, return_inverse=True)[1])
    return slab(atoms, random, fixed=int(atoms.get_tags().max()) // 2)


def with_adsorbate(atoms: Atoms, adsorbate: Any, height: float, site: str, random: Random) -> Atoms:
    add_adsorbate(atoms, adsorbate, height, site, offset=0.5 * random.random(2))
    return slab(atoms, random, rattle=0.02)


def vacancies(element: str, size: int, missing: int, random: Random) -> Atoms:
    """A cubic supercell without some of its atoms, displaced at random."""
    atoms = bulk(element, cubic=True) * (size, size, size)
    del atoms[random.choice(len(atoms), missing, replace=False).tolist()]
    atoms.rattle(0.03, rng=random)
    return atoms


def alloy(one: str, other: str, size: int, random: Random) -> Atoms:
    atoms = bulk(one, cubic=True) * (size, size, size)
    chosen = random.choice(len(atoms), len(atoms) // 2, replace=False)
    atoms.symbols[chosen] = other
    return atoms


def strained(atoms: Atoms, strain: float, random: Random) -> Atoms:
    """Cell and atoms deformed, atoms displaced at random as well."""
    atoms.set_cell(atoms.cell @ (np.eye(3) + random.normal(0, strain, (3, 3))), scale_atoms=True)
    atoms.rattle(0.05, rng=random)
    return atoms


def interstitial(element: str, size: int, random: Random) -> Atoms:
    atoms = bulk(element, cubic=True) * (size, size, size)
    a = atoms.cell[0, 0] / size
    atoms += Atoms(element, positions=[a * np.array([0.5, 0.5, 0.5]) + random.normal(0, 0.1, 3)])
    return atoms


def island(element: str, random: Random) -> Atoms:
    """Seven atoms of a layer on a (111) surface."""
    atoms = fcc111(element, (4, 4, 4), vacuum=6.0)
    top = atoms.positions[atoms.get_tags() == 1]
    centre = top[np.linalg.norm((top - top.mean(axis=0))[:, :2], axis=1).argmin()]
    seven = top[np.argsort(np.linalg.norm(top - centre, axis=1))[:7]]
    rise = atoms.positions[:, 2].max() - np.unique(atoms.positions[:, 2].round(6))[-2]
    hollow = np.array([0.0, np.linalg.norm(atoms.cell[0]) / 4 / np.sqrt(3), rise])
    atoms += Atoms(f"{element}7", positions=seven + hollow)
    return slab(atoms, random)


def cluster(atoms: Any, rattle: float, random: Random) -> Atoms:
    atoms = Atoms(atoms.symbols, positions=atoms.positions)
    atoms.rattle(rattle, rng=random)
    return atoms


def band(first: Atoms, last: Atoms, images: int, random: Random) -> NEB:
    """A band between relaxed ends, interpolated and displaced a little."""
    for end in (first, last):
        end.calc = EMT()
        BFGS(end, logfile=None).run(fmax=0.01)
    chain = [first, *(first.copy() for _ in range(images)), last]
    for image in chain[1:-1]:
        image.calc = EMT()
    neb = NEB(chain, method="improvedtangent")
    neb.interpolate("idpp" if not first.pbc.any() else "linear")
    for image in chain[1:-1]:
        image.rattle(0.01, rng=random)
    return neb


def hop_on_100(surface: str, adatom: str, images: int, random: Random) -> NEB:
    """An adatom from one hollow to the next."""
    first = fcc100(surface, (2, 2, 3), vacuum=10.0)
    add_adsorbate(first, adatom, 1.7, "hollow")
    first.set_constraint(FixAtoms(mask=first.get_tags() > 1))
    last = first.copy()
    last.positions[-1, 0] += last.cell[0, 0] / 2
    return band(first, last, images, random)


def vacancy_hop(element: str, images: int, random: Random) -> NEB:
    """A neighbour that jumps into a vacancy."""
    first = bulk(element, cubic=True) * (2, 2, 2)
    del first[0]
    last = first.copy()
    hopping = int(np.linalg.norm(first.positions, axis=1).argmin())
    last.positions[hopping] = 0.0
    return band(first, last, images, random)


def molecule_on(surface: Atoms, symbols: str, bond: float, height: float, site: str, random: Random) -> Atoms:
    """A diatomic, upright and tilted at random."""
    tilt = random.normal(0, 0.2, 3)
    axis = np.array([0, 0, 1]) + tilt
    pair = Atoms(symbols, positions=[np.zeros(3), bond * axis / np.linalg.norm(axis)])
    return with_adsorbate(surface, pair, height, site, random)


Builder = Callable[[Random], Any]

TUNING: dict[str, Builder] = {
    "O on Ni(100)": lambda r: with_adsorbate(fcc100("Ni", (3, 3, 4), vacuum=6.0), "O", 1.2, "hollow", r),
    "N on Pd(111)": lambda r: with_adsorbate(fcc111("Pd", (3, 3, 4), vacuum=6.0), "N", 1.2, "fcc", r),
    "CO on Cu(100)": lambda r: molecule_on(fcc100("Cu", (3, 3, 4), vacuum=6.0), "CO", 1.15, 1.8, "ontop", r),
    "H on Pt(110)": lambda r: with_adsorbate(fcc110("Pt", (2, 3, 4), vacuum=6.0), "H", 1.2, "hollow", r),
    "Ag(110)": lambda r: slab(fcc110("Ag", (3, 3, 5), vacuum=6.0), r, rattle=0.1),
    "Ni vacancy": lambda r: vacancies("Ni", 3, 1, r),
    "Ag divacancy": lambda r: vacancies("Ag", 2, 2, r),
    "Pd cell, Frechet": lambda r: FrechetCellFilter(strained(bulk("Pd", cubic=True) * (2, 2, 2), 0.03, r)),
    "CuNi alloy cell, Frechet": lambda r: FrechetCellFilter(alloy("Cu", "Ni", 2, r)),
    "Pt primitive cell, unit": lambda r: UnitCellFilter(strained(bulk("Pt"), 0.03, r)),
    "Ag38 octahedron": lambda r: cluster(Octahedron("Ag", 4, 1), 0.15, r),
    "Ni 54 decahedron": lambda r: cluster(Decahedron("Ni", 3, 3, 0), 0.15, r),
    "band: Pt on Cu(100), 3 images": lambda r: hop_on_100("Cu", "Pt", 3, r),
    "band: Ni vacancy, 5 images": lambda r: vacancy_hop("Ni", 5, r),
}

REPORTED: dict[str, Builder] = {
    "N2 on Cu(111)": lambda r: molecule_on(fcc111("Cu", (3, 3, 4), vacuum=6.0), "N2", 1.1, 1.85, "ontop", r),
    "O on Cu(111)": lambda r: with_adsorbate(fcc111("Cu", (3, 3, 4), vacuum=6.0), "O", 1.2, "fcc", r),
    "C on Ni(111)": lambda r: with_adsorbate(fcc111("Ni", (3, 3, 4), vacuum=6.0), "C", 1.2, "hcp", r),
    "Au on Al(100)": lambda r: with_adsorbate(fcc100("Al", (3, 3, 4), vacuum=6.0), "Au", 1.7, "hollow", r),
    "Pt(111)": lambda r: slab(fcc111("Pt", (3, 3, 4), vacuum=6.0), r, rattle=0.1),
    "step of Cu(211)": lambda r: stepped("Cu", r),
    "island of Ag7 on Ag(111)": lambda r: island("Ag", r),
    "Al vacancy": lambda r: vacancies("Al", 3, 1, r),
    "Au divacancy": lambda r: vacancies("Au", 3, 2, r),
    "Cu interstitial": lambda r: interstitial("Cu", 3, r),
    "Cu cell, Frechet": lambda r: FrechetCellFilter(strained(bulk("Cu", cubic=True) * (2, 2, 2), 0.03, r)),
    "AuPd alloy cell, Frechet": lambda r: FrechetCellFilter(alloy("Au", "Pd", 2, r)),
    "Al primitive cell, unit": lambda r: UnitCellFilter(strained(bulk("Al"), 0.03, r)),
    "Pd55 icosahedron": lambda r: cluster(Icosahedron("Pd", 3), 0.15, r),
    "Au38 octahedron": lambda r: cluster(Octahedron("Au", 4, 1), 0.15, r),
    "band: Au on Al(100), 3 images": lambda r: hop_on_100("Al", "Au", 3, r),
    "band: Cu on Cu(100), 7 images": lambda r: hop_on_100("Cu", "Cu", 7, r),
    "band: Cu vacancy, 5 images": lambda r: vacancy_hop("Cu", 5, r),
}

SETS = {"tuning": TUNING, "reported": REPORTED}


class Run(NamedTuple):
    calls: tuple[float, ...]  # to each fmax; infinite where it was not reached
    energy: float  # of the end, eV; the highest of a band


def run(where: str, name: str, seed: int, optimizer: str, cap: int, fmax: tuple[float, ...] = FMAX) -> Run:
    """One optimizer on one system; fmax from the loosest to the tightest."""
    system = SETS[where][name](np.random.default_rng([seed, *name.encode()]))
    atoms = system if isinstance(system, Atoms) else getattr(system, "atoms", None)
    if atoms is not None:
        atoms.calc = EMT()
    made = OptimizerSpec.of(optimizer.replace("/elastic", "/cartesian") if isinstance(system, NEB) else optimizer).make(
        system, logfile=None
    )
    calls, count = [np.inf] * len(fmax), 0
    try:
        for _ in made.irun(fmax=fmax[-1], steps=cap - 1):
            count += 1
            largest = np.sqrt((made.optimizable.get_gradient().reshape(-1, 3) ** 2).sum(axis=1).max())
            calls = [min(one, count) if largest < limit else one for one, limit in zip(calls, fmax, strict=True)]
    except Exception as error:
        print(f"{optimizer} on {name}: {type(error).__name__}: {error}", file=sys.stderr)
        return Run((*calls[:-1], np.inf), np.nan)
    if atoms is None:
        return Run(tuple(calls), max(image.get_potential_energy() for image in system.images[1:-1]))
    return Run(tuple(calls), float(atoms.get_potential_energy()))


def ratio(runs: list[Run], reference: list[Run], which: int, cap: int) -> float:
    """Geometric mean of calls relative to the reference's, a miss counting as the cap."""
    ours, theirs = (np.array([min(one.calls[which], cap) for one in those]) for those in (runs, reference))
    return float(np.exp(np.log(ours / theirs).mean()))


def said(one: Run, lowest: float) -> str:
    """The cell of the table: calls to each fmax, and how far the end lies above the lowest, where it does."""
    counts = ", ".join("-" if np.isinf(count) else f"{count:.0f}" for count in one.calls)
    higher = one.energy - lowest
    return f"{counts} (+{1e3 * higher:.0f})" if higher > SAME else counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", default="reported", choices=SETS)
    parser.add_argument("--systems", help="of the set, by default all; one with a comma in its name cannot be chosen")
    parser.add_argument("--optimizers", default=OPTIMIZERS)
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--cap", type=int, default=500, help="force calls of one run")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rows", type=Path, help="a CSV file for the rows")
    arguments = parser.parse_args()
    optimizers = [*dict.fromkeys([*REFERENCES, *arguments.optimizers.split(",")])]
    seeds = [int(seed) for seed in arguments.seeds.split(",")]
    names = arguments.systems.split(",") if arguments.systems else SETS[arguments.set]
    systems = list(product(names, seeds))
    tasks = [(arguments.set, *system, optimizer, arguments.cap) for optimizer in optimizers for system in systems]
    with ProcessPoolExecutor(arguments.workers) as pool:
        done = list(pool.map(run, *zip(*tasks, strict=True)))
    runs = {name: done[n * len(systems) : (n + 1) * len(systems)] for n, name in enumerate(optimizers)}
    found = [
        {"system": name, "seed": seed, "optimizer": optimizer, "fmax": fmax, "energy": one.energy}
        | {"force_calls": None if np.isinf(count) else int(count), "cap": arguments.cap}
        for optimizer in optimizers
        for (name, seed), one in zip(systems, runs[optimizer], strict=True)
        for fmax, count in zip(FMAX, one.calls, strict=True)
    ]
    table.write(arguments.rows, found)
    print(f"Force calls to fmax {' and '.join(map(str, FMAX))} eV/A; (+n): the end lies n meV above the lowest.\n")
    print("| |", " | ".join(optimizers), "|\n|---|" + "---|" * len(optimizers))
    for n, (name, seed) in enumerate(systems):
        lowest = np.nanmin([runs[optimizer][n].energy for optimizer in optimizers])
        label = name if len(seeds) == 1 else f"{name}, {seed}"
        print("|", " | ".join([label, *(said(runs[optimizer][n], lowest) for optimizer in optimizers)]), "|")
    for reference in REFERENCES:
        pairs = [[ratio(runs[name], runs[reference], which, arguments.cap) for which in (0, 1)] for name in optimizers]
        means = [f"{loose:.2f}, {tight:.2f}" for loose, tight in pairs]
        print(f"| **mean ratio to {reference}** |", " | ".join(means), "|")


if __name__ == "__main__":
    main()
