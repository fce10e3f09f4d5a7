"""A trust radius."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from molopt.control.base import SMALLEST_STEP, Limits, Proposal, StepControl, check_caps
from molopt.errors import InputError
from molopt.rules.state import Array, PerSystem


class TrustState(NamedTuple):
    radius: PerSystem  # (S,) sqrt(eV); infinite before the first step that disappoints
    length: PerSystem  # (S,) of the last step
    limited: PerSystem  # (S,) 1 where the last step was shortened by the radius or a cap, else 0


@dataclass(frozen=True)
class Trust(StepControl[TrustState]):
    r"""A trust radius that answers to predicted against real change of the energy.

    For directions that predict, as quasi-Newton does. With :math:`\rho = W / predicted`, where W is the work of the
    last step as in `Control`:

    - rho < `poor`: the radius becomes `shrink` times the length of that step;
    - rho > `good`, and the step had been limited: the radius grows by `growth`;
    - W > `rise`: the step is rejected; what it showed of the curvature is kept.

    Parameters
    ----------
    maxstep : float
        Longest move of an atom in one step, Angstrom. Larger than in Cartesians: in internals a far atom may swing.
    maxchange : float
        Largest change of an internal coordinate in one step, Angstrom or rad.
    poor, good, shrink, growth : float
    smallest : float
        Least radius, sqrt(eV): noise in the forces must not stop the run for ever.
    rise : float
        Largest accepted rise, eV.

    References
    ----------
    J. Nocedal, S. J. Wright, Numerical Optimization, 2nd ed., Springer 2006, algorithm 4.1.
    """

    retries: ClassVar[bool] = True
    measures: ClassVar[bool] = False

    maxstep: float = 1.0
    maxchange: float = 0.5
    poor: float = 0.25
    good: float = 0.6
    shrink: float = 0.5
    growth: float = 1.7
    smallest: float = 0.02
    rise: float = 1e-3

    def __post_init__(self) -> None:
        check_caps(self.maxstep, self.maxchange)
        if not 0 < self.poor <= self.good:
            raise InputError(f"poor must be positive and at most good, got {self.poor} and {self.good}")
        if not 0 < self.shrink < 1 < self.growth:
            raise InputError(f"shrink must be less than 1 and growth more, got {self.shrink} and {self.growth}")
        for name in ("smallest", "rise"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name} must be positive, got {getattr(self, name)}")

    def init(self, count: int) -> TrustState:
        return TrustState(np.full(count, np.inf), np.zeros(count), np.zeros(count))

    def judge(self, slope: Array, work: Array, proposal: Proposal, state: TrustState) -> tuple[Array, TrustState]:
        rho = work / np.minimum(proposal.predicted, -SMALLEST_STEP)
        radius = np.where((rho > self.good) & (state.limited > 0), state.radius * self.growth, state.radius)
        radius = np.where(rho < self.poor, np.maximum(state.length * self.shrink, self.smallest), radius)
        return work > self.rise, TrustState(radius, state.length, state.limited)

    def limits(self, state: TrustState) -> Limits:
        return Limits(state.radius, self.maxstep, self.maxchange)

    def limit(self, longest: Array, change: Array, proposal: Proposal, state: TrustState) -> TrustState:
        return TrustState(state.radius, proposal.length, proposal.limited)

    def factor(self, state: TrustState) -> Array:
        """(S,) one: directions keep to the limits themselves."""
        return np.ones_like(state.radius)

    def shortened(self, state: TrustState) -> Array:
        return state.limited > 0
