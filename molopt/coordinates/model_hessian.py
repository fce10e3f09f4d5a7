"""The model Hessian at one geometry, from the flat arrays of a molecule: pure functions of a table and positions."""

from collections.abc import Iterator

import numpy as np
from ase.units import Bohr
from scipy.spatial import cKDTree

from molopt.coordinates.formulas import dot, plane_value
from molopt.coordinates.metric_table import (
    Contacts,
    Couplings,
    MetricTable,
    ModelHessian,
    Planarity,
    Repulsion,
    Scaling,
    Stretches,
    Torsions,
    Turns,
)
from molopt.coordinates.splines import Nodes
from molopt.rules.partition import Array

LENGTHS = Nodes(-0.32, 0.08, 6)  # Angstrom beyond the covalent radii: from triple bonds to long single ones
CONJUGATED = Nodes(-0.24, 0.08, 4)  # the same, of central bonds between planar atoms
DISTANCES = Nodes(0.55, 0.1, 8)  # of sums of van der Waals radii
REACH = DISTANCES.first + (DISTANCES.number + 0.5) * DISTANCES.step  # of the same sums, where contacts end
HELD = DISTANCES.first + DISTANCES.step / 2  # of the same sums, below which the constants of contacts stay the same
DECAY = 1.944 / Bohr  # 1/A; Fischer and Almlof's, of stretches
FLAT, PYRAMIDAL = 0.2, 0.5  # triple products of unit vectors between which a centre passes from one class to another
CROWDED = 0.55  # of sums of van der Waals radii: nearer than in any Hessian that was learned from
STIFFEST = 3.0  # eV/A^2, of two atoms that nearly overlap in a bad start
NEGLIGIBLE = 1e-4  # eV/A^2, of springs between two atoms
SOFTEST = 0.05  # eV/rad^2 about one bond, whatever the torsion terms say: tuned, docs/notes/tuning.md
YIELDING = 0.7  # of the pair potential's curvature: real molecules yield more than MMFF94's: docs/notes/tuning.md
INFLECTION = 1.1  # of the radius of a pair potential; beyond, it curves down
LISTED = 100  # atoms up to which all pairs are looked at; beyond, those that a tree finds near
TINY = 1e-9  # Angstrom


def model_hessian(table: MetricTable, scaling: Scaling, x: Array, q: Array) -> ModelHessian:
    """M at x (3N,), where the coordinates have the values q (nq,)."""
    xyz, weights, roots = x.reshape(-1, 3), table.weights, scaling.roots
    p = planarity(table.planarity, xyz)
    diagonal = np.zeros(len(q))  # eV/A^2 and eV/rad^2, then relative
    for rows, constants in springs(table, xyz, q, p):
        diagonal[rows] = weights.learned * constants
    diagonal[table.turns.rows] += weights.valence * turns(table.turns, q)
    diagonal *= table.factors
    one, other, scale = table.couplings.first, table.couplings.second, table.couplings.scale
    sums, differences = coupled(table.couplings, p)
    diagonal += weights.learned * np.bincount(one, sums * scale**2, len(q))
    diagonal += weights.learned * np.bincount(other, sums, len(q))
    diagonal /= scaling.stiffness
    diagonal += scaling.constant
    couplings = weights.learned * scale * differences / (roots[one] * roots[other])
    return ModelHessian(diagonal, couplings, *between(table, xyz, p))


def scaled(table: MetricTable, stiffness: Array) -> Scaling:
    """What belongs to a system whose frozen stiffness is K (nq,)."""
    weights = table.weights
    learned, valence = (np.nan_to_num(known / stiffness, nan=1.0) for known in (table.steady, table.known))
    for rows in (table.stretches.rows, table.angles.rows, table.torsions.rows):
        learned[rows] = 0.0
    valence[table.turns.rows] = 0.0
    constant = table.factors * (weights.learned * learned + weights.valence * valence)
    return Scaling(stiffness, np.sqrt(stiffness), constant)


def planarity(table: Planarity, xyz: Array) -> Array:
    """(..., N) how flat the atoms are at positions xyz (..., N, 3)."""
    flat = np.empty(xyz.shape[:-1])
    flat[...] = table.known
    if len(table.threes):
        flat[..., table.threes[:, 0]] = flatness(np.abs(plane_value(xyz.take(table.threes, axis=-2))))
    if len(table.fours):
        products = plane_value(xyz.take(table.fours, axis=-2))  # (..., n, 4)
        flat[..., table.fours[:, 0, 0]] = flatness(np.sqrt((products**2).mean(axis=-1)))
    return flat


def flatness(product: Array) -> Array:
    t = np.minimum(np.maximum((PYRAMIDAL - product) / (PYRAMIDAL - FLAT), 0.0), 1.0)
    return t * t * (3 - 2 * t)


def springs(table: MetricTable, xyz: Array, q: Array, p: Array) -> Iterator[tuple[Array, Array]]:
    """Rows and constants (..., n), eV/A^2 or eV/rad^2, of learned stretches, angles and torsions."""
    stretch, angle, torsion = table.stretches, table.angles, table.torsions
    yield stretch.rows, np.maximum(stretches(stretch, q), stretch.floor)
    yield angle.rows, np.maximum(by_planarity(angle.constants, p[..., angle.centres]), angle.floor)
    yield torsion.rows, np.maximum(torsions(torsion, xyz, q, p), torsion.floor)


def stretches(table: Stretches, q: Array) -> Array:
    """(..., n) eV/A^2."""
    excess = LENGTHS.held(q[..., table.rows] - table.radii)
    return np.exp(-DECAY * excess) * LENGTHS.at(excess, table.pieces)


def by_planarity(constants: Array, p: Array) -> Array:
    """(..., n) of constants (n, 2), that of flat centres and that of others, at planarities p (..., n)."""
    return p * constants[:, 0] + (1 - p) * constants[:, 1]


def torsions(table: Torsions, xyz: Array, q: Array, p: Array) -> Array:
    """(..., n) eV/rad^2, of each torsion."""
    one, other = table.ends.T
    first, last = p[..., one], p[..., other]
    length = lengths(xyz.take(one, axis=-2) - xyz.take(other, axis=-2))
    both = CONJUGATED.at(CONJUGATED.held(length - table.radii), table.pieces)
    k0, k1, k2, k3 = table.constants.T
    staggered = (1 - np.cos(3 * q[..., table.rows])) / 2
    single = first * (1 - last) * k0 + last * (1 - first) * k1
    return table.share * (first * last * both + single + (1 - first) * (1 - last) * (k2 + staggered * k3))


def turns(table: Turns, q: Array) -> Array:
    """(n,) eV/rad^2, of each torsion."""
    each = torsion_curvature(table.terms, q[table.rows])
    return table.share * np.maximum(np.bincount(table.bonds, each)[table.bonds], SOFTEST)


def torsion_curvature(terms: Array, phi: Array) -> Array:
    r"""(nt,) second derivatives of torsion terms (nt, 3), which are V1, V2 and V3 in eV, at torsions phi (nt,).

    .. math:: E = \frac{1}{2} [V_1 (1 + \cos \phi) + V_2 (1 - \cos 2\phi) + V_3 (1 + \cos 3\phi)]
    """
    v1, v2, v3 = terms.T
    return 0.5 * (-v1 * np.cos(phi) + 4 * v2 * np.cos(2 * phi) - 9 * v3 * np.cos(3 * phi))


def coupled(table: Couplings, p: Array) -> tuple[Array, Array]:
    """(nc,) k_+ + k_- and k_+ - k_-, eV/A^2 or eV/rad^2, at planarities p (N,)."""
    here = p[table.centres]
    return by_planarity(table.sums, here), by_planarity(table.differences, here)


def between(table: MetricTable, xyz: Array, p: Array) -> tuple[Array, Array, Array]:
    """Pairs (np, 2) of atoms, constants (np,) of the springs between them, and units (np, 3)."""
    weights, geminal = table.weights, table.geminal
    gap = xyz[geminal.pairs[:, 0]] - xyz[geminal.pairs[:, 1]]
    k = weights.learned * held_back(by_planarity(geminal.constants, p[geminal.centres]))
    pairs, gaps, r = geminal.pairs, gap, lengths(gap)
    if len(table.apart):
        near, gap, distance = candidates(table.apart, table.distant, reach_of(table), xyz)
        i, j = near.T
        curvature = np.zeros(len(near))
        if len(table.contacts.kinds):
            far = table.apart[i, j] > 3
            curvature += weights.learned * held_back(contacts(table.contacts, i, j, far, distance))
        if len(table.repulsion.kinds):
            curvature += weights.valence * repulsion(table.repulsion, i, j, distance)
        used = curvature > 0
        pairs, gaps = np.concatenate([pairs, near[used]]), np.concatenate([gaps, gap[used]])
        k, r = np.concatenate([k, curvature[used]]), np.concatenate([r, distance[used]])
    return pairs, weights.pairs * k, gaps / np.maximum(r, TINY)[:, None]


def held_back(k: Array) -> Array:
    return np.where(k > NEGLIGIBLE, k, 0.0)


def lengths(gaps: Array) -> Array:
    """(n,) of vectors (n, 3)."""
    return np.sqrt(dot(gaps, gaps))


def distant(apart: Array) -> Array:
    """(n, 2) pairs i < j of atoms three bonds apart or more, of a molecule with few atoms; else none."""
    pairs = np.argwhere(np.triu(apart > 2)) if len(apart) <= LISTED else np.zeros((0, 2), dtype=int)
    return np.asfortranarray(pairs)


def candidates(apart: Array, known: Array, reach: float, xyz: Array) -> tuple[Array, Array, Array]:
    """Pairs i < j (n, 2) of atoms three bonds apart or more within reach, in order; gaps (n, 3), distances (n,).

    `known` (n, 2) are the pairs to look at where the atoms are few (`distant`).
    """
    if len(xyz) <= LISTED:
        i, j = known.T
    else:
        near = cKDTree(xyz).query_pairs(reach, output_type="ndarray")
        near = near[np.lexsort((near[:, 1], near[:, 0]))]
        i, j = near[apart[near[:, 0], near[:, 1]] > 2].T
    gap = xyz.take(i, axis=0) - xyz.take(j, axis=0)
    square = dot(gap, gap)
    close = np.flatnonzero(square < reach**2)
    return np.stack([i[close], j[close]], axis=1), gap[close], np.sqrt(square[close])


def reach_of(table: MetricTable) -> float:
    """Angstrom, beyond which no two atoms touch."""
    contacts, repulsion = table.contacts, table.repulsion
    return max(2 * REACH * contacts.radii.max(initial=0.0), INFLECTION * repulsion.radii.max(initial=0.0))


def contacts(table: Contacts, i: Array, j: Array, far: Array, r: Array) -> Array:
    """(n,) eV/A^2, of atoms i and j at distances r, that are more than three bonds apart or not."""
    k = np.zeros(len(r))
    ratio = r / (table.radii[i] + table.radii[j])
    close = np.flatnonzero(ratio < REACH)
    ratio, kinds = ratio[close], table.kinds
    groups = table.groups[far[close].astype(np.intp), kinds[i[close]], kinds[j[close]]]
    crowding = np.minimum(np.maximum((CROWDED - ratio) / DISTANCES.step, 0.0), 1.0)
    k[close] = DISTANCES.at(np.maximum(ratio, HELD), table.pieces, groups) + STIFFEST * crowding
    return k


def repulsion(table: Repulsion, i: Array, j: Array, r: Array) -> Array:
    """(n,) eV/A^2, of atoms i and j at distances r."""
    k = np.zeros(len(r))
    one, other = table.kinds[i], table.kinds[j]
    radii, depths = table.radii[one, other], table.depths[one, other]
    close = np.flatnonzero(r < INFLECTION * radii)
    curvature = buffered(r[close] / radii[close]) * depths[close] / radii[close] ** 2
    k[close] = np.minimum(np.maximum(YIELDING * curvature, 0.0), STIFFEST)
    return k


def buffered(rho: Array) -> Array:
    r"""(n,) second derivative of :math:`(1.07 / (\rho + 0.07))^7 (1.12 / (\rho^7 + 0.12) - 2)`.

    T. A. Halgren, J. Comput. Chem. 17, 520 (1996).
    """
    shifted, fifth = rho + 0.07, rho**5
    seventh = fifth * rho * rho + 0.12
    f = (1.07 / shifted) ** 7
    h = 1.12 / seventh - 2
    h1 = -7.84 * fifth * rho / seventh**2
    h2 = 1.12 * (98 * fifth * fifth * rho * rho / seventh**3 - 42 * fifth / seventh**2)
    return f * (56 * h / shifted**2 - 14 * h1 / shifted + h2)
