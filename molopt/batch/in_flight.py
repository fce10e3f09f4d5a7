"""The runs of a batch in flight: forces of all, a step of each stack, and which leave and enter."""

import time
from collections.abc import Iterator

import numpy as np

from molopt.batch.batched_run import BatchedRun, Entered
from molopt.batch.inputs import Target
from molopt.batch.kind import Kind
from molopt.batch.making import Maker
from molopt.batch.results import NOT_BEGUN, BatchedResult, Clock, refused
from molopt.batch.round import Round, Terms, again
from molopt.batch.stack import Stack
from molopt.errors import InputError
from molopt.optimizers.first_use import ready
from molopt.potentials.batched import answers
from molopt.rules.partition import Array

REFILLED = 4  # the batch is filled up once a place in so many is free: a few that enter cost a step as many do


class InFlight:
    """Runs from a stream of targets, so many of them at a time.

    Parameters
    ----------
    maker : Maker
    targets : iterator of (int, Target)
        With their places in the stream; drawn one by one, when there is room.
    terms : Terms
        What each run has to keep to.
    width : int
        How many run together.
    """

    def __init__(self, maker: Maker, targets: Iterator[tuple[int, Target]], terms: Terms, width: int) -> None:
        self.maker, self.waiting, self.terms, self.width = maker, targets, terms, width
        self.stacks: list[Stack] = []
        self.spent = self.asked = 0.0  # seconds a system so far, and of them inside the potential

    @property
    def count(self) -> int:
        """How many runs are in flight."""
        return sum(len(stack) for stack in self.stacks)

    def results(self) -> Iterator[BatchedResult]:
        """The results, as systems leave."""
        ready(self.maker.spec, self.maker.energy_left)
        while True:
            yield from self.fill()
            if not self.stacks:
                return
            yield from self.round()

    def fill(self) -> Iterator[BatchedResult]:
        """Begin runs where there is room; what cannot be relaxed has its result at once."""
        free = self.width - self.count
        if self.stacks and free * REFILLED < self.width:
            return
        began = time.perf_counter()
        groups: dict[Kind, list[tuple[BatchedRun, Array]]] = {}
        turned_away = []
        while free > 0:
            try:
                number, target = next(self.waiting)
            except StopIteration:
                break
            try:
                start = self.maker.start(target)
                entered = Entered(time.monotonic(), self.spent, self.asked)
                run = self.maker.begin(number, start, entered)
            except InputError as error:
                turned_away.append(refused(number, target, self.maker.evaluator.name, f"{NOT_BEGUN}{error.message}"))
                continue
            free -= 1
            groups.setdefault(run.plan.kind, []).append((run, start.positions))
        for kind, group in groups.items():
            alone = [[one] for one in group] if kind.alone else [group]
            self.stacks += [Stack.fresh(kind, *zip(*part, strict=True)) for part in alone]
        self.spent += (time.perf_counter() - began) / max(self.count, 1)
        yield from turned_away

    def round(self) -> list[BatchedResult]:
        """One force call of every run, and a step of all that go on; the results of those that do not."""
        began = time.perf_counter()
        results: list[BatchedResult] = []
        stacks = [self.before(stack, results) for stack in self.stacks]
        stacks = [stack for stack in stacks if len(stack)]
        count = sum(len(stack) for stack in stacks)
        self.stacks = []
        if not count:
            return results
        subjects = [one.subject for stack in stacks for one in stack.runs]
        positions = np.concatenate([stack.x for stack in stacks]).reshape(-1, 3)
        calls = np.concatenate([stack.guarded.calls for stack in stacks]).astype(int) + 1
        asked = time.perf_counter()
        found = answers(self.maker.evaluator, subjects, positions, calls)
        each = (time.perf_counter() - asked) / count
        first = entry = 0
        stay: list[Stack] = []
        for stack in stacks:
            end, last = first + len(stack), entry + stack.x.size // 3
            failed = {s - first: error for s, error in found.failed.items() if first <= s < end}
            turn = Round(self.terms, self.maker.evaluator.name, Clock(self.spent, self.asked + each), each)
            stay += turn.advance(stack, found.energies[first:end], found.forces[entry:last], failed)
            results += turn.results
            first, entry = end, last
        self.stacks = again(stay)
        self.asked += each
        self.spent += (time.perf_counter() - began) / count
        return results

    def before(self, stack: Stack, results: list[BatchedResult]) -> Stack:
        """Those of a stack that may make another force call; the others have ended."""
        ends = Round(self.terms, self.maker.evaluator.name, Clock(self.spent, self.asked), 0.0)
        stay = ends.before(stack)
        results += ends.results
        return stay
