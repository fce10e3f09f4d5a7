"""The search on the potential that ranks: points, the order they give, relaxations, and moves of what was found."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from molopt.ensembles.crew import Crew
from molopt.ensembles.effort import KCAL, Effort
from molopt.ensembles.ensemble import Round, SetAside
from molopt.ensembles.jobs import Answer, Evaluate, Relax
from molopt.ensembles.margins import Margins
from molopt.ensembles.minima import Minima, Origin
from molopt.ensembles.moves import Moves
from molopt.ensembles.offspring import Child, children
from molopt.ensembles.routes import ROUTES, TOUCHED, Yield, shares
from molopt.ensembles.shapes import Shapes
from molopt.ensembles.survey import Survey, counted
from molopt.ensembles.tried import Tried
from molopt.rules.partition import Array

FREED = 0.5  # eV/A on the cheap potential: clashes are gone, and torsions have hardly turned
SURE, SOME = 2.0, 3.0  # standard deviations of a guess: within SURE it is relaxed, beyond SOME dropped


class Candidate(NamedTuple):
    """A start with one point of the ranking potential."""

    positions: Array  # (N, 3) Angstrom
    forces: Array  # (N, 3) eV/A
    energy: float  # eV
    origin: Origin
    route: str  # a word of ROUTES


class Refinement:
    """Minima of the ranking potential.

    Attributes
    ----------
    minima : Minima
    calls : int
        Force calls of the ranking potential.
    relaxed, given_up, spared, lost : int
        Relaxations; those that were given up, or would have been; in the second case the force calls that it would have
        spared, and the minima in the window that it would have lost.
    """

    def __init__(
        self, survey: Survey, crew: Crew, moves: Moves, shapes: Shapes, effort: Effort, rng: np.random.Generator
    ) -> None:
        self.survey, self.crew, self.moves, self.effort, self.rng = survey, crew, moves, effort, rng
        self.minima = Minima(shapes, effort.same_shape, effort.same_energy)
        self.aside: list[SetAside] = []
        self.notes: list[str] = []
        self.margins = Margins()
        self.gains: dict[str, list[float]] = {}
        self.yields = {route: Yield() for route in ROUTES}
        self.waiting: list[Candidate] = []
        self.around: dict[int, Iterator[tuple[Array, str]]] = {}  # what is left of the neighbours of each minimum
        self.known = Tried(moves, shapes, effort.near)
        self.queued: set[int] = set()  # minima of the survey that were evaluated
        self.calls = 0
        self.relaxed = self.given_up = self.spared = self.lost = 0
        self.unchanged = 0  # relaxations since something new was found among the lowest
        self.rounds: list[Round] = []
        self.tried: dict[str, list[int]] = {}

    @property
    def top(self) -> float:
        """eV; the window's upper end."""
        return self.minima.lowest + self.effort.window * KCAL

    def is_open(self, route: str) -> bool:
        if route == "survey":
            return len(self.queued) < len(self.survey.minima)
        return len(self.minima) > 3

    def from_survey(self, count: int) -> list[Child]:
        """The lowest minima of the cheap potential that were not evaluated yet."""
        minima = self.survey.minima
        order = [int(k) for k in np.argsort(minima.energies, kind="stable") if int(k) not in self.queued][:count]
        self.queued.update(order)
        return [Child(minima.position(k), minima.origins[k]) for k in order]

    def starts(self, route: str, count: int) -> list[Child]:
        if route == "survey":
            return self.from_survey(count)
        made = [] if route == "neighbour" else children(self.minima, self.moves, count, self.effort.width, self.rng)
        if route == "child":
            new = self.survey.add(made)
            self.queued.update(new)
            return [Child(self.survey.minima.position(k), self.survey.minima.origins[k]) for k in new]
        if route == "neighbour":
            made = self.neighbours(count)
        return [child for child, _, _ in self.survey.minimise(made, FREED)]

    def neighbours(self, count: int) -> list[Child]:
        """The next neighbours of the lowest minima that have any left."""
        made: list[Child] = []
        for k in self.minima.within(self.effort.window).tolist():
            if k not in self.around:
                self.around[k] = self.moves.neighbours(self.minima.position(k))
            while len(made) < count and (found := next(self.around[k], None)) is not None:
                positions, source = found
                if not self.moves.clashes(positions) and positions not in self.known:
                    made.append(Child(positions, Origin(source)))
            if len(made) == count:
                break
        return made

    def evaluate(self, route: str, starts: Sequence[Child]) -> None:
        """One point of each start that is not like one that was tried."""
        starts = [start for start in starts if start.positions not in self.known]
        for start in starts:
            self.known.add(start.positions)
        answers = self.crew.do([Evaluate(start.positions) for start in starts])
        self.calls += len(answers)
        self.yields[route].calls += len(answers)
        for start, answer in zip(starts, answers, strict=True):
            why = answer if isinstance(answer, str) else answer["failed"]
            if why:
                self.aside.append(SetAside(start.positions, np.nan, start.origin.source, str(why)))
                continue
            assert not isinstance(answer, str)
            self.waiting.append(Candidate(start.positions, answer["forces"], answer["energy"], start.origin, route))

    def guess(self, candidate: Candidate) -> tuple[float, float]:
        """Where it will end: its point less what relaxations of such starts have gained, and the spread of that, eV."""
        group = "freed" if candidate.route in TOUCHED else "minimised"
        gains = self.gains.get(group, [])
        if len(gains) < 3:
            gains = [gain for each in self.gains.values() for gain in each]
        if len(gains) < 3:
            return candidate.energy, 8 * KCAL
        return candidate.energy - float(np.mean(gains)), float(np.std(gains))

    def relax(self) -> None:
        """The most promising of all that wait; those that can hardly end in the window are dropped."""
        guesses = [self.guess(candidate) for candidate in self.waiting]
        order = sorted(range(len(guesses)), key=lambda k: (guesses[k][0], k))
        top = self.top
        chosen = [k for k in order if guesses[k][0] - SURE * guesses[k][1] < top][: self.effort.best]
        rest = [k for k in range(len(guesses)) if k not in chosen and guesses[k][0] - SOME * guesses[k][1] < top]
        todo, self.waiting = [self.waiting[k] for k in chosen], [self.waiting[k] for k in rest]
        margins, stop = self.margins.now(), self.effort.early_stops
        jobs = [Relax(each.positions, each.forces, each.energy, top, margins, stop, self.effort.fmax) for each in todo]
        for candidate, answer in zip(todo, self.crew.do(jobs), strict=True):
            self.learn(candidate, answer, top)

    def learn(self, candidate: Candidate, answer: Answer | str, top: float) -> None:
        """What became of one relaxation."""
        source = candidate.origin.source
        count = self.tried.setdefault(source, [0, 0])
        count[0] += 1
        if isinstance(answer, str):
            self.aside.append(SetAside(candidate.positions, np.nan, source, answer))
            return
        calls, energy, positions = answer["calls"], answer["energy"], answer["positions"]
        self.calls += calls
        self.yields[candidate.route].calls += calls
        self.unchanged += 1
        self.relaxed += 1
        given_up = bool(answer["given_up"])
        if given_up:
            self.given_up += 1
            if self.effort.early_stops:
                return
            self.spared += calls + 1 - answer["given_up"]
            if energy > top:
                return
        if answer["changed"] or not answer["converged"]:
            why = answer["changed"] or answer["error"] or "did not converge"
            self.aside.append(SetAside(positions, energy, source, why))
            return
        group = "freed" if candidate.route in TOUCHED else "minimised"
        self.gains.setdefault(group, []).append(candidate.energy - energy)
        self.margins.learn(answer["energies"])
        self.known.add(positions)
        if self.minima.add(positions, energy, candidate.origin, calls + 1)[1]:
            count[1] += 1
            self.lost += given_up
            self.yields[candidate.route].new += energy < top
            if energy <= self.minima.lowest + self.effort.lowest * KCAL:
                self.unchanged = 0

    def round(self) -> bool:
        """One round; whether there was anything to do."""
        yields = {route: found for route, found in self.yields.items() if self.is_open(route)}
        for route, count in shares(yields, self.effort.batch).items():
            self.evaluate(route, self.starts(route, count))
        if not self.waiting:
            return False
        self.relax()
        within = len(self.minima.within(self.effort.window))
        self.rounds.append(Round(self.calls, self.minima.lowest, within, counted(self.tried)))
        return True

    def go(self, told: Callable[[Round], object], reserved: int) -> str:
        """Rounds until nothing new comes or the force calls are spent; why it ended.

        `reserved` force calls a minimum in the window are left for its end.
        """
        stopped = self.rounds_until(told, reserved)
        if self.effort.early_stops:
            self.notes.append(f"{self.given_up} of {self.relaxed} relaxations were given up: they led above the window")
        else:
            self.notes.append(
                f"{self.given_up} of {self.relaxed} relaxations would have been given up with early stops: "
                f"{self.spared} force calls spared, {self.lost} minima in the window lost"
            )
        return stopped

    def rounds_until(self, told: Callable[[Round], object], reserved: int) -> str:
        idle = 0
        while True:
            within = len(self.minima.within(self.effort.window))
            if self.effort.max_calls is not None and self.calls + reserved * within >= self.effort.max_calls:
                return f"the budget of {self.effort.max_calls} force calls"
            if self.unchanged >= self.effort.until_no_new:
                return f"{self.unchanged} relaxations in a row found nothing new among the lowest"
            idle = 0 if self.round() else idle + 1
            if self.rounds:
                told(self.rounds[-1])
            if idle == 3:
                return "no start was left that may end in the window"
