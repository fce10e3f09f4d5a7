"""Which internal coordinates a molecule needs at a geometry."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from scipy import sparse

from molopt.coordinates import formulas
from molopt.coordinates.inverse import smallest_pivots
from molopt.coordinates.poses import Poses
from molopt.coordinates.primitives import Primitives
from molopt.coordinates.rigid import rigid_motions
from molopt.coordinates.topology import Topology
from molopt.rules.partition import Array

STRAIGHT = np.deg2rad(165)  # an angle that wide is no coordinate, and no torsion goes through it
FOLDED = np.deg2rad(5)  # nor through one that narrow
PLANAR = {7: 0.35}  # u1 . (u2 x u3) of three neighbours below which a centre counts as planar, by element
PLANAR_ELSE = 0.25
CROWDED = 36  # torsions about one bond; metals with many neighbours would have hundreds
DENSE = 150  # atoms of a fragment up to which what is missing is found by a dense eigenvalue problem
MISSING = 1e-9  # eigenvalue of B^T B, over the largest, of a direction that no coordinate describes


def chosen(topology: Topology, x: Array, anchored: bool = False) -> Primitives:
    """The internal coordinates of a molecule at x (3N,).

    - a stretch for each bond, an angle for each pair of bonds at an atom, all torsions about each bond;
    - where an angle is above 165 degrees: two bends if the centre has no third neighbour, else none, for the other angles
      describe it; torsions then go from one end of the straight chain to the other;
    - a plane at centres whose three or four neighbours lie in one plane with them, where angles say nothing of a move
      out of it;
    - poses of fragments, where there are several, or where the molecule is `anchored` by something outside of it;
    - points for the atoms that all these leave without description.
    """
    xyz = x.reshape(-1, 3)
    angles, straight = angles_of(topology, xyz)
    chains = list(chains_of(topology, straight))
    bends = [(i, j, k, side) for i, j, k, side in bends_of(topology, straight, chains)]
    torsions = torsions_of(topology, straight, chains)
    poses = topology.fragments if anchored or len(topology.fragments) > 1 else []
    table = Primitives(
        len(topology.numbers),
        stretches=topology.bonds,
        angles=angles,
        bends=np.array(bends, dtype=int).reshape(-1, 4),
        axes=axes_of(bends, xyz),
        torsions=unfolded(torsions, xyz),
        planes=planes_of(topology, xyz),
        poses=Poses.of(poses, xyz),
    )
    return completed(table, topology, x)


class Straight(NamedTuple):
    """Angles above 165 degrees: all of them, each from both ends, and the centres that have no third neighbour."""

    angles: set[tuple[int, int, int]]
    centres: dict[int, tuple[int, int]]


def angles_of(topology: Topology, xyz: Array) -> tuple[Array, Straight]:
    """(n, 3) angles that are coordinates, and those that are not."""
    triples = [
        (i, j, k) for j, near in enumerate(topology.neighbours) for i, k in itertools.combinations(near, 2)
    ]
    every = np.array(triples, dtype=int).reshape(-1, 3)
    wide = formulas.angle(xyz[every])[0] > STRAIGHT
    found = [tuple(row) for row in every[wide].tolist()]
    centres = {j: (i, k) for i, j, k in found if len(topology.neighbours[j]) == 2}
    return every[~wide], Straight({*found, *(row[::-1] for row in found)}, centres)


class Chain(NamedTuple):
    """Atoms in a row, all but the two ends being straight centres without a third neighbour."""

    atoms: list[int]

    @property
    def ends(self) -> tuple[int, int]:
        return self.atoms[0], self.atoms[-1]


def chains_of(topology: Topology, straight: Straight) -> Iterator[Chain]:
    """The longest straight chains."""
    done: set[int] = set()
    for centre in straight.centres:
        if centre in done:
            continue
        atoms = [centre]
        for end, step in ((0, straight.centres[centre][0]), (-1, straight.centres[centre][1])):
            previous, here = centre, step
            while True:
                atoms.insert(0 if end == 0 else len(atoms), here)
                if here not in straight.centres or here == centre:
                    break
                before = previous
                previous, here = here, next(n for n in straight.centres[here] if n != before)
            if here == centre:  # a ring of straight centres cannot be; a bad start can
                break
        done.update(atoms)
        yield Chain(atoms)


def sides(topology: Topology, straight: Straight, end: int, inner: int) -> list[int]:
    """Neighbours of a chain's end that lie off its line."""
    return [n for n in topology.neighbours[end] if n != inner and (n, end, inner) not in straight.angles]


def bends_of(topology: Topology, straight: Straight, chains: list[Chain]) -> Iterator[tuple[int, int, int, int]]:
    """i, j, k and an atom off the line, -1 where there is none."""
    for chain in chains:
        atoms = chain.atoms
        beside = sides(topology, straight, atoms[0], atoms[1]) + sides(topology, straight, atoms[-1], atoms[-2])
        side = next((atom for atom in beside if atom not in atoms), -1)
        for i, j, k in zip(atoms, atoms[1:], atoms[2:], strict=False):
            yield i, j, k, side


def axes_of(bends: list[tuple[int, int, int, int]], xyz: Array) -> Array:
    """(n, 3) the Cartesian axis most across each bend that has no atom beside it; NaN for the others."""
    axes = np.full((len(bends), 3), np.nan)
    for n, (i, _, k, side) in enumerate(bends):
        if side < 0:
            axes[n] = np.eye(3)[np.abs(xyz[k] - xyz[i]).argmin()]
    return axes


def torsions_of(topology: Topology, straight: Straight, chains: list[Chain]) -> list[tuple[int, int, int, int]]:
    """Torsions about each bond, and about each straight chain as if it were one."""
    found = []
    for b, c in topology.bonds.tolist():
        found += about(sides(topology, straight, b, c), b, c, sides(topology, straight, c, b))
    for chain in chains:
        b, c = chain.ends
        first, last = chain.atoms[1], chain.atoms[-2]
        if b != c and c not in topology.neighbours[b]:
            found += about(sides(topology, straight, b, first), b, c, sides(topology, straight, c, last))
    return found


def about(starts: list[int], b: int, c: int, ends: list[int]) -> list[tuple[int, int, int, int]]:
    """All torsions about b-c, or 36 of them, evenly taken."""
    every = [(a, b, c, d) for a in starts for d in ends if len({a, b, c, d}) == 4]
    if len(every) <= CROWDED:
        return every
    return [every[n] for n in np.linspace(0, len(every) - 1, CROWDED).astype(int)]


def unfolded(torsions: list[tuple[int, int, int, int]], xyz: Array) -> Array:
    """(n, 4) the torsions whose angles are neither straight nor folded."""
    rows = np.array(torsions, dtype=int).reshape(-1, 4)
    angles = [formulas.angle(xyz[part])[0] for part in (rows[:, :3], rows[:, 1:])]
    return rows[np.all([(FOLDED < angle) & (angle < STRAIGHT) for angle in angles], axis=0)]


def planes_of(topology: Topology, xyz: Array) -> Array:
    """(n, 4) centre and three neighbours."""
    found: list[tuple[int, ...]] = []
    for centre, near in enumerate(topology.neighbours):
        if len(near) not in (3, 4):
            continue
        rows = np.array([(centre, *three) for three in itertools.combinations(near, 3)])
        limit = PLANAR.get(int(topology.numbers[centre]), PLANAR_ELSE)
        if (np.abs(formulas.plane(xyz[rows])[0]) < limit).all():
            found += [tuple(row) for row in rows.tolist()]
    return np.array(found, dtype=int).reshape(-1, 4)


def completed(primitives: Primitives, topology: Topology, x: Array) -> Primitives:
    """The list with points for atoms that it leaves without description."""
    if len(topology.numbers) == 1:
        return replace(primitives, poses=Poses.of([]), points=np.zeros(1, dtype=int))
    jacobian = primitives.jacobian(x)
    points: list[int] = []
    for atoms in topology.fragments:
        if len(atoms) > 1:
            points += missing(jacobian[:, (3 * atoms[:, None] + np.arange(3)).ravel()], atoms, x.reshape(-1, 3)[atoms])
    return replace(primitives, points=np.array(sorted(points), dtype=int)) if points else primitives


def missing(jacobian: sparse.csr_array, atoms: Array, positions: Array) -> list[int]:
    """The atoms of one fragment that its internal coordinates do not describe, rigid motions apart."""
    rigid = rigid_motions(positions)
    normal = (jacobian.T @ jacobian).tocsr()
    if len(atoms) > DENSE:
        return sorted({int(atoms[entry // 3]) for entry in smallest_pivots(normal, rigid, MISSING)})
    full = normal.toarray()
    scale = float(np.abs(full).max()) or 1.0
    outside = np.eye(len(full)) - rigid @ rigid.T
    found: list[int] = []
    while len(found) < len(atoms):
        values, vectors = np.linalg.eigh(outside @ full @ outside + scale * rigid @ rigid.T)
        lacking = vectors[:, values < MISSING * scale]
        if lacking.shape[1] == 0:
            break
        amplitude = (lacking**2).reshape(len(atoms), 3, -1).sum(axis=(1, 2))
        amplitude[found] = 0
        found.append(int(amplitude.argmax()))
        places = 3 * found[-1] + np.arange(3)
        full[places, places] += scale
    return [int(atoms[n]) for n in found]
