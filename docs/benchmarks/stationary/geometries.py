"""Minima, saddles of order 1 to 3 and ridges of small molecules, each with its exact Hessian.

Minima are ends of descents. Saddles are searched for by eigenvector following, uphill along the lowest k directions
and downhill along all others, from minima of which k rotors were turned halfway to their next minimum, or from the
saddles of the potential before; what is found is called by its own order. A ridge is next to a saddle of order 1: some
way down along its negative direction, relaxed in all others.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from descent import descend, longest
from ends import chosen
from hessians import Array, Spectrum, Surface, spectrum
from rdkit import Chem
from rdkit.Chem import rdMolTransforms
from starts import Start

import molopt

LARGEST = 26  # atoms
EACH = {"minimum": 2, "saddle": 2, "ridge": 1}  # of each molecule in each potential
TRIES = 8  # searches of a molecule
STEPS, EXACT = 36, 9  # of a search; after so many steps the Hessian is computed anew
LONGEST = 0.1  # A, of an atom in a step of a search
STATIONARY = 0.002  # eV/A
CLEAR = 0.003  # eV/A^2; a lowest eigenvalue nearer to zero is neither
PULL = 0.03  # eV/A, on a ridge: what a run to the default fmax would take for an end
ROTOR = Chem.MolFromSmarts("[!D1]-&!@[!D1]")


def build(folder: Path, potentials: list[str], wanted: int) -> None:
    """Write what lacks of `wanted` geometries, evenly over potentials, of the smallest molecules first."""
    folder.mkdir(parents=True, exist_ok=True)
    starts = sorted(chosen("reported", [0], LARGEST), key=size)
    for potential in potentials:
        for start in starts:
            there = list(folder.glob(f"{potential}-*.npz"))
            if len(there) >= wanted // len(potentials):
                break
            if not list(folder.glob(f"{potential}-{start.molecule.name}-*.npz")):
                tops = saddles(folder, start.molecule.name)
                for kind, count, found in of_molecule(start.molecule, potential, tops):
                    np.savez_compressed(folder / f"{potential}-{start.molecule.name}-{kind}-{count}.npz", **found)
                    print(f"{start.molecule.name} {potential}: {kind}, order {found['order']}, "
                          f"lowest {found['lowest']:.4f} eV/A^2, fmax {found['fmax']:.4f}", flush=True)  # fmt: skip


def size(start: Start) -> int:
    return len(start.molecule)


def saddles(folder: Path, name: str) -> list[tuple[Array, int]]:
    """Those of a molecule that are known in another potential, with their orders: starts of searches."""
    known = [np.load(file) for file in sorted(folder.glob(f"*-{name}-saddle-*.npz"))]
    return [(one["positions"].ravel(), int(one["order"])) for one in known]


def of_molecule(
    molecule: molopt.Molecule, potential: str, tops: list[tuple[Array, int]]
) -> Iterator[tuple[str, int, dict[str, Any]]]:
    surface = Surface(molecule, potential)
    rng = np.random.default_rng(len(molecule))
    counts = dict.fromkeys(EACH, 0)
    for attempt in range(len(tops) or TRIES):
        x = minimum(surface, next(molecule.conformers(1, attempt + 1)))
        known = [("minimum", x)] if attempt < EACH["minimum"] else []
        order = 1 + attempt % 3
        start, order = tops[attempt] if tops else (turned(molecule, x, order, rng), order)
        top = saddle(surface, start, order)
        if top is not None:
            known.append(("saddle", top))
            ridge = beside(surface, top)
            known += [] if ridge is None else [("ridge", ridge)]
        for kind, place in known:
            found = described(surface, place)
            right = {"minimum": found["order"] == 0, "saddle": 1 <= found["order"] <= 3, "ridge": found["order"] >= 1}
            if counts[kind] < EACH[kind] and right[kind] and abs(found["lowest"]) > CLEAR:
                yield kind, counts[kind], found
                counts[kind] += 1
        if counts == EACH:
            return


def minimum(surface: Surface, molecule: molopt.Molecule) -> Array:
    atoms = molecule.atoms()
    atoms.calc = surface.atoms.calc
    x = molopt.relax(atoms, fmax=0.01).atoms.positions.ravel()
    return descend(surface, x, spectrum(surface.hessian(x), x)).x


def turned(molecule: molopt.Molecule, x: Array, count: int, rng: np.random.Generator) -> Array:
    """With `count` rotors, methyls included, turned by 60 degrees."""
    mol = Chem.Mol(molecule.to_rdkit())
    conformer = mol.GetConformer()
    conformer.SetPositions(x.reshape(-1, 3).copy())
    bonds = mol.GetSubstructMatches(ROTOR)
    for picked in rng.permutation(len(bonds))[:count]:
        a, b = bonds[picked]
        before = next(n.GetIdx() for n in mol.GetAtomWithIdx(a).GetNeighbors() if n.GetIdx() != b)
        after = next(n.GetIdx() for n in mol.GetAtomWithIdx(b).GetNeighbors() if n.GetIdx() != a)
        angle = rdMolTransforms.GetDihedralDeg(conformer, before, a, b, after)
        rdMolTransforms.SetDihedralDeg(conformer, before, a, b, after, angle + 60.0)
    return conformer.GetPositions().ravel()


def saddle(surface: Surface, x: Array, order: int) -> Array | None:
    """Eigenvector following; None where it comes nowhere."""
    gradient = surface(x)[1]
    hessian = surface.hessian(x)
    for step_number in range(1, STEPS):
        values, vectors = spectrum(hessian, x)
        slopes = vectors.T @ gradient
        signs = np.where(np.arange(x.size) < order, -1.0, 1.0)
        step = -vectors @ (signs * slopes / np.maximum(np.abs(values), 0.02))
        step *= min(1.0, LONGEST / longest(step))
        there = surface(x + step)[1]
        x, gradient, change = x + step, there, there - gradient
        if longest(gradient) < STATIONARY:
            return x
        hessian = bofill(hessian, step, change) if step_number % EXACT else surface.hessian(x)
    return None


def bofill(hessian: Array, step: Array, change: Array) -> Array:
    """J. M. Bofill, J. Comput. Chem. 15, 1 (1994)."""
    lack = change - hessian @ step
    square, along = step @ step, lack @ step
    mixed = along**2 / max(square * (lack @ lack), 1e-30)
    powell = (np.outer(lack, step) + np.outer(step, lack)) / square - along * np.outer(step, step) / square**2
    single = np.outer(lack, lack) / along if abs(along) > 1e-12 else 0.0
    return hessian + mixed * single + (1 - mixed) * powell


def beside(surface: Surface, top: Array) -> Array | None:
    """Down from a saddle along its lowest direction until that pulls, relaxed in all other directions."""
    found = spectrum(surface.hessian(top), top)
    if not (found.values[0] < -CLEAR < found.values[1]):
        return None
    down = found.vectors[:, 0]
    x = top + down * min(PULL / -found.values[0] / longest(down), 0.15 / longest(down))
    for _ in range(30):
        gradient = surface(x)[1]
        rest = gradient - down * (down @ gradient)
        if longest(rest) < STATIONARY:
            return x
        x = x - newton(rest, found)
    return None


def newton(gradient: Array, found: Spectrum) -> Array:
    step = found.vectors @ (found.vectors.T @ gradient / np.maximum(np.abs(found.values), 0.02))
    return step * min(1.0, 0.05 / max(longest(step), 1e-12))


def described(surface: Surface, x: Array) -> dict[str, Any]:
    """What is kept of a geometry; the order counts clearly negative eigenvalues."""
    gradient = surface(x)[1]
    hessian = surface.hessian(x)
    values = spectrum(hessian, x).values
    molecule = surface.molecule
    return {
        "potential": surface.potential,
        "smiles": molecule.smiles,
        "charge": molecule.charge,
        "numbers": molecule.numbers,
        "positions": x.reshape(-1, 3),
        "gradient": gradient,
        "hessian": hessian,
        "order": int((values < -CLEAR).sum()),
        "lowest": float(values[0]),
        "fmax": longest(gradient),
    }
