"""From a displacement in u to a new geometry: the kernel of `Member.move`."""

import math

import numpy as np

from molopt.coordinates.kernels import blocks, factors, rigid, rows
from molopt.coordinates.kernels.compiling import inner, kernel
from molopt.coordinates.kernels.linearize import Geometry, Stiff
from molopt.coordinates.kernels.tables import Chart, Pattern
from molopt.coordinates.member import CLOSE, HALVINGS, SHORT, SLOW, TRIES, WORSE
from molopt.rules.partition import Array


@kernel
def move(
    chart: Chart, pattern: Pattern, geometry: Geometry, stiff: Stiff, roots: Array, displacement: Array
) -> tuple[Array, Array]:
    """New geometries (S, 3N), and by how many halvings (S,) each displacement (S, nq) was shortened to get there.

    One more than `HALVINGS` stands for a short step in Cartesians.
    """
    systems, size = geometry.x.shape
    out, halvings = np.empty((systems, size)), np.empty(systems, np.int64)
    for s in range(systems):
        du = displacement[s].copy()
        halvings[s] = 0
        while halvings[s] <= HALVINGS and not reach(chart, pattern, geometry, stiff, s, roots[s], du, out[s]):
            halvings[s] += 1
            for n in range(du.size):
                du[n] *= 0.5
        if halvings[s] > HALVINGS:
            step = np.empty(size)
            to_cartesian(chart, pattern, geometry, stiff, s, displacement[s], step)
            shortened = min(1.0, SHORT / blocks.longest_move(step))
            for i in range(size):
                out[s, i] = geometry.x[s, i] + shortened * step[i]
    return out, halvings


@inner
def to_cartesian(
    chart: Chart, pattern: Pattern, geometry: Geometry, stiff: Stiff, s: int, u: Array, out: Array
) -> None:
    """Write out (3N,) = (A^T A)^+ A^T u of system s."""
    blocks.pull_back(chart, geometry.a[s], u, out)
    motions, count = geometry.motions[s], geometry.counts[s]
    diagonal, lower = stiff.diagonal[s], stiff.lower[s]
    factors.solve(pattern.order, pattern.starts, pattern.below, diagonal, lower, motions, count, out)


@inner
def reach(
    chart: Chart,
    pattern: Pattern,
    geometry: Geometry,
    stiff: Stiff,
    s: int,
    roots: Array,
    displacement: Array,
    y: Array,
) -> bool:
    """Write the point y (3N,) of this displacement (nq,); False if the corrections diverge.

    They are made with A of the start, or, where they get shorter too slowly, of the way.
    """
    step, missing, values = np.empty(y.size), np.empty(displacement.size), np.empty(displacement.size)
    to_cartesian(chart, pattern, geometry, stiff, s, displacement, step)
    for i in range(y.size):
        y[i] = geometry.x[s, i] + step[i]
    at, factor, system, last = geometry, stiff, s, np.inf
    for _ in range(TRIES):
        rows.values(chart, y, values)
        rows.scaled_change(chart, roots, values, geometry.values[s], missing)
        for n in range(missing.size):
            missing[n] = displacement[n] - missing[n]
        to_cartesian(chart, pattern, at, factor, system, missing, step)
        length = math.sqrt(blocks.inner_product(step, step))
        if not length < WORSE * last:
            return False
        for i in range(y.size):
            y[i] += step[i]
        if length < CLOSE:
            return True
        if length > SLOW * last:
            at, factor = on_the_way(chart, pattern, roots, y)
            system = 0
        last = length
    return False


@inner
def on_the_way(chart: Chart, pattern: Pattern, roots: Array, y: Array) -> tuple[Geometry, Stiff]:
    """A and the factor of A^T A at y (3N,), as those of one system."""
    natoms, nq = y.size // 3, roots.size
    a, motions = np.empty((1, nq, 12)), np.empty((1, 6, y.size))
    rows.rows(chart, roots, y, a[0])
    count = rigid.rigid_motions(y, motions[0])
    pins = np.empty(6 if pattern.pinned else 0, np.int64)
    if pattern.pinned:
        rigid.pins_of(motions[0], count, pins)
    grams = np.empty((len(pattern.pairs), 9))
    blocks.gram(pattern, a.reshape(a.size), grams)
    diagonal, lower = np.empty((1, natoms, 9)), np.empty((1, pattern.below.size, 9))
    definite = factors.factorise(
        pattern.pairs,
        grams,
        pattern.order,
        pattern.starts,
        pattern.below,
        pattern.slot,
        motions[0],
        count,
        pins,
        diagonal[0],
        lower[0],
    )
    unused = np.empty((1, 0))
    at = Geometry(y.copy().reshape((1, y.size)), unused, unused, a, motions, np.array([count]))
    return at, Stiff(diagonal, lower, np.array([definite]))
