"""What an end really is: how far the ways down from it lead, and the curvature there.

The Hessian at the end by central differences; pushed both ways along its lowest direction, and along each of the next
that is negative, then downhill (`descent`) to fmax 0.001 eV/A. The lowest energy reached is the floor; where that is a
ridge itself, as below an end of high symmetry, the descent goes on from there.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from descent import Floor, descend, longest
from hessians import Array, Spectrum, Surface, lowest_relative, spectrum

import molopt
from molopt.convergence import auto

FAR, TIMES = 0.005, 3  # eV, and thresholds of energy left: further above its floor an end is false
RIDGE = -0.001  # eV/A^2; a Cartesian eigenvalue below is negative
PUSHED = (0.05, 0.15)  # A, of the longest moved atom: where the direction is stiff, and where it is flat
PULL = 0.003  # eV/A, that a push should meet, to be more than the fmax of the descents
DIRECTIONS = 3  # that are pushed along, at most: the second and third only where negative
AGAIN, ROUNDS = 0.001, 3  # eV; a floor that is so far down is looked at in turn, and left where it is a ridge
ALIKE = 0.02  # A; a Hessian serves for all ends of a molecule with no atom further from its own


def false_limit(natoms: int) -> float:
    """eV above the floor, beyond which an end is false."""
    return max(FAR, TIMES * auto(natoms))


class Truths:
    """Truths of one molecule in one potential, kept as files in a folder by a hash of what they are of."""

    def __init__(self, molecule: molopt.Molecule, potential: str, folder: Path) -> None:
        self.surface = Surface(molecule, potential)
        self.folder = folder
        self.what = f"{potential} {molecule.smiles} {molecule.numbers.tolist()}"
        folder.mkdir(parents=True, exist_ok=True)
        self.kin = hashlib.sha256(self.what.encode()).hexdigest()[:12]

    def of(self, positions: Array) -> dict[str, Any]:
        """Plain values; the Hessian lies beside them in the .npz of their `file`."""
        x = np.asarray(positions, float).ravel()
        name = f"{self.kin}-{hashlib.sha256(x.round(5).tobytes()).hexdigest()[:12]}"
        file = self.folder / f"{name}.json"
        if file.exists():
            return json.loads(file.read_text())
        before = self.surface.calls
        energy, gradient = self.surface(x)
        hessian, shared = self.hessian(x)
        found = spectrum(hessian, x)
        lowest = lowest_relative(self.surface, x, hessian)
        floors = [descend(self.surface, start, found) for start in pushed(x, found)]
        best = min(floors, key=by_energy)
        for _ in range(ROUNDS):
            if energy - best.energy < AGAIN:
                break
            there = spectrum(self.surface.hessian(best.x), best.x)
            if there.values[0] > RIDGE:
                break
            best = min((descend(self.surface, start, there) for start in pushed(best.x, there)), key=by_energy)
        np.savez_compressed(
            self.folder / f"{name}.npz",
            numbers=self.surface.molecule.numbers,
            positions=x.reshape(-1, 3),
            gradient=gradient,
            hessian=hessian,
            floor=best.x.reshape(-1, 3),
            lowest=lowest.direction.reshape(-1, 3),
        )
        written = {
            "file": name,
            "energy": energy,  # eV
            "fmax": longest(gradient),  # eV/A
            "floor": min(best.energy, energy),
            "above": energy - min(best.energy, energy),
            "by_fmax": max(0.0, energy - min(floor.passed for floor in floors)),
            "sides": [energy - floor.energy for floor in floors],
            "reached": max(floor.fmax for floor in floors),
            "lowest_cartesian": float(found.values[0]),  # eV/A^2
            "negative": int((found.values < RIDGE).sum()),
            "lowest_relative": lowest.relative,
            "lowest_curved": lowest.curved,
            "calls": self.surface.calls - before,
            "hessian_of": shared,
        }
        file.write_text(json.dumps(written))
        return written

    def hessian(self, x: Array) -> tuple[Array, str]:
        """(3N, 3N) eV/A^2; that of an earlier end where it is the same geometry, turned as this one."""
        for file in sorted(self.folder.glob(f"{self.kin}-*.npz")):
            known = np.load(file)
            turn, distance = superposed(known["positions"], x.reshape(-1, 3))
            if distance <= ALIKE:
                blocks = known["hessian"].reshape(x.size // 3, 3, x.size // 3, 3)
                turned = np.einsum("ia,manb,jb->minj", turn, blocks, turn, optimize=True)
                return turned.reshape(x.size, x.size), file.stem
        return self.surface.hessian(x), ""


def pushed(x: Array, found: Spectrum) -> list[Array]:
    """The starts of the descents."""
    starts = []
    for value, vector in list(zip(found.values, found.vectors.T, strict=True))[:DIRECTIONS]:
        if not starts or value < RIDGE:
            size = float(np.clip(PULL / max(abs(value), 1e-6) * longest(vector), *PUSHED))
            starts += [x + sign * size / longest(vector) * vector for sign in (1, -1)]
    return starts


def by_energy(floor: Floor) -> float:
    return floor.energy


def superposed(one: Array, other: Array) -> tuple[Array, float]:
    """The rotation (3, 3) of `one` onto `other`, and the longest distance between atoms that it leaves."""
    a, b = one - one.mean(axis=0), other - other.mean(axis=0)
    u, _, v = np.linalg.svd(b.T @ a)
    turn = u @ np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ v))]) @ v
    return turn, longest(b - a @ turn.T)
