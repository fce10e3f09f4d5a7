"""Limited-memory quasi-Newton: the model Hessian of each geometry, corrected by what the last steps showed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy import linalg

from molopt.directions.base import Limits, Proposal
from molopt.errors import InputError
from molopt.rules.base import Observation, check
from molopt.rules.partition import Array
from molopt.rules.state import PerEntry

FLATTEST = 1e-3  # eigenvalue of the corrected over the model Hessian; damping keeps all positive but for rounding
STIFFEST = 1e12  # shift at which any step is next to nothing
HALVINGS = 4  # of the interval that holds the shift; it is then known within 5 %


class Secants(NamedTuple):
    """The last steps, newest last; unused rows are zero."""

    steps: PerEntry  # (memory, N) displacements s
    lacks: PerEntry  # (memory, N) change of the gradient, less what the model foretold for s


@dataclass(frozen=True)
class QuasiNewton:
    r"""Structured BFGS with a limited memory, in the metric of the model Hessian.

    The model M is rebuilt at each step, so a secant keeps only what the model lacked along it,
    :math:`l = \Delta g - \frac{1}{2}(M_{old} + M_{new}) s`, and is used again as :math:`y = \gamma^{age} l + M s` with
    today's M. Damped BFGS updates (Powell) with these y make H = M + a matrix of rank 2 m, m the memory. The step
    minimises the quadratic model within the trust radius,

    .. math:: d = -(H + \mu M)^+ g, \qquad d \cdot M d \le radius^2,

    exactly and for one factorisation of M: in its metric H differs from 1 in at most 2 m directions.

    Parameters
    ----------
    memory : int
        Steps remembered. 6 to 30 make no difference (docs/tuning.md).
    fade : float
        Factor on a lack for each step of age: the surface bends, and old lacks are of another place.
    damping : float
        s.y is at least this part of s.H s (Powell's is 0.2; here the prior is worth more).

    References
    ----------
    J. E. Dennis, D. M. Gay, R. E. Welsch, ACM Trans. Math. Softw. 7, 348 (1981), structured secants; M. J. D. Powell,
    in Numerical Analysis, Dundee 1977, Lecture Notes in Mathematics 630, damping.
    """

    memory: int = 8
    fade: float = 0.9
    damping: float = 0.5

    def __post_init__(self) -> None:
        check("memory", self.memory, "positive")
        if int(self.memory) != self.memory:
            raise InputError(f"memory must be a whole number of steps, got {self.memory}")
        for name in ("fade", "damping"):
            if not 0 < getattr(self, name) <= 1:
                raise InputError(f"{name} must be positive and at most 1, got {getattr(self, name)}")

    def init(self, seen: Observation) -> Secants:
        return Secants(np.zeros((self.memory, seen.gradient.size)), np.zeros((self.memory, seen.gradient.size)))

    def learn(self, state: Secants, old: Any, new: Any, taken: Array) -> Secants:
        if not taken.any():
            return state
        lack = new.gradient - old.gradient - 0.5 * (old.apply(taken) + new.apply(taken))
        return Secants(np.concatenate([state.steps[1:], [taken]]), np.concatenate([state.lacks[1:], [lack]]))

    def retreat(self, seen: Observation, before: Secants, after: Secants) -> Secants:
        return after

    def propose(self, frame: Any, seen: Observation, state: Secants, limits: Limits) -> tuple[Proposal, Secants]:
        spectrum = Spectrum.of(frame, *corrections(frame, state, self.fade, self.damping))
        shift = spectrum.shift(lambda step: fits(frame, step, limits), float(limits.radius[0]))
        numbers = (spectrum.change(shift), spectrum.energy_left, spectrum.length(shift), float(shift > 0))
        return Proposal(spectrum.step(shift), *(np.array([number]) for number in numbers)), state


def fits(frame: Any, step: Array, limits: Limits) -> bool:
    """Whether a step moves neither an atom nor an internal coordinate too far."""
    return bool(frame.change(step) <= limits.maxchange) and bool(frame.longest(step) <= limits.maxstep)


def corrections(frame: Any, state: Secants, fade: float, damping: float) -> tuple[Array, Array]:
    """v (N, 2 m) and c (2 m,) such that H = M + v diag(c) v^T, from damped BFGS updates, the oldest first."""
    used = np.flatnonzero(state.steps.any(axis=1))
    steps = state.steps[used]  # (m, N)
    model = frame.apply(steps.T).T  # (m, N) M s
    ages = np.arange(len(used) - 1, -1, -1)
    wanted = fade ** ages[:, None] * state.lacks[used] + model
    vectors = np.zeros((2 * len(used), steps.shape[1]))
    signs = np.zeros(2 * len(used))
    for n, (s, ms, y) in enumerate(zip(steps, model, wanted, strict=True)):
        earlier = vectors[: 2 * n]
        hs = ms + (signs[: 2 * n] * (earlier @ s)) @ earlier
        shs, sy = float(s @ hs), float(s @ y)
        if shs <= 0:  # only by rounding, for a step of almost nothing
            continue
        if sy < damping * shs:
            part = (1 - damping) * shs / (shs - sy)
            y = part * y + (1 - part) * hs
            sy = damping * shs
        vectors[2 * n], signs[2 * n] = y, 1 / sy
        vectors[2 * n + 1], signs[2 * n + 1] = hs, -1 / shs
    return vectors.T, signs


@dataclass(frozen=True)
class Spectrum:
    """H in the metric of M: eigenvalues in the directions of the corrections, and 1 in all others.

    Attributes
    ----------
    eigenvalues, slopes : (k,) arrays
        Of H along each direction, and the gradient along it.
    directions : (N, k) array
        Orthonormal in the metric of M.
    rest : (N,) array
        What the negative of the natural gradient has outside of them; its squared norm is `slope`, eV.
    """

    eigenvalues: Array
    slopes: Array
    directions: Array
    rest: Array
    slope: float

    @classmethod
    def of(cls, frame: Any, vectors: Array, signs: Array) -> "Spectrum":
        images = frame.solve(vectors)  # (N, 2 m)
        values, basis = linalg.eigh(vectors.T @ images) if signs.size else (np.zeros(0), np.zeros((0, 0)))
        kept = values > 1e-12 * values.max(initial=0.0)
        roots, basis = np.sqrt(values[kept]), basis[:, kept]
        small = (basis * roots).T @ (signs[:, None] * (basis * roots))
        eigenvalues, turned = linalg.eigh(small) if roots.size else (roots, np.zeros((0, 0)))
        coefficients = (basis / roots) @ turned
        slopes = coefficients.T @ (vectors.T @ frame.natural)
        directions = images @ coefficients
        rest = -frame.natural + directions @ slopes
        slope = float(frame.gradient @ frame.natural) - float(slopes @ slopes)
        return cls(np.maximum(1 + eigenvalues, FLATTEST), slopes, directions, rest, max(slope, 0.0))

    def step(self, shift: float) -> Array:
        """(N,) -(H + shift M)^+ g."""
        return self.rest / (1 + shift) - self.directions @ (self.slopes / (self.eigenvalues + shift))

    def length(self, shift: float) -> float:
        """Norm of the step in the metric of M, sqrt(eV)."""
        parts = self.slopes / (self.eigenvalues + shift)
        return float(np.sqrt(parts @ parts + self.slope / (1 + shift) ** 2))

    def change(self, shift: float) -> float:
        """Change of the energy that the quadratic model predicts for the step, eV; never positive."""
        parts = self.slopes / (self.eigenvalues + shift)
        along = -self.slopes @ parts + 0.5 * (self.eigenvalues * parts) @ parts
        return float(along) - self.slope * (0.5 + shift) / (1 + shift) ** 2

    @property
    def energy_left(self) -> float:
        """g . H^+ g / 2, eV."""
        return 0.5 * (float(self.slopes @ (self.slopes / self.eigenvalues)) + self.slope)

    def shift(self, fits: Callable[[Array], bool], radius: float) -> float:
        """The smallest mu >= 0 whose step fits and is no longer than the radius, within 5 %."""

        def good(mu: float) -> bool:
            return self.length(mu) <= radius and fits(self.step(mu))

        if good(0.0):
            return 0.0
        high = 0.01
        while high < STIFFEST and not good(high):
            high *= 2
        low = high / 2
        for _ in range(HALVINGS):
            middle = np.sqrt(low * high)
            low, high = (low, middle) if good(middle) else (middle, high)
        return float(high)
