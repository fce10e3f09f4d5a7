"""The search on the potential that ranks: points, the order they give, relaxations, and moves of what was found."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from molopt.ensembles.crew import Crew
from molopt.ensembles.drafts import Draft, Drafting
from molopt.ensembles.effort import KCAL, Effort
from molopt.ensembles.ensemble import Round, SetAside
from molopt.ensembles.jobs import Evaluate, Relax
from molopt.ensembles.margins import Margins
from molopt.ensembles.minima import Minima, Origin
from molopt.ensembles.moves import Moves
from molopt.ensembles.routes import ROUTES, TOUCHED, Belief
from molopt.ensembles.shapes import Shapes
from molopt.ensembles.survey import Survey, counted
from molopt.ensembles.tried import Tried
from molopt.ensembles.workshop import Answer
from molopt.rules.partition import Array

LEVELS = (1 / 6, 1 / 2, 1)  # of the window
HOPELESS = 0.01  # chance of leading to a new minimum in the window below which a start is dropped, its point known
FARTHEST = 2.0  # eV; where more is left, the model is far from where it holds
IDLE = 10  # rounds without a relaxation after which the search is done
FEW = 4  # minima that are known before others are made from them, unless nothing else is left to try


class Candidate(NamedTuple):
    """A start with one point of the ranking potential."""

    positions: Array  # (N, 3) Angstrom
    forces: Array  # (N, 3) eV/A
    energy: float  # eV
    left: float  # eV, above the floor of its basin as far as is known before it is relaxed
    apart: float  # radians, from the nearest start or minimum that was known before it
    origin: Origin
    route: str  # a word of ROUTES


def candidate_of(draft: Draft, answer: Answer) -> Candidate:
    """A draft with its point; where the model knows nothing, or more is left than where it holds, the most is taken."""
    left = min(answer["left"], FARTHEST) if answer["left"] >= 0 else FARTHEST
    return Candidate(draft.positions, answer["forces"], answer["energy"], left, draft.apart, draft.origin, draft.route)


class Refinement:
    """Minima of the ranking potential.

    Each round makes drafts, evaluates one point of those that most likely lead to a new low minimum, and relaxes those
    of which that is most likely by their points. How much each route is to be believed is learned on the way.

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
        self.crew, self.effort = crew, effort
        self.minima = Minima(shapes, effort.same_shape, effort.same_energy)
        self.known = Tried(moves, shapes, effort.same_start)
        self.drafting = Drafting(survey, self.minima, moves, self.known, effort, rng)
        self.beliefs = {route: Belief(route in TOUCHED) for route in ROUTES}
        self.margins = Margins()
        self.drafts: list[Draft] = []
        self.waiting: list[Candidate] = []
        self.aside: list[SetAside] = []
        self.notes: list[str] = []
        self.calls = 0
        self.relaxed = self.given_up = self.spared = self.lost = 0
        self.idle = 0  # rounds since anything was relaxed
        self.unchanged = 0  # relaxations since something new was found among the lowest
        self.rounds: list[Round] = []
        self.tried: dict[str, list[int]] = {}

    @property
    def top(self) -> float:
        """eV; the window's upper end."""
        return self.minima.lowest + self.effort.window * KCAL

    def draft(self) -> None:
        """More drafts; of all of them the best `most_drafts` stay."""
        making, effort = self.drafting, self.effort
        self.drafts += making.from_survey()
        if len(self.minima) >= FEW or (len(self.minima) and not self.drafts):
            self.drafts += making.neighbours(effort.neighbours, self.idle)
            self.drafts += making.children(effort.freed, "freed", self.idle)
            self.drafts += making.children(effort.children, "child", self.idle)
        for draft in self.drafts:
            draft.compare(self.known)
        levels = self.levels()
        worth = [self.beliefs[each.route].before(each.expected, each.apart, levels) for each in self.drafts]
        order = sorted(range(len(worth)), key=lambda k: (-worth[k], self.drafts[k].expected, k))
        self.drafts = [self.drafts[k] for k in order[: effort.most_drafts]]

    def levels(self) -> list[float]:
        """Energies (eV) below which a new minimum counts: the lower it is, the more often."""
        return [self.minima.lowest + part * self.effort.window * KCAL for part in LEVELS]

    def evaluate(self) -> None:
        """One point of each of the best drafts that are not like one that was tried."""
        chosen: list[Draft] = []
        while self.drafts and len(chosen) < self.effort.batch:
            draft = self.drafts.pop(0)
            draft.compare(self.known)
            if draft.apart > self.known.tolerance:
                self.known.add(draft.positions)
                chosen.append(draft)
        answers = self.crew.do([Evaluate(draft.positions) for draft in chosen])
        self.calls += len(answers)
        found = []
        for draft, answer in zip(chosen, answers, strict=True):
            self.beliefs[draft.route].calls += 1
            if isinstance(answer, str) or answer["failed"]:
                why = answer if isinstance(answer, str) else answer["failed"]
                self.aside.append(SetAside(draft.positions, np.nan, draft.origin.source, why))
                continue
            found.append((draft, candidate_of(draft, answer)))
        if self.drafting.offset is None and found:
            ends = [self.end(point) - draft.expected for draft, point in found]
            self.drafting.offset = float(np.mean(ends))
            for draft in [*self.drafts, *(draft for draft, _ in found)]:
                draft.expected += self.drafting.offset
        for draft, point in found:
            self.beliefs[draft.route].missed.see(self.end(point) - draft.expected)
            self.waiting.append(point)

    def end(self, candidate: Candidate) -> float:
        """Where a relaxation will end, eV."""
        return self.beliefs[candidate.route].end(candidate.energy, candidate.left)

    def relax(self) -> None:
        """The most promising of all that wait; those that can hardly end in the window are dropped."""
        levels, top = self.levels(), self.top
        ends = [self.end(each) for each in self.waiting]
        worth = [
            self.beliefs[each.route].after(end, each.apart, levels)
            for each, end in zip(self.waiting, ends, strict=True)
        ]
        order = sorted(range(len(worth)), key=lambda k: (-worth[k], ends[k], k))
        order = [k for k in order if worth[k] > HOPELESS]
        todo = [self.waiting[k] for k in order[: self.effort.best]]
        self.waiting = [self.waiting[k] for k in order[self.effort.best :]]
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
        belief = self.beliefs[candidate.route]
        belief.calls += calls
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
        belief.gained.see(candidate.left, candidate.energy - energy)
        self.margins.learn(answer["energies"])
        self.known.add(positions)
        new = self.minima.add(positions, energy, candidate.origin, calls + 1)[1]
        belief.fresh.see(candidate.apart, new)
        if new:
            count[1] += 1
            self.lost += given_up
            belief.new += energy < top
            if energy <= self.minima.lowest + self.effort.lowest * KCAL:
                self.unchanged = 0

    def round(self) -> bool:
        """One round; whether there was anything to relax."""
        self.draft()
        self.evaluate()
        before = self.relaxed
        self.relax()
        within = len(self.minima.within(self.effort.window))
        self.rounds.append(Round(self.calls, self.minima.lowest, within, counted(self.tried)))
        return self.relaxed > before

    def begin(self, given: Sequence[Array]) -> None:
        """One point of each geometry that was given, as it stands: the cheap potential may lead it elsewhere."""
        for positions, answer in zip(given, self.crew.do([Evaluate(each) for each in given]), strict=True):
            self.calls += 1
            if isinstance(answer, str) or answer["failed"]:
                why = answer if isinstance(answer, str) else answer["failed"]
                self.aside.append(SetAside(positions, np.nan, "given", why))
                continue
            draft = Draft(positions, Origin("given"), "freed", answer["energy"])
            self.waiting.append(candidate_of(draft, answer))

    def go(self, given: Sequence[Array], told: Callable[[Round], object]) -> str:
        """Rounds until nothing new comes or the force calls are spent; why it ended.

        Some are left for the end of each minimum in the window.
        """
        self.begin(given)
        stopped = self.rounds_until(told)
        if self.effort.early_stops:
            said = f"{self.given_up} of {self.relaxed} relaxations were given up: they led above the window"
            self.notes.extend([said] if self.given_up else [])
        else:
            self.notes.append(
                f"{self.given_up} of {self.relaxed} relaxations would have been given up with early stops: "
                f"{self.spared} force calls spared, {self.lost} minima in the window lost"
            )
        return stopped

    def rounds_until(self, told: Callable[[Round], object]) -> str:
        while True:
            within = len(self.minima.within(self.effort.window + self.effort.deeper))
            if (
                self.effort.max_calls is not None
                and self.calls + self.effort.certified * within >= self.effort.max_calls
            ):
                return f"the budget of {self.effort.max_calls} force calls"
            if self.unchanged >= self.effort.until_no_new:
                return f"{self.unchanged} relaxations in a row found nothing new among the lowest"
            if self.idle == IDLE:
                return f"none of the starts of {IDLE} rounds may end in the window"
            self.idle = 0 if self.round() else self.idle + 1
            told(self.rounds[-1])
