"""New starts from minima that are known: each neighbour of a low one, moves of one, and crossings of two."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from molopt.ensembles.minima import Minima, Origin
from molopt.ensembles.moves import Moves
from molopt.ensembles.tried import Tried
from molopt.rules.partition import Array

TRIES = 20  # for one child; where all of them clash or there is nothing to move, there is none


class Child(NamedTuple):
    """A start that a move made, where it comes from, and the number of its mother; -1 of one that has none."""

    positions: Array  # (N, 3) Angstrom
    origin: Origin
    parent: int = -1


class Around:
    """Single changes of low minima, each once and only where it is unlike all that was tried.

    Random moves of a low minimum miss some of its neighbours for long, and make others again and again.
    """

    def __init__(self, minima: Minima, moves: Moves, known: Tried) -> None:
        self.minima, self.moves, self.known = minima, moves, known
        self.left: dict[int, Iterator[tuple[Array, str]]] = {}  # of the neighbours of each minimum

    def made(self, count: int, window: float) -> list[Child]:
        """Up to `count`, of the lowest minima first, none of those higher than the window (kcal/mol)."""
        found: list[Child] = []
        for number in self.minima.within(window).tolist():
            if number not in self.left:
                self.left[number] = self.moves.neighbours(self.minima.position(number))
            while len(found) < count and (made := next(self.left[number], None)) is not None:
                positions, source = made
                if not self.moves.clashes(positions) and positions not in self.known:
                    found.append(Child(positions, Origin(source), number))
            if len(found) == count:
                break
        return found


def children(
    minima: Minima, moves: Moves, count: int, width: float, rng: np.random.Generator, known: Tried | None = None
) -> list[Child]:
    """Up to `count` children of low minima, half of them crossings where there are two parents.

    The second parent is drawn with twice the width (kcal/mol): what it lends may be good where the rest of it is not.
    None is like what is `known`, and each is known from then on.
    """
    found: list[Child] = []
    for _ in range(count * TRIES):
        if len(found) == count or not len(minima):
            break
        child = born(minima, moves, width, rng)
        if child is None or moves.clashes(child.positions) or (known is not None and child.positions in known):
            continue
        if known is not None:
            known.add(child.positions)
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
