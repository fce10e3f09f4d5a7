"""The true minima of Baker's five.

From starts whose symmetry is broken by random displacements, relaxed, each followed down to where no curvature is
negative.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from symmetric import bakers_five
from truth import Truths

import molopt

FILE = "references.json"
STARTS = 20
RATTLED = (0.03, 0.1, 0.2)  # A, standard deviations of displacements, in turn
SAME = 5e-4  # eV between two minima that are one


def build(folder: Path, potentials: list[str]) -> None:
    """Energies of the minima that are found, eV, lowest first, by potential and molecule."""
    file = folder / FILE
    known: dict[str, dict[str, list[float]]] = json.loads(file.read_text()) if file.exists() else {}
    for potential in potentials:
        there = known.setdefault(potential, {})
        for molecule in bakers_five():
            if molecule.name not in there:
                there[molecule.name] = minima(molecule, potential, folder)
                above = [f"{1e3 * (energy - there[molecule.name][0]):.1f}" for energy in there[molecule.name]]
                print(f"{molecule.name} {potential}: minima at {', '.join(above)} meV", flush=True)
                file.write_text(json.dumps(known))


def minima(molecule: molopt.Molecule, potential: str, folder: Path) -> list[float]:
    rng = np.random.default_rng(1)
    truths = Truths(molecule, potential, folder / "truth")
    found: list[float] = []
    for attempt in range(STARTS):
        moved = molecule.positions + rng.normal(scale=RATTLED[attempt % len(RATTLED)], size=molecule.positions.shape)
        end = molopt.relax(molecule.with_positions(moved), potential=potential, fmax=0.01)
        if end.bonds_kept:
            floor = truths.of(end.atoms.positions)["floor"]
            if all(abs(floor - energy) > SAME for energy in found):
                found.append(floor)
    return sorted(found)


def report(folder: Path, records: list[dict[str, Any]]) -> None:
    """How far ends of Baker's five are above their lowest minimum, and above the next below them."""
    if not (folder / FILE).exists():
        return
    known = json.loads((folder / FILE).read_text())
    print("\nBaker's five: meV above the lowest true minimum, and from the nearest.\n")
    for record in records:
        energies = known.get(record["potential"], {}).get(record["molecule"])
        if record["set"] == "baker-five" and energies and "energy" in record:
            above = 1e3 * (record["energy"] - np.array(energies))
            nearest = above[np.argmin(np.abs(above))]
            print(f"- {record['molecule']} {record['potential']} {record['optimizer']} check={record['check']}: "
                  f"{above[0]:+.2f}, {nearest:+.2f}, {record['calls']} calls, {record['called']}")  # fmt: skip
