"""Solving with A^T A and with the model Hessian, whose rigid motions are projected out.

Both are singular along rigid motions. Where these change no coordinate, a spring on as many entries of x as there are
motions makes the matrix definite and leaves (P H P)^+ as it is; it stays sparse. Where they do (bends whose sides are
fixed in space, of molecules on a line), P H P + c T T^T is factored, which has all blocks.
"""

import numpy as np

from molopt.coordinates.inverse import LEAST
from molopt.coordinates.kernels import cholesky, rigid
from molopt.coordinates.kernels.blocks import multiply
from molopt.coordinates.kernels.compiling import inner
from molopt.coordinates.kernels.systems import Factor
from molopt.rules.partition import Array


@inner
def factorise(
    pairs: Array, blocks: Array, slot: Array, motions: Array, count: int, pins: Array, factor: Factor
) -> bool:
    """Write the factor of the blocks (nb, 9) with `count` rigid motions (6, 3N) held fast.

    `slot` is that of `elimination.fill`. False if the matrix is not positive definite on what is left: then it is that
    of the matrix shifted by a small part of its mean stiffness.
    """
    order, starts, below, diagonal, lower = factor
    natoms = order.size
    scale = 0.0
    for n in range(natoms):
        scale += (blocks[n, 0] + blocks[n, 4] + blocks[n, 8]) / (3 * natoms)
    if scale == 0.0:
        scale = 1.0
    matrix = blocks if pins.size else held(pairs, blocks, motions, count, scale)
    cholesky.spread(matrix, pairs, order, slot, diagonal, lower)
    if pins.size:
        place = np.empty(natoms, np.int64)
        for t in range(natoms):
            place[order[t]] = t
        for n in range(count):
            diagonal[place[pins[n] // 3], 4 * (pins[n] % 3)] += scale
    if cholesky.factorise(starts, below, slot, diagonal, lower):
        return True
    cholesky.spread(matrix, pairs, order, slot, diagonal, lower)  # without pins: the shift alone makes it definite
    for n in range(natoms):
        for c in range(3):
            diagonal[n, 4 * c] += LEAST * scale
    cholesky.factorise(starts, below, slot, diagonal, lower)
    return False


@inner
def held(pairs: Array, blocks: Array, motions: Array, count: int, scale: float) -> Array:
    """P H P + scale T T^T = H + T half^T + half T^T, with half = T (T^T H T + scale) / 2 - H T; all blocks (nb, 9)."""
    size = motions.shape[1]
    images, half = np.zeros((count, size)), np.zeros((count, size))
    for n in range(count):
        multiply(pairs, blocks, motions[n], images[n])
    for n in range(count):
        for m in range(count):
            s = 0.0
            for i in range(size):
                s += motions[m, i] * images[n, i]
            if n == m:
                s += scale
            for i in range(size):
                half[n, i] += 0.5 * s * motions[m, i]
        for i in range(size):
            half[n, i] -= images[n, i]
    out = blocks.copy()
    for n in range(len(pairs)):
        i, j = 3 * pairs[n, 0], 3 * pairs[n, 1]
        for c in range(3):
            for e in range(3):
                for m in range(count):
                    out[n, 3 * c + e] += motions[m, i + c] * half[m, j + e] + half[m, i + c] * motions[m, j + e]
    return out


@inner
def solve(factor: Factor, motions: Array, count: int, v: Array) -> None:
    """Replace v (3N,) by (P H P)^+ v."""
    rigid.project(motions, count, v)
    order, starts, below, diagonal, lower = factor
    y = np.empty(v.size)
    for t in range(order.size):
        i = 3 * order[t]
        y[3 * t], y[3 * t + 1], y[3 * t + 2] = v[i], v[i + 1], v[i + 2]
    cholesky.solve_one(order, starts, below, diagonal, lower, y)
    for t in range(order.size):
        i = 3 * order[t]
        v[i], v[i + 1], v[i + 2] = y[3 * t], y[3 * t + 1], y[3 * t + 2]
    rigid.project(motions, count, v)


@inner
def solve_columns(factor: Factor, v: Array) -> None:
    """Replace v (3N, k) without rigid motions by solutions, which may have some."""
    order, starts, below, diagonal, lower = factor
    columns = v.shape[1]
    y = np.empty(v.shape)
    for t in range(order.size):
        for c in range(3):
            for e in range(columns):
                y[3 * t + c, e] = v[3 * order[t] + c, e]
    cholesky.solve(order, starts, below, diagonal, lower, y)
    for t in range(order.size):
        for c in range(3):
            for e in range(columns):
                v[3 * order[t] + c, e] = y[3 * t + c, e]
