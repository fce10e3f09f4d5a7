"""How a molecule follows when some of its coordinates are led elsewhere: the rest keeps its shape, atoms keep apart."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from ase.data import covalent_radii
from scipy import linalg, sparse
from scipy.sparse.csgraph import breadth_first_order
from scipy.sparse.linalg import splu

from molopt.coordinates.evaluation import outdated
from molopt.coordinates.member import Member
from molopt.coordinates.model_hessian import STIFFEST as STIFFEST_CONTACT
from molopt.coordinates.neighbours import NeighbourList
from molopt.coordinates.primitives import Primitives
from molopt.coordinates.repulsion import van_der_waals
from molopt.coordinates.rigid import nothing
from molopt.coordinates.topology import Topology
from molopt.rules.partition import Array

STEP = {"torsion": np.deg2rad(20), "angle": np.deg2rad(20), "stretch": 0.2}  # rad and Angstrom, of one part of the way
ITERATIONS = 40  # of one part
ARRIVED = 1e-11  # Angstrom or rad: tighter than ASE's 1e-7 degrees
GAIN = 1e-3  # eV; a step that gains less is the last
SLOW = 0.5  # a correction should gain more than this factor
STRAIGHT = 0.03  # Angstrom, of an atom: shorter steps need no curves
FARTHEST = 0.3  # Angstrom, of an atom that is moved in Cartesians
INERTIA = 0.003  # eV/A^2 on every atom: what nothing else holds does not drift
HEAVIEST = 1e3  # eV/A^2; steps that are so short lead nowhere
SOFT = 0.01  # of their stiffness: positions of fragments, and of atoms that nothing describes
APART = 0.8  # of the sum of van der Waals radii: nearer atoms repel, if they were not as near at the start
OVERLAP = (0.45, 1.15)  # of the sums of van der Waals and of covalent radii: atoms nearer than the larger overlap
MERGED = 0.5  # of the sum of covalent radii: the closest that two atoms are brought because a constraint says so
STRAINED = 3.6  # eV of springs and contacts: as much as holds two carbon atoms together
TORN = (0.75, 1.25)  # of its length at the start, for a bond that was not asked to change


@dataclass(frozen=True, eq=False)
class Wanted:
    """A coordinate, or a weighted sum of bond lengths, and the value that it is to take.

    Attributes
    ----------
    kind : str
        "stretch", "angle" or "torsion".
    listed : Primitives
        The coordinates, all of this kind.
    weights : (n,) array
    value : float
        Angstrom or rad.
    """

    kind: str
    listed: Primitives
    weights: Array
    value: float

    def at(self, x: Array) -> float:
        """What it is at x (3N,)."""
        return float(self.weights @ self.listed.values(x))

    def gap(self, x: Array) -> float:
        """How far it is from what it should be, torsions the shorter way round."""
        gap = self.value - self.at(x)
        return (gap + np.pi) % (2 * np.pi) - np.pi if self.kind == "torsion" else gap

    def row(self, x: Array) -> Array:
        """(3N,) its derivative."""
        return self.listed.jacobian(x).T @ self.weights

    @cached_property
    def atoms(self) -> Array:
        """(n, 2 to 4), a coordinate a row."""
        listed = self.listed
        return {"stretch": listed.stretches, "angle": listed.angles, "torsion": listed.torsions}[self.kind]

    def straight(self, x: Array) -> bool:
        """Whether three of its atoms are on a line, within a degree: then it has no derivative at x (3N,)."""
        xyz = x.reshape(-1, 3)
        for i, j, k in {tuple(row[n : n + 3]) for row in self.atoms.tolist() for n in range(len(row) - 2)}:
            u, v = xyz[i] - xyz[j], xyz[k] - xyz[j]
            if np.linalg.norm(np.cross(u, v)) < 0.02 * np.linalg.norm(u) * np.linalg.norm(v):
                return True
        return False


class Followed(NamedTuple):
    """Where a molecule was led."""

    x: Array  # (3N,)
    parts: int  # of the way
    way: float  # how much of it was done, 0 to 1
    hindrance: str  # why not all; empty where it was


class Follower:
    r"""A molecule whose shape is elastic.

    Of all geometries at which the wanted coordinates have given values h it takes that of the least

    .. math:: \tfrac{1}{2} \sum_q K_q (q - q_0)^2 + \tfrac{1}{2} k \sum_{ij} \max(r_{0,ij} - r_{ij}, 0)^2

    by Gauss-Newton steps under the constraint, each taken in internal coordinates. q_0 is the start, r_0 is 0.8 of the
    sum of van der Waals radii, or the distance at the start if that is less. K is the model stiffness, but zero for the
    wanted coordinates and for all torsions about bonds that must turn for their sake: then what hangs on such a bond
    turns as a whole.

    Parameters
    ----------
    topology : Topology
    build : callable
        Member coordinates at x (3N,), in which nothing that is wanted is held.
    wanted : sequence of Wanted
    start : (3N,) array
    forbidden : callable
        The directions (3N, r) at x (3N,) in which other constraints allow no move.
    """

    def __init__(
        self,
        topology: Topology,
        build: Callable[[Array], Member],
        wanted: Sequence[Wanted],
        start: Array,
        forbidden: Callable[[Array], Array] = nothing,
    ) -> None:
        self.topology, self.build, self.wanted, self.start, self.forbidden = topology, build, wanted, start, forbidden
        self.adopt(build(start))
        natoms = len(topology.numbers)
        led = [np.sort(want.atoms, axis=1) @ (natoms, 1) for want in wanted if want.kind == "stretch"]
        self.led = np.concatenate([np.zeros(0, dtype=int), *led])  # i * N + j of distances that are wanted
        self.radii = van_der_waals(topology.numbers)
        near = np.concatenate([topology.within_two_bonds @ (natoms, 1), self.led])
        self.neighbours = NeighbourList(2 * APART * float(self.radii.max()), np.unique(near))

    def adopt(self, coordinates: Member) -> None:
        """Take these coordinates, and the springs of their primitives."""
        self.coordinates = coordinates
        table, turning = coordinates.primitives, self.turning
        self.springs = coordinates.stiffness.copy()
        keys = np.sort(table.torsions[:, 1:3], axis=1) @ (table.natoms, 1)
        self.springs[table.slices["torsion"]][np.isin(keys, turning)] = 0.0
        for kind in ("fragment", "point"):
            self.springs[table.slices[kind]] *= SOFT
        place = {key: n for n, key in enumerate(table.keys)}
        for want in self.wanted:
            if len(want.atoms) == 1:
                self.springs[[place[key] for key in want.listed.keys if key in place]] = 0.0
        self.reference = table.values(self.start)

    @cached_property
    def turning(self) -> Array:
        """i * N + j of the bonds i < j about which something must turn.

        The middle of a torsion; and where two atoms next to each other in a wanted coordinate are not bonded, all bonds
        of the way between them.
        """
        found: list[tuple[int, int]] = []
        for want in self.wanted:
            for row in want.atoms.tolist():
                for n, (i, j) in enumerate(pairwise(row)):
                    way = self.way(i, j)
                    if len(way) > 2 or (len(row) == 4 and n == 1):
                        found += [(min(pair), max(pair)) for pair in pairwise(way)]
        return np.array(found, dtype=int).reshape(-1, 2) @ (len(self.topology.numbers), 1)

    def way(self, i: int, j: int) -> list[int]:
        """The atoms of the shortest way along bonds, both ends included; empty where there is none."""
        before = breadth_first_order(self.topology.adjacency, i, directed=False)[1]
        atoms = [j]
        while atoms[-1] != i:
            if before[atoms[-1]] < 0:
                return []
            atoms.append(int(before[atoms[-1]]))
        return atoms[::-1]

    def go(self) -> Followed:
        """Lead the wanted coordinates to their values, in parts of at most 20 degrees and 0.2 Angstrom."""
        if not self.coordinates.movable.any():
            return Followed(self.start, 1, 0.0, "all atoms are fixed")
        gaps = np.array([want.gap(self.start) for want in self.wanted])
        longest = max(np.abs(gaps) / [STEP[want.kind] for want in self.wanted])
        x, parts = self.start, max(1, int(np.ceil(longest - 1e-9)))
        for part in range(1, parts + 1):
            led, hindrance = self.settled(x, gaps * (1 - part / parts))
            hindrance = hindrance or self.torn(led) or ("" if part < parts else self.overlap(led) or self.strained(led))
            if hindrance:
                return Followed(x, parts, (part - 1) / parts, hindrance)
            x = led
        return Followed(x, parts, 1.0, "")

    def settled(self, x: Array, left: Array) -> tuple[Array, str]:
        """From x (3N,) to the best shape at which what is wanted has gaps `left` (m,); and why that failed, or nothing.

        Levenberg's method on the constraint: where a step leads uphill, inertia grows.
        """
        x, failed = self.restored(x, left)
        energy, inertia = self.energy(x), INERTIA
        for _ in range(0 if failed else ITERATIONS):
            step = self.step(x, np.zeros(len(left)), self.gradient(x), inertia)
            trial, astray = self.restored(self.moved(x, step), left)
            gain = -np.inf if astray else energy - self.energy(trial)
            if gain > 0:
                x, energy, inertia = trial, energy - gain, max(INERTIA, inertia / 4)
            else:
                inertia *= 8
            if 0 <= gain < GAIN or inertia > HEAVIEST:
                break
        return x, failed

    def restored(self, x: Array, left: Array) -> tuple[Array, str]:
        """From x (3N,) the short way to where what is wanted has gaps `left` (m,); and why that failed, or nothing."""
        inertia, last = INERTIA, np.inf
        for _ in range(ITERATIONS):
            if outdated(self.coordinates.primitives, x):
                self.adopt(self.build(x))
            missing = np.array([want.gap(x) for want in self.wanted]) - left
            size = np.abs(missing).max()
            if size < ARRIVED:
                return x, ""
            if size > SLOW * last:  # what is soft does not reach that far: let the stiff take part
                inertia *= 8
            step, last = self.step(x, missing, np.zeros(x.size), inertia), size
            if not np.isfinite(step).all():
                return x, "what is constrained is not defined"
            x = self.moved(x, step)
        return x, "they contradict each other, or what is fixed"

    def strain(self, x: Array) -> tuple[Array, sparse.csr_array, Array]:
        """Changes (nq,) since the start, derivatives (n, 3N) of the distances of atoms too near, by how much (n,)."""
        table = self.coordinates.primitives
        return table.change(x, table.values(x), self.start, self.reference), *self.contacts(x)

    def energy(self, x: Array) -> float:
        """eV, of springs and contacts at x (3N,)."""
        changed, _, overlaps = self.strain(x)
        return 0.5 * float(self.springs @ changed**2 + STIFFEST_CONTACT * overlaps @ overlaps)

    def gradient(self, x: Array) -> Array:
        """(3N,) of the energy at x (3N,), eV/A."""
        changed, rows, overlaps = self.strain(x)
        along = self.coordinates.primitives.jacobian(x).T @ (self.springs * changed)
        return along - STIFFEST_CONTACT * (rows.T @ overlaps)

    def step(self, x: Array, missing: Array, gradient: Array, inertia: float) -> Array:
        """(n,) Newton's step of movable entries down a gradient (3N,) that changes what is wanted by `missing` (m,)."""
        movable = self.coordinates.movable
        b, rows = self.coordinates.primitives.jacobian(x)[:, movable], self.contacts(x)[0][:, movable]
        hessian = b.T @ (sparse.diags_array(self.springs) @ b) + STIFFEST_CONTACT * (rows.T @ rows)
        hessian = (hessian + inertia * sparse.eye_array(hessian.shape[0])).tocsc()
        held = np.concatenate([[want.row(x) for want in self.wanted], self.forbidden(x).T])[:, movable]  # (k, n)
        solved = splu(hessian).solve(np.column_stack([gradient[movable], held.T]))
        free, lifts = solved[:, 0], solved[:, 1:]
        change = np.concatenate([missing, np.zeros(len(held) - len(missing))]) + held @ free
        return lifts @ linalg.lstsq(held @ lifts, change, cond=1e-9)[0] - free

    def moved(self, x: Array, step: Array) -> Array:
        """x (3N,) after a step (n,), along curves that keep bond lengths where that matters and can be done."""
        size = float(np.abs(step).max())
        if size > STRAIGHT:
            start = self.coordinates.linearize(x, np.zeros(x.size))
            reached = self.coordinates.reach(start, start.rows.times(start.everywhere(step)))
            if reached is not None:
                return reached
        moved = x.copy()
        moved[self.coordinates.movable] += step * min(1.0, FARTHEST / max(size, FARTHEST))
        return moved

    def contacts(self, x: Array) -> tuple[sparse.csr_array, Array]:
        """Derivatives (n, 3N) of the distances of atoms that are too near, and by how much (n,)."""
        xyz, start = x.reshape(-1, 3), self.start.reshape(-1, 3)
        pairs = self.neighbours.at(xyz)
        i, j = pairs.T
        least = np.minimum(APART * (self.radii[i] + self.radii[j]), np.linalg.norm(start[i] - start[j], axis=1))
        near = np.linalg.norm(xyz[i] - xyz[j], axis=1) < least
        listed = Primitives(len(xyz), stretches=pairs[near])
        return listed.jacobian(x), least[near] - listed.values(x)

    def torn(self, x: Array) -> str:
        """Which bond that was not asked to change is no longer one at x (3N,), or nothing."""
        bonds = self.topology.bonds[~np.isin(self.topology.bonds @ (len(self.topology.numbers), 1), self.led)]
        listed = Primitives(len(self.topology.numbers), stretches=bonds)
        ratio = listed.values(x) / listed.values(self.start)
        wrong = np.flatnonzero((ratio < TORN[0]) | (ratio > TORN[1]))
        if not len(wrong):
            return ""
        i, j = bonds[wrong[0]]
        return f"the bond {i}-{j} would be {listed.values(x)[wrong[0]]:.2f} A long"

    def strained(self, x: Array) -> str:
        """Whether no bond could hold against the strain at x (3N,), that of bonds which are led apart; or nothing."""
        self.adopt(self.build(self.start))  # coordinates of the way may lack what is strained most: angles now straight
        stretches = self.coordinates.primitives.stretches
        changed, _, overlaps = self.strain(x)
        kept = np.ones(len(changed), dtype=bool)
        kept[: len(stretches)] = ~np.isin(stretches @ (len(self.topology.numbers), 1), self.led)
        energy = 0.5 * float(self.springs[kept] @ changed[kept] ** 2 + STIFFEST_CONTACT * overlaps @ overlaps)
        return f"the rest would be strained by {energy:.1f} eV" if energy > STRAINED else ""

    def overlap(self, x: Array) -> str:
        """Which atoms are nearer at x (3N,) than at the start and than any molecule has them, or nothing."""
        xyz, start = x.reshape(-1, 3), self.start.reshape(-1, 3)
        natoms, bonded = len(xyz), covalent_radii[self.topology.numbers]
        led = np.stack(np.divmod(np.unique(self.led), natoms), axis=1)
        for pairs, of_radii, of_bonds in ((self.neighbours.at(xyz), *OVERLAP), (led, 0.0, MERGED)):
            i, j = pairs.T
            least = np.maximum(of_radii * (self.radii[i] + self.radii[j]), of_bonds * (bonded[i] + bonded[j]))
            least = np.minimum(least, 0.95 * np.linalg.norm(start[i] - start[j], axis=1))
            apart = np.linalg.norm(xyz[i] - xyz[j], axis=1)
            for n in np.flatnonzero(apart < least)[:1]:
                return f"atoms {i[n]} and {j[n]} would be {apart[n]:.2f} A apart"
        return ""
