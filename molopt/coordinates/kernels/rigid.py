"""Rigid motions of a geometry, and entries that together hold them fast."""

import math

import numpy as np

from molopt.coordinates.kernels.compiling import inner
from molopt.coordinates.rigid import FLAT
from molopt.rules.partition import Array

SWEEPS = 12  # of Jacobi rotations; a 3 x 3 matrix needs five


@inner
def rigid_motions(x: Array, motions: Array) -> int:
    """Write orthonormal rigid motions (6, 3N) at x (3N,), and return how many: 5 for atoms on a line, 6 else.

    Translations come first, then the rotations about the principal axes; rows that are not used are zero.
    """
    natoms = x.size // 3
    centre, matrix, axes = np.zeros(3), np.zeros((3, 3)), np.eye(3)
    for i in range(natoms):
        for c in range(3):
            centre[c] += x[3 * i + c] / natoms
    for i in range(natoms):
        for c in range(3):
            for e in range(3):
                matrix[c, e] += (x[3 * i + c] - centre[c]) * (x[3 * i + e] - centre[e])
    size = matrix[0, 0] + matrix[1, 1] + matrix[2, 2]  # N times the mean square distance from the centre
    diagonalise(matrix, axes)
    motions[:] = 0.0
    for c in range(3):
        for i in range(natoms):
            motions[c, 3 * i + c] = 1 / math.sqrt(natoms)
    count = 3
    for n in range(3):
        inertia = size - matrix[n, n]
        if size == 0.0 or not inertia > FLAT**2 * size:
            continue
        s = 1 / math.sqrt(inertia)
        u, v, w = s * axes[0, n], s * axes[1, n], s * axes[2, n]
        for i in range(natoms):
            a, b, c = x[3 * i] - centre[0], x[3 * i + 1] - centre[1], x[3 * i + 2] - centre[2]
            motions[count, 3 * i] = v * c - w * b
            motions[count, 3 * i + 1] = w * a - u * c
            motions[count, 3 * i + 2] = u * b - v * a
        count += 1
    return count


@inner
def diagonalise(matrix: Array, axes: Array) -> None:
    """Turn a symmetric matrix (3, 3) diagonal by Jacobi rotations, which are gathered in the columns of axes (3, 3)."""
    for _ in range(SWEEPS):
        outside = abs(matrix[0, 1]) + abs(matrix[0, 2]) + abs(matrix[1, 2])
        if outside <= 1e-17 * (abs(matrix[0, 0]) + abs(matrix[1, 1]) + abs(matrix[2, 2])):
            return
        for p in range(2):
            for q in range(p + 1, 3):
                if matrix[p, q] == 0.0:
                    continue
                theta = (matrix[q, q] - matrix[p, p]) / (2 * matrix[p, q])
                t = 1 / (abs(theta) + math.sqrt(theta * theta + 1))
                if theta < 0:
                    t = -t
                c = 1 / math.sqrt(t * t + 1)
                s = t * c
                for k in range(3):
                    a, b = matrix[k, p], matrix[k, q]
                    matrix[k, p], matrix[k, q] = c * a - s * b, s * a + c * b
                for k in range(3):
                    a, b = matrix[p, k], matrix[q, k]
                    matrix[p, k], matrix[q, k] = c * a - s * b, s * a + c * b
                    a, b = axes[k, p], axes[k, q]
                    axes[k, p], axes[k, q] = c * a - s * b, s * a + c * b


@inner
def project(motions: Array, count: int, v: Array) -> None:
    """Take rigid motions out of v (3N,)."""
    for n in range(count):
        s = 0.0
        for i in range(v.size):
            s += motions[n, i] * v[i]
        for i in range(v.size):
            v[i] -= s * motions[n, i]


@inner
def pins_of(motions: Array, count: int, pins: Array) -> None:
    """Write the entries (count,) of x that hold the motions fast: those of a QR factorisation with pivoting."""
    left = motions.copy()
    size = motions.shape[1]
    lengths = np.zeros(size)
    for n in range(count):
        for i in range(size):
            lengths[i] += left[n, i] * left[n, i]
    for m in range(count):
        best = 0
        for i in range(size):
            if lengths[i] > lengths[best]:
                best = i
        pins[m] = best
        total = 0.0
        for n in range(count):
            total += left[n, best] * left[n, best]
        unit = left[:, best] / math.sqrt(total)
        for i in range(size):
            s = 0.0
            for n in range(count):
                s += unit[n] * left[n, i]
            for n in range(count):
                left[n, i] -= s * unit[n]
            lengths[i] -= s * s
        lengths[best] = -1.0
