"""Downhill with care: steps of at most 0.02 A that never rise, so that a descent stays in its valley."""

from collections import deque
from typing import NamedTuple

import numpy as np
from hessians import Array, Spectrum, Surface, spectrum

FMAX = 0.001  # eV/A
LEFT = 5e-5  # eV, foretold by the last quadratic: beside fmax, as forces are small on a flat ridge, too
LONGEST = 0.02  # A, of an atom in a step
RISE = 1e-6  # eV, of the noise in energies
SOFTEST = 0.005  # eV/A^2, of the curvatures that steps are scaled by
REMEMBERED = 30  # steps
MOST = 4000  # force calls of a descent
STALE = 150  # steps after which the Hessian is computed anew


class Floor(NamedTuple):
    x: Array  # (3N,) A
    energy: float  # eV
    fmax: float  # eV/A
    passed: float  # eV, where fmax was met first: on a flat shelf there is more to come
    calls: int


def descend(surface: Surface, x: Array, start: Spectrum) -> Floor:
    """Quasi-Newton (L-BFGS on the inverse of |H| at the start), accepted only where the energy does not rise."""
    before, curvature, steps, passed = surface.calls, start, 0, np.nan
    pairs: deque[tuple[Array, Array]] = deque(maxlen=REMEMBERED)
    radius = LONGEST
    energy, gradient = surface(x)
    while surface.calls - before < MOST:
        step = -scaled(gradient, pairs, curvature)
        if longest(gradient) <= FMAX and np.isnan(passed):
            passed = energy
        if longest(gradient) <= FMAX and -gradient @ step / 2 <= LEFT:
            break
        step *= min(1.0, radius / longest(step))
        if longest(step) < 1e-6:
            break  # noise
        there, slope = surface(x + step)
        change = slope - gradient
        if step @ change > 1e-3 * (step @ step):
            pairs.append((step, change))
        if there > energy + RISE:
            radius = 0.4 * longest(step)
            continue
        radius = min(LONGEST, 2 * max(radius, 1e-4))
        x, energy, gradient, steps = x + step, there, slope, steps + 1
        if steps % STALE == 0:
            curvature = spectrum(surface.hessian(x), x)
            pairs.clear()
    return Floor(x, energy, longest(gradient), energy if np.isnan(passed) else passed, surface.calls - before)


def scaled(gradient: Array, pairs: deque[tuple[Array, Array]], curvature: Spectrum) -> Array:
    """The inverse Hessian times the gradient: the two loops of L-BFGS (Nocedal and Wright, algorithm 7.4)."""
    q, parts = gradient.copy(), []
    for s, y in reversed(pairs):
        parts.append((s @ q) / (s @ y))
        q -= parts[-1] * y
    values, vectors = curvature
    r = vectors @ ((vectors.T @ q) / np.maximum(np.abs(values), SOFTEST))
    for (s, y), part in zip(pairs, reversed(parts), strict=True):
        r += s * (part - (y @ r) / (s @ y))
    return r


def longest(x: Array) -> float:
    return float(np.linalg.norm(x.reshape(-1, 3), axis=1).max())
