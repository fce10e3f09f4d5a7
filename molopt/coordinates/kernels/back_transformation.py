"""From a displacement in u to a new geometry: the kernel of `Member.move`."""

import math

import numpy as np

from molopt.coordinates.kernels import blocks, factors, rigid, rows
from molopt.coordinates.kernels.compiling import inner, kernel
from molopt.coordinates.kernels.systems import Factor, Pages, Shelf, System, system_of
from molopt.coordinates.kernels.tables import Tables
from molopt.coordinates.member import CLOSE, HALVINGS, SHORT, SLOW, TRIES, WORSE
from molopt.rules.partition import Array


@kernel
def move(
    shelf: Shelf, which: Array, pages: Pages, where: Array, roots: Array, displacement: Array, places: int
) -> tuple[Array, Array]:
    """New geometries (3N,), and by how many halvings (S,) each displacement (nq,) was shortened to get there.

    One more than `HALVINGS` stands for a short step in Cartesians.
    """
    out, halvings = np.empty(places), np.empty(len(which), np.int64)
    place = entry = 0
    for s in range(len(which)):
        tables = shelf[which[s]]
        one = system_of(tables, pages, where[s])
        size, nq = one.x.size, one.values.size
        du, own = displacement[entry : entry + nq].copy(), roots[entry : entry + nq]
        end = out[place : place + size]
        halvings[s] = 0
        while halvings[s] <= HALVINGS and not reach(tables, one, own, du, end):
            halvings[s] += 1
            for n in range(nq):
                du[n] *= 0.5
        if halvings[s] > HALVINGS:
            step = np.empty(size)
            to_cartesian(tables, one.a, one.stiff, one.motions, one.rigid, displacement[entry : entry + nq], step)
            shortened = min(1.0, SHORT / blocks.longest_move(step))
            for i in range(size):
                end[i] = one.x[i] + shortened * step[i]
        place, entry = place + size, entry + nq
    return out, halvings


@inner
def to_cartesian(tables: Tables, a: Array, stiff: Factor, motions: Array, count: int, u: Array, out: Array) -> None:
    """Write out (3N,) = (A^T A)^+ A^T u."""
    blocks.pull_back(tables.chart.atoms, a, u, out)
    factors.solve(stiff, motions, count, out)


@inner
def reach(tables: Tables, one: System, roots: Array, displacement: Array, y: Array) -> bool:
    """Write the point y (3N,) of this displacement (nq,); False if the corrections diverge.

    They are made with A of the start, or, where they get shorter too slowly, of the way.
    """
    step, missing, values = np.empty(y.size), np.empty(displacement.size), np.empty(displacement.size)
    a, motions, count, stiff = one.a, one.motions, one.rigid, one.stiff
    to_cartesian(tables, a, stiff, motions, count, displacement, step)
    for i in range(y.size):
        y[i] = one.x[i] + step[i]
    last = np.inf
    for _ in range(TRIES):
        rows.values(tables.chart, y, values)
        rows.scaled_change(tables.chart, roots, values, one.values, missing)
        for n in range(missing.size):
            missing[n] = displacement[n] - missing[n]
        to_cartesian(tables, a, stiff, motions, count, missing, step)
        length = math.sqrt(blocks.inner_product(step, step))
        if not length < WORSE * last:
            return False
        for i in range(y.size):
            y[i] += step[i]
        if length < CLOSE:
            return True
        if length > SLOW * last:
            a, motions, count, stiff = on_the_way(tables, roots, y)
        last = length
    return False


@inner
def on_the_way(tables: Tables, roots: Array, y: Array) -> tuple[Array, Array, int, Factor]:
    """A, the rigid motions and how many they are, and the factor of A^T A, at y (3N,)."""
    pattern, natoms, nq = tables.pattern, y.size // 3, roots.size
    a, motions = np.empty((nq, 12)), np.empty((6, y.size))
    rows.rows(tables.chart, roots, y, a)
    count = rigid.rigid_motions(y, motions)
    pins = np.empty(6 if pattern.pinned else 0, np.int64)
    if pattern.pinned:
        rigid.pins_of(motions, count, pins)
    grams = np.empty((len(pattern.pairs), 9))
    blocks.gram(pattern, a.reshape(a.size), grams)
    stiff = Factor(
        pattern.order, pattern.starts, pattern.below, np.empty((natoms, 9)), np.empty((pattern.below.size, 9))
    )
    factors.factorise(pattern.pairs, grams, pattern.slot, motions, count, pins, stiff)
    return a, motions, count, stiff
