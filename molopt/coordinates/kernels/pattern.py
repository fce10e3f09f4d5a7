"""Which blocks the matrices of a molecule have, and the terms that add up in each: made once a molecule."""

import numpy as np

from molopt.coordinates.kernels.compiling import kernel
from molopt.rules.partition import Array


@kernel
def blocks_of(atoms: Array, couplings: Array, springs: Array, natoms: int, every: bool) -> tuple[Array, Array]:
    """Pairs (nb, 2) of atoms that have a block, the atoms themselves first, and the block of each pair (N, N).

    These are the pairs in a row of atoms (n, 4), in two rows that are coupled, couplings (n, 3), or at the ends of
    springs (n, 3); or every pair.
    """
    near = np.zeros((natoms, natoms), np.bool_)
    if every:
        near[:] = True
    for n in range(len(atoms)):
        for p in range(4):
            for q in range(4):
                near[atoms[n, p], atoms[n, q]] = True
    for n in range(len(couplings)):
        for p in range(4):
            for q in range(4):
                i, j = atoms[couplings[n, 0], p], atoms[couplings[n, 1], q]
                near[i, j] = near[j, i] = True
    for n in range(len(springs)):
        i, j = springs[n, 0], springs[n, 1]
        near[i, j] = near[j, i] = True
    block = np.full((natoms, natoms), -1, np.int32)
    pairs = np.empty((natoms * (natoms + 1) // 2, 2), np.int32)
    count = natoms
    for i in range(natoms):
        pairs[i, 0] = pairs[i, 1] = block[i, i] = i
        for j in range(i):
            if near[i, j]:
                pairs[count, 0], pairs[count, 1] = i, j
                block[i, j] = block[j, i] = count
                count += 1
    return pairs[:count].copy(), block


@kernel
def terms_of(atoms: Array, widths: Array, products: Array, block: Array, count: int) -> tuple[Array, Array]:
    """The terms of sums over products A_p A_q^T + A_q A_p^T, or A_p A_p^T where p is q; products (n, 2).

    Each is an outer product of the derivatives of two coordinates by one atom each. Those of block b are the rows from
    starts[b] to starts[b + 1] of (terms, 3): where either vector begins in A, three numbers of a row of twelve, and
    which product it is of.
    """
    starts, terms = np.zeros(count + 1, np.int32), np.empty((0, 3), np.int32)
    for writing in range(2):  # first they are counted
        for n in range(len(products)):
            p, q = products[n, 0], products[n, 1]
            for a in range(widths[p]):
                for b in range(widths[q]):
                    i, j = atoms[p, a], atoms[q, b]
                    if p == q and (i < j or (i == j and a != b)):
                        continue  # a block above the diagonal; or an atom that stands in for none
                    for turned in range(2):
                        if (turned and (i > j or p == q)) or (not turned and i < j):
                            continue
                        here = block[i, j]
                        if writing:
                            one, other = 12 * p + 3 * a, 12 * q + 3 * b
                            at = starts[here]
                            terms[at, 0], terms[at, 1] = (other, one) if turned else (one, other)
                            terms[at, 2] = n
                        starts[here] += 1
        if not writing:
            total = 0
            for b in range(count + 1):
                starts[b], total = total, total + starts[b]
            terms = np.empty((total, 3), np.int32)
    for b in range(count, 0, -1):  # writing has moved each start to the next
        starts[b] = starts[b - 1]
    starts[0] = 0
    return starts, terms
