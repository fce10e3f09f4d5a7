"""One round of a crew: what a force call of each system says of its run, and the next step of those that go on."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from molopt.batch.crew import Crew
from molopt.batch.guards import PATIENCE, Called, Guarded, beyond, evaluated, fmax_of, judge
from molopt.batch.kind import Kind
from molopt.batch.landing import Clock, Landed, landing
from molopt.batch.steps import Stride, stride
from molopt.control.drive import Point
from molopt.errors import RunStopped
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
    """The round of one crew.

    Attributes
    ----------
    terms : Terms
    potential : str
    clock : Clock
    each : float
        Seconds of this round inside the potential, a system.
    landed : list of Landed
        Those that leave.
    """

    terms: Terms
    potential: str
    clock: Clock
    each: float
    landed: list[Landed] = field(default_factory=list)

    def before(self, crew: Crew) -> Crew:
        """Those of a crew that may make another force call."""
        places, guarded = crew.places, crew.guarded
        stay = np.ones(len(crew), dtype=bool)
        for s in np.flatnonzero(beyond(places, guarded, crew.x)).tolist():
            stay[s] = False
            self.land(crew, s, None, exploded=crew.aboard[s].mind.before(s, places, guarded, crew.x), cut=True)
        if self.terms.max_calls is not None or self.terms.time_limit is not None:
            for s in np.flatnonzero(stay).tolist():
                budget = Budget(self.terms.max_calls, self.terms.time_limit, begun=crew.aboard[s].seat.since)
                if why := budget.spent(int(guarded.calls[s])):
                    stay[s] = False
                    self.land(crew, s, None, stopped=RunStopped("stopped", why), cut=True)
        return crew.select(np.flatnonzero(stay).tolist())

    def advance(self, crew: Crew, energies: Array, forces: Array, failed: dict[int, Exception]) -> list[Crew]:
        """Crews of those that go on, at the geometries that are asked about next.

        Energies (S,) and forces (sum N, 3) are those of `crew`, NaN of the systems in `failed`.
        """
        crew = replace(crew, guarded=crew.guarded._replace(calls=crew.guarded.calls + 1))
        places, gradient = crew.places, -forces.ravel()
        call = Called(crew.x, gradient, energies, fmax_of(places, gradient))
        if not failed:
            return self.judged(crew, call)
        stay = []
        for s, error in failed.items():
            stay += self.shortened(crew.select([s]), error)
        well = [s for s in range(len(crew)) if s not in failed]
        if well:
            stay += self.judged(crew.select(well), select(Layout(places, places), well, call))
        return stay

    def shortened(self, crew: Crew, error: Exception) -> list[Crew]:
        """One system whose potential failed: at the end of a shorter step, or landed."""
        (one,), guarded, memory = crew.aboard, crew.guarded, crew.memory
        exploded = one.mind.failed(0, crew.places, guarded, error)
        if exploded or memory is None or not crew.kind.control.retries or one.attempt == len(SHORTER):
            self.land(crew, 0, None, exploded=exploded, failure=error, cut=True)
            return []
        assert crew.coordinates is not None
        step = SHORTER[one.attempt] * memory.proposal.displacement
        one.attempt += 1
        x, arrived = crew.coordinates.move(memory.linearization, step)
        return [replace(crew, x=x, memory=memory._replace(arrived=arrived))]

    def judged(self, crew: Crew, call: Called) -> list[Crew]:
        """The crew whose force calls have worked: who has exploded, who may stop, who has stalled."""
        self.remember(crew, call)
        places = crew.places
        guarded, close, exploded = judge(places, crew.guarded, call, [one.mind for one in crew.aboard])
        crew = replace(crew, guarded=guarded)
        met = self.may_stop(crew, call)
        looks = np.array([one.checking is not None for one in crew.aboard])
        moved = places.max(np.abs(call.x - guarded.last_x))
        moved[np.isnan(moved)] = np.inf
        gains = PATIENCE.see(guarded.gains, guarded.calls, call.energy, call.fmax, moved)
        crew = replace(crew, guarded=guarded._replace(gains=gains, last_x=call.x))
        out = PATIENCE.stalled(gains, guarded.calls) | (guarded.steps >= self.terms.steps)
        ends = np.isin(np.arange(len(crew)), list(exploded)) | (~looks & (met | out))
        for s in np.flatnonzero(ends).tolist():
            self.leave(crew, s, call, bool(met[s]), exploded.get(s, ""))
        if ends.all():
            return []
        if ends.any():
            going = np.flatnonzero(~ends).tolist()
            crew, call = crew.select(going), select(Layout(places, places), going, call)
            met, out, close = met[going], out[going], close[going]
        return self.step(crew, Stride(call, met, out, close))

    def step(self, crew: Crew, asked: Stride) -> list[Crew]:
        """The next step; where the algebra of a system fails, that one has failed, and no other."""
        try:
            return stride(self, crew, asked)
        except GIVING_UP as error:
            if len(crew) == 1:
                self.land(crew, 0, evaluated(0, crew.places, crew.guarded, asked.call), failure=error)
                return []
        layout = Layout(crew.places, crew.places)
        return [part for s in range(len(crew)) for part in self.step(crew.select([s]), asked.select(layout, [s]))]

    def remember(self, crew: Crew, call: Called) -> None:
        """What each run keeps of the call."""
        x, gradient, bounds = call.x, call.gradient, crew.places.bounds.tolist()
        calls = zip(crew.aboard, bounds, bounds[1:], call.energy.tolist(), call.fmax.tolist(), strict=False)
        for one, begin, end, energy, fmax in calls:
            one.attempt = 0
            one.points.append(Point(x[begin:end], gradient[begin:end]))
            one.trace.append(ForceCall(energy, fmax, self.each))

    def may_stop(self, crew: Crew, call: Called) -> Array:
        """(S,) who meets fmax and all criteria."""
        small = call.fmax < self.terms.fmax
        places, memory = crew.places, crew.memory
        for s, one in enumerate(crew.aboard):
            if one.stopping is not None:
                before = None if memory is None else Point(*(part[places.part(s)] for part in memory.point))
                one.stopping.look(one.points[-1], partial(float, call.energy[s]), before)
                small[s] = one.stopping.may_stop(bool(small[s]))
        return small

    def leave(
        self, crew: Crew, s: int, call: Called, met: bool, exploded: str = "", back: Remembered | None = None
    ) -> None:
        """Land system s, whose last force call worked, at its end or where it went back to."""
        guarded, stopped = crew.guarded, None
        if not (met or exploded):
            stopped = stalled(guarded, s, guarded.steps[s] >= self.terms.steps)
        last = evaluated(s, crew.places, guarded, call) if back is None else back.call
        self.land(crew, s, last, met=met, exploded=exploded, stopped=stopped, cut=bool(exploded))

    def land(self, crew: Crew, s: int, last: Evaluated | None, **ended: Any) -> None:
        """Land system s, whose last force call that counts is `last`."""
        self.landed.append(landing(self.clock, self.potential, crew, s, last, **ended))


def stalled(guarded: Guarded, s: int, over: bool) -> RunStopped | None:
    """Whether system s has stalled, where its steps are used up or not."""
    if PATIENCE.stalled(guarded.gains, guarded.calls)[s]:
        return PATIENCE.why(guarded.gains, guarded.calls, s)
    if over and PATIENCE.idle_at_last(guarded.gains, guarded.calls)[s]:
        return PATIENCE.why(guarded.gains._replace(unmoved=np.zeros_like(guarded.gains.unmoved)), guarded.calls, s)
    return None


def again(crews: Sequence[Crew]) -> list[Crew]:
    """Crews of one kind that have taken a step together again; those that go alone as they are."""
    groups: dict[Kind, list[Crew]] = {}
    for crew in crews:
        groups.setdefault(crew.kind, []).append(crew)
    found: list[Crew] = []
    for kind, group in groups.items():
        begun = [crew for crew in group if crew.memory is not None]
        fresh = [crew for crew in group if crew.memory is None]
        found += group if kind.alone else [Crew.together(part) for part in (begun, fresh) if part]
    return found
