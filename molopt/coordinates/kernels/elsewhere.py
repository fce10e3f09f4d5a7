"""What a run asks of a geometry without linearising there: how far it is, and how a gradient looks in Cartesians."""

import numpy as np

from molopt.coordinates.kernels import blocks, rows
from molopt.coordinates.kernels.compiling import kernel
from molopt.coordinates.kernels.tables import Chart
from molopt.rules.partition import Array


@kernel
def displacement(chart: Chart, roots: Array, old: Array, x: Array) -> Array:
    """(S, nq) displacements from geometries with the values `old` (S, nq) to x (S, 3N)."""
    out, values = np.empty_like(old), np.empty(old.shape[1])
    for s in range(len(x)):
        rows.values(chart, x[s], values)
        rows.scaled_change(chart, roots[s], values, old[s], out[s])
    return out


@kernel
def pull_back_at(chart: Chart, roots: Array, x: Array, covectors: Array) -> Array:
    """(S, 3N) A^T v at x (S, 3N) of v (S, nq)."""
    out, a = np.empty_like(x), np.empty((covectors.shape[1], 12))
    for s in range(len(x)):
        rows.rows(chart, roots[s], x[s], a)
        blocks.pull_back(chart, a, covectors[s], out[s])
    return out
