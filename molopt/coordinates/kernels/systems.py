"""Systems at geometries, as kernels hold them: pages of arrays, and where in them each system is.

Systems of any molecules are linearized together, one after another in the arrays of one page. To select systems, or to
put those of several pages together, is to copy the rows that say where they are; no page is copied.
"""

from typing import NamedTuple

import numpy as np

from molopt.coordinates.kernels.compiling import List, inner, kernel
from molopt.coordinates.kernels.tables import Tables
from molopt.rules.partition import Array

# columns of where a system is: its page, its number there, its first atom, its first coordinate, the first block of the
# factor of A^T A, and where the blocks and the factor of the model Hessian begin and end
PAGE, NUMBER, ATOM, ENTRY, STIFF, BLOCK, BLOCK_END, FILL, FILL_END = range(9)
COLUMNS = 9


class Factor(NamedTuple):
    """A Cholesky factor of 3 x 3 blocks, in the order of elimination (`cholesky`)."""

    order: Array  # (N,) int32
    starts: Array  # (N + 1,) int32
    below: Array  # (nnz,) int32
    diagonal: Array  # (N, 9)
    lower: Array  # (nnz, 9)


class System(NamedTuple):
    """One system of N atoms at a geometry; the arrays are parts of a page."""

    x: Array  # (3N,) Angstrom
    cartesian_gradient: Array  # (3N,) eV/A
    values: Array  # (nq,) q
    a: Array  # (nq, 12) A = sqrt(K) dq/dx by the atoms of `Chart.atoms`
    motions: Array  # (6, 3N) orthonormal rigid motions
    rigid: int  # how many they are
    stiff: Factor  # of A^T A, on the blocks of `Pattern`
    pairs: Array  # (nb, 2) int32, the atoms of each block of the model Hessian; contacts come and go
    blocks: Array  # (nb, 9)
    model: Factor  # of the model Hessian


class Page(NamedTuple):
    """The arrays of systems that were linearized together, one system after another in each."""

    x: Array  # (3N,)
    cartesian_gradient: Array  # (3N,)
    values: Array  # (nq,)
    a: Array  # (nq, 12)
    motions: Array  # (18N,)
    counts: Array  # (S,)
    stiff_diagonal: Array  # (N, 9)
    stiff_lower: Array  # (any, 9)
    pairs: Array  # (any, 2) int32
    blocks: Array  # (any, 9)
    order: Array  # (N,) int32
    starts: Array  # (N + S,) int32
    below: Array  # (any,) int32
    diagonal: Array  # (N, 9)
    lower: Array  # (any, 9)


Shelf = list[Tables]  # of the molecules of some systems; `which` (S,) says whose are whose
Pages = list[Page]  # `where` (S, 9) says where each system is: the columns above


@inner
def size_of(tables: Tables) -> tuple[int, int]:
    """Numbers of atoms and of coordinates."""
    return len(tables.springs.flat), len(tables.chart.atoms)


@inner
def system_of(tables: Tables, pages: Pages, row: Array) -> System:
    """The system whose row of `where` this is."""
    page, pattern = pages[row[PAGE]], tables.pattern
    natoms, nq = size_of(tables)
    atom, entry, first = row[ATOM], row[ENTRY], row[STIFF]
    atoms, places = slice(atom, atom + natoms), slice(3 * atom, 3 * (atom + natoms))
    blocks, fill = slice(row[BLOCK], row[BLOCK_END]), slice(row[FILL], row[FILL_END])
    begin = atom + row[NUMBER]
    return System(
        page.x[places],
        page.cartesian_gradient[places],
        page.values[entry : entry + nq],
        page.a[entry : entry + nq],
        page.motions[18 * atom : 18 * (atom + natoms)].reshape((6, 3 * natoms)),
        page.counts[row[NUMBER]],
        Factor(
            pattern.order,
            pattern.starts,
            pattern.below,
            page.stiff_diagonal[atoms],
            page.stiff_lower[first : first + pattern.below.size],
        ),
        page.pairs[blocks],
        page.blocks[blocks],
        Factor(
            page.order[atoms],
            page.starts[begin : begin + natoms + 1],
            page.below[fill],
            page.diagonal[atoms],
            page.lower[fill],
        ),
    )


@kernel
def alone(tables: Tables) -> Shelf:
    """A list of one table."""
    shelf = List()
    shelf.append(tables)
    return shelf


@kernel
def one_after_another(shelf: Shelf, other: Shelf) -> Shelf:
    """A list of the tables of both."""
    both = List()
    for tables in shelf:
        both.append(tables)
    for tables in other:
        both.append(tables)
    return both


@kernel
def put_at_end(shelf: Shelf, other: Shelf) -> None:
    """Make a list longer by another."""
    for tables in other:
        shelf.append(tables)


@kernel
def turned_together(pages: Pages, where: Array, others: Pages, elsewhere: Array) -> tuple[Pages, Array]:
    """The pages that both need, and where (S + T, 9) the systems of `where` (S, 9) and `elsewhere` (T, 9) are there."""
    rows, number = np.concatenate((where, elsewhere)), np.full(len(pages) + len(others), -1)
    rows[len(where) :, PAGE] += len(pages)
    needed = List()
    for s in range(len(rows)):
        old = rows[s, PAGE]
        if number[old] < 0:
            number[old] = len(needed)
            needed.append(pages[old] if old < len(pages) else others[old - len(pages)])
        rows[s, PAGE] = number[old]
    return needed, rows
