"""The steps of several systems of one molecule from secants: the kernels of `molopt.coordinates.secants`."""

from typing import NamedTuple

import numpy as np

from molopt.coordinates.kernels import blocks, factors, rigid, solving
from molopt.coordinates.kernels.compiling import inner, kernel
from molopt.coordinates.kernels.linearize import Geometry, Model, Stiff
from molopt.coordinates.kernels.spectrum import Spectrum, change_of, energy_left_of, length_of, spectrum_of, step_of
from molopt.coordinates.kernels.tables import Chart, Pattern
from molopt.coordinates.secants import HALVINGS, STIFFEST
from molopt.rules.partition import Array


class Limits(NamedTuple):
    """How far a step may go."""

    radius: Array  # (S,) sqrt(eV)
    maxstep: float  # Angstrom
    maxchange: float  # Angstrom or rad


@kernel
def lack(
    chart: Chart,
    pattern: Pattern,
    old: tuple[Geometry, Stiff, Model],
    new: tuple[Geometry, Stiff, Model],
    gradients: tuple[Array, Array],
    taken: Array,
) -> Array:
    """(S, nq) g_new - g_old - (M_old + M_new) taken / 2 of a step `taken` (S, nq) between two geometries.

    `gradients` are those in u, old and new. M is P M P of each geometry.
    """
    systems, nq = taken.shape
    out, size = gradients[1] - gradients[0], old[0].x.shape[1]
    d, image, part = np.empty(size), np.empty(size), np.empty(nq)
    for s in range(systems):
        for side in range(2):
            geometry, stiff, model = old if side == 0 else new
            blocks.pull_back(chart, geometry.a[s], taken[s], d)
            solving.solve_one_metric(pattern, geometry, stiff, s, d)
            solving.apply_one_hessian(model, s, d, image)
            solving.solve_one_metric(pattern, geometry, stiff, s, image)
            blocks.push_forward(chart, geometry.a[s], image, part)
            for n in range(nq):
                out[s, n] -= 0.5 * part[n]
    return out


@kernel
def secant_step(
    chart: Chart,
    pattern: Pattern,
    geometry: Geometry,
    stiff: Stiff,
    model: Model,
    roots: Array,
    steps: Array,
    lacks: Array,
    damping: float,
    limits: Limits,
) -> tuple[Array, Array, Array, Array, Array]:
    """Displacements (S, nq), and of each system (S,): predicted change and energy left, eV; length; 1 where limited.

    Steps and lacks (memory, S, nq) are in u, the newest last; rows of zeros are not used.
    """
    systems, nq = roots.shape
    size = geometry.x.shape[1]
    out, step = np.zeros((systems, nq)), np.empty(size)
    predicted, left, length, limited = np.empty(systems), np.empty(systems), np.empty(systems), np.empty(systems)
    for s in range(systems):
        vectors, signs = corrections(chart, pattern, geometry, stiff, model, s, steps, lacks, damping)
        if not pattern.pinned:  # a covector may move the molecule as a whole where sides are fixed in space
            for n in range(len(vectors)):
                rigid.project(geometry.motions[s], geometry.counts[s], vectors[n])
        rigid.project(geometry.motions[s], geometry.counts[s], vectors[-1])
        images = vectors.T.copy()
        begin, end = model.starts[s, 1], model.starts[s + 1, 1]
        below, lower = model.below[begin:end], model.lower[begin:end]
        factors.solve_columns(model.order[s], model.columns[s], below, model.diagonal[s], lower, images)
        spectrum = spectrum_of(vectors, signs, images)
        shift = shift_of(chart, geometry, s, roots[s], spectrum, limits, step, out[s])
        limited[s], length[s] = 1.0 if shift > 0 else 0.0, length_of(spectrum, shift)
        predicted[s], left[s] = change_of(spectrum, shift), energy_left_of(spectrum)
    return out, predicted, left, length, limited


@inner
def corrections(
    chart: Chart,
    pattern: Pattern,
    geometry: Geometry,
    stiff: Stiff,
    model: Model,
    s: int,
    steps: Array,
    lacks: Array,
    damping: float,
) -> tuple[Array, Array]:
    """Covectors v (c + 1, 3N) and c (c,) of the corrected H + v diag(c) v^T of system s; the gradient is last."""
    memory, size = len(steps), geometry.x.shape[1]
    used = np.empty(memory, np.int64)
    count = 0
    for n in range(memory):
        if np.any(steps[n, s] != 0.0):
            used[count] = n
            count += 1
    # columns: A^T s, then A^T l
    remembered, pulled = np.empty((steps.shape[2], 2 * count)), np.empty((size, 2 * count))
    for n in range(count):
        for i in range(len(remembered)):
            remembered[i, n], remembered[i, count + n] = steps[used[n], s, i], lacks[used[n], s, i]
    blocks.pull_back_columns(chart, geometry.a[s], remembered, pulled)
    covectors, columns = pulled.T.copy(), pulled[:, :count].copy()
    if not pattern.pinned:
        for n in range(count):
            rigid.project(geometry.motions[s], geometry.counts[s], covectors[n])
            columns[:, n] = covectors[n]
    factors.solve_columns(pattern.order, pattern.starts, pattern.below, stiff.diagonal[s], stiff.lower[s], columns)
    begin, end = model.starts[s, 0], model.starts[s + 1, 0]
    forces = np.empty((size, count))
    blocks.multiply_columns(model.pairs[begin:end], model.blocks[begin:end], columns, forces)
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
    vectors[2 * count] = geometry.cartesian_gradient[s]
    return vectors, signs


@inner
def shift_of(
    chart: Chart,
    geometry: Geometry,
    s: int,
    roots: Array,
    spectrum: Spectrum,
    limits: Limits,
    step: Array,
    du: Array,
) -> float:
    """The smallest shift whose step is within all limits, within 5 %; its step (3N,) and du (nq,) are written."""
    if fits(chart, geometry, s, roots, spectrum, limits, 0.0, step, du):
        return 0.0
    high = 0.01
    while high < STIFFEST and not fits(chart, geometry, s, roots, spectrum, limits, high, step, du):
        high *= 2
    low = high / 2
    for _ in range(HALVINGS):
        middle = np.sqrt(low * high)
        if fits(chart, geometry, s, roots, spectrum, limits, middle, step, du):
            high = middle
        else:
            low = middle
    write_step(chart, geometry, s, spectrum, high, step, du)
    return high


@inner
def fits(
    chart: Chart,
    geometry: Geometry,
    s: int,
    roots: Array,
    spectrum: Spectrum,
    limits: Limits,
    shift: float,
    step: Array,
    du: Array,
) -> bool:
    """Whether the step of this shift, which is written, is within the limits."""
    if not length_of(spectrum, shift) <= limits.radius[s]:
        return False
    write_step(chart, geometry, s, spectrum, shift, step, du)
    return blocks.longest_move(step) <= limits.maxstep and blocks.largest_change(roots, du) <= limits.maxchange


@inner
def write_step(
    chart: Chart, geometry: Geometry, s: int, spectrum: Spectrum, shift: float, step: Array, du: Array
) -> None:
    step_of(spectrum, shift, step)
    rigid.project(geometry.motions[s], geometry.counts[s], step)
    blocks.push_forward(chart, geometry.a[s], step, du)
