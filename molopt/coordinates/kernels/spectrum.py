"""A corrected model Hessian in the metric of the model: the kernel of `secants.Spectrum`."""

import math
from typing import NamedTuple

import numpy as np

from molopt.coordinates.kernels.compiling import inner
from molopt.coordinates.secants import FLATTEST
from molopt.rules.partition import Array

DEPENDENT = 1e-12  # of the largest pivot: what the other corrections span already


class Spectrum(NamedTuple):
    """As in `secants`; directions and rest may hold rigid motions."""

    eigenvalues: Array  # (k,)
    slopes: Array  # (k,)
    directions: Array  # (k, 3N)
    rest: Array  # (3N,)
    slope: float


@inner
def spectrum_of(vectors: Array, signs: Array, images: Array) -> Spectrum:
    """That of H + v diag(signs) v^T, where vectors (c + 1, 3N) are v and the gradient, images (3N, c + 1) H^+ of them.

    v^T H^+ v = L L^T by a Cholesky factorisation with pivoting: the columns of H^+ v L^-T are orthonormal in the metric
    of H, and L^T diag(signs) L is the correction along them.
    """
    count, size = signs.size, vectors.shape[1]
    gram = np.dot(vectors[:count], images)  # v^T H^+ v, and v^T H^+ g
    natural = images[:, count].copy()
    slope = 0.0
    for i in range(size):
        slope += vectors[count, i] * natural[i]
    lower, pivots = pivoted(gram)
    rank = pivots.size
    small = np.zeros((rank, rank))
    for n in range(count):
        for a in range(rank):
            f = lower[n, a] * signs[n]
            for b in range(rank):
                small[a, b] += f * lower[n, b]
    eigenvalues, turned = np.linalg.eigh(small)
    for a in range(rank):
        eigenvalues[a] = max(1 + eigenvalues[a], FLATTEST)
    # coefficients = L^-T turned, of the images of the pivots, by substitution from the last row
    for a in range(rank - 1, -1, -1):
        for b in range(a + 1, rank):
            for e in range(rank):
                turned[a, e] -= lower[pivots[b], a] * turned[b, e]
        for e in range(rank):
            turned[a, e] /= lower[pivots[a], a]
    slopes = np.zeros(rank)
    for e in range(rank):
        for a in range(rank):
            slopes[e] += turned[a, e] * gram[pivots[a], count]
    chosen = np.empty((rank, size))
    for a in range(rank):
        for i in range(size):
            chosen[a, i] = images[i, pivots[a]]
    directions = np.dot(turned.T.copy(), chosen)
    rest = -natural
    for e in range(rank):
        slope -= slopes[e] * slopes[e]
        for i in range(size):
            rest[i] += slopes[e] * directions[e, i]
    return Spectrum(eigenvalues, slopes, directions, rest, max(slope, 0.0))


@inner
def pivoted(gram: Array) -> tuple[Array, Array]:
    """L (c, k) with L L^T the first c columns of gram (c, any), of rank k, and its pivots (k,)."""
    count = len(gram)
    lower, left, pivots = np.zeros((count, count)), np.empty(count), np.empty(count, np.int64)
    most = 0.0
    for n in range(count):
        left[n] = gram[n, n]
        most = max(most, left[n])
    rank = 0
    while rank < count:
        best = 0
        for n in range(count):
            if left[n] > left[best]:
                best = n
        if not left[best] > DEPENDENT * most:
            break
        root = math.sqrt(left[best])
        for n in range(count):
            if left[n] >= 0.0:  # not a pivot yet
                value = gram[n, best]
                for a in range(rank):
                    value -= lower[n, a] * lower[best, a]
                lower[n, rank] = value / root
                left[n] = max(left[n] - lower[n, rank] * lower[n, rank], 0.0)
        lower[best, rank] = root
        left[best] = -1.0
        pivots[rank] = best
        rank += 1
    return lower, pivots[:rank]


@inner
def step_of(spectrum: Spectrum, shift: float, step: Array) -> None:
    """Write the step (3N,) -(H + shift M)^+ g."""
    for i in range(step.size):
        step[i] = spectrum.rest[i] / (1 + shift)
    for e in range(spectrum.slopes.size):
        f = spectrum.slopes[e] / (spectrum.eigenvalues[e] + shift)
        for i in range(step.size):
            step[i] -= f * spectrum.directions[e, i]


@inner
def length_of(spectrum: Spectrum, shift: float) -> float:
    """Norm of the step in the metric of the model, sqrt(eV)."""
    square = spectrum.slope / (1 + shift) ** 2
    for e in range(spectrum.slopes.size):
        square += (spectrum.slopes[e] / (spectrum.eigenvalues[e] + shift)) ** 2
    return math.sqrt(square)


@inner
def change_of(spectrum: Spectrum, shift: float) -> float:
    """Change of the energy that the quadratic model predicts for the step, eV."""
    along = -spectrum.slope * (0.5 + shift) / (1 + shift) ** 2
    for e in range(spectrum.slopes.size):
        part = spectrum.slopes[e] / (spectrum.eigenvalues[e] + shift)
        along += (0.5 * spectrum.eigenvalues[e] * part - spectrum.slopes[e]) * part
    return along


@inner
def energy_left_of(spectrum: Spectrum) -> float:
    """g . H^+ g / 2, eV."""
    left = spectrum.slope
    for e in range(spectrum.slopes.size):
        left += spectrum.slopes[e] ** 2 / spectrum.eigenvalues[e]
    return 0.5 * left
