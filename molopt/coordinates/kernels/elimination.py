"""In which order the atoms of a molecule are eliminated, and where the factor of its matrices has blocks.

Sets of atoms are bits of words, one row of words a set. An order of minimum degree keeps the factor of a molecule
sparse: A. George, J. W. Liu, SIAM Rev. 31, 1 (1989).
"""

import numpy as np

from molopt.coordinates.kernels.compiling import inline, inner, kernel
from molopt.rules.partition import Array

WORD = 64  # bits
ONE = np.uint64(1)
PAIRS, FOURS, EIGHTS = np.uint64(0x5555555555555555), np.uint64(0x3333333333333333), np.uint64(0x0F0F0F0F0F0F0F0F)
BYTES, SHIFT = np.uint64(0x0101010101010101), np.uint64(56)
TWO, FOUR = np.uint64(2), np.uint64(4)


@inline
def bits(word: np.uint64) -> int:
    """How many bits of a word are set."""
    word = word - ((word >> ONE) & PAIRS)
    word = (word & FOURS) + ((word >> TWO) & FOURS)
    word = (word + (word >> FOUR)) & EIGHTS
    return int((word * BYTES) >> SHIFT)


@inline
def mark(sets: Array, i: int, j: int) -> None:
    """Put j into the set i of sets (n, words)."""
    sets[i, j // WORD] |= ONE << np.uint64(j % WORD)


@inline
def unmark(sets: Array, i: int, j: int) -> None:
    """Take j out of the set i."""
    sets[i, j // WORD] &= ~(ONE << np.uint64(j % WORD))


@inner
def members(sets: Array, i: int, found: Array) -> int:
    """Write the members of the set i in ascending order, return how many there are."""
    count = 0
    for w in range(sets.shape[1]):
        word = sets[i, w]
        while word:
            rest = word & (word - ONE)
            lowest = word ^ rest
            found[count] = WORD * w + bits(lowest - ONE)
            count += 1
            word = rest
    return count


@inner
def connect(pairs: Array, sets: Array) -> None:
    """Write who has a block with whom, pairs (n, 2), into sets (N, words)."""
    sets[:] = np.uint64(0)
    for n in range(len(pairs)):
        i, j = pairs[n, 0], pairs[n, 1]
        if i != j:
            mark(sets, i, j)
            mark(sets, j, i)


@inner
def minimum_degree(sets: Array, order: Array) -> None:
    """Write the order of elimination of atoms with these neighbours, sets (N, words) without themselves; destroyed."""
    natoms, words = sets.shape
    degree, near = np.empty(natoms, np.int64), np.empty(natoms, np.int64)
    for i in range(natoms):
        degree[i] = members(sets, i, near)
    for t in range(natoms):
        least = 0
        for i in range(1, natoms):
            if degree[i] < degree[least]:
                least = i
        order[t] = least
        for n in range(members(sets, least, near)):
            i = near[n]
            count = 0
            for w in range(words):
                sets[i, w] |= sets[least, w]
            unmark(sets, i, i)
            unmark(sets, i, least)
            for w in range(words):
                count += bits(sets[i, w])
            degree[i] = count
        degree[least] = natoms + 1


@inner
def fill(pairs: Array, order: Array, sets: Array, starts: Array, below: Array, slot: Array) -> int:
    """Where the factor of a matrix with blocks `pairs` (n, 2) has blocks; returns their number.

    sets (N, words) is scratch; starts (N + 1,), below and slot (N, N) are written. Where below is too short its
    surplus is left out, so that it can be made longer.
    """
    natoms = order.size
    place, found = np.empty(natoms, np.int64), np.empty(natoms, np.int64)
    for t in range(natoms):
        place[order[t]] = t
    sets[:] = np.uint64(0)
    for n in range(len(pairs)):
        i, j = place[pairs[n, 0]], place[pairs[n, 1]]
        if i != j:
            mark(sets, min(i, j), max(i, j))
    total = 0
    for t in range(natoms):
        starts[t] = total
        count = members(sets, t, found)
        for n in range(count):
            if total < below.size:
                below[total] = found[n]
            slot[found[n], t] = total
            total += 1
        if count > 1:  # the next column that has a row of this one inherits the others
            for w in range(sets.shape[1]):
                sets[found[0], w] |= sets[t, w]
            unmark(sets, found[0], found[0])
    starts[natoms] = total
    return total


@kernel
def symbolic(pairs: Array, natoms: int) -> tuple[Array, Array, Array, Array]:
    """order, starts, below and slot of the factor of a matrix with blocks `pairs` (n, 2)."""
    sets = np.zeros((natoms, (natoms + WORD - 1) // WORD), np.uint64)
    order, starts = np.empty(natoms, np.int32), np.empty(natoms + 1, np.int32)
    below, slot = np.empty(natoms * (natoms - 1) // 2, np.int32), np.zeros((natoms, natoms), np.int32)
    connect(pairs, sets)
    minimum_degree(sets, order)
    total = fill(pairs, order, sets, starts, below, slot)
    return order, starts, below[:total].copy(), slot
