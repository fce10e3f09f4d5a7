"""The steps of several systems from secants: the kernels of `molopt.coordinates.secants`."""

from typing import NamedTuple

import numpy as np

from molopt.coordinates.kernels import blocks, factors, rigid, solving
from molopt.coordinates.kernels.compiling import inner, kernel
from molopt.coordinates.kernels.spectrum import Spectrum, change_of, energy_left_of, length_of, spectrum_of, step_of
from molopt.coordinates.kernels.systems import Pages, Shelf, System, system_of
from molopt.coordinates.kernels.tables import Chart
from molopt.coordinates.secants import HALVINGS, STIFFEST
from molopt.rules.partition import Array


class Limits(NamedTuple):
    """How far a step may go."""

    radius: Array  # (S,) sqrt(eV)
    maxstep: float  # Angstrom
    maxchange: float  # Angstrom or rad


@kernel
def lack(
    shelf: Shelf,
    which: Array,
    old: Pages,
    old_where: Array,
    new: Pages,
    new_where: Array,
    gradients: tuple[Array, Array],
    taken: Array,
) -> Array:
    """(nq,) g_new - g_old - (M_old + M_new) taken / 2 of a step `taken` (nq,) between two geometries.

    `gradients` are those in u, old and new. M is P M P of each geometry.
    """
    out, entry = gradients[1] - gradients[0], 0
    for s in range(len(which)):
        tables = shelf[which[s]]
        before, now = system_of(tables, old, old_where[s]), system_of(tables, new, new_where[s])
        own, chart = slice(entry, entry + now.values.size), tables.chart
        subtract_half(chart, before, taken[own], out[own])
        subtract_half(chart, now, taken[own], out[own])
        entry += now.values.size
    return out


@inner
def subtract_half(chart: Chart, one: System, taken: Array, out: Array) -> None:
    """Subtract M taken / 2 from out (nq,)."""
    d, image, part = np.empty(one.x.size), np.empty(one.x.size), np.empty(out.size)
    blocks.pull_back(chart.atoms, one.a, taken, d)
    solving.solve_one_metric(one, d)
    blocks.multiply(one.pairs, one.blocks, d, image)
    solving.solve_one_metric(one, image)
    blocks.push_forward(chart.atoms, one.a, image, part)
    for n in range(out.size):
        out[n] -= 0.5 * part[n]


@kernel
def secant_step(
    shelf: Shelf,
    which: Array,
    pages: Pages,
    where: Array,
    roots: Array,
    steps: Array,
    lacks: Array,
    damping: float,
    limits: Limits,
) -> tuple[Array, Array, Array, Array, Array]:
    """Displacements (nq,), and of each system (S,): predicted change and energy left, eV; length; 1 where limited.

    Steps and lacks (memory, nq) are in u, the newest last; rows of zeros are not used.
    """
    systems, entry = len(which), 0
    out = np.zeros(roots.size)
    predicted, left, length, limited = np.empty(systems), np.empty(systems), np.empty(systems), np.empty(systems)
    for s in range(systems):
        tables = shelf[which[s]]
        one = system_of(tables, pages, where[s])
        own = slice(entry, entry + one.values.size)
        chart, pinned = tables.chart, tables.pattern.pinned
        vectors, signs = corrections(chart, pinned, one, steps[:, own], lacks[:, own], damping)
        if not pinned:  # a covector may move the molecule as a whole where sides are fixed in space
            for n in range(len(vectors)):
                rigid.project(one.motions, one.rigid, vectors[n])
        rigid.project(one.motions, one.rigid, vectors[-1])
        images = vectors.T.copy()
        factors.solve_columns(one.model, images)
        spectrum = spectrum_of(vectors, signs, images)
        bounds = limits.radius[s], limits.maxstep, limits.maxchange
        way = Way(chart.atoms, one.a, one.motions, one.rigid, roots[own])
        shift = shift_of(way, spectrum, bounds, out[own])
        limited[s], length[s] = 1.0 if shift > 0 else 0.0, length_of(spectrum, shift)
        predicted[s], left[s] = change_of(spectrum, shift), energy_left_of(spectrum)
        entry += one.values.size
    return out, predicted, left, length, limited


@inner
def corrections(
    chart: Chart, pinned: bool, one: System, steps: Array, lacks: Array, damping: float
) -> tuple[Array, Array]:
    """Covectors v (c + 1, 3N) and c (c,) of the corrected H + v diag(c) v^T; the gradient is last.

    Steps and lacks are (memory, nq).
    """
    memory, size = len(steps), one.x.size
    used = np.empty(memory, np.int64)
    count = 0
    for n in range(memory):
        if anything(steps[n]):
            used[count] = n
            count += 1
    # columns: A^T s, then A^T l
    remembered, pulled = np.empty((steps.shape[1], 2 * count)), np.empty((size, 2 * count))
    for n in range(count):
        for i in range(len(remembered)):
            remembered[i, n], remembered[i, count + n] = steps[used[n], i], lacks[used[n], i]
    blocks.pull_back_columns(chart, one.a, remembered, pulled)
    covectors, columns = pulled.T.copy(), pulled[:, :count].copy()
    if not pinned:
        for n in range(count):
            rigid.project(one.motions, one.rigid, covectors[n])
            columns[:, n] = covectors[n]
    factors.solve_columns(one.stiff, columns)
    forces = np.empty((size, count))
    blocks.multiply_columns(one.pairs, one.blocks, columns, forces)
    moves, images = columns.T.copy(), forces.T.copy()
    vectors, signs = np.zeros((2 * count + 1, size)), np.zeros(2 * count)
    for n in range(count):
        move, hs, y = moves[n], images[n], covectors[count + n]
        for i in range(size):
            y[i] += hs[i]
        for m in range(2 * n):
            f = signs[m] * blocks.inner_product(vectors[m], move)
            for i in range(size):
                hs[i] += f * vectors[m, i]
        shs, sy = blocks.inner_product(move, hs), blocks.inner_product(move, y)
        if not shs > 0.0:  # only by rounding, for a step of almost nothing
            continue
        if sy < damping * shs:
            part = (1 - damping) * shs / (shs - sy)
            for i in range(size):
                y[i] = part * y[i] + (1 - part) * hs[i]
            sy = damping * shs
        vectors[2 * n], vectors[2 * n + 1] = y, hs
        signs[2 * n], signs[2 * n + 1] = 1 / sy, -1 / shs
    vectors[2 * count] = one.cartesian_gradient
    return vectors, signs


@inner
def anything(v: Array) -> bool:
    """Whether an entry is not zero."""
    for value in v:  # noqa: SIM110  # numba does not compile any() of a generator
        if value != 0.0:
            return True
    return False


class Way(NamedTuple):
    """What turns a step of one system into a displacement in u."""

    atoms: Array  # (nq, 4)
    a: Array  # (nq, 12)
    motions: Array  # (6, 3N)
    rigid: int
    roots: Array  # (nq,)


@inner
def shift_of(way: Way, spectrum: Spectrum, bounds: tuple[float, float, float], du: Array) -> float:
    """The smallest shift whose step is within all bounds, within 5 %; its du (nq,) is written."""
    step = np.empty(way.motions.shape[1])
    if fits(way, spectrum, bounds, 0.0, step, du):
        return 0.0
    high = 0.01
    while high < STIFFEST and not fits(way, spectrum, bounds, high, step, du):
        high *= 2
    low = high / 2
    for _ in range(HALVINGS):
        middle = np.sqrt(low * high)
        if fits(way, spectrum, bounds, middle, step, du):
            high = middle
        else:
            low = middle
    write_step(way, spectrum, high, step, du)
    return high


@inner
def fits(
    way: Way, spectrum: Spectrum, bounds: tuple[float, float, float], shift: float, step: Array, du: Array
) -> bool:
    """Whether the step of this shift, which is written, is within the bounds: radius, maxstep and maxchange."""
    radius, maxstep, maxchange = bounds
    if not length_of(spectrum, shift) <= radius:
        return False
    write_step(way, spectrum, shift, step, du)
    return blocks.longest_move(step) <= maxstep and blocks.largest_change(way.roots, du) <= maxchange


@inner
def write_step(way: Way, spectrum: Spectrum, shift: float, step: Array, du: Array) -> None:
    step_of(spectrum, shift, step)
    rigid.project(way.motions, way.rigid, step)
    blocks.push_forward(way.atoms, way.a, step, du)
