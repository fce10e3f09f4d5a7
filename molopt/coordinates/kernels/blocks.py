"""A^T A and the model Hessian as 3 x 3 blocks, and products with them and with A."""

import math

from molopt.coordinates.kernels.compiling import inline, inner
from molopt.coordinates.kernels.tables import Chart, Pattern
from molopt.coordinates.kernels.vectors import Vector
from molopt.rules.partition import Array

Block = tuple[float, float, float, float, float, float, float, float, float]


@inline
def nine(blocks: Array, n: int) -> Block:
    """Block n of blocks (any, 9). Numbers are read before any is written: then they can be held in registers."""
    b = blocks[n]
    return b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8]


@inline
def put_nine(blocks: Array, n: int, b: Block) -> None:
    out = blocks[n]
    out[0], out[1], out[2], out[3], out[4], out[5], out[6], out[7], out[8] = b


@inline
def plus_outer(b: Block, f: float, a: Array, one: int, other: int) -> Block:
    """b + f u v^T, where u and v begin at these places of a (any,)."""
    x, y, z = f * a[one], f * a[one + 1], f * a[one + 2]
    u, v, w = a[other], a[other + 1], a[other + 2]
    return (
        b[0] + x * u,
        b[1] + x * v,
        b[2] + x * w,
        b[3] + y * u,
        b[4] + y * v,
        b[5] + y * w,
        b[6] + z * u,
        b[7] + z * v,
        b[8] + z * w,
    )


@inner
def grams(pattern: Pattern, a: Array, diagonal: Array, couplings: Array, stiff: Array, model: Array) -> None:
    """Write the blocks (nb, 9) `stiff` = A^T A, and `model` = A^T (diagonal + couplings) A, of a (12 nq,)."""
    for n in range(len(stiff)):
        g = h = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
        for t in range(pattern.own_starts[n], pattern.own_starts[n + 1]):
            g = plus_outer(g, 1.0, a, pattern.own[t, 0], pattern.own[t, 1])
            h = plus_outer(h, diagonal[pattern.own[t, 2]], a, pattern.own[t, 0], pattern.own[t, 1])
        for t in range(pattern.coupled_starts[n], pattern.coupled_starts[n + 1]):
            h = plus_outer(h, couplings[pattern.coupled[t, 2]], a, pattern.coupled[t, 0], pattern.coupled[t, 1])
        put_nine(stiff, n, g)
        put_nine(model, n, h)


@inner
def gram(pattern: Pattern, a: Array, stiff: Array) -> None:
    """Write the blocks (nb, 9) of A^T A alone."""
    for n in range(len(stiff)):
        g = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
        for t in range(pattern.own_starts[n], pattern.own_starts[n + 1]):
            g = plus_outer(g, 1.0, a, pattern.own[t, 0], pattern.own[t, 1])
        put_nine(stiff, n, g)


@inline
def add_spring(model: Array, i: int, j: int, block: int, k: float, unit: Vector) -> None:
    """Add k u u^T between the atoms i and j, whose own blocks are i and j."""
    x, y, z = unit
    xx, xy, xz, yy, yz, zz = k * x * x, k * x * y, k * x * z, k * y * y, k * y * z, k * z * z
    add_symmetric(model, i, xx, xy, xz, yy, yz, zz)
    add_symmetric(model, j, xx, xy, xz, yy, yz, zz)
    add_symmetric(model, block, -xx, -xy, -xz, -yy, -yz, -zz)


@inline
def add_symmetric(model: Array, n: int, xx: float, xy: float, xz: float, yy: float, yz: float, zz: float) -> None:
    b = nine(model, n)
    put_nine(
        model, n, (b[0] + xx, b[1] + xy, b[2] + xz, b[3] + xy, b[4] + yy, b[5] + yz, b[6] + xz, b[7] + yz, b[8] + zz)
    )


@inner
def multiply(pairs: Array, blocks: Array, v: Array, out: Array) -> None:
    """Write out (3N,) = H v, of the lower blocks (nb, 9) of H; the diagonal blocks come first."""
    natoms = v.size // 3
    for n in range(natoms):
        b, x, y, z = nine(blocks, n), v[3 * n], v[3 * n + 1], v[3 * n + 2]
        out[3 * n] = b[0] * x + b[1] * y + b[2] * z
        out[3 * n + 1] = b[3] * x + b[4] * y + b[5] * z
        out[3 * n + 2] = b[6] * x + b[7] * y + b[8] * z
    for n in range(natoms, len(blocks)):
        i, j, b = 3 * pairs[n, 0], 3 * pairs[n, 1], nine(blocks, n)
        p, q, r, x, y, z = v[i], v[i + 1], v[i + 2], v[j], v[j + 1], v[j + 2]
        out[i] += b[0] * x + b[1] * y + b[2] * z
        out[i + 1] += b[3] * x + b[4] * y + b[5] * z
        out[i + 2] += b[6] * x + b[7] * y + b[8] * z
        out[j] += b[0] * p + b[3] * q + b[6] * r
        out[j + 1] += b[1] * p + b[4] * q + b[7] * r
        out[j + 2] += b[2] * p + b[5] * q + b[8] * r


@inner
def multiply_columns(pairs: Array, blocks: Array, v: Array, out: Array) -> None:
    """Write out (3N, k) = H v of v (3N, k), as `multiply` does for one column."""
    natoms = len(v) // 3
    out[:] = 0.0
    for n in range(len(blocks)):
        b = nine(blocks, n)
        add_columns(b, v, 3 * pairs[n, 1], out, 3 * pairs[n, 0])
        if n >= natoms:
            turned = (b[0], b[3], b[6], b[1], b[4], b[7], b[2], b[5], b[8])
            add_columns(turned, v, 3 * pairs[n, 0], out, 3 * pairs[n, 1])


@inline
def add_columns(b: Block, v: Array, j: int, out: Array, i: int) -> None:
    """Add b times the three rows of v (3N, k) from j on to those of out from i on."""
    for e in range(v.shape[1]):
        x, y, z = v[j, e], v[j + 1, e], v[j + 2, e]
        out[i, e] += b[0] * x + b[1] * y + b[2] * z
        out[i + 1, e] += b[3] * x + b[4] * y + b[5] * z
        out[i + 2, e] += b[6] * x + b[7] * y + b[8] * z


@inner
def pull_back_columns(chart: Chart, a: Array, u: Array, out: Array) -> None:
    """Write out (3N, k) = A^T u of u (nq, k)."""
    out[:] = 0.0
    for n in range(len(u)):
        for p in range(width_of(chart, n)):
            i = 3 * chart.atoms[n, p]
            x, y, z = a[n, 3 * p], a[n, 3 * p + 1], a[n, 3 * p + 2]
            for e in range(u.shape[1]):
                out[i, e] += x * u[n, e]
                out[i + 1, e] += y * u[n, e]
                out[i + 2, e] += z * u[n, e]


@inline
def width_of(chart: Chart, n: int) -> int:
    """How many atoms a coordinate has."""
    return 2 if n < chart.ends[0] else 3 if n < chart.ends[1] else 4


@inner
def pull_back(atoms: Array, a: Array, u: Array, out: Array) -> None:
    """Write out (3N,) = A^T u of u (nq,)."""
    out[:] = 0.0
    for n in range(u.size):
        for p in range(4):
            i = 3 * atoms[n, p]
            out[i] += u[n] * a[n, 3 * p]
            out[i + 1] += u[n] * a[n, 3 * p + 1]
            out[i + 2] += u[n] * a[n, 3 * p + 2]


@inner
def push_forward(atoms: Array, a: Array, d: Array, out: Array) -> None:
    """Write out (nq,) = A d of d (3N,)."""
    for n in range(out.size):
        s = 0.0
        for p in range(4):
            i = 3 * atoms[n, p]
            s += a[n, 3 * p] * d[i] + a[n, 3 * p + 1] * d[i + 1] + a[n, 3 * p + 2] * d[i + 2]
        out[n] = s


@inline
def inner_product(u: Array, v: Array) -> float:
    s = 0.0
    for n in range(u.size):
        s += u[n] * v[n]
    return s


@inner
def longest_move(d: Array) -> float:
    """Length of the longest move of an atom, of d (3N,)."""
    most = 0.0
    for i in range(0, d.size, 3):
        square = d[i] * d[i] + d[i + 1] * d[i + 1] + d[i + 2] * d[i + 2]
        if square > most or square != square:  # NaN stays
            most = square
    return math.sqrt(most)


@inner
def largest_change(roots: Array, u: Array) -> float:
    """The largest change of a coordinate, |u| / sqrt(K) of u (nq,)."""
    most = 0.0
    for n in range(u.size):
        change = abs(u[n]) / roots[n]
        if change > most or change != change:  # NaN stays
            most = change
    return most
