"""A^T A and the model Hessian as 3 x 3 blocks, and products with them and with A."""

import math

from molopt.coordinates.kernels.compiling import inner
from molopt.coordinates.kernels.tables import Chart, Pattern
from molopt.rules.partition import Array


@inner
def add_outer(out: Array, f: float, u: Array, v: Array) -> None:
    """out (9,) += f u v^T."""
    for c in range(3):
        w = f * u[c]
        out[3 * c] += w * v[0]
        out[3 * c + 1] += w * v[1]
        out[3 * c + 2] += w * v[2]


@inner
def grams(chart: Chart, pattern: Pattern, a: Array, diagonal: Array, stiff: Array, model: Array) -> None:
    """Add A^T A to the blocks `stiff` (nb, 9), and A^T diag(diagonal) A to `model`; a (nq, 12)."""
    for n in range(len(a)):
        width = width_of(chart, n)
        for p in range(width):
            for q in range(p + 1):
                one, other = p, q
                if chart.atoms[n, p] < chart.atoms[n, q]:
                    one, other = q, p
                block = pattern.block[chart.atoms[n, p], chart.atoms[n, q]]
                for c in range(3):
                    u = a[n, 3 * one + c]
                    for e in range(3):
                        product = u * a[n, 3 * other + e]
                        stiff[block, 3 * c + e] += product
                        model[block, 3 * c + e] += diagonal[n] * product


@inner
def gram(chart: Chart, pattern: Pattern, a: Array, stiff: Array) -> None:
    """Add A^T A to the blocks `stiff` (nb, 9) alone."""
    for n in range(len(a)):
        width = width_of(chart, n)
        for p in range(width):
            for q in range(p + 1):
                one, other = p, q
                if chart.atoms[n, p] < chart.atoms[n, q]:
                    one, other = q, p
                block = stiff[pattern.block[chart.atoms[n, p], chart.atoms[n, q]]]
                add_outer(block, 1.0, a[n, 3 * one : 3 * one + 3], a[n, 3 * other : 3 * other + 3])


@inner
def add_couplings(chart: Chart, pattern: Pattern, rows: Array, a: Array, constants: Array, model: Array) -> None:
    """Add c (A_p A_q^T + A_q A_p^T) of all couplings rows (nc, 3), constants (nc,), to the blocks `model` (nb, 9)."""
    for n in range(len(constants)):
        p, q, k = rows[n, 0], rows[n, 1], constants[n]
        if k == 0.0:
            continue
        for one in range(width_of(chart, p)):
            i = chart.atoms[p, one]
            for other in range(width_of(chart, q)):
                j = chart.atoms[q, other]
                block = model[pattern.block[i, j]]
                u, v = a[p, 3 * one : 3 * one + 3], a[q, 3 * other : 3 * other + 3]
                if i >= j:
                    add_outer(block, k, u, v)
                if j >= i:
                    add_outer(block, k, v, u)


@inner
def width_of(chart: Chart, n: int) -> int:
    """How many atoms a coordinate has."""
    return 2 if n < chart.ends[0] else 3 if n < chart.ends[1] else 4


@inner
def add_spring(model: Array, i: int, j: int, block: int, k: float, unit: tuple[float, float, float]) -> None:
    """Add k u u^T between the atoms i and j, whose own blocks are i and j."""
    for c in range(3):
        for e in range(3):
            w = k * unit[c] * unit[e]
            model[i, 3 * c + e] += w
            model[j, 3 * c + e] += w
            model[block, 3 * c + e] -= w


@inner
def multiply(pairs: Array, blocks: Array, v: Array, out: Array) -> None:
    """Write out (3N,) = H v, of the lower blocks (nb, 9) of H; the diagonal blocks come first."""
    natoms = v.size // 3
    for i in range(natoms):
        b = blocks[i]
        x, y, z = v[3 * i], v[3 * i + 1], v[3 * i + 2]
        out[3 * i] = b[0] * x + b[1] * y + b[2] * z
        out[3 * i + 1] = b[3] * x + b[4] * y + b[5] * z
        out[3 * i + 2] = b[6] * x + b[7] * y + b[8] * z
    for n in range(natoms, len(blocks)):
        i, j, b = 3 * pairs[n, 0], 3 * pairs[n, 1], blocks[n]
        x, y, z = v[j], v[j + 1], v[j + 2]
        out[i] += b[0] * x + b[1] * y + b[2] * z
        out[i + 1] += b[3] * x + b[4] * y + b[5] * z
        out[i + 2] += b[6] * x + b[7] * y + b[8] * z
        x, y, z = v[i], v[i + 1], v[i + 2]
        out[j] += b[0] * x + b[3] * y + b[6] * z
        out[j + 1] += b[1] * x + b[4] * y + b[7] * z
        out[j + 2] += b[2] * x + b[5] * y + b[8] * z


@inner
def pull_back(chart: Chart, a: Array, u: Array, out: Array) -> None:
    """Write out (3N,) = A^T u of u (nq,)."""
    out[:] = 0.0
    for n in range(u.size):
        for p in range(4):
            i = 3 * chart.atoms[n, p]
            out[i] += u[n] * a[n, 3 * p]
            out[i + 1] += u[n] * a[n, 3 * p + 1]
            out[i + 2] += u[n] * a[n, 3 * p + 2]


@inner
def push_forward(chart: Chart, a: Array, d: Array, out: Array) -> None:
    """Write out (nq,) = A d of d (3N,)."""
    for n in range(out.size):
        s = 0.0
        for p in range(4):
            i = 3 * chart.atoms[n, p]
            s += a[n, 3 * p] * d[i] + a[n, 3 * p + 1] * d[i + 1] + a[n, 3 * p + 2] * d[i + 2]
        out[n] = s


@inner
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
