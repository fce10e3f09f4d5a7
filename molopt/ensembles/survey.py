"""The survey: which minima the cheap potential has, from embeddings and from moves of what they led to."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from molopt.ensembles.crew import Crew
from molopt.ensembles.effort import KCAL, Effort
from molopt.ensembles.ensemble import Round, SetAside
from molopt.ensembles.jobs import Embed, Generate, Minimise, stacked
from molopt.ensembles.minima import Minima, Origin
from molopt.ensembles.moves import Moves
from molopt.ensembles.offspring import Around, Child, children
from molopt.ensembles.shapes import Shapes
from molopt.ensembles.tried import Tried
from molopt.ensembles.workshop import Job
from molopt.molecules import Molecule
from molopt.rules.partition import Array

EMBEDDED_TOGETHER = 8  # seeds of one job
LARGEST_SEED = 2**31


class Survey:
    """Minima of the cheap potential. Rounds are decided between themselves, in the order of their jobs.

    Attributes
    ----------
    minima : Minima
    aside : list of SetAside
        What is another molecule, or did not converge.
    calls : int
        Force calls of the cheap potential.
    tried : dict of str to [int, int]
        Starts, and the new minima they led to, by source.
    rounds : list of Round
    embedded : dict of int to int
        How many embeddings led to each minimum.
    """

    def __init__(
        self, molecule: Molecule, crew: Crew, moves: Moves, shapes: Shapes, effort: Effort, rng: np.random.Generator
    ) -> None:
        self.molecule, self.crew, self.moves, self.effort, self.rng = molecule, crew, moves, effort, rng
        self.minima = Minima(shapes, effort.same_shape, effort.same_energy)
        self.known = Tried(moves, shapes, effort.near)
        self.around = Around(self.minima, moves, self.known)
        self.aside: list[SetAside] = []
        self.notes: list[str] = []
        self.calls = 0
        self.tried: dict[str, list[int]] = {}
        self.rounds: list[Round] = []
        self.embedded: dict[int, int] = {}
        self.unchanged = 0  # starts since something new was found among the lowest

    def seeds(self, given: Sequence[Array], conforge: int, budget: int | None) -> list[Child]:
        """Starts that are not children: given geometries, embeddings, and those of CONFORGE; few on a small budget."""
        found = [Child(np.asarray(each), Origin("given")) for each in given]
        count = min(max(1, round(self.effort.count * self.effort.embedded)), self.effort.most_embedded)
        if budget is not None:
            count = max(1, min(count, budget // self.effort.dear))
        conforge = min(conforge, count)  # of either source as many: starts are counted, wherever they come from
        numbers = [int(seed) for seed in self.rng.integers(LARGEST_SEED, size=count)]
        parts = range(0, count, EMBEDDED_TOGETHER)
        jobs: list[Job] = [Embed(tuple(numbers[k : k + EMBEDDED_TOGETHER])) for k in parts]
        sources = ["etkdg"] * len(jobs) + ["conforge"] * bool(conforge)
        jobs += [Generate(conforge)] if conforge else []
        for source, answer in zip(sources, self.crew.do(jobs), strict=True):
            if isinstance(answer, str):
                self.notes.append(f"{source}: {answer}")
                continue
            self.notes += answer["notes"]
            for positions, seed in zip(answer["positions"], answer["seeds"].tolist(), strict=True):
                found.append(Child(positions, Origin(source, seed if source == "etkdg" else None)))
        return found

    def minimise(self, starts: Sequence[Child], fmax: float) -> Iterator[tuple[Child, float, int]]:
        """The starts relaxed on the cheap potential that are still the molecule, with energy (eV) and force calls."""
        size = self.effort.chunk
        parts = [starts[k : k + size] for k in range(0, len(starts), size)]
        jobs = [Minimise(stacked([each.positions for each in part], self.molecule), fmax) for part in parts]
        for part, answer in zip(parts, self.crew.do(jobs), strict=True):
            if isinstance(answer, str):
                self.notes.append(f"{len(part)} starts were lost: {answer}")
                continue
            self.calls += int(answer["calls"].sum())
            rows = zip(part, answer["positions"], answer["energies"], answer["calls"], answer["changed"], strict=True)
            for start, positions, energy, calls, changed in rows:
                if changed or not np.isfinite(energy):
                    self.aside.append(SetAside(positions, float(energy), start.origin.source, changed or "failed"))
                else:
                    yield Child(positions, start.origin, start.parent), float(energy), int(calls)

    def add(self, starts: Sequence[Child]) -> list[int]:
        """Relax starts; the numbers of the minima that are new and not high above the lowest."""
        new: list[int] = []
        for start in starts:
            self.tried.setdefault(start.origin.source, [0, 0])[0] += 1
        for child, energy, calls in self.minimise(starts, self.effort.cheap_fmax):
            if energy > self.minima.lowest + self.effort.high * KCAL:
                continue
            self.unchanged += 1
            number, is_new = self.minima.add(child.positions, energy, child.origin, calls)
            if child.origin.source == "etkdg":
                self.embedded[number] = self.embedded.get(number, 0) + 1
            if is_new:
                new.append(number)
                self.known.add(child.positions)
                self.tried[child.origin.source][1] += 1
                if energy <= self.minima.lowest + self.effort.lowest * KCAL:
                    self.unchanged = 0
        within = len(self.minima.within(self.effort.window))
        self.rounds.append(Round(self.calls, self.minima.lowest, within, counted(self.tried)))
        return new

    def go(self, given: Sequence[Array], conforge: int, told: Callable[[Round], object] | None) -> str:
        """Seeds, then rounds of children; why it ended.

        It is told of its rounds where it is the whole search, and then ends when nothing new comes or its force calls
        are spent; else after a quarter of the count without anything new.
        """
        patience = max(50, self.effort.count // 4) if told is None else self.effort.until_no_new
        budget = None if told is None else self.effort.max_calls
        self.add(self.seeds(given, conforge, budget))
        while True:
            if told is not None:
                told(self.rounds[-1])
            left = self.effort.count - sum(starts for starts, _ in self.tried.values())
            if not len(self.minima):
                return self.notes[-1] if self.notes else "no start gave a conformer"
            if left <= 0:
                return f"all {self.effort.count} starts were relaxed"
            if self.unchanged >= patience:
                return f"{self.unchanged} starts in a row found nothing new among the lowest"
            room = self.effort.round
            if budget is not None:
                room = min(room, (budget - self.calls - self.reserved()) // self.effort.dear)
            if room <= 0:
                return f"the budget of {budget} force calls"
            starts = self.next(min(left, room))
            if not starts:
                return "no start was left that is unlike those before" if self.moves else "nothing in it can turn"
            self.add(starts)

    def reserved(self) -> int:
        """Force calls that the end will take."""
        return self.effort.certified * len(self.minima.within(self.effort.window + self.effort.deeper))

    def next(self, count: int) -> list[Child]:
        """Starts of a round: neighbours of the lowest minima as far as there are any, and children."""
        near = self.around.made(round(count * self.effort.systematic), self.effort.window)
        for child in near:
            self.known.add(child.positions)
        random = children(self.minima, self.moves, count - len(near), self.effort.width, self.rng, self.known)
        return near + random

    def unseen(self) -> tuple[float, float] | None:
        """The probability that another embedding would lead to a minimum that none has led to, and its error.

        n_1 / n of n embeddings, n_1 of which led where no other did, and the root of (n_1 (1 - n_1 / n) + 2 n_2) / n^2:
        I. J. Good, Biometrika 40, 237 (1953); W. W. Esty, Ann. Stat. 11, 905 (1983).
        """
        counts = list(self.embedded.values())
        total, once, twice = sum(counts), counts.count(1), counts.count(2)
        if not total:
            return None
        return once / total, float(np.sqrt(once * (1 - once / total) + 2 * twice)) / total


def counted(tried: dict[str, list[int]]) -> dict[str, tuple[int, int]]:
    """Starts and new minima by source, as they are now."""
    return {source: (starts, new) for source, (starts, new) in tried.items()}
