"""One round of a stack: what a force call of each system says of its run, and the next step of those that go on."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from molopt.batch.guards import PATIENCE, Called, Guarded, beyond, evaluated, fmax_of, judge
from molopt.batch.kind import Kind
from molopt.batch.results import BatchedResult, Clock, result_of
from molopt.batch.stack import Stack
from molopt.batch.steps import Judged, stepped
from molopt.control.drive import Point
from molopt.errors import PotentialFailed, RunStopped
from molopt.optimizers.stepping import SHORTER
from molopt.optimizers.watched import Remembered
from molopt.potentials.budget import Budget
from molopt.potentials.counting import ForceCall
from molopt.potentials.sense import Evaluated
from molopt.rules.partition import Array
from molopt.rules.state import Layout, select

GIVING_UP = (RuntimeError, ArithmeticError, np.linalg.LinAlgError)  # how the algebra of one system fails


@dataclass(frozen=True)
class Terms:
    """What each run has to keep to: as in `molopt.relax`."""

    fmax: float  # eV/A
    steps: int
    max_calls: int | None = None
    time_limit: float | None = None  # seconds


@dataclass(frozen=True)
class Round:
    """The round of one stack.

    Attributes
    ----------
    terms : Terms
    potential : str
    clock : Clock
    each : float
        Seconds of this round inside the potential, a system.
    results : list of BatchedResult
        Those that leave.
    """

    terms: Terms
    potential: str
    clock: Clock
    each: float
    results: list[BatchedResult] = field(default_factory=list)

    def before(self, stack: Stack) -> Stack:
        """Those of a stack that may make another force call."""
        places, guarded = stack.places, stack.guarded
        stay = np.ones(len(stack), dtype=bool)
        for s in np.flatnonzero(beyond(places, guarded, stack.x)).tolist():
            stay[s] = False
            try:
                ended: dict[str, Any] = {"exploded": stack.runs[s].sense.before(s, places, guarded, stack.x)}
            except PotentialFailed as error:
                ended = {"failure": error}
            self.end(stack, s, None, **ended, cut=True)
        if self.terms.max_calls is not None or self.terms.time_limit is not None:
            for s in np.flatnonzero(stay).tolist():
                budget = Budget(self.terms.max_calls, self.terms.time_limit, begun=stack.runs[s].entered.since)
                if why := budget.spent(int(guarded.calls[s])):
                    stay[s] = False
                    self.end(stack, s, None, stopped=RunStopped("stopped", why), cut=True)
        return stack.select(np.flatnonzero(stay).tolist())

    def advance(self, stack: Stack, energies: Array, forces: Array, failed: dict[int, Exception]) -> list[Stack]:
        """Stacks of those that go on, at the geometries that are asked about next.

        Energies (S,) and forces (sum N, 3) are those of `stack`, NaN of the systems in `failed`.
        """
        stack = replace(stack, guarded=stack.guarded._replace(calls=stack.guarded.calls + 1))
        places, gradient = stack.places, -forces.ravel()
        call = Called(stack.x, gradient, energies, fmax_of(places, gradient))
        if not failed:
            return self.judged(stack, call)
        stay = []
        for s, error in failed.items():
            stay += self.shortened(stack.select([s]), error)
        well = [s for s in range(len(stack)) if s not in failed]
        if well:
            stay += self.judged(stack.select(well), select(Layout(places, places), well, call))
        return stay

    def shortened(self, stack: Stack, error: Exception) -> list[Stack]:
        """One system whose potential failed: at the end of a shorter step, or at its end."""
        (one,), guarded, memory = stack.runs, stack.guarded, stack.memory
        exploded = one.sense.failed(0, stack.places, guarded, error)
        if exploded or memory is None or not stack.kind.control.retries or one.attempt == len(SHORTER):
            self.end(stack, 0, None, exploded=exploded, failure=error, cut=True)
            return []
        assert stack.coordinates is not None
        step = SHORTER[one.attempt] * memory.proposal.displacement
        one.attempt += 1
        x, arrived = stack.coordinates.move(memory.linearization, step)
        return [replace(stack, x=x, memory=memory._replace(arrived=arrived))]

    def judged(self, stack: Stack, call: Called) -> list[Stack]:
        """The stack whose force calls have worked: who has exploded, who may stop, who has stalled."""
        self.remember(stack, call)
        places = stack.places
        guarded, close, exploded = judge(places, stack.guarded, call, [one.sense for one in stack.runs])
        stack = replace(stack, guarded=guarded)
        met = self.may_stop(stack, call)
        looks = np.array([one.checking is not None for one in stack.runs])
        moved = places.max(np.abs(call.x - guarded.last_x))
        moved[np.isnan(moved)] = np.inf
        gains = PATIENCE.see(guarded.gains, guarded.calls, call.energy, call.fmax, moved)
        stack = replace(stack, guarded=guarded._replace(gains=gains, last_x=call.x))
        out = PATIENCE.stalled(gains, guarded.calls) | (guarded.steps >= self.terms.steps)
        ends = np.isin(np.arange(len(stack)), list(exploded)) | (~looks & (met | out))
        for s in np.flatnonzero(ends).tolist():
            self.leave(stack, s, call, bool(met[s]), exploded.get(s, ""))
        if ends.all():
            return []
        if ends.any():
            going = np.flatnonzero(~ends).tolist()
            stack, call = stack.select(going), select(Layout(places, places), going, call)
            met, out, close = met[going], out[going], close[going]
        return self.step(stack, Judged(call, met, out, close))

    def step(self, stack: Stack, judged: Judged) -> list[Stack]:
        """The next step; where the algebra of a system fails, that one has failed, and no other."""
        results, before = len(self.results), [one.kept() for one in stack.runs]
        try:
            return stepped(self, stack, judged)
        except GIVING_UP as error:
            del self.results[results:]  # nothing of this step has happened
            for one, kept in zip(stack.runs, before, strict=True):
                one.restore(kept)
            if len(stack) == 1:
                self.end(stack, 0, evaluated(0, stack.places, stack.guarded, judged.call), failure=error)
                return []
        layout = Layout(stack.places, stack.places)
        return [part for s in range(len(stack)) for part in self.step(stack.select([s]), judged.select(layout, [s]))]

    def remember(self, stack: Stack, call: Called) -> None:
        """What each run keeps of the call."""
        x, gradient, bounds = call.x, call.gradient, stack.places.bounds.tolist()
        calls = zip(stack.runs, bounds, bounds[1:], call.energy.tolist(), call.fmax.tolist(), strict=False)
        for one, begin, end, energy, fmax in calls:
            one.attempt = 0
            one.points.append(Point(x[begin:end], gradient[begin:end]))
            one.trace.append(ForceCall(energy, fmax, self.each))

    def may_stop(self, stack: Stack, call: Called) -> Array:
        """(S,) who meets fmax and all criteria."""
        small = call.fmax < self.terms.fmax
        places, memory = stack.places, stack.memory
        for s, one in enumerate(stack.runs):
            if one.stopping is not None:
                before = None if memory is None else Point(*(part[places.part(s)] for part in memory.point))
                one.stopping.look(one.points[-1], partial(float, call.energy[s]), before)
                small[s] = one.stopping.may_stop(bool(small[s]))
        return small

    def leave(
        self, stack: Stack, s: int, call: Called, met: bool, exploded: str = "", back: Remembered | None = None
    ) -> None:
        """End system s, whose last force call worked, at its end or where it went back to."""
        guarded, stopped = stack.guarded, None
        if not (met or exploded):
            stopped = stalled(guarded, s, guarded.steps[s] >= self.terms.steps)
        last = evaluated(s, stack.places, guarded, call) if back is None else back.call
        self.end(stack, s, last, met=met, exploded=exploded, stopped=stopped, cut=bool(exploded))

    def end(self, stack: Stack, s: int, last: Evaluated | None, **ended: Any) -> None:
        """End system s, whose last force call that counts is `last`."""
        self.results.append(result_of(self.clock, self.potential, stack, s, last, **ended))


def stalled(guarded: Guarded, s: int, over: bool) -> RunStopped | None:
    """Whether system s has stalled, where its steps are used up or not."""
    if PATIENCE.stalled(guarded.gains, guarded.calls)[s]:
        return PATIENCE.why(guarded.gains, guarded.calls, s)
    if over and PATIENCE.idle_at_last(guarded.gains, guarded.calls)[s]:
        return PATIENCE.why(guarded.gains._replace(unmoved=np.zeros_like(guarded.gains.unmoved)), guarded.calls, s)
    return None


def again(stacks: Sequence[Stack]) -> list[Stack]:
    """Stacks of one kind that have taken a step together again; those that go alone as they are."""
    groups: dict[Kind, list[Stack]] = {}
    for stack in stacks:
        groups.setdefault(stack.kind, []).append(stack)
    found: list[Stack] = []
    for kind, group in groups.items():
        begun = [stack for stack in group if stack.memory is not None]
        fresh = [stack for stack in group if stack.memory is None]
        found += group if kind.alone else [Stack.together(part) for part in (begun, fresh) if part]
    return found
