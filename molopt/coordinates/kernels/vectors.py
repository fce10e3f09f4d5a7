"""Vectors in space as tuples of three numbers, inside kernels."""

import math

from molopt.coordinates.formulas import TINY
from molopt.coordinates.kernels.compiling import inline
from molopt.rules.partition import Array

Vector = tuple[float, float, float]


@inline
def gap(x: Array, i: int, j: int) -> Vector:
    """From atom j to atom i, x (3N,)."""
    return x[3 * i] - x[3 * j], x[3 * i + 1] - x[3 * j + 1], x[3 * i + 2] - x[3 * j + 2]


@inline
def dot(u: Vector, v: Vector) -> float:
    return u[0] * v[0] + u[1] * v[1] + u[2] * v[2]


@inline
def cross(u: Vector, v: Vector) -> Vector:
    return u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]


@inline
def norm(u: Vector) -> float:
    return math.sqrt(dot(u, u))


@inline
def times(f: float, u: Vector) -> Vector:
    return f * u[0], f * u[1], f * u[2]


@inline
def combined(f: float, u: Vector, g: float, v: Vector) -> Vector:
    """f u + g v."""
    return f * u[0] + g * v[0], f * u[1] + g * v[1], f * u[2] + g * v[2]


@inline
def triple(x: Array, i: int, j: int, k: int, m: int) -> float:
    """Triple product of the unit vectors from the atom i to three others."""
    u, v, w = gap(x, j, i), gap(x, k, i), gap(x, m, i)
    return dot(u, cross(v, w)) / max(math.sqrt(dot(u, u) * dot(v, v) * dot(w, w)), TINY)


@inline
def put(row: Array, place: int, u: Vector) -> None:
    """Write u as the derivative (12,) by the atom in this place, 0 to 3."""
    row[3 * place], row[3 * place + 1], row[3 * place + 2] = u


@inline
def at(row: Array, place: int) -> Vector:
    """The three numbers of an atom in this place."""
    return row[3 * place], row[3 * place + 1], row[3 * place + 2]
