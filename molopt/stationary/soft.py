"""The motions of a molecule that may be much softer than its model says: turns about bonds, inversions, fragments."""

from typing import NamedTuple, Self
from weakref import WeakKeyDictionary

import numpy as np

from molopt.coordinates.kind import Kind
from molopt.coordinates.kinds import BEND
from molopt.coordinates.linearization import OfInternal
from molopt.coordinates.member import Member
from molopt.coordinates.primitives import Primitives
from molopt.coordinates.topology import Topology
from molopt.rules.partition import Array

SOFT = 5.0  # eV/rad^2 (eV/A^2 of a point): a motion that the model Hessian finds stiffer is left to it
STIFF = 8.0  # and one that an atom other than carbon makes flat or straight: there the model cannot know the sign
DOUBT = 0.12  # eV/rad^2: how far the stiffness of a soft motion may be from the model's (docs/notes/stationary.md)
LEAST, MOST = 0.1, 0.65  # relative: what is added to that, and at most
CARBON = 6
SOFTEST = 4  # directions that stand for a molecule without soft motions
ROUNDS = 4  # of inverse iteration to find them
TINY = 1e-12


class Soft(NamedTuple):
    """The soft motions of one geometry, as displacements in u and as covectors on them."""

    covectors: Array  # (nq, ns) so that covector . du is the change of the motion, rad
    replies: Array  # (nq, ns) their natural displacements, (P M P)^+ covector
    spreads: Array  # (ns,) standard deviation of the relative curvature of each


class Listed(NamedTuple):
    """How the motions of a list of coordinates are made of the derivatives of coordinates: once a list.

    They are the coordinates of kinds that are not stiff, last the means of those about one central bond, then linear
    bends and inversions.
    """

    kinds: tuple[Kind, ...]  # whose derivatives they are made of
    places: Array  # (m,) where each entry of these goes, in a flat (ns, 3N)
    weights: Array  # (m,)
    number: int  # of motions without inversions
    bent: Array  # (nb,) the centres of the last of these, which are linear bends
    corners: Array  # (n, 4) atoms with three neighbours, and these

    @classmethod
    def of(cls, primitives: Primitives) -> Self:
        """That of a list."""
        kinds = [kind for kind, _ in sorted(primitives.present, key=lambda pair: pair[0].shared) if not kind.stiff]
        kinds += [kind for kind, _ in primitives.present if kind is BEND]
        places, weights, count = [], [], 0
        for kind in kinds:
            columns, lengths = kind.columns(primitives)
            groups = kind.together(primitives) if kind.shared else np.arange(len(lengths))
            rows = np.repeat(groups, lengths)
            places.append((count + rows) * 3 * primitives.natoms + columns)
            weights.append((1 / np.bincount(groups))[rows])
            count += int(groups.max()) + 1
        nothing = np.zeros(0, dtype=int)
        topology = Topology(np.zeros(primitives.natoms, dtype=int), primitives.stretches)
        return cls(
            tuple(kinds),
            np.concatenate([nothing, *places]),
            np.concatenate([nothing, *weights]),
            count,
            np.repeat(primitives.bends[:, 1], BEND.width),
            topology.corners[topology.degrees[topology.corners[:, 0]] == 3],
        )


listed: WeakKeyDictionary[Primitives, Listed] = WeakKeyDictionary()


def soft_motions(linearization: OfInternal) -> Soft:
    """Those of one system in internal coordinates: at least a few of the softest directions of its model Hessian."""
    rows, blind = rows_of(linearization.member, linearization.x)
    forces = np.ascontiguousarray(rows.T)  # (3N, ns)
    moves = linearization.solve_cartesian(forces) if len(rows) else forces
    compliance = np.einsum("ij,ij->j", forces, moves)  # (ns,) 1 / K
    blind &= compliance > 1 / STIFF
    kept = (compliance > 1 / SOFT) | blind
    if not kept.any():
        return softest(linearization)
    spreads = np.where(blind, MOST, np.minimum(LEAST + DOUBT * compliance, MOST))
    covectors = linearization.to_internal(linearization.solve_metric(forces[:, kept]))
    return Soft(covectors, linearization.to_internal(moves[:, kept]), spreads[kept])


def rows_of(member: Member, x: Array) -> tuple[Array, Array]:
    """(ns, 3N) the derivatives of the motions by the Cartesians, and which a model may be wrong about (ns,)."""
    primitives = member.primitives
    if primitives not in listed:
        listed[primitives] = Listed.of(primitives)
    table, positions = listed[primitives], x.reshape(-1, 3)
    entries = np.concatenate([np.zeros(0), *(kind.slopes(primitives, positions) for kind in table.kinds)])
    rows = np.bincount(table.places, weights=table.weights * entries, minlength=table.number * x.size)
    blind = member.numbers[np.concatenate([table.bent, table.corners[:, 0]])] != CARBON
    sure = np.zeros(table.number - len(table.bent), dtype=bool)
    heights = inversions(positions, table.corners)
    return np.concatenate([rows.reshape(table.number, x.size), heights]), np.concatenate([sure, blind])


def inversions(positions: Array, corners: Array) -> Array:
    """(n, 3N) the derivatives of the height of each atom over the plane of its three neighbours, in bond lengths.

    `corners` (n, 4) are the atoms and their neighbours.
    """
    centres, others = corners[:, 0], corners[:, 1:]
    near = positions[others]  # (n, 3, 3)
    normals = np.cross(near[:, 1] - near[:, 0], near[:, 2] - near[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1), TINY)[:, None]
    heights = normals / np.linalg.norm(near - positions[centres, None], axis=2).mean(axis=1)[:, None]
    rows = np.zeros((len(corners), *positions.shape))
    places = np.arange(len(corners))
    rows[places, centres] = heights
    rows[places[:, None], others] = -heights[:, None] / 3
    return rows.reshape(len(corners), positions.size)


def softest(linearization: OfInternal) -> Soft:
    """A few of the softest directions of the model Hessian, by inverse iteration from seeded random ones."""
    movable = linearization.member.movable
    count = min(SOFTEST, int(movable.sum()))
    rows = np.zeros((movable.size, count))
    rows[movable] = np.random.default_rng(0).normal(size=(int(movable.sum()), count))
    for _ in range(ROUNDS):
        rows = np.linalg.qr(linearization.solve_cartesian(rows))[0]
    moves = linearization.solve_cartesian(rows)
    compliance = np.einsum("ij,ij->j", rows, moves)
    kept = compliance > TINY
    covectors = linearization.to_internal(linearization.solve_metric(rows[:, kept]))
    return Soft(covectors, linearization.to_internal(moves[:, kept]), np.full(int(kept.sum()), LEAST))
