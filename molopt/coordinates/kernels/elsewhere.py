"""Displacements between geometries of several systems, and what is asked of geometries that are not linearized."""

import math

import numpy as np

from molopt.coordinates.evaluation import FLAT, STRAIGHT
from molopt.coordinates.kernels import blocks, rows
from molopt.coordinates.kernels.compiling import inner, kernel
from molopt.coordinates.kernels.systems import Pages, Shelf, size_of, system_of
from molopt.coordinates.kernels.tables import Signs
from molopt.coordinates.kernels.vectors import dot, gap, triple
from molopt.rules.partition import Array

CLOSE_TO_STRAIGHT = math.cos(STRAIGHT) ** 2


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
        blocks.pull_back(tables.chart.atoms, a, covectors[entries], out[places])
        place, entry = place + 3 * natoms, entry + nq
    return out


@kernel
def outdated(shelf: Shelf, which: Array, x: Array) -> Array:
    """(S,) which lists may no longer describe their systems at x (3N,)."""
    out, place = np.empty(len(which), np.bool_), 0
    for s in range(len(which)):
        tables = shelf[which[s]]
        end = place + 3 * size_of(tables)[0]
        out[s] = tables.signs.straight or shown(tables.signs, x[place:end])
        place = end
    return out


@inner
def shown(signs: Signs, x: Array) -> bool:
    """Whether one of the signs shows at x (3N,)."""
    for n in range(len(signs.angles)):
        i, j, k = signs.angles[n, 0], signs.angles[n, 1], signs.angles[n, 2]
        u, v = gap(x, i, j), gap(x, k, j)
        along = dot(u, v)
        if along < 0 and along * along > CLOSE_TO_STRAIGHT * dot(u, u) * dot(v, v):
            return True
    for n in range(len(signs.pyramids)):
        i, j, k, m = rows.four(signs.pyramids, n)
        if abs(triple(x, i, j, k, m)) < FLAT:
            return True
    return False
