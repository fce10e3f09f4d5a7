"""The corrected surrogate: a cheap potential, put right by what the forces have shown, is the model of each step."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from molopt.coordinates.base import Linearization, Place
from molopt.directions.base import Direction, Limits, Proposal, work_of_forces
from molopt.directions.interpolation import Interpolation
from molopt.directions.model_descent import Model, descend
from molopt.directions.quasi_newton import QuasiNewton, Secants, appended
from molopt.errors import InputError
from molopt.rules.base import Observation
from molopt.rules.partition import Array
from molopt.rules.state import PerEntry, PerSystem

Surface = Callable[[Array], tuple[float, Array]]  # x (3N,) -> energy (eV), gradient (3N,) (eV/A)

FADE = 0.8  # of the evidence for each step of age
DOUBT = 0.05  # eV: how much evidence the weight at the start is worth
USELESS = 0.15  # weight below which the surrogate is left alone
SMALL = 0.005  # eV an internal coordinate: what two good potentials differ by at a minimum
NEAR = 0.006  # eV above the floor: there the surface is a parabola, and secants are all it takes
LONGER_STEP, LONGER_CHANGE = 2.0, 3.0  # times the limits of quasi-Newton: the surrogate knows how the surface bends


class Corrections(NamedTuple):
    """What the last force calls showed; unused rows are zero, the newest is last."""

    offsets: PerEntry  # (memory, N) points, relative to the present one
    slopes: PerEntry  # (memory, N) gradients there, of the potential
    cheap: PerEntry  # (memory, N) and of the surrogate
    known: PerSystem  # (memory, S) 1 where a row is used
    energy: PerSystem  # (S,) of the surrogate at the present point, eV
    evidence: PerSystem  # (2, S) for the surrogate: of the steps, eV
    start: PerSystem  # (S,) part of the weight that the first gradient leaves
    steps: PerEntry  # (m, N) secants for where the surrogate is useless
    lacks: PerEntry  # (m, N)

    def forgotten(self) -> "Corrections":
        """Without the points."""
        return self._replace(known=np.zeros_like(self.known))


@dataclass(frozen=True)
class Corrected(Direction[Linearization, Corrections]):
    r"""Steps to the minimum of a model that is nearly right far out, and exact where forces are known.

    .. math:: E(u) = w E_{surrogate}(u) + (1 - w) \frac{1}{2} u \cdot M u + D(u)

    with u from the present point, M the model Hessian, and D the `Interpolation` of what the first two lack of the
    gradients at the last points. The mean of surrogate and model is better than either: the surrogate knows how bonds
    stiffen, torsions turn and contacts close, M knows force constants fitted to Hessians of the potential's kind.
    The way down costs no force call (`descend`) and ends where the trust radius does.

    How far the surrogate is trusted follows from what it foretold of the soft coordinates: with y the change of the
    gradient in a step s, z = y_surrogate - M s, r = y - M s, sums over the steps, older ones fading,

    .. math:: w = \frac{\lambda w_0 + \sum r \cdot z}{\lambda + \sum z \cdot z}

    between 0 and w_0, which is `weight`, less where the first gradient is not the surrogate's. Below 0.15, and within
    6 meV of the floor, steps are those of `QuasiNewton`.

    Parameters
    ----------
    surrogate : callable
        x (3N,) -> energy (eV) and gradient (3N,) (eV/A).
    name : str
    secants : QuasiNewton
        For where the surrogate is left alone.
    weight : float
        Largest w.
    memory : int
        Points remembered.
    """

    surrogate: Surface = field(repr=False)
    name: str = ""
    secants: QuasiNewton = field(default_factory=QuasiNewton)
    weight: float = 0.7
    memory: int = 12

    def __post_init__(self) -> None:
        if not 0 < self.weight <= 1:
            raise InputError(f"weight must be positive and at most 1, got {self.weight}")
        if self.memory < 2:
            raise InputError(f"memory must be at least 2 points, got {self.memory}")

    def init(self, seen: Observation) -> Corrections:
        if seen.systems.count != 1:
            raise InputError(f"a run that a surrogate guides is of one system, got {seen.systems.count}")
        return self.empty(seen.gradient.size)

    def empty(self, entries: int) -> Corrections:
        """A memory of nothing, of so many coordinates."""
        empty = np.zeros((self.memory, entries))
        known, evidence, start = np.zeros((self.memory, 1)), np.zeros((2, 1)), np.full(1, np.nan)
        return Corrections(empty, empty, empty, known, np.zeros(1), evidence, start, *self.secants.empty(entries))

    def learn(self, state: Corrections, old: Linearization, new: Linearization, taken: Array) -> Corrections:
        if not taken.any():
            return state
        secants = self.secants.learn(Secants(state.steps, state.lacks), old, new, taken)
        state = state._replace(steps=secants.steps, lacks=secants.lacks)
        if not state.known[-1, 0]:
            return state
        energy, cheap = self.at(new)
        if not np.isfinite(energy):
            return state.forgotten()
        r = secants.lacks[-1]
        z = cheap - state.cheap[-1] - (new.gradient - old.gradient - r)
        soft = 1 - new.coordinates.stiff
        evidence = FADE * state.evidence + np.array([[r @ (soft * z)], [z @ (soft * z)]])
        return state._replace(
            offsets=appended(state.offsets - taken, np.zeros_like(taken)),
            slopes=appended(state.slopes, new.gradient),
            cheap=appended(state.cheap, cheap),
            known=appended(state.known, np.ones_like(state.energy)),
            energy=np.full_like(state.energy, energy),
            evidence=evidence,
        )

    def work(
        self, before: Corrections, after: Corrections, old: Linearization, new: Linearization, taken: Array
    ) -> Array:
        """(1,) change of the energy, eV: that of the surrogate, and for the rest the work of the forces."""
        lack = work_of_forces(old, new, taken)
        known = before.known[-1, 0] and after.known[-1, 0] and np.isfinite(before.energy[0])
        if known and self.trusted(after) >= USELESS:
            lack += float(after.energy[0] - before.energy[0]) - 0.5 * ((before.cheap[-1] + after.cheap[-1]) @ taken)
        return lack

    def retreat(self, seen: Observation, before: Corrections, after: Corrections) -> Corrections:
        """At the old point, with the rejected one remembered."""
        if not (after.known[-1, 0] and after.known[-2, 0]):
            return after
        swapped = np.array([*range(self.memory - 2), self.memory - 1, self.memory - 2])
        return after._replace(
            offsets=(after.offsets - after.offsets[-2])[swapped],
            slopes=after.slopes[swapped],
            cheap=after.cheap[swapped],
            energy=before.energy,
        )

    def rebuilt(self, state: Corrections) -> Corrections:
        """Without the points: in other coordinates their gradients mean something else."""
        return state.forgotten()

    def propose(
        self, linearization: Linearization, seen: Observation, state: Corrections, limits: Limits
    ) -> tuple[Proposal, Corrections]:
        state = self.present(linearization, state)
        cautious = self.secants.proposal(linearization, Secants(state.steps, state.lacks), limits)
        weight = self.trusted(state)
        if weight < USELESS or float(cautious.energy_left[0]) < NEAR:
            return cautious, state
        far = Limits(limits.radius, LONGER_STEP * limits.maxstep, LONGER_CHANGE * limits.maxchange)
        reached = descend(self.model(linearization, state, weight), linearization, far)
        if not reached.change < 0:
            return cautious, state
        length = float(np.linalg.norm(reached.displacement))
        numbers = (reached.change, float(cautious.energy_left[0]), length, float(reached.limited), np.nan)
        return Proposal(reached.displacement, *(np.array([number]) for number in numbers)), state

    def present(self, linearization: Linearization, state: Corrections) -> Corrections:
        """The state whose newest point is the present one."""
        if state.known[-1, 0] and np.array_equal(state.slopes[-1], linearization.gradient):
            return state
        energy, cheap = self.at(linearization)
        fresh = self.empty(cheap.size)
        known = fresh.known.copy()
        known[-1] = 1.0
        return fresh._replace(
            slopes=appended(fresh.slopes, linearization.gradient),
            cheap=appended(fresh.cheap, cheap),
            known=known,
            energy=np.full_like(state.energy, energy),
            evidence=state.evidence,
            start=np.where(np.isnan(state.start), credit(linearization.gradient, cheap), state.start),
            steps=state.steps,
            lacks=state.lacks,
        )

    def at(self, linearization: Linearization) -> tuple[float, Array]:
        """Energy and gradient (nq,) of the surrogate at a geometry."""
        energy, gradient = self.surrogate(linearization.x)
        return energy, linearization.to_internal(linearization.solve_metric(gradient))

    def trusted(self, state: Corrections) -> float:
        """The weight of the surrogate."""
        if not np.isfinite(state.energy[0]):
            return 0.0
        agreed, size = state.evidence[:, 0]
        believed = self.weight * float(state.start[0])
        return min(max(float((DOUBT * believed + agreed) / (DOUBT + size)), 0.0), believed)

    def model(self, start: Linearization, state: Corrections, weight: float) -> Model:
        """A place and its displacement u (nq,) -> energy from the start and its gradient, eV and eV/A."""
        used = state.known[:, 0] > 0
        points = state.offsets[used]
        lacks = state.slopes[used] - weight * state.cheap[used] - (1 - weight) * start.apply(points.T).T
        difference = Interpolation.through(points, lacks, start.coordinates.stiff)
        origin = difference(np.zeros_like(points[-1]))[0] + weight * float(state.energy[0])

        def surface(place: Place, u: Array) -> tuple[float, Array]:
            energy, gradient = self.surrogate(place.x)
            harmonic, (lacking, slope) = (1 - weight) * start.apply(u), difference(u)
            rest = place.pull_back(harmonic + slope)
            return weight * energy + 0.5 * float(u @ harmonic) + lacking - origin, weight * gradient + rest

        return surface


def credit(gradient: Array, cheap: Array) -> float:
    """1 where the surrogate's gradient (nq,) is nearer to the potential's than zero is, or nearly; less else."""
    size, lack = float(gradient @ gradient), float((gradient - cheap) @ (gradient - cheap))
    usual = size + SMALL * len(gradient)
    return 1.0 if lack <= usual else usual / lack
