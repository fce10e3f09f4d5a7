"""What kernels know of a molecule: its coordinates, the springs of its model Hessian, where its matrices have blocks.

These are `Primitives` and `MetricTable` packed into few arrays, as each array costs time in every call.
"""

from typing import NamedTuple

import numpy as np

from molopt.coordinates.kernels import elimination, pattern
from molopt.coordinates.metric_table import MetricTable
from molopt.coordinates.model_hessian import INFLECTION, LISTED, REACH
from molopt.coordinates.primitives import Primitives
from molopt.rules.partition import Array


class Chart(NamedTuple):
    """The internal coordinates of a molecule of N atoms: stretches, angles, bends, torsions, planes, in this order."""

    atoms: Array  # (nq, 4) int32; places that a kind does not have repeat the first atom
    ends: Array  # (5,) where each kind ends
    sides: Array  # (nbends, 3) the side of a bend that is fixed in space, NaN where it is an atom


class Signs(NamedTuple):
    """By what a list of coordinates is seen to be outdated, as `evaluation.outdated` does."""

    angles: Array  # (n, 3) int32: those that must not become straight, of torsions too
    pyramids: Array  # (n, 4) int32: those that must not become flat
    straight: bool  # whether there are straight angles, at which these signs do not look


class Springs(NamedTuple):
    """A `MetricTable`: of each of its parts the indices, and the numbers, one spring a row."""

    flat: Array  # (N,) planarity of atoms that are not in the next two
    threes: Array  # (n, 4) int32
    fours: Array  # (n, 4, 4) int32
    stretch_rows: Array  # (n, 1) coordinate
    stretches: Array  # (n, 20) radius, floor, pieces
    angle_rows: Array  # (n, 2) coordinate, centre
    angles: Array  # (n, 3) flat, other, floor
    torsion_rows: Array  # (n, 3) coordinate, first and last end
    torsions: Array  # (n, 19) radius, floor, share, constants, pieces
    turn_rows: Array  # (n, 2) coordinate, central bond
    turns: Array  # (n, 4) V1, V2, V3, share
    coupling_rows: Array  # (n, 3) two coordinates, centre
    couplings: Array  # (n, 5) scale, sums, differences
    geminal_rows: Array  # (n, 3) two atoms, centre
    geminal: Array  # (n, 2) flat, other
    touching_rows: Array  # (n, 3) two atoms i > j three bonds apart or more, and their row of `contacts` or -1
    touching: Array  # (n, 4) square of the reach; sum of van der Waals radii; radius and depth of the pair potential
    contacts: Array  # (groups, 9, 3) pieces
    factors: Array  # (nq,)
    learned: float
    valence: float
    pairs: float


class Pattern(NamedTuple):
    """Which 3 x 3 blocks of A^T A and of the model Hessian are not zero, contacts apart, and how they are factored.

    Terms are as in `pattern.terms_of`; `order`, `starts`, `below` and `slot` as in `elimination`.
    """

    pairs: Array  # (nb, 2) int32: the atoms of each block, the diagonal blocks first, then those with i > j
    block: Array  # (N, N) int32: which block two atoms have, -1 for none
    own_starts: Array  # (nb + 1,) int32
    own: Array  # (n, 3) int32: terms of A^T A; the last number is the coordinate
    coupled_starts: Array  # (nb + 1,) int32
    coupled: Array  # (n, 3) int32: terms of couplings; the last number is the coupling
    order: Array  # (N,) int32
    starts: Array  # (N + 1,) int32
    below: Array  # (nnz,) int32
    slot: Array  # (N, N) int32
    pinned: bool  # whether rigid motions change no coordinate; not so for bends whose sides are fixed in space


class Tables(NamedTuple):
    """What all systems of one molecule share."""

    chart: Chart
    springs: Springs
    pattern: Pattern
    signs: Signs


def signs_of(primitives: Primitives) -> Signs:
    """The signs of a list."""
    straight = bool(len(primitives.bends) or len(primitives.straight))
    angles = np.concatenate([primitives.angles, primitives.arms])
    return Signs(indices(angles), indices(primitives.pyramids), straight)


def chart_of(primitives: Primitives) -> Chart:
    """The chart of primitives that are neither fragments nor points."""
    kinds = [primitives.stretches, primitives.angles, np.repeat(primitives.bend_atoms, 2, axis=0)]
    kinds += [primitives.torsions, primitives.planes]
    atoms = np.concatenate([np.concatenate([rows, *[rows[:, :1]] * (4 - rows.shape[1])], axis=1) for rows in kinds])
    ends = np.cumsum([len(rows) for rows in kinds])
    return Chart(indices(atoms), ends, np.ascontiguousarray(primitives.sides, dtype=float))


def springs_of(table: MetricTable) -> Springs:
    """The springs of a table."""
    stretch, angle, torsion, turn = table.stretches, table.angles, table.torsions, table.turns
    coupling, geminal = table.couplings, table.geminal
    touching_rows, touching = touching_of(table)
    return Springs(
        table.planarity.known,
        indices(table.planarity.threes),
        indices(table.planarity.fours),
        indices(columns(stretch.rows)),
        columns(stretch.radii, stretch.floor, stretch.pieces.reshape(len(stretch.rows), 18)),
        indices(columns(angle.rows, angle.centres)),
        columns(angle.constants, angle.floor),
        indices(columns(torsion.rows, torsion.ends)),
        columns(
            torsion.radii,
            torsion.floor,
            torsion.share,
            torsion.constants,
            torsion.pieces.reshape(len(torsion.rows), 12),
        ),
        indices(columns(turn.rows, turn.bonds)),
        columns(turn.terms, turn.share),
        indices(columns(coupling.first, coupling.second, coupling.centres)),
        columns(coupling.scale, coupling.sums, coupling.differences),
        indices(columns(geminal.pairs, geminal.centres)),
        columns(geminal.constants),
        touching_rows,
        touching,
        np.ascontiguousarray(table.contacts.pieces, dtype=float),
        table.factors,
        *map(float, table.weights),
    )


def touching_of(table: MetricTable) -> tuple[Array, Array]:
    """The pairs of atoms three bonds apart or more, and what their springs are made of."""
    contacts, repulsion = table.contacts, table.repulsion
    j, i = table.distant.T if len(table.apart) <= LISTED else np.nonzero(np.triu(table.apart > 2))
    groups, radii = np.full(len(i), -1), np.zeros((2, len(i)))
    depths = np.zeros(len(i))
    if len(contacts.kinds):
        far = (table.apart[i, j] > 3).astype(np.intp)
        groups = contacts.groups[far, contacts.kinds[j], contacts.kinds[i]]
        radii[0] = contacts.radii[i] + contacts.radii[j]
    if len(repulsion.kinds):
        kinds = repulsion.kinds[i], repulsion.kinds[j]
        radii[1], depths = repulsion.radii[kinds], repulsion.depths[kinds]
    reach = np.maximum(REACH * radii[0], INFLECTION * radii[1])
    return indices(columns(i, j, groups)), columns(reach**2, *radii, depths)


def columns(*parts: Array) -> Array:
    """(n, all) arrays (n,) and (n, any) side by side."""
    return np.concatenate([part if part.ndim > 1 else part[:, None] for part in parts], axis=1)


def indices(array: Array) -> Array:
    return np.ascontiguousarray(array, dtype=np.int32)


def pattern_of(chart: Chart, springs: Springs, natoms: int) -> Pattern:
    """The blocks of all pairs of atoms that share a coordinate, a coupling or a spring."""
    pinned = bool(np.isnan(chart.sides).all())
    pairs, block = pattern.blocks_of(chart.atoms, springs.coupling_rows, springs.geminal_rows, natoms, not pinned)
    widths = np.repeat(np.array([2, 3, 4, 4, 4]), np.diff(chart.ends, prepend=0))
    each = np.arange(len(chart.atoms), dtype=np.int32)
    own = pattern.terms_of(chart.atoms, widths, np.stack([each, each], axis=1), block, len(pairs))
    coupled = pattern.terms_of(chart.atoms, widths, indices(springs.coupling_rows[:, :2]), block, len(pairs))
    return Pattern(pairs, block, *own, *coupled, *elimination.symbolic(pairs, natoms), pinned)
