"""What kernels know of a molecule: its coordinates, and where its matrices have blocks."""

from typing import NamedTuple

import numpy as np

from molopt.coordinates.kernels import cholesky
from molopt.coordinates.metric_table import MetricTable
from molopt.coordinates.primitives import Primitives
from molopt.rules.partition import Array


class Chart(NamedTuple):
    """The internal coordinates of a molecule of N atoms: stretches, angles, bends, torsions, planes, in this order."""

    atoms: Array  # (nq, 4) int32; places that a kind does not have repeat the first atom
    ends: Array  # (5,) where each kind ends
    sides: Array  # (nbends, 3) the side of a bend that is fixed in space, NaN where it is an atom


class Pattern(NamedTuple):
    """Which 3 x 3 blocks of A^T A and of the model Hessian are not zero, apart from contacts, and how they are factored.

    `order`, `starts`, `below` and `slot` are as in `cholesky`.
    """

    pairs: Array  # (nb, 2) int32: the atoms of each block, the diagonal blocks first, then those with i > j
    block: Array  # (N, N) int32: which block two atoms have, -1 for none
    order: Array  # (N,) int32
    starts: Array  # (N + 1,) int32
    below: Array  # (nnz,) int32
    slot: Array  # (N, N) int32
    pinned: bool  # whether rigid motions change no coordinate; not so for bends whose sides are fixed in space


def chart_of(primitives: Primitives) -> Chart:
    """The chart of primitives that are neither fragments nor points."""
    bends = np.where(primitives.bends < 0, primitives.bends[:, 1:2], primitives.bends)
    kinds = [primitives.stretches, primitives.angles, np.repeat(bends, 2, axis=0)]
    kinds += [primitives.torsions, primitives.planes]
    atoms = np.concatenate([np.concatenate([rows, *[rows[:, :1]] * (4 - rows.shape[1])], axis=1) for rows in kinds])
    ends = np.cumsum([len(rows) for rows in kinds])
    return Chart(atoms.astype(np.int32), ends, np.ascontiguousarray(primitives.sides, dtype=float))


def pattern_of(chart: Chart, metric: MetricTable | None, natoms: int) -> Pattern:
    """The blocks of all pairs of atoms that share a coordinate, a coupling or a spring."""
    pinned = bool(np.isnan(chart.sides).all())
    touching = np.eye(natoms, dtype=bool)
    together = [chart.atoms]
    if metric is not None:
        couplings = metric.couplings
        together += [np.concatenate([chart.atoms[couplings.first], chart.atoms[couplings.second]], axis=1)]
        together += [metric.geminal.pairs]
    for atoms in together:
        for one in range(atoms.shape[1]):
            for other in range(atoms.shape[1]):
                touching[atoms[:, one], atoms[:, other]] = True
    if not pinned:  # holding rigid motions fast then takes all blocks
        touching[:] = True
    i, j = np.nonzero(np.tril(touching, -1))
    diagonal = np.arange(natoms)
    pairs = np.concatenate([np.stack([diagonal, diagonal], axis=1), np.stack([i, j], axis=1)]).astype(np.int32)
    block = np.full((natoms, natoms), -1, dtype=np.int32)
    block[pairs[:, 0], pairs[:, 1]] = block[pairs[:, 1], pairs[:, 0]] = np.arange(len(pairs))
    order, starts, below, slot = cholesky.symbolic(pairs, natoms)
    return Pattern(pairs, block, order, starts, below, slot, pinned)
