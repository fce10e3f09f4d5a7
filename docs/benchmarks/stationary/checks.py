"""What `molopt.check` says of geometries of which all is known, of noisy ones, and of the stops of ASE's optimizers."""

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from ends import chosen
from geometries import LARGEST, build
from noisy import Noisy
from starts import Start
from truth import Truths

import molopt
from molopt.potentials import Counted

STOPS, SAID = "stops.jsonl", "checks.jsonl"
OPTIMIZERS = ("bfgs", "fire")
FMAX, STEPS = 0.05, 2000
WORTH, FACTOR = 0.001, 2.0  # eV: rows with less truly left are not judged
NOISES = (0.001, 0.003)  # eV/A
MINIMA = 40  # that are checked with noise


def asked(atoms: Any) -> dict[str, Any]:
    """What the check says, in plain values, and its calls; energy left alone where there is no check yet."""
    counted = Counted(atoms.calc)
    atoms.calc = counted
    alone = float(molopt.energy_left(atoms)) if atoms.get_forces() is not None else None
    if not hasattr(molopt, "check"):
        return {"called": "unchecked", "alone": alone, "left": alone, "calls": 0}
    found = molopt.check(atoms)
    curvature = getattr(found, "curvature", found)
    left = getattr(found, "energy_left", curvature.energy_left)
    return {
        "called": curvature.stationary,
        "alone": alone,
        "left": float(left),
        "lowest": curvature.lowest,
        "why": curvature.why,
        "calls": counted.force_calls - 1,
    }


def stops(folder: Path, sets: list[str], potentials: list[str], largest: int, first: int | None) -> None:
    """BFGS's and FIRE's stops, what the check says of them, and how far their floor is; appended to a file."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / STOPS
    there = {tuple(done["key"]) for done in read(file)}
    with file.open("a") as opened:
        for start in (start for name in sets for start in list(chosen(name, [0], largest))[:first]):
            for potential in potentials:
                for optimizer in OPTIMIZERS:
                    key = (start.set, start.molecule.name, potential, optimizer)
                    if key not in there:
                        done = {"key": key, **stopped(start, potential, optimizer, folder)}
                        print(json.dumps(done), file=opened, flush=True)
                        print(*key, f"{1e3 * done['left']:.2f} meV said, {1e3 * done['truth']['above']:.2f} true, "
                              f"called {done['called']}", flush=True)  # fmt: skip


def stopped(start: Start, potential: str, optimizer: str, folder: Path) -> dict[str, Any]:
    molecule = start.molecule
    result = molopt.relax(molecule, optimizer, potential, fmax=FMAX, energy_left=None, steps=STEPS)
    atoms = molecule.with_positions(result.atoms.positions).atoms()
    atoms.calc = molopt.potential(potential, molecule)
    known = Truths(molecule, potential, folder / "truth").of(atoms.positions)
    return {"atoms": len(atoms), "run_calls": result.force_calls, **asked(atoms), "truth": known}


def geometries(folder: Path, potentials: list[str], wanted: int) -> None:
    """Build what lacks of the geometries, and check each; minima also with noise in their forces."""
    place = folder / "geometries"
    build(place, potentials, wanted)
    molecules = {start.molecule.name: start.molecule for start in chosen("reported", [0], LARGEST)}
    done = []
    seen: dict[str, int] = defaultdict(int)
    for file in sorted(place.glob("*.npz")):
        known = np.load(file)
        potential = str(known["potential"])
        name, kind, _ = file.stem.removeprefix(f"{potential}-").rsplit("-", 2)
        molecule, order = molecules[name].with_positions(known["positions"]), int(known["order"])
        about = {
            "file": file.stem,
            "potential": potential,
            "kind": kind,
            "order": order,
            "lowest_true": float(known["lowest"]),
        }
        done.append(about | {"noise": 0.0} | asked(told(molecule, potential)))
        if kind == "minimum" and seen[potential] < MINIMA // len(potentials):
            seen[potential] += 1
            done += [about | {"noise": noise} | asked(told(molecule, potential, noise)) for noise in NOISES]
    (folder / SAID).write_text("".join(json.dumps(said) + "\n" for said in done))


def told(molecule: molopt.Molecule, potential: str, noise: float = 0.0) -> Any:
    """Atoms of a kept geometry, on its potential."""
    atoms = molecule.atoms()
    atoms.calc = molopt.potential(potential, molecule)
    if noise:
        atoms.calc = Noisy(atoms.calc, noise)
    return atoms


def read(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def report(folder: Path) -> None:
    if rows := [row for row in read(folder / STOPS) if row["truth"]["above"] > WORTH]:
        print(f"\nStops of BFGS and FIRE with more than 1 meV left: {len(rows)}. Within a factor {FACTOR:g}:\n")
        for name, part in grouped(rows):
            within = [within_factor(row["left"], row) for row in part]
            alone = [within_factor(row["alone"], row) for row in part]
            calls = np.mean([row["calls"] for row in part])
            print(f"- {name}: {np.mean(within):.0%} of {len(part)} ({np.mean(alone):.0%} without the check), "
                  f"{calls:.1f} calls")  # fmt: skip
        for row in rows:
            if not within_factor(row["left"], row):
                known = row["truth"]
                print("  -", *row["key"], f"said {1e3 * row['left']:.2f} ({row['called']}), true "
                      f"{1e3 * known['above']:.2f} meV, lowest {known['lowest_curved']:.3f}")  # fmt: skip
    if said := read(folder / SAID):
        print("\nGeometries of which all is known, and what they are called.\n")
        print_table(said)
        for one in said:
            if missed(one):
                print(f"- {one['file']} (order {one['order']}, lowest {one['lowest_true']:.4f} eV/A^2, noise "
                      f"{one['noise']}): called {one['called']}, {one.get('lowest', np.nan):.3f}")  # fmt: skip


def grouped(rows: list[dict[str, Any]]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for potential in sorted({row["key"][2] for row in rows}):
        mine = [row for row in rows if row["key"][2] == potential]
        for optimizer in OPTIMIZERS:
            if part := [row for row in mine if row["key"][3] == optimizer]:
                yield f"{potential}, {optimizer}", part
        if ridges := [row for row in mine if row["truth"]["lowest_curved"] < 0]:
            yield f"{potential}, on ridges", ridges
    yield "all", rows


def within_factor(left: float, row: dict[str, Any]) -> bool:
    return bool(1 / FACTOR <= left / row["truth"]["above"] <= FACTOR)


def missed(one: dict[str, Any]) -> bool:
    """Whether a minimum was called saddle, or a saddle or ridge minimum."""
    return one["called"] == ("saddle" if one["order"] == 0 else "minimum")


def print_table(said: list[dict[str, Any]]) -> None:
    words = ("minimum", "saddle", "flat", "unchecked", "not stationary")
    print("| potential | kind | order | noise, eV/A | geometries |", " | ".join(words), "| missed | decided | calls |")
    print("|---" * (8 + len(words)) + "|")
    parts = defaultdict(list)
    for one in said:
        parts[one["potential"], one["kind"], one["order"], one["noise"]].append(one)
        if one["noise"] == 0:
            parts["~all", "all", "all", 0.0].append(one)
    for (potential, *cells), part in sorted(parts.items(), key=str):
        counts = [sum(one["called"] == word for one in part) for word in words]
        decided = sum(counts[:2]) / len(part)
        calls = np.mean([one["calls"] for one in part])
        print("|", " | ".join(map(str, [potential.strip("~"), *cells, len(part), *counts, sum(map(missed, part)),
                                        f"{decided:.0%}", f"{calls:.1f}"])), "|")  # fmt: skip
