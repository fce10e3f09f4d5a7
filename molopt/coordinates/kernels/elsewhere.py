"""Displacements between geometries of several systems, and gradients at geometries that are not linearized."""

import numpy as np

from molopt.coordinates.kernels import blocks, rows
from molopt.coordinates.kernels.compiling import kernel
from molopt.coordinates.kernels.systems import Pages, Shelf, size_of, system_of
from molopt.rules.partition import Array


@kernel
def between(
    shelf: Shelf, which: Array, old: Pages, old_where: Array, new: Pages, new_where: Array, roots: Array
) -> Array:
    """(nq,) displacements from one geometry of each system to another."""
    out, entry = np.empty_like(roots), 0
    for s in range(len(which)):
        tables = shelf[which[s]]
        before, now = system_of(tables, old, old_where[s]), system_of(tables, new, new_where[s])
        entries = slice(entry, entry + now.values.size)
        rows.scaled_change(tables.chart, roots[entries], now.values, before.values, out[entries])
        entry += now.values.size
    return out


@kernel
def displacement(shelf: Shelf, which: Array, pages: Pages, where: Array, roots: Array, x: Array) -> Array:
    """(nq,) displacements to geometries x (3N,)."""
    out, place, entry = np.empty_like(roots), 0, 0
    for s in range(len(which)):
        tables = shelf[which[s]]
        one = system_of(tables, pages, where[s])
        values, entries = np.empty_like(one.values), slice(entry, entry + one.values.size)
        rows.values(tables.chart, x[place : place + one.x.size], values)
        rows.scaled_change(tables.chart, roots[entries], values, one.values, out[entries])
        place, entry = place + one.x.size, entry + values.size
    return out


@kernel
def pull_back_at(shelf: Shelf, which: Array, roots: Array, x: Array, covectors: Array) -> Array:
    """(3N,) A^T v at x (3N,) of v (nq,)."""
    out, place, entry = np.empty_like(x), 0, 0
    for s in range(len(which)):
        tables = shelf[which[s]]
        natoms, nq = size_of(tables)
        a, places, entries = np.empty((nq, 12)), slice(place, place + 3 * natoms), slice(entry, entry + nq)
        rows.rows(tables.chart, roots[entries], x[places], a)
        blocks.pull_back(tables.chart, a, covectors[entries], out[places])
        place, entry = place + 3 * natoms, entry + nq
    return out
