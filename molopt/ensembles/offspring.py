"""New starts from minima that are known: moves of one, and crossings of two."""

from typing import NamedTuple

import numpy as np

from molopt.ensembles.minima import Minima, Origin
from molopt.ensembles.moves import Moves
from molopt.rules.partition import Array

TRIES = 20  # for one child; where all of them clash or there is nothing to move, there is none


class Child(NamedTuple):
    """A start that a move made, where it comes from, and the number of its mother; -1 of one that has none."""

    positions: Array  # (N, 3) Angstrom
    origin: Origin
    parent: int = -1


def children(minima: Minima, moves: Moves, count: int, width: float, rng: np.random.Generator) -> list[Child]:
    """Up to `count` children of low minima, half of them crossings where there are two parents.

    The second parent is drawn with twice the width (kcal/mol): what it lends may be good where the rest of it is not.
    """
    found: list[Child] = []
    for _ in range(count * TRIES):
        if len(found) == count or not len(minima):
            break
        child = born(minima, moves, width, rng)
        if child is not None and not moves.clashes(child.positions):
            found.append(child)
    return found


def born(minima: Minima, moves: Moves, width: float, rng: np.random.Generator) -> Child | None:
    """One child; None where it is its parent again, or the molecule has nothing to move."""
    parent = minima.drawn(rng, width)
    mother = minima.position(parent)
    if len(minima) > 1 and rng.random() < 0.5:
        crossed = moves.crossed(mother, minima.position(minima.drawn(rng, 2 * width)), rng)
        return None if np.abs(crossed - mother).max() < 1e-3 else Child(crossed, Origin("cross"), parent)
    if not moves:
        return None
    positions, source = moves.turned(mother, rng)
    return Child(positions, Origin(source), parent)
