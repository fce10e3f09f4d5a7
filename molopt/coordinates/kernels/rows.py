"""Values of internal coordinates, and their derivatives: the kernels of `molopt.coordinates.formulas`.

Coordinates stand in the order stretches, angles, bends, torsions, planes; `ends` says where each kind ends. A row of A
holds the derivatives by up to four atoms, twelve numbers; those that a kind does not have are zero.
"""

import math

from molopt.coordinates.formulas import TINY
from molopt.coordinates.kernels.compiling import inline, inner
from molopt.coordinates.kernels.tables import Chart
from molopt.coordinates.kernels.vectors import Vector, combined, cross, dot, gap, norm, put, times, triple
from molopt.rules.partition import Array


@inline
def four(atoms: Array, n: int) -> tuple[int, int, int, int]:
    """The atoms of a coordinate."""
    return atoms[n, 0], atoms[n, 1], atoms[n, 2], atoms[n, 3]


@inner
def values(chart: Chart, x: Array, q: Array) -> None:
    """Write q (nq,) at x (3N,)."""
    atoms, ends = chart.atoms, chart.ends
    for n in range(ends[0]):
        q[n] = norm(gap(x, atoms[n, 0], atoms[n, 1]))
    for n in range(ends[0], ends[1]):
        u, v = gap(x, atoms[n, 0], atoms[n, 1]), gap(x, atoms[n, 2], atoms[n, 1])
        q[n] = math.atan2(norm(cross(u, v)), dot(u, v))
    for n in range(ends[1], ends[2], 2):
        _, _, _, first, second, both, _ = bend_axes(chart, x, n)
        q[n], q[n + 1] = dot(first, both), dot(second, both)
    for n in range(ends[2], ends[3]):
        i, j, k, m = four(atoms, n)
        g = gap(x, j, k)
        a, c = cross(gap(x, i, j), g), cross(gap(x, m, k), g)
        q[n] = math.atan2(dot(cross(c, a), g) / max(norm(g), TINY), dot(a, c))
    for n in range(ends[3], ends[4]):
        i, j, k, m = four(atoms, n)
        q[n] = triple(x, i, j, k, m)


@inner
def scaled_change(chart: Chart, roots: Array, new: Array, old: Array, du: Array) -> None:
    """Write du (nq,) = sqrt(K) (new - old) of values (nq,), torsions within [-pi, pi)."""
    for n in range(du.size):
        du[n] = roots[n] * (new[n] - old[n])
    for n in range(chart.ends[2], chart.ends[3]):
        turn = new[n] - old[n]
        du[n] = roots[n] * (turn - 2 * math.pi * math.floor((turn + math.pi) / (2 * math.pi)))


@inner
def rows(chart: Chart, roots: Array, x: Array, a: Array) -> None:
    """Write a (nq, 12) = sqrt(K) dq/dx at x (3N,)."""
    ends = chart.ends
    a[: ends[1]] = 0.0
    for n in range(ends[0]):
        stretch(chart, roots[n], x, n, a[n])
    for n in range(ends[0], ends[1]):
        angle(chart, roots[n], x, n, a[n])
    for n in range(ends[1], ends[2], 2):
        bend(chart, roots, x, n, a)
    for n in range(ends[2], ends[3]):
        torsion(chart, roots[n], x, n, a[n])
    for n in range(ends[3], ends[4]):
        plane(chart, roots[n], x, n, a[n])


@inline
def stretch(chart: Chart, root: float, x: Array, n: int, row: Array) -> None:
    bond = gap(x, chart.atoms[n, 0], chart.atoms[n, 1])
    out = times(root / max(norm(bond), TINY), bond)
    put(row, 0, out)
    put(row, 1, times(-1.0, out))


@inline
def angle(chart: Chart, root: float, x: Array, n: int, row: Array) -> None:
    i, j, k, _ = four(chart.atoms, n)
    u, v = gap(x, i, j), gap(x, k, j)
    lu, lv = max(norm(u), TINY), max(norm(v), TINY)
    u, v = times(1 / lu, u), times(1 / lv, v)
    sine, cosine = max(norm(cross(u, v)), TINY), dot(u, v)
    near, far = root / (lu * sine), root / (lv * sine)
    first, last = combined(near * cosine, u, -near, v), combined(far * cosine, v, -far, u)
    put(row, 0, first)
    put(row, 1, combined(-1.0, first, -1.0, last))
    put(row, 2, last)


@inline
def torsion(chart: Chart, root: float, x: Array, n: int, row: Array) -> None:
    i, j, k, m = four(chart.atoms, n)
    f, g, h = gap(x, i, j), gap(x, j, k), gap(x, m, k)
    a, c = cross(f, g), cross(h, g)
    length = norm(g)
    a, c = times(root / max(dot(a, a), TINY), a), times(root / max(dot(c, c), TINY), c)
    first, last = times(-length, a), times(length, c)
    shift = combined(dot(f, g) / length, a, -dot(h, g) / length, c)
    put(row, 0, first)
    put(row, 1, combined(-1.0, first, 1.0, shift))
    put(row, 2, combined(-1.0, last, -1.0, shift))
    put(row, 3, last)


@inline
def plane(chart: Chart, root: float, x: Array, n: int, row: Array) -> None:
    i, j, k, m = four(chart.atoms, n)
    u, v, w = gap(x, j, i), gap(x, k, i), gap(x, m, i)
    lu, lv, lw = norm(u), norm(v), norm(w)
    u, v, w = times(1 / max(lu, TINY), u), times(1 / max(lv, TINY), v), times(1 / max(lw, TINY), w)
    value = dot(u, cross(v, w))
    first = times(root / lu, combined(1.0, cross(v, w), -value, u))
    second = times(root / lv, combined(1.0, cross(w, u), -value, v))
    third = times(root / lw, combined(1.0, cross(u, v), -value, w))
    put(row, 0, combined(-1.0, combined(1.0, first, 1.0, second), -1.0, third))
    put(row, 1, first)
    put(row, 2, second)
    put(row, 3, third)


@inline
def bend_axes(chart: Chart, x: Array, n: int) -> tuple[Vector, Vector, float, Vector, Vector, Vector, float]:
    """What a bend i-j-k is made of.

    The unit vector along from i to k, the side from which the first axis comes, its length across; both axes; the sum
    of the unit vectors from j to i and k; and the distance from i to k.
    """
    i, j, k, o = four(chart.atoms, n)
    place = (n - chart.ends[1]) // 2
    side = (chart.sides[place, 0], chart.sides[place, 1], chart.sides[place, 2])
    if math.isnan(side[0]):
        side = gap(x, o, j)
    ends = gap(x, k, i)
    distance = norm(ends)
    along = times(1 / distance, ends)
    across = combined(1.0, side, -dot(side, along), along)
    width = norm(across)
    first = times(1 / width, across)
    second = cross(along, first)
    u, v = gap(x, i, j), gap(x, k, j)
    both = combined(1 / norm(u), u, 1 / norm(v), v)
    return along, side, width, first, second, both, distance


@inner
def bend(chart: Chart, roots: Array, x: Array, n: int, a: Array) -> None:
    """Both components e . b, with b the sum of the unit vectors, and the axes e1, and e2 = along x e1."""
    axes = bend_axes(chart, x, n)
    along, _, _, first, second, both, _ = axes
    bend_component(chart, roots[n], x, n, axes, first, both, (0.0, 0.0, 0.0), a[n])
    # e2 . b = (along x e1) . b changes by de1 . (b x along) and by dalong . (e1 x b)
    bend_component(chart, roots[n + 1], x, n + 1, axes, second, cross(both, along), cross(first, both), a[n + 1])


@inner
def bend_component(
    chart: Chart,
    root: float,
    x: Array,
    n: int,
    axes: tuple[Vector, Vector, float, Vector, Vector, Vector, float],
    e: Vector,
    turned: Vector,
    tilted: Vector,
    row: Array,
) -> None:
    """The row of e . b, whose differential is e . db + turned . de1 + tilted . dalong."""
    i, j, k, _ = four(chart.atoms, n)
    along, side, width, first, _, _, distance = axes
    # e1 is the unit vector of w = side - (side . along) along, so that turned . de1 = p . dw
    p = times(1 / width, combined(1.0, turned, -dot(turned, first), first))
    by_side = combined(1.0, p, -dot(p, along), along)
    by_along = combined(1.0, tilted, -1.0, combined(dot(p, along), side, dot(side, along), p))
    by_ends = times(1 / distance, combined(1.0, by_along, -dot(by_along, along), along))
    u, v = gap(x, i, j), gap(x, k, j)
    lu, lv = norm(u), norm(v)
    u, v = times(1 / lu, u), times(1 / lv, v)
    by_u = times(1 / lu, combined(1.0, e, -dot(e, u), u))
    by_v = times(1 / lv, combined(1.0, e, -dot(e, v), v))
    if not math.isnan(chart.sides[(n - chart.ends[1]) // 2, 0]):
        by_side = (0.0, 0.0, 0.0)  # the side is fixed in space
    put(row, 0, combined(root, by_u, -root, by_ends))
    put(row, 1, combined(-root, combined(1.0, by_u, 1.0, by_v), -root, by_side))
    put(row, 2, combined(root, by_v, root, by_ends))
    put(row, 3, times(root, by_side))
