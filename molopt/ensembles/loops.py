"""Large rings: one torsion is driven, and the others give way so that the ring stays closed.

The problem is that of N. Go, H. A. Scheraga, Macromolecules 3, 178 (1970). Here it is solved by small steps, each to
first order, that change the other torsions as little as they can.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from molopt.coordinates.topology import Topology
from molopt.ensembles.rings import reached, rings_of
from molopt.ensembles.twistable import Twistable
from molopt.molecules.molecule import Molecule
from molopt.rules.partition import Array


@dataclass(frozen=True, eq=False)
class Loop:
    """A ring of eight and more atoms, opened at one bond: a chain with a hinge at each bond that can turn.

    Attributes
    ----------
    first, last : int
        The atoms of the bond where it is opened: the ends of the chain.
    starts, ends : (h,) arrays of int
        The atoms of each hinge, in the order of the chain.
    stiff : (h,) array of bool
        Amides, esters and the like.
    segment : (N + 1,) array of int
        How many hinges lie between the first atom of the chain and each atom; the last entry is that of a point at the
        end of the chain.
    steps : int
        The driven torsion is turned in so many parts, the ring closed after each; as many steps follow that close it.
    give : float
        How much an amide gives way, relative to a single bond.
    longest : float
        rad; no torsion gives way by more at once, as closing is linearized.
    damping : float
        A^2; keeps turns finite where a gap cannot be closed.
    """

    first: int
    last: int
    starts: Array
    ends: Array
    stiff: Array
    segment: Array
    steps: int = 8
    give: float = 0.05
    longest: float = 0.25
    damping: float = 0.01

    def driven(self, positions: Array, driven: int, angle: float) -> tuple[Array, float]:
        """A copy of positions (N, 3) with one hinge turned by an angle, rad, and by how far the ring is left open, A.

        Bond lengths and angles are kept, but at the bond where the ring was opened.
        """
        moved = np.ones((len(positions) + 1, 4))  # the last row is where the first atom would have to be
        moved[:-1, :3], moved[-1, :3] = positions, positions[self.first]
        target = positions[[self.last, self.first]]
        weights = np.where(np.arange(len(self.stiff)) == driven, 0.0, np.where(self.stiff, self.give, 1.0))
        for step in range(2 * self.steps):
            if step < self.steps:
                turns = np.zeros(len(weights))
                turns[driven] = angle / self.steps
                moved = self.turned(moved, turns)
            for _ in range(2):
                moved = self.turned(moved, self.closing(moved, target, weights))
        gaps = moved[[self.last, -1], :3] - target
        return moved[:-1, :3].copy(), float(np.sqrt((gaps * gaps).sum() / 2))

    def closing(self, moved: Array, target: Array, weights: Array) -> Array:
        """(h,) the turns, rad, that close the ring to first order, the smallest in the metric of the weights.

        The last atom and the place (the last row) of the first are to come to the target (2, 3).
        """
        starts, ends = moved[self.starts, :3], moved[self.ends, :3]
        axes = unit(ends - starts)
        here = moved[[self.last, -1], :3]
        jacobian = np.concatenate([np.cross(axes, point - ends) for point in here], axis=1).T  # (6, h)
        metric = (jacobian * weights) @ jacobian.T + self.damping * np.eye(6)
        turns = weights * (jacobian.T @ np.linalg.solve(metric, (target - here).ravel()))
        return turns * min(1.0, self.longest / max(np.abs(turns).max(), 1e-9))

    def turned(self, moved: Array, turns: Array) -> Array:
        """Points (N + 1, 4), each with a 1 behind, after all hinges were turned, (h,) rad."""
        starts, ends = moved[self.starts, :3], moved[self.ends, :3]
        motions = np.zeros((len(turns), 4, 4))
        motions[:, :3, :3] = turns_about(unit(ends - starts), turns)
        motions[:, :3, 3] = ends - np.einsum("hij,hj->hi", motions[:, :3, :3], ends)
        motions[:, 3, 3] = 1.0
        total = [np.eye(4)]
        for motion in motions:
            total.append(total[-1] @ motion)
        return np.einsum("nij,nj->ni", np.array(total)[self.segment], moved)


def unit(v: Array) -> Array:
    """Vectors (n, 3) of length one."""
    return v / np.linalg.norm(v, axis=1, keepdims=True)


def turns_about(axes: Array, angles: Array) -> Array:
    """(n, 3, 3) matrices that turn columns about unit axes (n, 3) by angles (n,), rad."""
    x, y, z = axes.T
    nil = np.zeros_like(x)
    across = np.array([[nil, -z, y], [z, nil, -x], [-y, x, nil]]).transpose(2, 0, 1)
    sine, cosine = np.sin(angles)[:, None, None], np.cos(angles)[:, None, None]
    return cosine * np.eye(3) + sine * across + (1 - cosine) * axes[:, :, None] * axes[:, None]


def loops_of(molecule: Molecule, twistable: Twistable, smallest: int = 8) -> list[Loop]:
    """Each ring of so many atoms or more, opened at each of its bonds that can turn, where six others can."""
    mol = molecule.to_rdkit()
    neighbours = Topology(molecule.numbers, molecule.bonds).neighbours
    found, looked = [], set()
    for ring in rings_of(mol):
        for start in range(len(ring) if len(ring) >= smallest else 0):
            chain = [*ring[start:], *ring[:start]]
            ends = chain[-1], chain[0]
            if ends not in twistable or frozenset(ends) in looked:
                continue
            looked.add(frozenset(ends))
            opened = list(neighbours)
            for one, other in (ends, ends[::-1]):
                opened[one] = [k for k in neighbours[one] if k != other]
            hinges, segment = [], np.zeros(len(molecule) + 1, dtype=int)
            for pair in pairwise(chain):
                part = beyond_bond(opened, *pair)
                if part and pair in twistable:
                    hinges.append(pair)
                    segment[[*part, -1]] += 1
            if len(hinges) > 6:
                stiff = np.array([frozenset(pair) in twistable.stiff for pair in hinges])
                starts, ends = np.array(hinges).T
                found.append(Loop(chain[0], chain[-1], starts, ends, stiff, segment))
    return found


def beyond_bond(neighbours: Sequence[Sequence[int]], i: int, j: int) -> set[int]:
    """The atoms on the side of j; none where a ring holds both ends together."""
    part = reached(neighbours, j, {i})
    return set() if part & set(neighbours[i]) - {j} else part
