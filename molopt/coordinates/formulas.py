"""Values of internal coordinates and their derivatives: one function a kind, all of a kind at once.

Each takes the positions p (..., n, k, 3) of the k atoms of n coordinates, in Angstrom, and returns the values (..., n)
and the derivatives (..., n, k, 3), or the values alone, in a fraction of the time. The formulas are those of E. B.
Wilson, J. C. Decius, P. C. Cross, Molecular Vibrations (1955), for stretch and angle; of A. Blondel, M. Karplus, J.
Comput. Chem. 17, 1132 (1996), for the torsion.
"""

import numpy as np

from molopt.rules.partition import Array

TINY = 1e-12  # keeps divisions finite where a coordinate has no derivative; such coordinates are not chosen
NEXT, LAST = np.array([1, 2, 0]), np.array([2, 0, 1])
COMPLEX_STEP = 1e-30  # no difference is taken, so no digits are lost


def dot(u: Array, v: Array) -> Array:
    """(..., 3), (..., 3) -> (...)."""
    return u[..., 0] * v[..., 0] + u[..., 1] * v[..., 1] + u[..., 2] * v[..., 2]


def cross(u: Array, v: Array) -> Array:
    """(..., 3), (..., 3) -> (..., 3), one component after another in memory."""
    a, b, c = u[..., 0], u[..., 1], u[..., 2]
    x, y, z = v[..., 0], v[..., 1], v[..., 2]
    first = b * z - c * y
    found = np.empty((3, *first.shape), first.dtype)
    found[0] = first
    np.subtract(c * x, a * z, out=found[1])
    np.subtract(a * y, b * x, out=found[2])
    return found.transpose(*range(1, found.ndim), 0)


def gathered(xyz: Array, rows: Array) -> Array:
    """(..., n, k, 3) the positions of atoms (n, k), of xyz (..., N, 3), one component after another in memory."""
    found = np.moveaxis(xyz, -1, 0).take(rows.T, axis=-1)  # (3, ..., k, n)
    return found.transpose(*range(1, found.ndim - 2), -1, -2, 0)


def normalised(v: Array) -> tuple[Array, Array]:
    """Unit vectors and lengths (..., 1)."""
    length = np.sqrt(dot(v, v))[..., None]
    return v / np.maximum(length, TINY), length


def stretch_value(p: Array) -> Array:
    """The length alone."""
    bond = p[..., 0, :] - p[..., 1, :]
    return np.sqrt(dot(bond, bond))


def stretch(p: Array) -> tuple[Array, Array]:
    """Length of the bond i-j."""
    unit, length = normalised(p[..., 0, :] - p[..., 1, :])
    return length[..., 0], np.stack([unit, -unit], axis=-2)


def angle_value(p: Array) -> Array:
    """The angle alone."""
    u, v = p[..., 0, :] - p[..., 1, :], p[..., 2, :] - p[..., 1, :]
    normal = cross(u, v)
    return np.arctan2(np.sqrt(dot(normal, normal)), dot(u, v))


def wider(p: Array, limit: float) -> Array:
    """(..., n) whether the angle i-j-k is wider than the limit, rad."""
    u, v = p[..., 0, :] - p[..., 1, :], p[..., 2, :] - p[..., 1, :]
    return dot(u, v) < np.cos(limit) * np.sqrt(dot(u, u) * dot(v, v))


def angle(p: Array) -> tuple[Array, Array]:
    """Angle i-j-k, in [0, pi]."""
    u, lu = normalised(p[..., 0, :] - p[..., 1, :])
    v, lv = normalised(p[..., 2, :] - p[..., 1, :])
    normal = cross(u, v)
    sine, cosine = np.sqrt(dot(normal, normal))[..., None], dot(u, v)[..., None]
    safe = np.maximum(sine, TINY)
    first, last = (cosine * u - v) / (lu * safe), (cosine * v - u) / (lv * safe)
    return np.arctan2(sine, cosine)[..., 0], np.stack([first, -first - last, last], axis=-2)


def torsion(p: Array) -> tuple[Array, Array]:
    """Torsion a-b-c-d, in (-pi, pi], IUPAC sign."""
    f, g, h = p[..., 0, :] - p[..., 1, :], p[..., 1, :] - p[..., 2, :], p[..., 3, :] - p[..., 2, :]
    a, c = cross(f, g), cross(h, g)
    length = np.sqrt(dot(g, g))
    phi = np.arctan2(-length * dot(f, c), dot(a, c))
    a, c = a / np.maximum(dot(a, a), TINY)[..., None], c / np.maximum(dot(c, c), TINY)[..., None]
    first, last = -length[..., None] * a, length[..., None] * c
    shift = (dot(f, g) / length)[..., None] * a - (dot(h, g) / length)[..., None] * c
    return phi, np.stack([first, -first + shift, -last - shift, last], axis=-2)


def torsion_value(p: Array) -> Array:
    """The torsion alone."""
    f, g = p[..., 0, :] - p[..., 1, :], p[..., 1, :] - p[..., 2, :]
    a, c = cross(f, g), cross(p[..., 3, :] - p[..., 2, :], g)
    return np.arctan2(-np.sqrt(dot(g, g)) * dot(f, c), dot(a, c))


def plane(p: Array) -> tuple[Array, Array]:
    """u1 . (u2 x u3) of the unit vectors from a centre, the first atom, to three neighbours: 0 where it is planar."""
    units, lengths = normalised(p[..., 1:, :] - p[..., :1, :])
    pairs = cross(units[..., NEXT, :], units[..., LAST, :])
    value = dot(units[..., 0, :], pairs[..., 0, :])
    outer = (pairs - value[..., None, None] * units) / lengths
    return value, np.concatenate([-outer.sum(axis=-2, keepdims=True), outer], axis=-2)


def plane_value(p: Array) -> Array:
    """The triple product alone."""
    u, v, w = (p[..., n, :] - p[..., 0, :] for n in (1, 2, 3))
    lengths = np.sqrt(dot(u, u) * dot(v, v) * dot(w, w))
    return dot(u, cross(v, w)) / np.maximum(lengths, TINY)


def bend(p: Array, axes: Array) -> tuple[Array, Array]:
    """Two components (..., n, 2) of the bend of a nearly straight i-j-k, and their derivatives (..., n, 2, 4, 3).

    With unit vectors u from j to i and v from j to k they are e1.(u + v) and e2.(u + v): zero where it is straight,
    and the angle missing to pi, to first order. e1 is perpendicular to k - i on the side of a fourth atom o, e2
    perpendicular to both. Where o is none, `axes` (n, 3) is the side, fixed in space; it is NaN elsewhere.
    """
    moved = p[..., None, :, :, :] + 1j * COMPLEX_STEP * np.eye(12).reshape(12, 1, 4, 3)  # (..., 12, n, 4, 3)
    derivatives = bend_value(moved, axes).imag / COMPLEX_STEP  # (..., 12, n, 2)
    return bend_value(p, axes), np.moveaxis(derivatives, -3, -1).reshape(*p.shape[:-2], 2, 4, 3)


def bend_value(p: Array, axes: Array) -> Array:
    """(..., n, 2) the two components; p (..., n, 4, 3) may be complex."""
    i, j, k, o = p[..., 0, :], p[..., 1, :], p[..., 2, :], p[..., 3, :]
    along = unit(k - i)
    side = np.where(np.isnan(axes), o - j, axes)
    first = unit(side - dot(side, along)[..., None] * along)
    both = unit(i - j) + unit(k - j)
    return np.stack([dot(first, both), dot(cross(along, first), both)], axis=-1)


def unit(v: Array) -> Array:
    """Unit vectors by operations that a complex step passes through."""
    return v / np.sqrt(dot(v, v))[..., None]
