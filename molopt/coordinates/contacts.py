"""Atoms that touch without a bond, and the class of the learned table that each pair is in."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from ase.data import vdw_radii

from molopt.coordinates.neighbours import NeighbourList
from molopt.coordinates.splines import spline
from molopt.coordinates.topology import Topology
from molopt.rules.partition import Array

DISTANCES = np.arange(0.55, 1.26, 0.1)  # of sums of van der Waals radii
CROWDED = 0.55  # of the same sums: nearer than in any Hessian that was learned from
WIDEST = 2.0  # Angstrom, of elements whose van der Waals radius is not known
POLAR = (7, 8)
ACCEPTORS = (7, 8, 9)


class Near(NamedTuple):
    """Close pairs of atoms."""

    pairs: Array  # (n, 2)
    groups: Array  # (n,)
    weights: Array  # (n, nodes)
    units: Array  # (n, 3) from the second to the first
    crowding: Array  # (n,) 0, up to 1 where they are nearer than molecules ever are


@dataclass(frozen=True, eq=False)
class Contacts:
    """Distances of atoms three bonds apart or more, out to 1.4 times the sum of their van der Waals radii."""

    topology: Topology
    names: list[tuple[str, str]]  # of the groups
    table: Array  # (2, kinds, kinds) group of a pair of atoms: three bonds apart, or farther
    kinds: Array  # (N,)
    radii: Array  # (N,) Angstrom
    third: Array  # sorted i * N + j of the pairs three bonds apart
    neighbours: NeighbourList

    @classmethod
    def of(cls, topology: Topology) -> "Contacts":
        natoms = len(topology.numbers)
        known = vdw_radii[topology.numbers]
        radii = np.where(np.isnan(known), WIDEST, known)
        letters = [contact_kind(topology, atom) for atom in range(natoms)]
        distinct = sorted(set(letters))
        names: list[tuple[str, str]] = []
        table = np.zeros((2, len(distinct), len(distinct)), dtype=int)
        place: dict[tuple[str, str], int] = {}
        for far in range(2):
            for m, one in enumerate(distinct):
                for n, other in enumerate(distinct):
                    h = (one + other).count("H")
                    name = ("-".join([*sorted((one, other)), "34"[far]]), f"{h}-{'34'[far]}")
                    if name not in place:
                        place[name] = len(names)
                        names.append(name)
                    table[far, m, n] = place[name]
        reach = (DISTANCES[-1] + 1.5 * (DISTANCES[1] - DISTANCES[0])) * 2 * float(radii.max())
        near = topology.within_two_bonds
        listed = NeighbourList(reach, np.sort(near[:, 0] * natoms + near[:, 1]))
        kinds = np.array([distinct.index(letter) for letter in letters], dtype=int)
        return cls(topology, names, table, kinds, radii, topology.third_neighbours, listed)

    def at(self, positions: Array) -> "Near":
        """The pairs at these positions."""
        i, j = self.neighbours.at(positions).T
        gap = positions[i] - positions[j]
        r = np.sqrt((gap * gap).sum(axis=1))
        ratio = r / (self.radii[i] + self.radii[j])
        close = ratio < DISTANCES[-1] + 1.5 * (DISTANCES[1] - DISTANCES[0])
        i, j, gap, r, ratio = i[close], j[close], gap[close], r[close], ratio[close]
        far = 1 - np.isin(i * len(positions) + j, self.third).astype(int)
        groups = self.table[far, self.kinds[i], self.kinds[j]]
        lowest = DISTANCES[0] + (DISTANCES[1] - DISTANCES[0]) / 2
        weights = spline(np.maximum(ratio, lowest), DISTANCES)
        crowding = np.clip((CROWDED - ratio) / (DISTANCES[1] - DISTANCES[0]), 0.0, 1.0)
        return Near(np.stack([i, j], axis=1), groups, weights, gap / np.maximum(r, 1e-9)[:, None], crowding)


def contact_kind(topology: Topology, atom: int) -> str:
    """H, Hp (on nitrogen or oxygen), C, A (acceptors) or L (larger atoms)."""
    z = int(topology.numbers[atom])
    if z == 1:
        polar = any(topology.numbers[near] in POLAR for near in topology.neighbours[atom])
        return "Hp" if polar else "H"
    return "C" if z == 6 else "A" if z in ACCEPTORS else "L"
