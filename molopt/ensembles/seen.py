"""Which starts were tried: those that lead where others led are not tried again."""

import numpy as np

from molopt.ensembles.moves import Moves
from molopt.rules.partition import Array


class Seen:
    """Starts that were tried and minima that were found, by their soft torsions.

    Parameters
    ----------
    moves : Moves
        Whose torsions they are.
    near : float
        Radians; a start of which no torsion differs by more from that of another leads where that one led.
    """

    def __init__(self, moves: Moves, near: float = np.radians(25.0)) -> None:
        self.moves, self.near = moves, near
        self.angles = np.empty((64, len(moves.torsions)))  # radians; the first `count` rows are used
        self.count = 0

    def add(self, positions: Array) -> None:
        """A start or a minimum at positions (N, 3)."""
        if self.count == len(self.angles):
            self.angles = np.concatenate([self.angles, np.empty_like(self.angles)])
        self.angles[self.count] = self.moves.angles(positions)
        self.count += 1

    def is_new(self, positions: Array) -> bool:
        """Whether none like it was tried; always, where there is no torsion to tell by."""
        if not self.angles.shape[1]:
            return True
        apart = np.abs(self.angles[: self.count] - self.moves.angles(positions))
        return not (np.minimum(apart, 2 * np.pi - apart).max(axis=1) < self.near).any()
