"""The model Hessian at one geometry: the kernels of `molopt.coordinates.model_hessian`."""

import math

import numpy as np

from molopt.coordinates.kernels.blocks import add_spring
from molopt.coordinates.kernels.compiling import inline, inner
from molopt.coordinates.kernels.tables import Pattern, Springs
from molopt.coordinates.kernels.vectors import dot, gap, norm, times, triple
from molopt.coordinates.model_hessian import (
    CONJUGATED,
    CROWDED,
    DECAY,
    DISTANCES,
    FLAT,
    HELD,
    INFLECTION,
    LENGTHS,
    NEGLIGIBLE,
    PYRAMIDAL,
    REACH,
    SOFTEST,
    STIFFEST,
    TINY,
    YIELDING,
)
from molopt.rules.partition import Array

FIRST_LENGTH, LENGTH_STEP, LAST_LENGTH = (
    LENGTHS.first,
    LENGTHS.step,
    LENGTHS.first + (LENGTHS.number - 1) * LENGTHS.step,
)
FIRST_CENTRAL, CENTRAL_STEP = CONJUGATED.first, CONJUGATED.step
LAST_CENTRAL = CONJUGATED.first + (CONJUGATED.number - 1) * CONJUGATED.step
FIRST_DISTANCE, DISTANCE_STEP = DISTANCES.first, DISTANCES.step


@inline
def clipped(value: float, least: float, most: float) -> float:
    return min(max(value, least), most)


@inline
def mixed(flat: float, other: float, p: float) -> float:
    """The constant of flat centres and that of others, at the planarity p."""
    return p * flat + (1 - p) * other


@inline
def spline(t: float, pieces: Array, start: int) -> float:
    """The spline at t, in steps from the first node, whose pieces, three numbers each, begin at `start`."""
    n = round(t)
    d, at = t - n, start + 3 * n
    return (pieces[at + 2] * d + pieces[at + 1]) * d + pieces[at]


@inline
def flatness(product: float) -> float:
    t = clipped((PYRAMIDAL - product) / (PYRAMIDAL - FLAT), 0.0, 1.0)
    return t * t * (3 - 2 * t)


@inner
def planarity(springs: Springs, x: Array, p: Array) -> None:
    """Write how flat each atom is, p (N,)."""
    for i in range(p.size):
        p[i] = springs.flat[i]
    threes, fours = springs.threes, springs.fours
    for n in range(len(threes)):
        p[threes[n, 0]] = flatness(abs(triple(x, threes[n, 0], threes[n, 1], threes[n, 2], threes[n, 3])))
    for n in range(len(fours)):
        square = 0.0
        for m in range(4):
            square += triple(x, fours[n, m, 0], fours[n, m, 1], fours[n, m, 2], fours[n, m, 3]) ** 2 / 4
        p[fours[n, 0, 0]] = flatness(math.sqrt(square))


@inner
def diagonal(springs: Springs, stiffness: Array, constant: Array, x: Array, q: Array, p: Array, out: Array) -> None:
    """Write the diagonal of M (nq,), relative to the frozen stiffness, without what couplings have there."""
    for n in range(out.size):
        out[n] = 0.0
    for n in range(len(springs.stretch_rows)):
        row, spring = springs.stretch_rows[n, 0], springs.stretches[n]
        excess = clipped(q[row] - spring[0], FIRST_LENGTH + LENGTH_STEP / 2, LAST_LENGTH - LENGTH_STEP / 2)
        k = math.exp(-DECAY * excess) * spline((excess - FIRST_LENGTH) / LENGTH_STEP, spring, 2)
        out[row] = springs.learned * max(k, spring[1])
    for n in range(len(springs.angle_rows)):
        spring = springs.angles[n]
        k = mixed(spring[0], spring[1], p[springs.angle_rows[n, 1]])
        out[springs.angle_rows[n, 0]] = springs.learned * max(k, spring[2])
    for n in range(len(springs.torsion_rows)):
        row, b, c = springs.torsion_rows[n, 0], springs.torsion_rows[n, 1], springs.torsion_rows[n, 2]
        spring, first, last = springs.torsions[n], p[b], p[c]
        k = 0.0
        if first * last > 0:
            excess = norm(gap(x, b, c)) - spring[0]
            excess = clipped(excess, FIRST_CENTRAL + CENTRAL_STEP / 2, LAST_CENTRAL - CENTRAL_STEP / 2)
            k += first * last * spline((excess - FIRST_CENTRAL) / CENTRAL_STEP, spring, 7)
        k += first * (1 - last) * spring[3] + last * (1 - first) * spring[4]
        if first < 1 and last < 1:
            k += (1 - first) * (1 - last) * (spring[5] + spring[6] * (1 - math.cos(3 * q[row])) / 2)
        out[row] = springs.learned * max(spring[2] * k, spring[1])
    about = np.zeros(len(springs.turn_rows))  # of each bond
    for n in range(len(springs.turn_rows)):
        # cos 2 phi and cos 3 phi from cos phi
        c, v1, v2, v3 = (
            math.cos(q[springs.turn_rows[n, 0]]),
            springs.turns[n, 0],
            springs.turns[n, 1],
            springs.turns[n, 2],
        )
        curved = -v1 * c + 4 * v2 * (2 * c * c - 1) - 9 * v3 * (4 * c * c - 3) * c
        about[springs.turn_rows[n, 1]] += curved / 2
    for n in range(len(springs.turn_rows)):
        k = springs.turns[n, 3] * max(about[springs.turn_rows[n, 1]], SOFTEST)
        out[springs.turn_rows[n, 0]] += springs.valence * k
    for n in range(out.size):
        out[n] = out[n] * springs.factors[n] / stiffness[n] + constant[n]


@inner
def couplings(springs: Springs, stiffness: Array, roots: Array, p: Array, diagonal: Array, out: Array) -> None:
    """Write the couplings (nc,), relative to the frozen stiffness, and add what they have on the diagonal (nq,)."""
    for n in range(out.size):
        one, other, here = springs.coupling_rows[n, 0], springs.coupling_rows[n, 1], p[springs.coupling_rows[n, 2]]
        spring = springs.couplings[n]
        scale, total = spring[0], springs.learned * mixed(spring[1], spring[2], here)
        diagonal[one] += scale * scale * total / stiffness[one]
        diagonal[other] += total / stiffness[other]
        out[n] = springs.learned * scale * mixed(spring[3], spring[4], here) / (roots[one] * roots[other])


@inner
def add_geminal(springs: Springs, pattern: Pattern, x: Array, p: Array, model: Array) -> None:
    """Add the springs between atoms two bonds apart to the blocks `model`."""
    for n in range(len(springs.geminal_rows)):
        i, j, centre = springs.geminal_rows[n, 0], springs.geminal_rows[n, 1], springs.geminal_rows[n, 2]
        k = mixed(springs.geminal[n, 0], springs.geminal[n, 1], p[centre])
        if k > NEGLIGIBLE:
            add_spring_between(x, i, j, pattern.block[i, j], springs.pairs * springs.learned * k, model)


@inline
def add_spring_between(x: Array, i: int, j: int, block: int, k: float, model: Array) -> None:
    """Add k u u^T, with u the unit vector between the atoms i and j, to the blocks `model`."""
    between = gap(x, i, j)
    add_spring(model, i, j, block, k, times(1 / max(norm(between), TINY), between))


@inner
def contacts(springs: Springs, x: Array) -> tuple[Array, Array]:
    """Pairs (n, 2), i > j, of touching atoms, and the constants (n,) of their springs."""
    most, count = len(springs.touching_rows), 0
    pairs, constants = np.empty((most, 2), np.int32), np.empty(most)
    for n in range(len(springs.touching_rows)):
        i, j, group = springs.touching_rows[n, 0], springs.touching_rows[n, 1], springs.touching_rows[n, 2]
        between = gap(x, i, j)
        square = dot(between, between)
        if square < springs.touching[n, 0]:
            r, k = math.sqrt(square), 0.0
            if group >= 0:
                k += springs.learned * attraction(springs.contacts[group], r / springs.touching[n, 1])
            if springs.touching[n, 2] > 0:
                k += springs.valence * repulsion(springs.touching[n, 2], springs.touching[n, 3], r)
            if k > 0.0:
                pairs[count, 0], pairs[count, 1], constants[count] = i, j, springs.pairs * k
                count += 1
    return pairs[:count], constants[:count]


@inline
def attraction(pieces: Array, ratio: float) -> float:
    """The learned constant of two atoms at a distance in van der Waals radii, eV/A^2."""
    if not ratio < REACH:
        return 0.0
    t = (max(ratio, HELD) - FIRST_DISTANCE) / DISTANCE_STEP
    n = round(t)
    d = t - n
    k = (pieces[n, 2] * d + pieces[n, 1]) * d + pieces[n, 0]
    k += STIFFEST * clipped((CROWDED - ratio) / DISTANCE_STEP, 0.0, 1.0)
    return k if k > NEGLIGIBLE else 0.0


@inline
def repulsion(radius: float, depth: float, r: float) -> float:
    """The curvature of the pair potential of two atoms at a distance r, eV/A^2."""
    if not r < INFLECTION * radius:
        return 0.0
    return clipped(YIELDING * buffered(r / radius) * depth / (radius * radius), 0.0, STIFFEST)


@inline
def buffered(rho: float) -> float:
    """The second derivative of the buffered 14-7 potential at rho = r / R, in its depth."""
    shifted, fifth = rho + 0.07, rho * rho * rho * rho * rho
    seventh = fifth * rho * rho + 0.12
    f = 1.07 / shifted
    f = f * f * f * f * f * f * f
    h = 1.12 / seventh - 2
    h1 = -7.84 * fifth * rho / (seventh * seventh)
    h2 = 1.12 * (98 * fifth * fifth * rho * rho / (seventh * seventh * seventh) - 42 * fifth / (seventh * seventh))
    return f * (56 * h / (shifted * shifted) - 14 * h1 / shifted + h2)
