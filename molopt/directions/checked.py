"""A run that looks at the softest direction before it is done, and leaves the ridges that it finds."""

from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from molopt.coordinates.base import Linearization
from molopt.coordinates.linearization import OfInternal, of_system
from molopt.coordinates.member import Member
from molopt.directions.base import Direction, Limits, Proposal, work_of_forces
from molopt.directions.checks import CHECK, PLAIN, PROBE, PUSH, Checks, Found, heard
from molopt.directions.quasi_newton import appended
from molopt.rules.base import Observation
from molopt.rules.partition import Array
from molopt.rules.state import axes, choose, concatenate, select
from molopt.stationary.known import Known
from molopt.stationary.soft import soft_motions

RISE = 2e-4  # eV; a step of a check that rises by more is taken back
TURN, PUSHED, SHIFT = 0.4, 0.6, 0.7  # rad of a soft motion, of one in a push, Angstrom of an atom: the longest steps
EASY = 1.5  # eV/rad^2, of a turn that is pushed over a ridge before the run would end there
KNOWN = 0.1  # standard deviation of a relative curvature, below which a long step may rely on it
GROWTH = 1.7  # of the radius, after a step of nearly its length
WIDE, NARROWEST = 0.3, 0.02  # sqrt(eV), the radius of a check at first, and at least
FMAX, LIMIT = 0.05, 1e-3  # eV/A, eV: for runs that end at these, sizes of probes are as they are given
SOFTEST = 0.1  # relative curvature, the least for which a probe is made so long that it costs the same energy
CAUTIOUS = 0.4  # relative curvature, the least that a step divides by where the energy left is small already
LOUDEST = 0.12  # sqrt(eV), the longest probe where forces are noisy
FLAT = 0.02  # of the model's curvature: noise of zero
TRIES = 3  # pushes off one ridge
SHORTEST = 1e-6  # sqrt(eV); a shorter step shows nothing but rounding
FELL = -2e-3  # eV; a step that falls by more has led elsewhere


@dataclass(frozen=True)
class Checked(Direction[Linearization, Checks]):
    r"""A direction of internal coordinates whose last steps carry probes of the curvature.

    In the metric of the model Hessian M the true Hessian H has few outliers: :math:`H w = l M w` with l mostly between
    0.3 and 2. A few force calls find the lowest l.

    - Where a step starts less than `near` above the floor, it carries a small displacement besides: of all soft motions
      at once, each the way that the step turns it; then of the direction in doubt.
    - What steps no longer than `clean` show is kept, undamped. The lowest l is estimated from it with its doubt: H is a
      Gaussian process about `PRIOR` M, in which soft motions may differ most (`molopt.stationary.known`).
    - Where the criteria of the run are met, that passes or not. If not, one more call is Newton step and probe in one.
    - A ridge, where the lowest l is negative beyond doubt, is left along it, downhill. A saddle is named only where a
      displacement along it has shown it.

    Parameters
    ----------
    inner : Direction
        What proposes steps where nothing is checked.
    limit : float
        eV; the energy left at which a run may end.
    push : bool
        Whether ridges are left; otherwise they are named, and the run ends there.
    most, pushes : int
        Largest number of force calls of one check, which starts over where a step has led elsewhere, and of pushes at
        the end of a run; of all checks together `most` (`pushes` + 1) force calls.
    near : float
        eV.
    probe, part, longest : float
        sqrt(eV), the norm of a probe in the metric of M: at least `probe`, then `part` of its step, at most `longest`.
    force : float
        Of fmax; a probe makes no longer force on an atom than this, so that stiff molecules can be done with it.
    clean : float
        sqrt(eV); a longer step says nothing exact about the curvature at its end.
    turn : float
        rad; the longest turn of a soft motion to the floor at which a run may end, and less in proportion where
        l < 0.3: there the surface bends on the way.
    memory : int
        Short steps remembered.
    fmax : float
        eV/A; that of the run.
    """

    inner: Direction[Any, Any]
    limit: float = 1e-3
    push: bool = True
    most: int = 8
    pushes: int = 3
    near: float = 0.02
    probe: float = 0.0173
    part: float = 0.5
    longest: float = 0.045
    force: float = 0.4
    clean: float = 0.2
    turn: float = 0.15
    memory: int = 8
    fmax: float = field(default=FMAX, repr=False)

    def init(self, seen: Observation) -> Checks:
        rows, zero = np.zeros((self.memory, seen.gradient.size)), np.zeros(seen.systems.count)
        empty = {name: rows if axis == "entry" else zero for name, axis in axes(Checks).items()}
        return Checks(
            **empty
            | {
                "inner": self.inner.init(seen),
                "radius": np.full_like(zero, WIDE),
                "cap": np.full_like(zero, np.inf),
                "symmetric": np.full_like(zero, np.nan),
            }
        )

    def learn(self, state: Checks, old: Linearization, new: Linearization, taken: Array) -> Checks:
        systems = new.layout.entries
        state = state._replace(inner=self.inner.learn(state.inner, old, new, taken))
        state = heard(state, new)
        moved = systems.max(np.abs(taken)) > 0
        # a check that takes no step must end, too
        still = state._replace(tries=state.tries + state.checking)
        if not moved.any():
            return still
        state = state._replace(
            steps=appended(state.steps, taken),
            lacks=appended(state.lacks, new.lack(old, taken)),
            offsets=appended(state.offsets + taken, np.zeros_like(taken)),
            met=np.zeros_like(state.met),
        )
        pushed, own = state.kind == PUSH, state.kind >= CHECK
        away = pushed | (state.size > self.clean) | (work_of_forces(old, new, taken) < FELL)
        wider = state.size > 0.8 * state.radius
        of_check = state._replace(
            checking=np.where(away, 0.0, state.checking),
            tries=np.where(away, 0.0, state.tries + state.checking),
            calls=state.calls + 1,
            pushes=state.pushes + pushed * state.checking,
            cap=np.where(pushed, GROWTH * state.size, GROWTH * state.cap),
            rejected=np.zeros_like(state.rejected),
            radius=np.where(away, WIDE, np.where(wider, GROWTH, 1.0) * state.radius),
        )
        learned = choose(new.layout, own, of_check, state._replace(cap=GROWTH * state.cap))
        return choose(new.layout, moved, learned, still)

    def work(self, before: Checks, after: Checks, old: Linearization, new: Linearization, taken: Array) -> Array:
        """(S,) change of the energy, eV: as the inner direction knows it, or the work of the forces in a check."""
        own = before.kind >= CHECK
        measured = self.inner.work(before.inner, after.inner, old, new, taken)
        return np.where(own, work_of_forces(old, new, taken), measured) if own.any() else measured

    def retreat(self, seen: Observation, before: Checks, after: Checks) -> Checks:
        inner = self.inner.retreat(seen, before.inner, after.inner)
        own = after.kind >= CHECK
        return after._replace(
            inner=inner,
            offsets=after.offsets - after.steps[-1],
            met=before.met,
            checking=np.where(own, before.checking, after.checking),
            tries=np.where(own, before.tries + before.checking, after.tries),
            pushes=np.where(own, before.pushes, after.pushes),
            rejected=np.where(own, before.rejected + 1, after.rejected),
            radius=np.where(own, np.maximum(0.5 * after.size, NARROWEST), after.radius),
        )

    def rebuilt(self, state: Checks) -> Checks:
        """Without the short steps: in other coordinates an exact secant is not exact."""
        steps, lacks = np.zeros_like(state.steps), np.zeros_like(state.lacks)
        return state._replace(inner=self.inner.rebuilt(state.inner), steps=steps, lacks=lacks)

    def known(self, linearization: OfInternal, state: Checks) -> tuple[Known, Checks]:
        """What the short steps near this geometry show, and the state that has looked.

        From the first look on it is known whether the run has kept a symmetry.
        """
        used = state.steps.any(axis=1)
        steps, lacks, offsets = state.steps[used], state.lacks[used], state.offsets[used]
        if len(steps):
            sizes, away = np.split(lengths(linearization, np.concatenate([steps, offsets])), 2)
            near = (np.maximum(sizes, away) <= self.clean) & (sizes > SHORTEST)
            steps, lacks, offsets = (rows[near] for rows in (steps, lacks, offsets))
        noise = state if state.calm[0] else heard(state, linearization)
        sigma = float(np.sqrt(noise.jolts[0] / max(noise.calm[0], 1.0)))
        known = known_at(linearization, steps, lacks, offsets, sigma)
        if np.isnan(state.symmetric[0]):
            state = state._replace(symmetric=np.full_like(state.symmetric, known.symmetric))
        return known.unsure() if state.symmetric[0] > 0 else known, state

    def examine(self, linearization: Linearization, state: Checks, met: bool | None) -> tuple[Found | None, Checks]:
        """What a check says of one system here, and the state once it has; None where it is not asked yet.

        `met` is whether the criteria of the run are met here; None where that is known from before, as after a step
        that was taken back.
        """
        if met is not None:
            state = state._replace(met=np.full_like(state.met, met))
        if not (state.checking[0] or state.met[0]):
            return None, state
        linearization = of_system(linearization, 0)
        known, state = self.known(linearization, state._replace(checking=np.ones_like(state.checking)))
        found = self.found(known, state)
        out = state.tries[0] >= self.most or state.calls[0] >= self.most * (self.pushes + 1)
        if out and not found.over:
            if not state.met[0]:  # the run goes on by itself until they are
                return None, state._replace(checking=np.zeros_like(state.checking), spent=np.ones_like(state.spent))
            found = found._replace(over=True)
        return found, state

    def passed(self, known: Known) -> bool:
        """Whether nothing worth a step is left where it may be soft, or it is known to be a soft minimum."""
        if not known.products or known.untried.any():
            return False
        return known.at_stake <= self.limit / 2 or (known.resolved and known.bound > 0)

    def found(self, known: Known, state: Checks) -> Found:
        """What that says of the point."""
        passed = self.passed(known)
        turn = known.turn(known.newton)
        small = known.energy_left <= self.limit and turn < self.turn * min(1.0, max(known.first[0], SOFTEST) / 0.3)
        done = bool(state.met[0]) and small and passed
        stays = known.witnessed and (not self.push or state.pushes[0] >= self.pushes)
        flat = not known.ridge and small and known.at_worst <= self.limit and known.first[0] < max(FLAT, known.first[1])
        over = bool(state.met[0]) and (done or stays or (flat and known.resolved) or bool(state.spent[0]))
        return Found(over, known, known.ridge, passed, small, flat and known.products > 0)

    def propose(
        self, linearization: Linearization, seen: Observation, state: Checks, limits: Limits
    ) -> tuple[Proposal, Checks]:
        limits = limits._replace(radius=np.minimum(limits.radius, state.cap))
        proposal, inner = self.inner.propose(linearization, seen, state.inner, limits)
        state = self.took(state._replace(inner=inner), PLAIN)
        left = proposal.energy_left
        rides = (left > 0) & (left < self.near) & np.isfinite(proposal.predicted) & (state.spent == 0)
        looks = (state.checking > 0) | rides
        if not looks.any():
            return proposal, state
        layout, looked, rest = linearization.layout, np.flatnonzero(looks).tolist(), np.flatnonzero(~looks).tolist()
        found = [
            self.proposed_for(
                of_system(linearization, system), select(layout, [system], proposal), select(layout, [system], state)
            )
            for system in looked
        ]
        if rest:
            found.append((select(layout, rest, proposal), select(layout, rest, state)))
        proposals, states = (concatenate(parts) for parts in zip(*found, strict=True))
        order = np.argsort(looked + rest).tolist()
        layout = layout.of(looked + rest)
        return select(layout, order, proposals), select(layout, order, states)

    def proposed_for(self, linearization: OfInternal, proposal: Proposal, state: Checks) -> tuple[Proposal, Checks]:
        """What becomes of the inner direction's proposal for one system that is looked at."""
        known, state = self.known(linearization, state)
        if self.pushes_off(known, state):
            return self.proposed(known, self.off_ridge(linearization, known, state), state, PUSH)
        if state.checking[0]:
            return self.proposed(known, self.step(linearization, known, state), state, CHECK)
        if self.passed(known):
            return proposal, state
        way = known.coordinates(linearization, proposal.displacement)
        aside = self.probed(linearization, known, way)
        rise = float(known.gradient @ aside) + float(aside @ known.hessian @ (way + 0.5 * aside))
        return proposal._replace(
            displacement=proposal.displacement + known.basis @ aside,
            predicted=proposal.predicted + rise,
            length=np.full_like(proposal.length, np.linalg.norm(way + aside)),
        ), self.took(state, PROBE)

    def took(self, state: Checks, kind: int, size: float = 0.0) -> Checks:
        return state._replace(kind=np.full_like(state.kind, kind), size=np.full_like(state.size, size))

    def proposed(self, known: Known, way: Array, state: Checks, kind: int) -> tuple[Proposal, Checks]:
        """A step (r,) of the check, which is taken as it is."""
        predicted = float(known.gradient @ way) + 0.5 * float(way @ known.hessian @ way)
        size = float(np.linalg.norm(way))
        numbers = (predicted, known.energy_left, size, 0.0, RISE)
        proposal = Proposal(known.basis @ way, *(np.array([number]) for number in numbers))
        return proposal, self.took(state, kind, size)

    def pushes_off(self, known: Known, state: Checks) -> bool:
        """Whether the next step is off a ridge.

        Before the criteria of the run are met, only where a bond turns easily, on which neither bonds nor stereo hang;
        not in a run that has kept a symmetry, and not again once that went up. A check tries three times, each half as
        far, and then looks again.
        """
        if not (known.ridge and self.push and state.pushes[0] < self.pushes):
            return False
        if state.checking[0]:
            return bool(state.rejected[0] < TRIES)
        most = known.soft[int(np.argmax(np.abs(known.motions @ known.first[2])))]
        kept = state.symmetric[0] > 0
        return not kept and not state.rejected[0] and float(most @ most) > 1 / EASY

    def step(self, linearization: OfInternal, known: Known, state: Checks) -> Array:
        """(r,) Newton step and probe in one; the step alone where the curvature is known."""
        if not self.push:
            way = known.down(CAUTIOUS, CAUTIOUS)
        else:
            sure = known.energy_left > self.limit or known.first[1] < KNOWN
            way = known.newton if sure else known.down(CAUTIOUS)
        way = self.within(known, way, float(state.radius[0]))
        return way if known.resolved or self.passed(known) else way + self.probed(linearization, known, way)

    def off_ridge(self, linearization: OfInternal, known: Known, state: Checks) -> Array:
        """(r,) along the lowest curvature, downhill, and the Newton step in all else."""
        ridge = known.first[2]
        if ridge @ known.gradient > 0:
            ridge = -ridge
        farthest = float(linearization.longest(known.basis @ ridge)[0])
        size = min(PUSHED / max(known.turn(ridge), 1e-300), SHIFT / max(farthest, 1e-300))
        if state.rejected[0]:
            size = min(size, float(state.radius[0]))
        rest = known.newton - float(ridge @ known.newton) * ridge
        return self.within(known, rest, WIDE) + size * ridge

    def within(self, known: Known, way: Array, radius: float) -> Array:
        """(r,) the step, no longer than the radius, sqrt(eV), and turning nothing too far."""
        way = way * min(1.0, radius / max(float(np.linalg.norm(way)), 1e-300))
        return way * min(1.0, TURN / max(known.turn(way), 1e-300))

    def probed(self, linearization: OfInternal, known: Known, way: Array) -> Array:
        """(r,) the probe that goes with a step."""
        direction = known.probe(way)
        scale = min(1.0, np.sqrt(self.limit / LIMIT))
        size = float(np.clip(self.part * np.linalg.norm(way), self.probe * scale, self.longest * scale))
        size /= np.sqrt(np.clip(known.curvature(direction)[0], SOFTEST, 1.0))
        size = min(size, 0.5 * self.turn / max(known.turn(direction), 1e-300))
        size = max(size, min(known.loud(direction), LOUDEST))
        pull = float(linearization.pull(known.basis @ direction)[0])
        return min(size, self.force * min(self.fmax, FMAX) / max(pull, 1e-300)) * direction


_last_known: WeakKeyDictionary[Member, tuple[bytes, Known]] = WeakKeyDictionary()


def known_at(linearization: OfInternal, steps: Array, lacks: Array, offsets: Array, sigma: float) -> Known:
    """What displacements (k, nq) show; the last of each system is kept: a look and the step after it ask the same."""
    here = (linearization.x, linearization.cartesian_gradient, steps, lacks, offsets, np.array([sigma]))
    key = b"".join(part.tobytes() for part in here)
    before = _last_known.get(linearization.member)
    if before is not None and before[0] == key:
        return before[1]
    known = Known.at(linearization, soft_motions(linearization), steps, lacks, offsets, sigma)
    _last_known[linearization.member] = key, known
    return known


def lengths(linearization: OfInternal, rows: Array) -> Array:
    """(k,) norms of displacements (k, N) in the metric of the model Hessian, sqrt(eV)."""
    return np.sqrt(np.maximum(np.einsum("ij,ji->i", rows, linearization.apply(rows.T)), 0.0))
