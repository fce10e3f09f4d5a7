"""Products and solutions at the geometries of several systems, for one right-hand side or more."""

import numpy as np

from molopt.coordinates.kernels import blocks, factors
from molopt.coordinates.kernels.compiling import inner, kernel
from molopt.coordinates.kernels.linearize import Geometry, Model, Stiff
from molopt.coordinates.kernels.tables import Chart, Pattern
from molopt.rules.partition import Array


@inner
def solve_stiff(pattern: Pattern, geometry: Geometry, stiff: Stiff, s: int, v: Array) -> None:
    """Replace v (3N,) by (A^T A)^+ v of system s."""
    motions, count = geometry.motions[s], geometry.counts[s]
    diagonal, lower = stiff.diagonal[s], stiff.lower[s]
    factors.solve(pattern.order, pattern.starts, pattern.below, diagonal, lower, motions, count, v)


@inner
def solve_model(geometry: Geometry, model: Model, s: int, v: Array) -> None:
    """Replace v (3N,) by H^+ v of system s."""
    begin, end = model.starts[s, 1], model.starts[s + 1, 1]
    motions, count = geometry.motions[s], geometry.counts[s]
    below, lower = model.below[begin:end], model.lower[begin:end]
    factors.solve(model.order[s], model.columns[s], below, model.diagonal[s], lower, motions, count, v)


@inner
def multiply(model: Model, s: int, v: Array, out: Array) -> None:
    """Write out (3N,) = H v of system s."""
    begin, end = model.starts[s, 0], model.starts[s + 1, 0]
    blocks.multiply(model.pairs[begin:end], model.blocks[begin:end], v, out)


@kernel
def to_internal(chart: Chart, geometry: Geometry, d: Array) -> Array:
    """(S, nq, k) A d of d (S, 3N, k)."""
    systems, _, columns = d.shape
    out, image = np.empty((systems, len(chart.atoms), columns)), np.empty(len(chart.atoms))
    for s in range(systems):
        for e in range(columns):
            blocks.push_forward(chart, geometry.a[s], d[s, :, e].copy(), image)
            out[s, :, e] = image
    return out


@kernel
def pull_back(chart: Chart, geometry: Geometry, u: Array) -> Array:
    """(S, 3N, k) A^T u of u (S, nq, k)."""
    systems, _, columns = u.shape
    out, image = np.empty((systems, geometry.x.shape[1], columns)), np.empty(geometry.x.shape[1])
    for s in range(systems):
        for e in range(columns):
            blocks.pull_back(chart, geometry.a[s], u[s, :, e].copy(), image)
            out[s, :, e] = image
    return out


@kernel
def to_cartesian(chart: Chart, pattern: Pattern, geometry: Geometry, stiff: Stiff, u: Array) -> Array:
    """(S, 3N, k) (A^T A)^+ A^T u of u (S, nq, k)."""
    systems, _, columns = u.shape
    out, image = np.empty((systems, geometry.x.shape[1], columns)), np.empty(geometry.x.shape[1])
    for s in range(systems):
        for e in range(columns):
            blocks.pull_back(chart, geometry.a[s], u[s, :, e].copy(), image)
            solve_stiff(pattern, geometry, stiff, s, image)
            out[s, :, e] = image
    return out


@kernel
def solve(chart: Chart, geometry: Geometry, model: Model, u: Array) -> Array:
    """(S, nq, k) (P M P)^+ u = A H^+ A^T u of u (S, nq, k)."""
    systems, nq, columns = u.shape
    out, image, back = np.empty((systems, nq, columns)), np.empty(geometry.x.shape[1]), np.empty(nq)
    for s in range(systems):
        for e in range(columns):
            blocks.pull_back(chart, geometry.a[s], u[s, :, e].copy(), image)
            solve_model(geometry, model, s, image)
            blocks.push_forward(chart, geometry.a[s], image, back)
            out[s, :, e] = back
    return out


@kernel
def apply(chart: Chart, pattern: Pattern, geometry: Geometry, stiff: Stiff, model: Model, u: Array) -> Array:
    """(S, nq, k) P M P u = A (A^T A)^+ H (A^T A)^+ A^T u of u (S, nq, k)."""
    systems, nq, columns = u.shape
    out, back = np.empty((systems, nq, columns)), np.empty(nq)
    d, image = np.empty(geometry.x.shape[1]), np.empty(geometry.x.shape[1])
    for s in range(systems):
        for e in range(columns):
            blocks.pull_back(chart, geometry.a[s], u[s, :, e].copy(), d)
            solve_stiff(pattern, geometry, stiff, s, d)
            multiply(model, s, d, image)
            solve_stiff(pattern, geometry, stiff, s, image)
            blocks.push_forward(chart, geometry.a[s], image, back)
            out[s, :, e] = back
    return out
