"""Cartesian coordinates with springs between near atoms, for what has no internal ones: surfaces, crystals, cells."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import NamedTuple, Self

import numpy as np
from ase.data import covalent_radii
from scipy import linalg, sparse
from scipy.spatial import cKDTree

from molopt.coordinates.cartesian import FlatCoordinates, FlatLinearization, partitions
from molopt.coordinates.inverse import Projected
from molopt.rules.partition import Array

TINY = 1e-9  # Angstrom; two atoms in one place have no direction between them
SHORTEST = -0.5  # Angstrom beyond the sum of covalent radii; bonds of a bad start are not stiffer than that


class Deformation(NamedTuple):
    """How the last three rows of x hold F, the deformation of the cell: atoms at x in the undeformed cell are at F x.

    Attributes
    ----------
    factor : float
        A change of the rows by d deforms the cell by d / factor more.
    size : float or None
        The rows are factor x F; or, with a size, factor x log(size x F), as in ASE's FrechetCellFilter.
    """

    factor: float
    size: float | None = None

    def matrix(self, rows: Array) -> Array:
        """(3, 3) F of the rows (3, 3)."""
        return rows / self.factor if self.size is None else linalg.expm(rows / self.factor) / self.size


class Body(NamedTuple):
    """Atoms whose positions are entries of x.

    Attributes
    ----------
    numbers : (N,) array of int
    cell : (3, 3) array
        Its rows span the cell in which x holds the positions, Angstrom.
    periodic : (3,) array of bool
    movable : (n,) array of bool
        Which entries may move.
    deformation : Deformation or None
        Of the cell, where it is part of x.
    """

    numbers: Array
    cell: Array
    periodic: Array
    movable: Array
    deformation: Deformation | None = None


def near(positions: Array, cell: Array, periodic: Array, reach: float) -> tuple[Array, Array]:
    """Pairs (n, 2) of atoms nearer than `reach` (Angstrom), images included, and the vectors (n, 3) between them.

    Each pair comes once, in an order that depends on the positions alone.

    >>> pairs, gaps = near(np.zeros((1, 3)), 2.0 * np.eye(3), np.array([True, True, False]), 2.1)
    >>> pairs.tolist(), gaps.tolist()
    ([[0, 0], [0, 0]], [[0.0, 2.0, 0.0], [2.0, 0.0, 0.0]])
    """
    vectors = cell[periodic]  # (p, 3)
    inverse = np.linalg.pinv(vectors)
    offsets = np.floor(positions @ inverse)
    wrapped = positions - offsets @ vectors
    counts = np.ceil(reach * np.linalg.norm(inverse, axis=0)).astype(int).tolist()
    shifts = np.array(list(product(*(range(-n, n + 1) for n in counts))))  # (m, p)
    images = (wrapped + (shifts @ vectors)[:, None]).reshape(-1, 3)
    found = cKDTree(wrapped).sparse_distance_matrix(cKDTree(images), reach, output_type="ndarray")
    i, image = found["i"], found["j"]
    shift, j = shifts[image // len(positions)], image % len(positions)
    keys = np.concatenate([(j - i)[:, None], shift], axis=1)  # those of the reverse pair are the negatives
    once = np.take_along_axis(keys, (keys != 0).argmax(axis=1)[:, None], axis=1)[:, 0] > 0
    order = np.lexsort((*shift[once].T[::-1], j[once], i[once]))
    i, j, shift = i[once][order], j[once][order], shift[once][order]
    return np.stack([i, j], axis=1), wrapped[j] + shift @ vectors - wrapped[i]


@dataclass(frozen=True, eq=False)
class ElasticLinearization(FlatLinearization):
    """Elastic coordinates at one geometry.

    Attributes
    ----------
    hessian : (N, N) sparse array
        The model, eV/A^2; positive definite.
    """

    hessian: sparse.csr_array

    @cached_property
    def inverse(self) -> Projected:
        return Projected(self.hessian, np.zeros((self.x.size, 0)))

    def apply_cartesian(self, move: Array) -> Array:
        return self.hessian @ move

    def solve_cartesian(self, covector: Array) -> Array:
        return self.inverse(covector)

    def select(self, systems: Sequence[int]) -> Self:
        return self

    def where(self, mine: Array, other: Self) -> Self:
        return self if mine[0] else other


@dataclass(frozen=True)
class Elastic(FlatCoordinates[ElasticLinearization]):
    r"""The entries of a flat x of one system, whose model Hessian is one of springs between near atoms.

    A spring between two atoms at the distance r resists along the line between them and, less, across it:

    .. math::
        M = \sum_{pairs} k \, J^T (u u^T + across \, 1) J + ground \, 1, \qquad
        k = k_0 \, e^{-decay \, (r - r_0)} \, \min(1, shared / \sqrt{c_1 c_2})^{power},

    with r0 the sum of the covalent radii, u the unit vector between the atoms, and J the derivative of the vector
    between them by the entries of x: those of the two atoms, and of the cell where x holds it. An atom's bonds are
    softer the more it has, from a molecule's to a metal's twelve: c is the coordination number,

    .. math:: c = \sum_{neighbours} \min(1, e^{-fall \, (r / r_0 - 1)}).

    M is rebuilt at each geometry, and depends on nothing else. Entries that cannot move have no part in it.

    Attributes
    ----------
    body : Body
    k0, across, ground : float
        eV/A^2; a part of k; eV/A^2.
    decay, reach, fall : float
        1/A; in sums of covalent radii, both.
    shared, power : float
        Neighbours that an atom may have before its bonds soften, and how fast they do.

    Notes
    -----
    Tuned on the first of the two sets of docs/benchmarks/cartesian.py, and on covalent and ionic crystals:
    docs/notes/cartesian.md.

    References
    ----------
    R. Fischer, J. Almlof, J. Phys. Chem. 96, 9768 (1992), the decay of k; D. Packwood et al., J. Chem. Phys. 144,
    164109 (2016), a matrix of exponentially decaying springs as a preconditioner. Theirs are isotropic, of one strength
    for all elements, which force calls at the start find, and leave the cell apart.
    """

    body: Body
    k0: float = 20.0
    decay: float = 3.7
    across: float = 0.1
    ground: float = 0.5
    reach: float = 1.6
    fall: float = 6.0
    shared: float = 4.0
    power: float = 3.0

    @classmethod
    def around(cls, body: Body) -> "Elastic":
        """The coordinates of a body."""
        return cls(*partitions([body.movable.size]), body)

    def linearize(self, x: Array, cartesian_gradient: Array) -> ElasticLinearization:
        return ElasticLinearization(x, cartesian_gradient, self, self.hessian(x))

    def hessian(self, x: Array) -> sparse.csr_array:
        """(N, N) the model at x (N,), eV/A^2."""
        body = self.body
        count = len(body.numbers)
        positions, cell = x.reshape(-1, 3)[:count], body.cell
        if body.deformation is not None:
            matrix = body.deformation.matrix(x.reshape(-1, 3)[count:])
            positions, cell = positions @ matrix.T, cell @ matrix.T
        pairs, gaps = near(positions, cell, body.periodic, self.reach * 2 * float(covalent_radii[body.numbers].max()))
        lengths = np.linalg.norm(gaps, axis=1)
        kept = lengths < self.reach * self.sums(pairs)
        pairs, gaps, lengths = pairs[kept], gaps[kept], lengths[kept]
        roots = np.sqrt(self.strengths(pairs, lengths))
        units = gaps / np.maximum(lengths, TINY)[:, None]
        along = np.sqrt(1 + self.across) - np.sqrt(self.across)
        springs = roots[:, None, None] * (
            along * units[:, :, None] * units[:, None, :] + np.sqrt(self.across) * np.eye(3)
        )  # (n, 3, 3) symmetric roots of k (u u^T + across)
        rows = spread(springs, pairs, gaps, body, x.size)
        return sparse.csr_array(rows.T @ rows + self.ground * sparse.eye_array(x.size))

    def sums(self, pairs: Array) -> Array:
        """(n,) sums of the covalent radii of pairs of atoms, Angstrom."""
        return covalent_radii[self.body.numbers[pairs]].sum(axis=1)

    def strengths(self, pairs: Array, lengths: Array) -> Array:
        """(n,) k of all pairs of near atoms, at these distances; eV/A^2."""
        sums = self.sums(pairs)
        bonded = np.minimum(1.0, np.exp(-self.fall * (lengths / sums - 1)))
        coordination = np.bincount(pairs.ravel(), np.repeat(bonded, 2))[pairs]  # (n, 2)
        softened = np.minimum(1.0, self.shared / np.sqrt(coordination.prod(axis=1))) ** self.power
        return self.k0 * softened * np.exp(-self.decay * np.maximum(lengths - sums, SHORTEST))


def spread(springs: Array, pairs: Array, gaps: Array, body: Body, entries: int) -> sparse.csr_array:
    """(3 n, entries) rows of springs (n, 3, 3) times the derivatives of the vectors between atoms."""
    columns = [3 * pairs[:, :1] + np.arange(3), 3 * pairs[:, 1:] + np.arange(3)]
    blocks = [-springs, springs]
    if body.deformation is not None:  # the vector changes by the row of the cell's deformation times itself
        columns.append(np.tile(entries - 9 + np.arange(9), (len(pairs), 1)))
        cell = springs[:, :, :, None] * gaps[:, None, None, :] / body.deformation.factor
        blocks.append(cell.reshape(-1, 3, 9))
    places = np.repeat(np.concatenate(columns, axis=1)[:, None], 3, axis=1)  # (n, 3, width)
    data = np.concatenate(blocks, axis=2) * body.movable[places]
    starts = np.arange(0, data.size + 1, data.shape[2])
    return sparse.csr_array((data.ravel(), places.ravel(), starts), shape=(3 * len(pairs), entries))
