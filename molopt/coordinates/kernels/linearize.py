"""Linearizing internal coordinates at the geometries of several systems of one molecule."""

from typing import NamedTuple

import numpy as np

from molopt.coordinates.kernels import blocks, elimination, factors, metric, rigid, rows
from molopt.coordinates.kernels.compiling import inner, kernel
from molopt.coordinates.kernels.tables import Chart, Pattern, Springs
from molopt.coordinates.metric_table import Scaling
from molopt.rules.partition import Array


class Geometry(NamedTuple):
    """S systems of one molecule, each at a geometry."""

    x: Array  # (S, 3N) Angstrom
    cartesian_gradient: Array  # (S, 3N) eV/A
    values: Array  # (S, nq) q
    a: Array  # (S, nq, 12) A = sqrt(K) dq/dx by the atoms of `Chart.atoms`
    motions: Array  # (S, 6, 3N) orthonormal rigid motions
    counts: Array  # (S,) how many they are


class Stiff(NamedTuple):
    """Factors of A^T A, on the blocks of `Pattern`."""

    diagonal: Array  # (S, N, 9)
    lower: Array  # (S, nnz, 9)
    definite: Array  # (S,) bool


class Model(NamedTuple):
    """Model Hessians, and their factors; each system has blocks of its own, as contacts come and go."""

    starts: Array  # (S + 1, 2) where the blocks, and the factor, of each system begin
    pairs: Array  # (blocks, 2) int32
    blocks: Array  # (blocks, 9)
    order: Array  # (S, N) int32
    columns: Array  # (S, N + 1) int32
    below: Array  # (factor blocks,) int32
    diagonal: Array  # (S, N, 9)
    lower: Array  # (factor blocks, 9)
    definite: Array  # (S,) bool


class Slopes(NamedTuple):
    """Gradients, and what the model says of them."""

    gradient: Array  # (S, nq) A (A^T A)^+ g_x, sqrt(eV)
    newton: Array  # (S, 3N) H^+ g_x, Angstrom
    natural_gradient: Array  # (S, nq) A H^+ g_x, sqrt(eV)
    energy_left: Array  # (S,) eV


@kernel
def linearize(
    chart: Chart, pattern: Pattern, springs: Springs, scaling: Scaling, x: Array, gradient: Array
) -> tuple[Geometry, Stiff, Model, Slopes]:
    """All of it at x (S, 3N), where the gradient (S, 3N) is in eV/A; the arrays of scaling are (S, nq)."""
    systems, size = x.shape
    natoms, nq, shared, below = size // 3, len(chart.atoms), len(pattern.pairs), pattern.below.size
    geometry = Geometry(
        x,
        gradient,
        np.empty((systems, nq)),
        np.empty((systems, nq, 12)),
        np.empty((systems, 6, size)),
        np.empty(systems, np.int64),
    )
    stiff = Stiff(np.empty((systems, natoms, 9)), np.empty((systems, below, 9)), np.empty(systems, np.bool_))
    slopes = Slopes(np.empty((systems, nq)), np.empty((systems, size)), np.empty((systems, nq)), np.empty(systems))
    starts = np.zeros((systems + 1, 2), np.int64)
    order, columns = np.empty((systems, natoms), np.int32), np.empty((systems, natoms + 1), np.int32)
    diagonal, definite = np.empty((systems, natoms, 9)), np.empty(systems, np.bool_)
    # contacts come on top of the shared blocks: how many is known when they are found
    pairs, model = np.empty((2 * shared * systems, 2), np.int32), np.empty((2 * shared * systems, 9))
    rest, lower = np.empty(2 * below * systems + 1, np.int32), np.empty((2 * below * systems + 1, 9))
    most = len(springs.touching_rows)
    touching, constants = np.empty((most, 2), np.int32), np.empty(most)
    sets, slot = np.empty((natoms, (natoms + 63) // 64), np.uint64), np.empty((natoms, natoms), np.int32)
    p, pins = np.empty(natoms), np.empty(6 if pattern.pinned else 0, np.int64)
    m, couplings, grams = np.empty(nq), np.empty(len(springs.couplings)), np.empty((shared, 9))
    for s in range(systems):
        # coordinates
        rows.values(chart, x[s], geometry.values[s])
        rows.rows(chart, scaling.roots[s], x[s], geometry.a[s])
        count = rigid.rigid_motions(x[s], geometry.motions[s])
        geometry.counts[s] = count
        if pattern.pinned:
            rigid.pins_of(geometry.motions[s], count, pins)
        # blocks
        metric.planarity(springs, x[s], p)
        metric.diagonal(springs, scaling.stiffness[s], scaling.constant[s], x[s], geometry.values[s], p, m)
        metric.couplings(springs, scaling.stiffness[s], scaling.roots[s], p, m, couplings)
        contacts = metric.contacts(springs, x[s], touching, constants)
        begin = starts[s, 0]
        pairs, model = longer(pairs, begin + shared + contacts), longer(model, begin + shared + contacts)
        here = model[begin : begin + shared]
        blocks.grams(pattern, geometry.a[s].reshape(12 * nq), m, couplings, grams, here)
        metric.add_geminal(springs, pattern, x[s], p, here)
        pairs[begin : begin + shared] = pattern.pairs
        end = begin + shared
        for n in range(contacts):
            end = add_contact(pattern, x[s], touching[n], constants[n], begin, end, pairs, model)
        starts[s + 1, 0] = end
        # factors
        stiff.definite[s] = factors.factorise(
            pattern.pairs,
            grams,
            pattern.order,
            pattern.starts,
            pattern.below,
            pattern.slot,
            geometry.motions[s],
            count,
            pins,
            stiff.diagonal[s],
            stiff.lower[s],
        )
        first = starts[s, 1]
        elimination.connect(pairs[begin:end], sets)
        elimination.minimum_degree(sets, order[s])
        total = elimination.fill(pairs[begin:end], order[s], sets, columns[s], rest[first:], slot)
        if first + total > rest.size:
            rest, lower = longer(rest, first + total), longer(lower, first + total)
            elimination.fill(pairs[begin:end], order[s], sets, columns[s], rest[first:], slot)
        starts[s + 1, 1] = first + total
        definite[s] = factors.factorise(
            pairs[begin:end],
            model[begin:end],
            order[s],
            columns[s],
            rest[first : first + total],
            slot,
            geometry.motions[s],
            count,
            pins,
            diagonal[s],
            lower[first : first + total],
        )
        # slopes
        newton, hard = slopes.newton[s], gradient[s].copy()
        newton[:] = gradient[s]
        motions = geometry.motions[s]
        factors.solve(
            pattern.order, pattern.starts, pattern.below, stiff.diagonal[s], stiff.lower[s], motions, count, hard
        )
        factors.solve(
            order[s],
            columns[s],
            rest[first : first + total],
            diagonal[s],
            lower[first : first + total],
            motions,
            count,
            newton,
        )
        blocks.push_forward(chart, geometry.a[s], hard, slopes.gradient[s])
        blocks.push_forward(chart, geometry.a[s], newton, slopes.natural_gradient[s])
        slopes.energy_left[s] = 0.5 * blocks.inner_product(gradient[s], newton)
    found = Model(
        starts,
        pairs[: starts[systems, 0]],
        model[: starts[systems, 0]],
        order,
        columns,
        rest[: starts[systems, 1]],
        diagonal,
        lower[: starts[systems, 1]],
        definite,
    )
    return geometry, stiff, found, slopes


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
