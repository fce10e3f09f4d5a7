"""Drafts: starts that cost nothing on the expensive potential yet, and what is expected of each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from molopt.ensembles.effort import Effort
from molopt.ensembles.minima import Minima, Origin
from molopt.ensembles.moves import Moves
from molopt.ensembles.offspring import Around, Child, children
from molopt.ensembles.survey import Survey
from molopt.ensembles.tried import Tried
from molopt.rules.partition import Array

FREED = 0.5  # eV/A on the cheap potential: clashes are gone, and torsions have hardly turned


@dataclass(eq=False)
class Draft:
    """A start.

    Attributes
    ----------
    positions : (N, 3) array
        Angstrom.
    origin : Origin
    route : str
        A word of `ROUTES`.
    expected : float
        eV on the ranking potential: of a child, its parent's energy there and how much higher it is than the parent on
        the cheap potential, where most of what that gets wrong is the same in both; of a minimum of the survey, its
        energy on the cheap potential and how far the two potentials are apart.
    apart : float
        Radians; by how much a torsion of the nearest start or minimum that is known differs.
    compared : int
        How many were known then.
    """

    positions: Array
    origin: Origin
    route: str
    expected: float
    apart: float = np.inf
    compared: int = 0

    def compare(self, known: Tried) -> None:
        """Look at what has become known since."""
        self.apart = min(self.apart, known.apart(self.positions, self.compared))
        self.compared = len(known)


class Drafting:
    """Makes drafts from the minima of both potentials.

    Parameters
    ----------
    survey : Survey
    minima : Minima
        Of the ranking potential.
    known : Tried
        Starts like those in it are not made.
    """

    def __init__(
        self, survey: Survey, minima: Minima, moves: Moves, known: Tried, effort: Effort, rng: np.random.Generator
    ) -> None:
        self.survey, self.minima, self.moves, self.known, self.effort, self.rng = (
            survey, minima, moves, known, effort, rng,
        )  # fmt: skip
        self.around = Around(minima, moves, known)
        self.heights: dict[tuple[int, float], float] = {}  # eV; minima on the cheap potential, relaxed so far
        self.drawn = 0  # minima of the survey that are drafts
        self.offset: float | None = None  # eV, from the cheap potential to the ranking one

    def from_survey(self) -> list[Draft]:
        """The minima of the survey that are not drafts yet."""
        minima = self.survey.minima
        fresh = range(self.drawn, len(minima))
        self.drawn = len(minima)
        offset = 0.0 if self.offset is None else self.offset
        energies = minima.energies
        return [Draft(minima.position(k), minima.origins[k], "survey", float(energies[k]) + offset) for k in fresh]

    def neighbours(self, count: int, idle: int) -> list[Draft]:
        """The next neighbours of the lowest minima that have any left, the higher ones too after `idle` rounds."""
        made = self.around.made(count, self.effort.window + idle)
        return self.relaxed(made, "neighbour", FREED)

    def children(self, count: int, route: str, idle: int) -> list[Draft]:
        """Children of low minima, "freed" of clashes or as "child" relaxed on the cheap potential.

        After `idle` rounds parents are drawn from a wider range.
        """
        made = children(self.minima, self.moves, count, self.effort.width * (1 + idle), self.rng)
        return self.relaxed(made, route, FREED if route == "freed" else self.effort.cheap_fmax)

    def relaxed(self, made: Sequence[Child], route: str, fmax: float) -> list[Draft]:
        """Drafts of children, relaxed so far on the cheap potential."""
        parents = sorted({child.parent for child in made if (child.parent, fmax) not in self.heights})
        asked = [Child(self.minima.position(k), self.minima.origins[k], k) for k in parents]
        for child, energy, _ in self.survey.minimise(asked, fmax):
            self.heights[child.parent, fmax] = energy
        found = []
        energies = self.minima.energies
        for child, energy, _ in self.survey.minimise(made, fmax):
            height = self.heights.get((child.parent, fmax))
            if height is None or child.positions in self.known:
                continue
            expected = float(energies[child.parent]) + energy - height
            found.append(Draft(child.positions, child.origin, route, expected))
        return found
