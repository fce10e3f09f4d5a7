"""Products and solutions at the geometries of several systems.

Vectors are flat, one system after another: (nq, k) in u and (3N, k) in Cartesians.
"""

import numpy as np

from molopt.coordinates.kernels import blocks, factors
from molopt.coordinates.kernels.compiling import inner, kernel
from molopt.coordinates.kernels.systems import Pages, Shelf, System, size_of, system_of
from molopt.rules.partition import Array


@inner
def solve_one_metric(one: System, v: Array) -> None:
    """Replace v (3N,) by (A^T A)^+ v."""
    factors.solve(one.stiff, one.motions, one.rigid, v)


@inner
def solve_one_hessian(one: System, v: Array) -> None:
    """Replace v (3N,) by H^+ v."""
    factors.solve(one.model, one.motions, one.rigid, v)


@kernel
def to_internal(shelf: Shelf, which: Array, pages: Pages, where: Array, moves: Array, entries: int) -> Array:
    """A dx, of so many entries."""
    out, place, entry = np.empty((entries, moves.shape[1])), 0, 0
    for s in range(len(which)):
        tables = shelf[which[s]]
        one, (natoms, nq) = system_of(tables, pages, where[s]), size_of(tables)
        image = np.empty(nq)
        for e in range(moves.shape[1]):
            blocks.push_forward(tables.chart.atoms, one.a, moves[place : place + 3 * natoms, e].copy(), image)
            out[entry : entry + nq, e] = image
        place, entry = place + 3 * natoms, entry + nq
    return out


@kernel
def pull_back(shelf: Shelf, which: Array, pages: Pages, where: Array, covectors: Array, places: int) -> Array:
    """A^T v, of so many places."""
    out, place, entry = np.empty((places, covectors.shape[1])), 0, 0
    for s in range(len(which)):
        tables = shelf[which[s]]
        one, (natoms, nq) = system_of(tables, pages, where[s]), size_of(tables)
        image = np.empty(3 * natoms)
        for e in range(covectors.shape[1]):
            blocks.pull_back(tables.chart.atoms, one.a, covectors[entry : entry + nq, e].copy(), image)
            out[place : place + 3 * natoms, e] = image
        place, entry = place + 3 * natoms, entry + nq
    return out


@kernel
def solve_metric(shelf: Shelf, which: Array, pages: Pages, where: Array, covectors: Array) -> Array:
    """(A^T A)^+ f."""
    out, place = np.empty_like(covectors), 0
    for s in range(len(which)):
        one = system_of(shelf[which[s]], pages, where[s])
        for e in range(covectors.shape[1]):
            image = covectors[place : place + one.x.size, e].copy()
            solve_one_metric(one, image)
            out[place : place + one.x.size, e] = image
        place += one.x.size
    return out


@kernel
def solve_hessian(shelf: Shelf, which: Array, pages: Pages, where: Array, covectors: Array) -> Array:
    """H^+ f."""
    out, place = np.empty_like(covectors), 0
    for s in range(len(which)):
        one = system_of(shelf[which[s]], pages, where[s])
        for e in range(covectors.shape[1]):
            image = covectors[place : place + one.x.size, e].copy()
            solve_one_hessian(one, image)
            out[place : place + one.x.size, e] = image
        place += one.x.size
    return out


@kernel
def apply_hessian(shelf: Shelf, which: Array, pages: Pages, where: Array, moves: Array) -> Array:
    """H dx."""
    out, place = np.empty_like(moves), 0
    for s in range(len(which)):
        one = system_of(shelf[which[s]], pages, where[s])
        image = np.empty(one.x.size)
        for e in range(moves.shape[1]):
            blocks.multiply(one.pairs, one.blocks, moves[place : place + one.x.size, e].copy(), image)
            out[place : place + one.x.size, e] = image
        place += one.x.size
    return out


@kernel
def net(shelf: Shelf, which: Array, pages: Pages, where: Array) -> Array:
    """(S,) mean squares of net forces and torques, (eV/A)^2."""
    out = np.zeros(len(which))
    for s in range(len(which)):
        one = system_of(shelf[which[s]], pages, where[s])
        for n in range(one.rigid):
            part = blocks.inner_product(one.motions[n], one.cartesian_gradient)
            out[s] += part * part / one.rigid
    return out
