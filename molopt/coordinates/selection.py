"""Which internal coordinates a molecule needs at a geometry."""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from molopt.coordinates import formulas
from molopt.coordinates.description import LOOSE, undescribed
from molopt.coordinates.fragments import Fragments
from molopt.coordinates.kinds import FOUND
from molopt.coordinates.primitives import Primitives
from molopt.coordinates.topology import AROUND, Topology, lengths
from molopt.rules.partition import Array

STRAIGHT = np.deg2rad(165)  # an angle that wide is not a coordinate, and no torsion goes through it
SPARE = np.deg2rad(150)  # the same where 180 is at home: far from 175, where an angle is outdated
MANY = 5  # neighbours of centres where it is; those with four are such if they lie in a plane
STRAIGHTENING = np.deg2rad(135)  # nor is one at carbon with two neighbours, where a straight angle is the natural one
FOLDED = np.deg2rad(5)  # nor through one that narrow
CARBON = 6
PLANAR = {7: 0.35}  # u1 . (u2 x u3) of three neighbours below which a centre counts as planar, by element
PLANAR_ELSE = 0.25
SQUARE = 0.5  # the same of centres with more than three neighbours: a tetrahedron has 0.77
LONG = 4  # atoms of a straight chain, beyond which what lies off the line at its end says little of its sides
CROWDED = 36  # torsions about one bond; metals with many neighbours would have hundreds


def select_primitives(topology: Topology, x: Array, anchored: bool = False, axes: Array | None = None) -> Primitives:
    """The internal coordinates of a molecule at x (3N,).

    - a stretch for each bond, an angle for each pair of bonds at an atom, all torsions about each bond;
    - where an angle is above 165 degrees: two bends if the centre has no third neighbour, else none, for the other
      angles describe it; torsions then go from one end of the straight chain to the other. At centres with five
      neighbours or more, or four in a plane, and at carbonyls of metals and the like: above 150 degrees. There 180
      degrees are at home, and an angle on its way there would be outdated soon;
    - planes at centres that lie in one plane with all their neighbours, three to six of them, where angles say
      nothing of a move out of it;
    - fragments, where there are several, or where the molecule is `anchored` by something outside of it;
    - points for the atoms that all these leave without description;
    - whatever further kinds find (`kind.Found`).

    `axes` (3, 3) are those of an earlier list; by default the principal axes.
    """
    xyz = x.reshape(-1, 3)
    return listed(topology, Shape(*(part[0] for part in shapes(topology, xyz[None]))), xyz, anchored, axes)


class Shape(NamedTuple):
    """All that the choice of coordinates depends on, of one geometry or, with a leading axis, of S.

    Where angles are straight or folded, torsions along chains and what is left undescribed depend on positions as well.
    """

    flat: Array  # (N,) bool: centres in one plane with all their neighbours, three to six
    straight: Array  # (n,) bool: angles of the topology that are not coordinates
    folded: Array  # (n,) bool: angles of the topology through which no torsion goes


def shapes(topology: Topology, xyz: Array) -> Shape:
    """Those of S geometries (S, N, 3)."""
    numbers, degrees, corners = topology.numbers, topology.degrees, topology.corners
    flat = np.zeros(xyz.shape[:2], dtype=bool)
    if len(corners):
        limits = np.full(len(numbers), PLANAR_ELSE)
        for number, limit in PLANAR.items():
            limits[numbers == number] = limit
        limits[degrees > 3] = SQUARE
        off = np.abs(formulas.plane_value(xyz.take(corners, axis=-2))) >= limits[corners[:, 0]]
        starts = np.flatnonzero(np.diff(corners[:, 0], prepend=-1))
        flat[:, corners[starts, 0]] = ~np.logical_or.reduceat(off, starts, axis=1)
    centres = topology.angles[:, 1]
    few = degrees == 2
    limits = np.full(len(numbers), STRAIGHT)
    limits[(few & topology.beside_inorganic) | (degrees >= MANY)] = SPARE
    limits = np.where((degrees == MANY - 1) & flat, SPARE, limits)  # (S, N)
    limits[:, few & (numbers == CARBON)] = STRAIGHTENING
    angles = formulas.angle_value(xyz.take(topology.angles, axis=-2))
    return Shape(flat, angles > limits[:, centres], angles <= FOLDED)


def listed(topology: Topology, shape: Shape, xyz: Array, anchored: bool, axes: Array | None) -> Primitives:
    """The list for a shape that positions (N, 3) have."""
    axes = principal_axes(xyz) if axes is None else axes
    corners = topology.corners
    planar = shape.flat[corners[:, 0]]
    straight = Straight.of(topology, shape.straight)
    chains = list(chains_of(topology, straight))
    fragments = topology.fragments if anchored or len(topology.fragments) > 1 else []
    table = Primitives(
        len(topology.numbers),
        stretches=topology.bonds,
        angles=topology.angles[~shape.straight],
        bends=bends_of(topology, straight, chains, xyz, axes),
        torsions=np.concatenate([torsions_of(topology, shape), torsions_along(topology, straight, chains, xyz)]),
        planes=corners[planar],
        fragments=Fragments.of(fragments, xyz),
        axes=axes,
        straight=straight.crowded,
        pyramids=corners[~planar & (topology.degrees[corners[:, 0]] == 3)],
        further=further_of(topology, xyz),
    )
    if len(topology.numbers) == 1:
        return replace(table, fragments=Fragments(), points=np.zeros(1, dtype=int))
    if complete(topology, shape, table.torsions, xyz):
        return table
    points = undescribed(table, topology, xyz)
    return replace(table, points=np.array(points, dtype=int)) if points else table


def further_of(topology: Topology, xyz: Array) -> dict[str, Array]:
    """The atoms of each coordinate that further kinds find at xyz (N, 3), by their names; of none where there is none.

    Descriptions are complete without them: they add what a molecule need not have.
    """
    found = {kind.name: np.asarray(kind.find(topology, xyz), dtype=int).reshape(-1, kind.atoms) for kind in FOUND}
    return {name: rows for name, rows in found.items() if len(rows)}


def complete(topology: Topology, shape: Shape, torsions: Array, xyz: Array) -> bool:
    """Whether it is plain, without algebra, that a list with these torsions describes every motion at xyz (N, 3).

    Without straight and folded angles, lengths, angles and planes keep the shape of each centre with its neighbours.
    Two such shapes that are bonded share two atoms; either they share a third one, or a torsion says how they are
    turned. Nor can an atom at the end of a torsion move alone: its bond, its angle and the torsion change in three
    directions at right angles, by no less than one over the length of the bond.
    """
    if len(topology.fragments) > 1 or topology.near.shape[1] > AROUND or shape.straight.any() or shape.folded.any():
        return False
    ends = np.bincount(torsions[:, [0, 3]].ravel(), minlength=len(xyz))
    return bool(ends.all() and (LOOSE * lengths(xyz, topology.bonds) ** 2 < 1).all())


def principal_axes(xyz: Array) -> Array:
    """(3, 3) of positions (N, 3), one a row."""
    centred = xyz - xyz.mean(axis=0)
    return np.ascontiguousarray(np.linalg.eigh(centred.T @ centred)[1].T)  # as it is when read back from a file


class Straight(NamedTuple):
    """Angles that are not coordinates."""

    angles: set[tuple[int, int, int]]  # each from both ends
    centres: dict[int, tuple[int, int]]  # without a third neighbour, and their ends
    crowded: Array  # (n, 3) those at the other centres

    @classmethod
    def of(cls, topology: Topology, straight: Array) -> "Straight":
        """Of those of all angles that are straight (n,)."""
        rows = topology.angles[straight]
        few = topology.degrees[rows[:, 1]] == 2
        found = [(i, j, k) for i, j, k in rows.tolist()]
        centres = {j: (i, k) for i, j, k in rows[few].tolist()}
        return cls({*found, *((k, j, i) for i, j, k in found)}, centres, rows[~few])


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


def torsions_of(topology: Topology, shape: Shape) -> Array:
    """(n, 4) torsions about each bond that go through no straight or folded angle, 36 about one at most."""
    rows, (first, last) = topology.torsions, topology.turning
    bent = ~(shape.straight[first] | shape.straight[last])
    kept = np.flatnonzero(bent)
    new = np.diff(rows[kept, 1:3], axis=0, prepend=-1).any(axis=1)  # another bond than the row before
    starts = np.flatnonzero(new)
    counts = np.diff(starts, append=len(kept))
    if (counts > CROWDED).any():
        kept = kept[[start + n for start, count in zip(starts, counts, strict=True) for n in thinned(count)]]
    return rows[kept[~(shape.folded[first[kept]] | shape.folded[last[kept]])]]


def torsions_along(topology: Topology, straight: Straight, chains: list[Chain], xyz: Array) -> Array:
    """(n, 4) torsions about each straight chain as if it were one bond."""
    found = []
    for chain in chains:
        b, c = chain.ends
        first, last = chain.atoms[1], chain.atoms[-2]
        if b != c and c not in topology.neighbours[b]:
            starts, ends = sides(topology, straight, b, first), sides(topology, straight, c, last)
            every = [(a, b, c, d) for a in starts for d in ends if len({a, b, c, d}) == 4]
            found += [every[n] for n in thinned(len(every)).tolist()]
    rows = np.array(found, dtype=int).reshape(-1, 4)
    if not len(rows):
        return rows
    angles = [formulas.angle_value(xyz[part]) for part in (rows[:, :3], rows[:, 1:])]
    return rows[np.all([(angle > FOLDED) & (angle < STRAIGHT) for angle in angles], axis=0)]


def thinned(count: int) -> Array:
    """Which of so many torsions about one bond are taken: all, or 36 evenly."""
    return np.arange(count) if count <= CROWDED else np.linspace(0, count - 1, CROWDED).astype(int)
