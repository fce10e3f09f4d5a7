"""Limited-memory quasi-Newton: the model Hessian of each geometry, corrected by what the last steps showed."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from molopt.coordinates.base import Linearization
from molopt.directions.base import Direction, Limits, Proposal
from molopt.errors import InputError
from molopt.rules.base import Observation, check
from molopt.rules.partition import Array
from molopt.rules.state import PerEntry, choose


class Secants(NamedTuple):
    """The last steps, newest last; unused rows are zero."""

    steps: PerEntry  # (memory, nq) displacements s
    lacks: PerEntry  # (memory, nq) change of the gradient, less what the model foretold for s; faded by age


@dataclass(frozen=True)
class QuasiNewton(Direction[Linearization, Secants]):
    r"""Structured BFGS with a limited memory, in the metric of the model Hessian.

    The model M is rebuilt at each step, so a secant keeps only what the model lacked along it,
    :math:`l = \Delta g - \frac{1}{2}(M_{old} + M_{new}) s`, and is used again as :math:`y = \gamma^{age} l + M s` with
    today's M. Damped BFGS updates (Powell) with these y make H = M + a matrix of rank 2 m, m the memory. The step
    minimises the quadratic model within the trust radius,

    .. math:: d = -(H + \mu M)^+ g, \qquad d \cdot M d \le radius^2,

    exactly and for one factorisation of M (`molopt.coordinates.secants`): in its metric H differs from 1 in at most 2 m
    directions.

    Parameters
    ----------
    memory : int
        Steps remembered. 6 to 30 make no difference (docs/notes/tuning.md).
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
        return self.empty(seen.gradient.size)

    def empty(self, entries: int) -> Secants:
        """A memory of nothing, of so many coordinates."""
        return Secants(np.zeros((self.memory, entries)), np.zeros((self.memory, entries)))

    def learn(self, state: Secants, old: Linearization, new: Linearization, taken: Array) -> Secants:
        if not taken.any():
            return state
        learned = Secants(appended(state.steps, taken), appended(self.fade * state.lacks, new.lack(old, taken)))
        systems = new.layout.entries
        if systems.count == 1:
            return learned
        return choose(new.layout, systems.max(np.abs(taken)) > 0, learned, state)

    def propose(
        self, linearization: Linearization, seen: Observation, state: Secants, limits: Limits
    ) -> tuple[Proposal, Secants]:
        return self.proposal(linearization, state, limits), state

    def proposal(self, linearization: Linearization, state: Secants, limits: Limits) -> Proposal:
        """The minimum of the corrected model."""
        step = linearization.secant_step(state.steps, state.lacks, self.damping, *limits)
        return Proposal(*step, np.full(linearization.layout.count, np.nan))


def appended(rows: Array, row: Array) -> Array:
    """The rows without the oldest, and a new one."""
    found = np.empty_like(rows)
    found[:-1], found[-1] = rows[1:], row
    return found
