"""Cholesky factors of sparse symmetric matrices of 3 x 3 blocks, one block a pair of atoms.

The factor of a matrix is kept in the order of elimination: row t belongs to the atom `order[t]`. Column t holds blocks
in the rows `below[starts[t]:starts[t + 1]]`, ascending; `slot[r, t]` is where the block of row r and column t is kept
(`elimination`).
"""

import math

import numpy as np

from molopt.coordinates.kernels.blocks import nine, put_nine
from molopt.coordinates.kernels.compiling import inline, inner
from molopt.rules.partition import Array

SMALLEST_PIVOT = 1e-14  # of the diagonal entry before elimination: less is rounding


@inner
def spread(blocks: Array, pairs: Array, order: Array, slot: Array, diagonal: Array, lower: Array) -> None:
    """Write blocks (n, 9) of atoms `pairs` (n, 2) to where the factor of the matrix will be.

    diagonal (N, 9) and lower (nnz, 9) are in the order of elimination.
    """
    natoms = order.size
    place = np.empty(natoms, np.int64)
    for t in range(natoms):
        place[order[t]] = t
    lower[:] = 0.0
    for n in range(len(pairs)):
        i, j = place[pairs[n, 0]], place[pairs[n, 1]]
        if i == j:
            diagonal[i] = blocks[n]
        elif i > j:
            lower[slot[i, j]] = blocks[n]
        else:
            for c in range(3):
                for e in range(3):
                    lower[slot[j, i], 3 * c + e] = blocks[n, 3 * e + c]


@inner
def factorise(starts: Array, below: Array, slot: Array, diagonal: Array, lower: Array) -> bool:
    """Replace a matrix by its Cholesky factor; False if it is not positive definite, and worthless then.

    `lower` (nnz, 9) becomes the blocks of the factor, `diagonal` (N, 9) the inverses of its diagonal blocks, whose
    entries 0, 3, 4, 6, 7, 8 are those of a lower triangle.
    """
    for t in range(len(diagonal)):
        d = diagonal[t]
        a = d[0]
        if not a > 0.0:
            return False
        root = math.sqrt(a)
        i00 = 1 / root
        l10, l20 = d[3] * i00, d[6] * i00
        b = d[4] - l10 * l10
        if not b > SMALLEST_PIVOT * d[4]:
            return False
        i11 = 1 / math.sqrt(b)
        l21 = (d[7] - l20 * l10) * i11
        c = d[8] - l20 * l20 - l21 * l21
        if not c > SMALLEST_PIVOT * d[8]:
            return False
        i22 = 1 / math.sqrt(c)
        i10, i21 = -l10 * i00 * i11, -l21 * i11 * i22
        i20 = -(l20 * i00 + l21 * i10) * i22
        d[0], d[3], d[4], d[6], d[7], d[8] = i00, i10, i11, i20, i21, i22
        for s in range(starts[t], starts[t + 1]):
            b = nine(lower, s)
            put_nine(
                lower,
                s,
                (
                    b[0] * i00,
                    b[0] * i10 + b[1] * i11,
                    b[0] * i20 + b[1] * i21 + b[2] * i22,
                    b[3] * i00,
                    b[3] * i10 + b[4] * i11,
                    b[3] * i20 + b[4] * i21 + b[5] * i22,
                    b[6] * i00,
                    b[6] * i10 + b[7] * i11,
                    b[6] * i20 + b[7] * i21 + b[8] * i22,
                ),
            )
        for s in range(starts[t], starts[t + 1]):
            subtract_product(lower, s, s, diagonal, below[s])
            for r in range(starts[t], s):
                subtract_product(lower, s, r, lower, slot[below[s], below[r]])
    return True


@inline
def subtract_product(blocks: Array, one: int, other: int, outs: Array, out: int) -> None:
    """Subtract u v^T of two blocks from a third."""
    u, v, w = nine(blocks, one), nine(blocks, other), nine(outs, out)
    put_nine(
        outs,
        out,
        (
            w[0] - (u[0] * v[0] + u[1] * v[1] + u[2] * v[2]),
            w[1] - (u[0] * v[3] + u[1] * v[4] + u[2] * v[5]),
            w[2] - (u[0] * v[6] + u[1] * v[7] + u[2] * v[8]),
            w[3] - (u[3] * v[0] + u[4] * v[1] + u[5] * v[2]),
            w[4] - (u[3] * v[3] + u[4] * v[4] + u[5] * v[5]),
            w[5] - (u[3] * v[6] + u[4] * v[7] + u[5] * v[8]),
            w[6] - (u[6] * v[0] + u[7] * v[1] + u[8] * v[2]),
            w[7] - (u[6] * v[3] + u[7] * v[4] + u[8] * v[5]),
            w[8] - (u[6] * v[6] + u[7] * v[7] + u[8] * v[8]),
        ),
    )


@inner
def solve(order: Array, starts: Array, below: Array, diagonal: Array, lower: Array, y: Array) -> None:
    """Replace right-hand sides y (3N, k), in the order of elimination, by the solutions."""
    columns = y.shape[1]
    natoms = order.size
    for t in range(natoms):
        d, v = diagonal[t], 3 * t
        i00, i10, i11, i20, i21, i22 = d[0], d[3], d[4], d[6], d[7], d[8]
        for e in range(columns):
            p, q, r = y[v, e], y[v + 1, e], y[v + 2, e]
            y[v, e] = i00 * p
            y[v + 1, e] = i10 * p + i11 * q
            y[v + 2, e] = i20 * p + i21 * q + i22 * r
        for s in range(starts[t], starts[t + 1]):
            w = 3 * below[s]
            b0, b1, b2, b3, b4, b5, b6, b7, b8 = nine(lower, s)
            for e in range(columns):
                p, q, r = y[v, e], y[v + 1, e], y[v + 2, e]
                y[w, e] -= b0 * p + b1 * q + b2 * r
                y[w + 1, e] -= b3 * p + b4 * q + b5 * r
                y[w + 2, e] -= b6 * p + b7 * q + b8 * r
    for t in range(natoms - 1, -1, -1):
        d, v = diagonal[t], 3 * t
        i00, i10, i11, i20, i21, i22 = d[0], d[3], d[4], d[6], d[7], d[8]
        for s in range(starts[t], starts[t + 1]):
            w = 3 * below[s]
            b0, b1, b2, b3, b4, b5, b6, b7, b8 = nine(lower, s)
            for e in range(columns):
                p, q, r = y[w, e], y[w + 1, e], y[w + 2, e]
                y[v, e] -= b0 * p + b3 * q + b6 * r
                y[v + 1, e] -= b1 * p + b4 * q + b7 * r
                y[v + 2, e] -= b2 * p + b5 * q + b8 * r
        for e in range(columns):
            p, q, r = y[v, e], y[v + 1, e], y[v + 2, e]
            y[v, e] = i00 * p + i10 * q + i20 * r
            y[v + 1, e] = i11 * q + i21 * r
            y[v + 2, e] = i22 * r


@inner
def solve_one(order: Array, starts: Array, below: Array, diagonal: Array, lower: Array, y: Array) -> None:
    """Replace one right-hand side y (3N,), in the order of elimination, by the solution."""
    for t in range(order.size):
        d, v = diagonal[t], 3 * t
        p = d[0] * y[v]
        q = d[3] * y[v] + d[4] * y[v + 1]
        r = d[6] * y[v] + d[7] * y[v + 1] + d[8] * y[v + 2]
        y[v], y[v + 1], y[v + 2] = p, q, r
        for s in range(starts[t], starts[t + 1]):
            b, w = nine(lower, s), 3 * below[s]
            y[w] -= b[0] * p + b[1] * q + b[2] * r
            y[w + 1] -= b[3] * p + b[4] * q + b[5] * r
            y[w + 2] -= b[6] * p + b[7] * q + b[8] * r
    for t in range(order.size - 1, -1, -1):
        d, v = diagonal[t], 3 * t
        p, q, r = y[v], y[v + 1], y[v + 2]
        for s in range(starts[t], starts[t + 1]):
            b, w = nine(lower, s), 3 * below[s]
            p -= b[0] * y[w] + b[3] * y[w + 1] + b[6] * y[w + 2]
            q -= b[1] * y[w] + b[4] * y[w + 1] + b[7] * y[w + 2]
            r -= b[2] * y[w] + b[5] * y[w + 1] + b[8] * y[w + 2]
        y[v] = d[0] * p + d[3] * q + d[6] * r
        y[v + 1] = d[4] * q + d[7] * r
        y[v + 2] = d[8] * r
