"""Products and solutions at the geometries of several systems, for k vectors of each.

Vectors are (S, nq, k) in u and (S, 3N, k) in Cartesians.
"""

import numpy as np

from molopt.coordinates.kernels import blocks, factors
from molopt.coordinates.kernels.compiling import inner, kernel
from molopt.coordinates.kernels.linearize import Geometry, Model, Stiff
from molopt.coordinates.kernels.tables import Chart, Pattern
from molopt.rules.partition import Array


@inner
def solve_one_metric(pattern: Pattern, geometry: Geometry, stiff: Stiff, s: int, v: Array) -> None:
    """Replace v (3N,) by (A^T A)^+ v of system s."""
    motions, count = geometry.motions[s], geometry.counts[s]
    diagonal, lower = stiff.diagonal[s], stiff.lower[s]
    factors.solve(pattern.order, pattern.starts, pattern.below, diagonal, lower, motions, count, v)


@inner
def solve_one_hessian(geometry: Geometry, model: Model, s: int, v: Array) -> None:
    """Replace v (3N,) by H^+ v of system s."""
    begin, end = model.starts[s, 1], model.starts[s + 1, 1]
    motions, count = geometry.motions[s], geometry.counts[s]
    below, lower = model.below[begin:end], model.lower[begin:end]
    factors.solve(model.order[s], model.columns[s], below, model.diagonal[s], lower, motions, count, v)


@inner
def apply_one_hessian(model: Model, s: int, v: Array, out: Array) -> None:
    """Write out (3N,) = H v of system s."""
    begin, end = model.starts[s, 0], model.starts[s + 1, 0]
    blocks.multiply(model.pairs[begin:end], model.blocks[begin:end], v, out)


@kernel
def to_internal(chart: Chart, geometry: Geometry, moves: Array) -> Array:
    """A dx."""
    systems, _, columns = moves.shape
    out, image = np.empty((systems, len(chart.atoms), columns)), np.empty(len(chart.atoms))
    for s in range(systems):
        for e in range(columns):
            blocks.push_forward(chart, geometry.a[s], moves[s, :, e].copy(), image)
            out[s, :, e] = image
    return out


@kernel
def pull_back(chart: Chart, geometry: Geometry, covectors: Array) -> Array:
    """A^T v."""
    systems, _, columns = covectors.shape
    out, image = np.empty((systems, geometry.x.shape[1], columns)), np.empty(geometry.x.shape[1])
    for s in range(systems):
        for e in range(columns):
            blocks.pull_back(chart, geometry.a[s], covectors[s, :, e].copy(), image)
            out[s, :, e] = image
    return out


@kernel
def to_cartesian(chart: Chart, pattern: Pattern, geometry: Geometry, stiff: Stiff, displacements: Array) -> Array:
    """(A^T A)^+ A^T du."""
    systems, _, columns = displacements.shape
    out, image = np.empty((systems, geometry.x.shape[1], columns)), np.empty(geometry.x.shape[1])
    for s in range(systems):
        for e in range(columns):
            blocks.pull_back(chart, geometry.a[s], displacements[s, :, e].copy(), image)
            solve_one_metric(pattern, geometry, stiff, s, image)
            out[s, :, e] = image
    return out


@kernel
def solve_metric(pattern: Pattern, geometry: Geometry, stiff: Stiff, covectors: Array) -> Array:
    """(A^T A)^+ f."""
    systems, _, columns = covectors.shape
    out = np.empty_like(covectors)
    for s in range(systems):
        for e in range(columns):
            image = covectors[s, :, e].copy()
            solve_one_metric(pattern, geometry, stiff, s, image)
            out[s, :, e] = image
    return out


@kernel
def solve_hessian(geometry: Geometry, model: Model, covectors: Array) -> Array:
    """H^+ f."""
    systems, _, columns = covectors.shape
    out = np.empty_like(covectors)
    for s in range(systems):
        for e in range(columns):
            image = covectors[s, :, e].copy()
            solve_one_hessian(geometry, model, s, image)
            out[s, :, e] = image
    return out


@kernel
def apply_hessian(model: Model, moves: Array) -> Array:
    """H dx."""
    systems, size, columns = moves.shape
    out, image = np.empty_like(moves), np.empty(size)
    for s in range(systems):
        for e in range(columns):
            apply_one_hessian(model, s, moves[s, :, e].copy(), image)
            out[s, :, e] = image
    return out
