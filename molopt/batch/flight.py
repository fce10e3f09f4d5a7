"""The batch in flight: forces of all systems aboard, a step of each crew, and who leaves and enters."""

import time
from collections.abc import Iterator

import numpy as np

from molopt.batch.boarding import Boarding
from molopt.batch.crew import Crew
from molopt.batch.inputs import Target
from molopt.batch.kind import Kind
from molopt.batch.landing import Clock, Landed, refused
from molopt.batch.passenger import Passenger, Seat
from molopt.batch.round import Round, Terms, again
from molopt.errors import InputError
from molopt.optimizers.first_use import ready
from molopt.potentials.batched import answers
from molopt.rules.partition import Array

REFILLED = 4  # the batch is filled up once a seat in so many is free: a few that enter cost a step as many do


class Flight:
    """Systems of a stream, so many of them aboard at a time.

    Parameters
    ----------
    boarding : Boarding
    targets : iterator of (int, Target)
        With their places in the stream; drawn one by one, when there is a seat.
    terms : Terms
        What each run has to keep to.
    width : int
        Seats.
    """

    def __init__(self, boarding: Boarding, targets: Iterator[tuple[int, Target]], terms: Terms, width: int) -> None:
        self.boarding, self.waiting, self.terms, self.width = boarding, targets, terms, width
        self.crews: list[Crew] = []
        self.spent = self.asked = 0.0  # seconds a system so far, and of them inside the potential

    @property
    def aboard(self) -> int:
        """How many systems are in flight."""
        return sum(len(crew) for crew in self.crews)

    def results(self) -> Iterator[Landed]:
        """The results, as systems leave."""
        ready(self.boarding.spec)
        while True:
            yield from self.board()
            if not self.crews:
                return
            yield from self.round()

    def board(self) -> Iterator[Landed]:
        """Fill the free seats; what cannot be relaxed has its result at once."""
        free = self.width - self.aboard
        if self.crews and free * REFILLED < self.width:
            return
        began = time.perf_counter()
        groups: dict[Kind, list[tuple[Passenger, Array]]] = {}
        turned_away = []
        while free > 0:
            try:
                number, target = next(self.waiting)
            except StopIteration:
                break
            try:
                start = self.boarding.start(target)
                seat = Seat(time.monotonic(), self.spent, self.asked)
                passenger = self.boarding.passenger(number, start, seat)
            except InputError as error:
                turned_away.append(refused(number, target, self.boarding.evaluator.name, f"not begun: {error.message}"))
                continue
            free -= 1
            groups.setdefault(passenger.plan.kind, []).append((passenger, start.positions))
        for kind, group in groups.items():
            alone = [[one] for one in group] if kind.alone else [group]
            self.crews += [Crew.fresh(kind, *zip(*part, strict=True)) for part in alone]
        self.spent += (time.perf_counter() - began) / max(self.aboard, 1)
        yield from turned_away

    def round(self) -> list[Landed]:
        """One force call of every system aboard, and a step of all that go on; the results of those that do not."""
        began = time.perf_counter()
        landed: list[Landed] = []
        crews = [self.before(crew, landed) for crew in self.crews]
        crews = [crew for crew in crews if len(crew)]
        aboard = sum(len(crew) for crew in crews)
        self.crews = []
        if not aboard:
            return landed
        subjects = [one.subject for crew in crews for one in crew.aboard]
        positions = np.concatenate([crew.x for crew in crews]).reshape(-1, 3)
        calls = np.concatenate([crew.guarded.calls for crew in crews]).astype(int) + 1
        asked = time.perf_counter()
        found = answers(self.boarding.evaluator, subjects, positions, calls)
        each = (time.perf_counter() - asked) / aboard
        first = entry = 0
        stay: list[Crew] = []
        for crew in crews:
            end, last = first + len(crew), entry + crew.x.size // 3
            failed = {s - first: error for s, error in found.failed.items() if first <= s < end}
            flown = Round(self.terms, self.boarding.evaluator.name, Clock(self.spent, self.asked + each), each)
            stay += flown.advance(crew, found.energies[first:end], found.forces[entry:last], failed)
            landed += flown.landed
            first, entry = end, last
        self.crews = again(stay)
        self.asked += each
        self.spent += (time.perf_counter() - began) / aboard
        return landed

    def before(self, crew: Crew, landed: list[Landed]) -> Crew:
        """Those of a crew that may make another force call; the others have landed."""
        ends = Round(self.terms, self.boarding.evaluator.name, Clock(self.spent, self.asked), 0.0)
        stay = ends.before(crew)
        landed += ends.landed
        return stay
