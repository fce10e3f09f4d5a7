"""The model Hessian at one geometry: the kernel of `molopt.coordinates.model_hessian`."""

import math

import numpy as np

from molopt.coordinates.kernels.blocks import add_spring
from molopt.coordinates.kernels.compiling import inner
from molopt.coordinates.kernels.tables import Pattern
from molopt.coordinates.kernels.vectors import cross, dot, gap, norm, times
from molopt.coordinates.metric_table import Contacts, Couplings, MetricTable, Planarity, Repulsion
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


@inner
def clipped(value: float, least: float, most: float) -> float:
    return min(max(value, least), most)


@inner
def mixed(constants: Array, p: float) -> float:
    """Of constants (2,), that of flat centres and that of others, at the planarity p."""
    return p * constants[0] + (1 - p) * constants[1]


@inner
def spline(value: float, first: float, step: float, pieces: Array) -> float:
    """The spline whose pieces (nodes, 3) are about first, first + step, ..."""
    t = (value - first) / step
    n = round(t)
    d, piece = t - n, pieces[n]
    return (piece[2] * d + piece[1]) * d + piece[0]


@inner
def held(value: float, first: float, step: float, count: int) -> float:
    """A value beyond the outer nodes moved there."""
    return clipped(value, first + step / 2, first + (count - 1.5) * step)


@inner
def flatness(product: float) -> float:
    t = clipped((PYRAMIDAL - product) / (PYRAMIDAL - FLAT), 0.0, 1.0)
    return t * t * (3 - 2 * t)


@inner
def triple(x: Array, atoms: Array) -> float:
    """Triple product of the unit vectors from the first of four atoms to the others."""
    u, v, w = gap(x, atoms[1], atoms[0]), gap(x, atoms[2], atoms[0]), gap(x, atoms[3], atoms[0])
    return dot(u, cross(v, w)) / max(math.sqrt(dot(u, u) * dot(v, v) * dot(w, w)), 1e-12)


@inner
def planarity(table: Planarity, x: Array, p: Array) -> None:
    """Write how flat each atom is, p (N,)."""
    p[:] = table.known
    for n in range(len(table.threes)):
        p[table.threes[n, 0]] = flatness(abs(triple(x, table.threes[n])))
    for n in range(len(table.fours)):
        square = 0.0
        for m in range(4):
            square += triple(x, table.fours[n, m]) ** 2 / 4
        p[table.fours[n, 0, 0]] = flatness(math.sqrt(square))


@inner
def diagonal(
    table: MetricTable, stiffness: Array, constant: Array, x: Array, q: Array, p: Array, out: Array
) -> None:
    """Write the diagonal of M (nq,), relative to the frozen stiffness."""
    weight = table.weights.learned
    out[:] = 0.0
    stretches, angles, torsions, turns = table.stretches, table.angles, table.torsions, table.turns
    for n in range(stretches.rows.size):
        row = stretches.rows[n]
        excess = held(q[row] - stretches.radii[n], LENGTHS.first, LENGTHS.step, LENGTHS.count)
        k = math.exp(-DECAY * excess) * spline(excess, LENGTHS.first, LENGTHS.step, stretches.pieces[n])
        out[row] = weight * max(k, stretches.floor[n])
    for n in range(angles.rows.size):
        out[angles.rows[n]] = weight * max(mixed(angles.constants[n], p[angles.centres[n]]), angles.floor[n])
    for n in range(torsions.rows.size):
        row, b, c = torsions.rows[n], torsions.ends[n, 0], torsions.ends[n, 1]
        excess = norm(gap(x, b, c)) - torsions.radii[n]
        excess = held(excess, CONJUGATED.first, CONJUGATED.step, CONJUGATED.count)
        both = spline(excess, CONJUGATED.first, CONJUGATED.step, torsions.pieces[n])
        k, first, last = torsions.constants[n], p[b], p[c]
        one = first * (1 - last) * k[0] + last * (1 - first) * k[1]
        neither = k[2] + k[3] * (1 - math.cos(3 * q[row])) / 2
        total = first * last * both + one + (1 - first) * (1 - last) * neither
        out[row] = weight * max(torsions.share[n] * total, torsions.floor[n])
    about = np.zeros(turns.rows.size)  # of each bond
    for n in range(turns.rows.size):
        phi, terms = q[turns.rows[n]], turns.terms[n]
        curved = -terms[0] * math.cos(phi) + 4 * terms[1] * math.cos(2 * phi) - 9 * terms[2] * math.cos(3 * phi)
        about[turns.bonds[n]] += curved / 2
    for n in range(turns.rows.size):
        out[turns.rows[n]] += table.weights.valence * turns.share[n] * max(about[turns.bonds[n]], SOFTEST)
    for n in range(out.size):
        out[n] = out[n] * table.factors[n] / stiffness[n] + constant[n]


@inner
def couplings(
    table: Couplings, weight: float, stiffness: Array, roots: Array, p: Array, diagonal: Array, out: Array
) -> None:
    """Write the couplings (nc,), relative to the frozen stiffness, and add to the diagonal (nq,) what they have there."""
    for n in range(out.size):
        one, other, scale, here = table.first[n], table.second[n], table.scale[n], p[table.centres[n]]
        total = weight * mixed(table.sums[n], here)
        diagonal[one] += scale * scale * total / stiffness[one]
        diagonal[other] += total / stiffness[other]
        out[n] = weight * scale * mixed(table.differences[n], here) / (roots[one] * roots[other])


@inner
def add_geminal(table: MetricTable, pattern: Pattern, x: Array, p: Array, model: Array) -> None:
    """Add the springs between atoms two bonds apart to the blocks `model`."""
    geminal = table.geminal
    for n in range(len(geminal.pairs)):
        i, j = geminal.pairs[n, 0], geminal.pairs[n, 1]
        k = mixed(geminal.constants[n], p[geminal.centres[n]])
        if k > NEGLIGIBLE:
            k *= table.weights.pairs * table.weights.learned
            add_spring_between(x, i, j, pattern.block[i, j], k, model)


@inner
def add_spring_between(x: Array, i: int, j: int, block: int, k: float, model: Array) -> None:
    """Add k u u^T, with u the unit vector between the atoms i and j, to the blocks `model`."""
    between = gap(x, i, j)
    add_spring(model, i, j, block, k, times(1 / max(norm(between), TINY), between))


@inner
def contact_pairs(table: MetricTable, x: Array, pairs: Array, constants: Array) -> int:
    """Write pairs (n, 2), i > j, of touching atoms and the constants (n,) of their springs; return how many."""
    count, natoms = 0, len(table.apart)
    contacts, repulsion, weights = table.contacts, table.repulsion, table.weights
    reach = 0.0
    for n in range(contacts.radii.size):
        reach = max(reach, 2 * REACH * contacts.radii[n])
    for n in range(len(repulsion.radii)):
        for m in range(len(repulsion.radii)):
            reach = max(reach, INFLECTION * repulsion.radii[n, m])
    for j in range(natoms):
        for i in range(j + 1, natoms):
            apart = table.apart[j, i]
            if apart < 3:
                continue
            between = gap(x, i, j)
            square = dot(between, between)
            if square < reach * reach:
                r, k = math.sqrt(square), 0.0
                if contacts.kinds.size:
                    k += weights.learned * touching(contacts, i, j, apart, r)
                if repulsion.kinds.size:
                    k += weights.valence * repelling(repulsion, i, j, r)
                if k > 0.0:
                    pairs[count, 0], pairs[count, 1], constants[count] = i, j, weights.pairs * k
                    count += 1
    return count


@inner
def touching(table: Contacts, i: int, j: int, apart: int, r: float) -> float:
    """The learned constant of two atoms at a distance r, eV/A^2."""
    ratio = r / (table.radii[i] + table.radii[j])
    if not ratio < REACH:
        return 0.0
    group = table.groups[1 if apart > 3 else 0, table.kinds[j], table.kinds[i]]
    k = spline(max(ratio, HELD), DISTANCES.first, DISTANCES.step, table.pieces[group])
    k += STIFFEST * clipped((CROWDED - ratio) / DISTANCES.step, 0.0, 1.0)
    return k if k > NEGLIGIBLE else 0.0


@inner
def repelling(table: Repulsion, i: int, j: int, r: float) -> float:
    """The curvature of the pair potential of two atoms at a distance r, eV/A^2."""
    radius = table.radii[table.kinds[i], table.kinds[j]]
    if not r < INFLECTION * radius:
        return 0.0
    depth = table.depths[table.kinds[i], table.kinds[j]]
    return clipped(YIELDING * buffered(r / radius) * depth / (radius * radius), 0.0, STIFFEST)


@inner
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
