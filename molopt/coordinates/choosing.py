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

STRAIGHT = np.deg2rad(165)  # an angle that wide is not a coordinate, and no torsion goes through it
SPARE = np.deg2rad(150)  # the same where 180 is at home: far from 175, where an angle is worn
MANY = 5  # neighbours of centres where it is; those with four are such if they lie in a plane
STRAIGHTENING = np.deg2rad(135)  # nor is one at carbon with two neighbours, where a straight angle is the natural one
FOLDED = np.deg2rad(5)  # nor through one that narrow
CARBON = 6
PLANAR = {7: 0.35}  # u1 . (u2 x u3) of three neighbours below which a centre counts as planar, by element
PLANAR_ELSE = 0.25
SQUARE = 0.5  # the same of centres with more than three neighbours: a tetrahedron has 0.77
LONG = 4  # atoms of a straight chain, beyond which what lies off the line at its end says little of its sides
CROWDED = 36  # torsions about one bond; metals with many neighbours would have hundreds
DENSE = 150  # atoms of a fragment up to which what is missing is found by a dense eigenvalue problem
THIN = 0.3  # Angstrom, across a line, of all its points together
LOOSE = 0.01  # A^-2; eigenvalue of B^T B of one atom that moves nearly without a change of any coordinate
MISSING = 1e-9  # eigenvalue of B^T B, over the largest, of a direction that no coordinate describes


def chosen(topology: Topology, x: Array, anchored: bool = False, axes: Array | None = None) -> Primitives:
    """The internal coordinates of a molecule at x (3N,).

    - a stretch for each bond, an angle for each pair of bonds at an atom, all torsions about each bond;
    - where an angle is above 165 degrees: two bends if the centre has no third neighbour, else none, for the other
      angles describe it; torsions then go from one end of the straight chain to the other. At centres with five
      neighbours or more, or four in a plane, and at carbonyls of metals and the like: above 150 degrees. There 180
      degrees are at home, and an angle on its way there would be worn soon;
    - planes at centres that lie in one plane with all their neighbours, three to six of them, where angles say
      nothing of a move out of it;
    - poses of fragments, where there are several, or where the molecule is `anchored` by something outside of it;
    - points for the atoms that all these leave without description.

    `axes` (3, 3) are those of an earlier list; by default the principal axes.
    """
    xyz = x.reshape(-1, 3)
    axes = principal_axes(xyz) if axes is None else axes
    planes, pyramids = planes_of(topology, xyz)
    angles, straight = angles_of(topology, xyz, set(planes[:, 0].tolist()))
    chains = list(chains_of(topology, straight))
    table = Primitives(
        len(topology.numbers),
        stretches=topology.bonds,
        angles=angles,
        bends=bends_of(topology, straight, chains, xyz, axes),
        torsions=unfolded(torsions_of(topology, straight, chains), xyz),
        planes=planes,
        poses=Poses.of(topology.fragments if anchored or len(topology.fragments) > 1 else [], xyz),
        axes=axes,
        straight=np.array(straight.crowded, dtype=int).reshape(-1, 3),
        pyramids=pyramids,
    )
    return completed(table, topology, x)


def principal_axes(xyz: Array) -> Array:
    """(3, 3) of positions (N, 3), one a row."""
    return np.ascontiguousarray(np.linalg.eigh(np.cov(xyz.T, bias=True))[1].T)  # as it comes back from a file


class Straight(NamedTuple):
    """Angles above 165 degrees, and above 150 at centres that have enough others."""

    angles: set[tuple[int, int, int]]  # each from both ends
    centres: dict[int, tuple[int, int]]  # without a third neighbour, and their ends
    crowded: list[tuple[int, int, int]]  # those at the other centres


def angles_of(topology: Topology, xyz: Array, flat: set[int]) -> tuple[Array, Straight]:
    """(n, 3) angles that are coordinates, and those that are not, where these centres are flat."""
    triples, limits = [], []
    for j, near in enumerate(topology.neighbours):
        pairs = list(itertools.combinations(near, 2))
        triples += [(i, j, k) for i, k in pairs]
        linear = len(near) == 2 and topology.beside_inorganic[j]
        at_home = linear or len(near) >= MANY or (len(near) == MANY - 1 and j in flat)
        carbon = len(near) == 2 and topology.numbers[j] == CARBON
        limits += [STRAIGHTENING if carbon else SPARE if at_home else STRAIGHT] * len(pairs)
    every = np.array(triples, dtype=int).reshape(-1, 3)
    wide = formulas.angle(xyz[every])[0] > np.array(limits)
    found = [tuple(row) for row in every[wide].tolist()]
    centres = {j: (i, k) for i, j, k in found if len(topology.neighbours[j]) == 2}
    crowded = [row for row in found if row[1] not in centres]
    return every[~wide], Straight({*found, *(row[::-1] for row in found)}, centres, crowded)


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


def bends_of(topology: Topology, straight: Straight, chains: list[Chain], xyz: Array, axes: Array) -> Array:
    """(n, 4) i, j, k and an atom off the line; where there is none, -1 less the axis that is most across it."""
    found = []
    for chain in chains:
        atoms = chain.atoms
        beside = sides(topology, straight, atoms[0], atoms[1]) + sides(topology, straight, atoms[-1], atoms[-2])
        across = np.abs(axes @ (xyz[atoms[-1]] - xyz[atoms[0]])).argmin()
        near = (atom for atom in beside if atom not in atoms and len(atoms) <= LONG)
        side = next(near, -1 - int(across))
        found += [(i, j, k, side) for i, j, k in zip(atoms, atoms[1:], atoms[2:], strict=False)]
    return np.array(found, dtype=int).reshape(-1, 4)


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
    return rows[np.all([(angle > FOLDED) & (angle < STRAIGHT) for angle in angles], axis=0)]


def planes_of(topology: Topology, xyz: Array) -> tuple[Array, Array]:
    """(n, 4) centre and three neighbours: of planar centres, and of those with three neighbours that are not."""
    flat, pyramids = [], []
    for centre, near in enumerate(topology.neighbours):
        if 3 <= len(near) <= 6:
            rows = [(centre, *three) for three in itertools.combinations(near, 3)]
            limit = SQUARE if len(near) > 3 else PLANAR.get(int(topology.numbers[centre]), PLANAR_ELSE)
            if (np.abs(formulas.plane(xyz[rows])[0]) < limit).all():
                flat += rows
            elif len(near) == 3:
                pyramids += rows
    return np.array(flat, dtype=int).reshape(-1, 4), np.array(pyramids, dtype=int).reshape(-1, 4)


def completed(primitives: Primitives, topology: Topology, x: Array) -> Primitives:
    """The list with points for atoms that it leaves without description."""
    if len(topology.numbers) == 1:
        return replace(primitives, poses=Poses(), points=np.zeros(1, dtype=int))
    jacobian = primitives.jacobian(x)
    points: list[int] = []
    for atoms in topology.fragments:
        if len(atoms) > 1:
            points += missing(jacobian[:, (3 * atoms[:, None] + np.arange(3)).ravel()], atoms, x.reshape(-1, 3)[atoms])
    return replace(primitives, points=np.array(sorted(points), dtype=int)) if points else primitives


def missing(jacobian: sparse.csr_array, atoms: Array, positions: Array) -> list[int]:
    """The atoms of one fragment that its internal coordinates do not describe, rigid motions apart."""
    normal = (jacobian.T @ jacobian).tocsr()
    found = [atom for atom in alone(normal) if not on_a_line(np.delete(positions, atom, axis=0))]
    places = (3 * np.array(found, dtype=int)[:, None] + np.arange(3)).ravel()
    scale = float(normal.diagonal().max()) or 1.0
    normal = normal + sparse.csr_array((np.full(len(places), scale), (places, places)), shape=normal.shape)
    rigid = rigid_motions(positions)
    if len(atoms) > DENSE:
        return sorted({int(atoms[n]) for n in [*found, *smallest_pivots(normal, rigid, MISSING) // 3]})
    full = normal.toarray()
    outside = np.eye(len(full)) - rigid @ rigid.T
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


def alone(normal: sparse.csr_array) -> list[int]:
    """Atoms that can move, all others at rest, without a change of any coordinate."""
    blocks = sparse.bsr_array(normal, blocksize=(3, 3))
    rows = np.repeat(np.arange(len(blocks.indptr) - 1), np.diff(blocks.indptr))
    own = blocks.data[blocks.indices == rows]  # an atom without any coordinate has no block
    least = np.zeros(len(blocks.indptr) - 1)
    least[rows[blocks.indices == rows]] = np.linalg.eigvalsh(own)[:, 0]
    return np.flatnonzero(least < LOOSE).tolist()


def on_a_line(positions: Array) -> bool:
    """Whether points (N, 3) lie on a line, about which another point can turn."""
    across = np.linalg.svd(positions - positions.mean(axis=0), compute_uv=False)[1:]  # Angstrom
    return bool((across < THIN).all())
