"""Linearizing internal coordinates at the geometries of several systems."""

from typing import NamedTuple

import numpy as np

from molopt.coordinates.kernels import blocks, elimination, factors, metric, rigid, rows
from molopt.coordinates.kernels.compiling import List, inner, kernel
from molopt.coordinates.kernels.systems import (
    ATOM,
    BLOCK,
    BLOCK_END,
    COLUMNS,
    ENTRY,
    FILL,
    FILL_END,
    NUMBER,
    STIFF,
    Factor,
    Page,
    Pages,
    Shelf,
    size_of,
)
from molopt.coordinates.kernels.tables import Pattern
from molopt.coordinates.metric_table import Scaling
from molopt.rules.partition import Array


class Slopes(NamedTuple):
    """Gradients, and what the model says of them."""

    gradient: Array  # (nq,) A (A^T A)^+ g_x, sqrt(eV)
    newton: Array  # (3N,) H^+ g_x, Angstrom
    natural_gradient: Array  # (nq,) A H^+ g_x, sqrt(eV)
    energy_left: Array  # (S,) eV
    stiff_definite: Array  # (S,) whether A^T A is positive definite but for rigid motions; else it was shifted
    definite: Array  # (S,) and the model Hessian as well


@kernel
def linearize(shelf: Shelf, which: Array, scaling: Scaling, x: Array, gradient: Array) -> tuple[Pages, Array, Slopes]:
    """Pages and where (S, 9) of systems at x (3N,), where the gradient (3N,) is in eV/A; scaling is of all (nq,)."""
    systems = len(which)
    where, shared = placed(shelf, which)
    natoms, nq, fill = x.size // 3, scaling.roots.size, where[systems, STIFF]
    slopes = Slopes(
        np.empty(nq),
        np.empty(x.size),
        np.empty(nq),
        np.empty(systems),
        np.empty(systems, np.bool_),
        np.empty(systems, np.bool_),
    )
    values, a, motions, counts = np.empty(nq), np.empty((nq, 12)), np.empty(6 * x.size), np.empty(systems, np.int64)
    stiff_diagonal, stiff_lower = np.empty((natoms, 9)), np.empty((fill, 9))
    order, starts, diagonal = np.empty(natoms, np.int32), np.empty(natoms + systems, np.int32), np.empty((natoms, 9))
    # contacts come on top of the shared blocks: how many is known when they are found
    pairs, model = np.empty((shared + shared // 2, 2), np.int32), np.empty((shared + shared // 2, 9))
    below, lower = np.empty(2 * fill + 1, np.int32), np.empty((2 * fill + 1, 9))
    begin = first = 0
    for s in range(systems):
        tables = shelf[which[s]]
        chart, springs, pattern = tables.chart, tables.springs, tables.pattern
        size, number = size_of(tables)
        atom, entry = where[s, ATOM], where[s, ENTRY]
        atoms, entries, places = (
            slice(atom, atom + size),
            slice(entry, entry + number),
            slice(3 * atom, 3 * atom + 3 * size),
        )
        here, roots, stiffness = x[places], scaling.roots[entries], scaling.stiffness[entries]
        # coordinates
        rows.values(chart, here, values[entries])
        rows.rows(chart, roots, here, a[entries])
        rigids = motions[18 * atom : 18 * (atom + size)].reshape((6, 3 * size))
        count = rigid.rigid_motions(here, rigids)
        counts[s] = count
        pins = np.empty(6 if pattern.pinned else 0, np.int64)
        if pattern.pinned:
            rigid.pins_of(rigids, count, pins)
        # blocks
        p, m, couplings = np.empty(size), np.empty(number), np.empty(len(springs.couplings))
        metric.planarity(springs, here, p)
        metric.diagonal(springs, stiffness, scaling.constant[entries], here, values[entries], p, m)
        metric.couplings(springs, stiffness, roots, p, m, couplings)
        touching, constants = metric.contacts(springs, here)
        known = len(pattern.pairs)
        pairs, model = longer(pairs, begin + known + len(touching)), longer(model, begin + known + len(touching))
        grams = np.empty((known, 9))
        blocks.grams(pattern, a[entries].reshape(12 * number), m, couplings, grams, model[begin : begin + known])
        metric.add_geminal(springs, pattern, here, p, model[begin : begin + known])
        pairs[begin : begin + known] = pattern.pairs
        end = begin + known
        for n in range(len(touching)):
            end = add_contact(pattern, here, touching[n], constants[n], begin, end, pairs, model)
        where[s, BLOCK], where[s, BLOCK_END] = begin, end
        # factors
        lowest = where[s, STIFF]
        stiff = Factor(
            pattern.order,
            pattern.starts,
            pattern.below,
            stiff_diagonal[atoms],
            stiff_lower[lowest : lowest + pattern.below.size],
        )
        slopes.stiff_definite[s] = factors.factorise(pattern.pairs, grams, pattern.slot, rigids, count, pins, stiff)
        own, columns = order[atoms], starts[atom + s : atom + s + size + 1]
        sets, slot = np.empty((size, (size + 63) // 64), np.uint64), np.empty((size, size), np.int32)
        elimination.connect(pairs[begin:end], sets)
        elimination.minimum_degree(sets, own)
        last = first + elimination.fill(pairs[begin:end], own, sets, columns, below[first:], slot)
        if last > below.size:
            below, lower = longer(below, last), longer(lower, last)
            elimination.fill(pairs[begin:end], own, sets, columns, below[first:], slot)
        factor = Factor(own, columns, below[first:last], diagonal[atoms], lower[first:last])
        whole = factors.factorise(pairs[begin:end], model[begin:end], slot, rigids, count, pins, factor)
        slopes.definite[s] = slopes.stiff_definite[s] and whole
        where[s, FILL], where[s, FILL_END] = first, last
        begin, first = end, last
        # slopes
        hard, newton = gradient[places].copy(), slopes.newton[places]
        newton[:] = hard
        factors.solve(stiff, rigids, count, hard)
        factors.solve(factor, rigids, count, newton)
        blocks.push_forward(chart.atoms, a[entries], hard, slopes.gradient[entries])
        blocks.push_forward(chart.atoms, a[entries], newton, slopes.natural_gradient[entries])
        slopes.energy_left[s] = 0.5 * blocks.inner_product(gradient[places], newton)
    pages = List()
    pages.append(
        Page(
            x,
            gradient,
            values,
            a,
            motions,
            counts,
            stiff_diagonal,
            stiff_lower,
            pairs[:begin],
            model[:begin],
            order,
            starts,
            below[:first],
            diagonal,
            lower[:first],
        )
    )
    return pages, where[:systems], slopes


@inner
def placed(shelf: Shelf, which: Array) -> tuple[Array, int]:
    """Where (S + 1, 9) atoms, entries and factors of A^T A begin, the last row being the end; and how many blocks."""
    where, shared = np.zeros((len(which) + 1, COLUMNS), np.int64), 0
    for s in range(len(which)):
        tables = shelf[which[s]]
        natoms, nq = size_of(tables)
        where[s, NUMBER] = s
        where[s + 1, ATOM] = where[s, ATOM] + natoms
        where[s + 1, ENTRY] = where[s, ENTRY] + nq
        where[s + 1, STIFF] = where[s, STIFF] + tables.pattern.below.size
        shared += len(tables.pattern.pairs)
    return where, shared


@inner
def longer(array: Array, size: int) -> Array:
    """An array that begins with this one and is at least as long as needed."""
    while len(array) < size:
        array = np.concatenate((array, array))
    return array


@inner
def add_contact(
    pattern: Pattern, x: Array, pair: Array, k: float, begin: int, end: int, pairs: Array, model: Array
) -> int:
    """Add a spring between two atoms to the blocks of a system, from begin to end; return the new end."""
    i, j = pair[0], pair[1]
    block = pattern.block[i, j]
    if block < 0:
        block = end - begin
        pairs[end, 0], pairs[end, 1] = i, j
        model[end] = 0.0
        end += 1
    metric.add_spring_between(x, i, j, block, k, model[begin:end])
    return end
