"""RAdam: Adam that waits until its second moment can be trusted."""

from dataclasses import dataclass
from typing import ClassVar

from molopt.rules.adam import AdamState
from molopt.rules.base import Observation, Rule, ratio, zeros
from molopt.rules.state import Array


@dataclass(frozen=True)
class RAdam(Rule):
    r"""Rectified Adam.

    .. math::
        m &\leftarrow b_1 m + (1 - b_1) g, \quad \hat m = m / (1 - b_1^t) \\
        v &\leftarrow b_2 v + (1 - b_2) g^2 \\
        rho_\infty &= 2 / (1 - b_2) - 1, \quad rho = rho_\infty - 2 t b_2^t / (1 - b_2^t) \\
        r^2 &= \frac{(rho - 4)(rho - 2) rho_\infty}{(rho_\infty - 4)(rho_\infty - 2) rho} \\
        w &\leftarrow w - lr \, \hat m \cdot
            \begin{cases} r \sqrt{1 - b_2^t} / (\sqrt{v} + eps) & rho > 5 \\ 1 & \text{else} \end{cases}

    With b2 = 0.999 the first five steps are momentum, in proportion to the gradient and so not free of its scale; then
    r rises from 0.03 towards 1 over some thousand steps, a warm-up without a schedule.

    Parameters
    ----------
    lr : float
        Learning rate: Angstrom in Cartesians, but A^2/eV in the first steps.
    b1, b2 : float
        Memory of the two moments, in [0, 1); those of `Adam`. With b2 at most 2/3 it never leaves momentum.
    eps : float
        Added to the root (eV/A). With 0, 0/0 is 0.

    Notes
    -----
    Agrees with `torch.optim.RAdam` and its defaults: eps is added before v is corrected; the paper has no eps.
    `optax.radam` adds it after the correction.

    References
    ----------
    L. Liu et al., On the variance of the adaptive learning rate and beyond, ICLR 2020, algorithm 2.

    Examples
    --------
    >>> from molopt.rules import Observation
    >>> seen = Observation.single([1e-3, -50.0])
    >>> rule = RAdam(lr=0.1)
    >>> rule.update(seen, rule.init(seen))[0].round(6)
    array([-1.e-04,  5.e+00])
    """

    forgets: ClassVar = ("m",)

    lr: float
    b1: float = 0.9
    b2: float = 0.999
    eps: float = 1e-8

    def init(self, seen: Observation) -> AdamState:
        return zeros(AdamState, seen)

    def update(self, seen: Observation, state: AdamState) -> tuple[Array, AdamState]:
        xp, g, spread = seen.xp, seen.gradient, seen.systems.spread
        t = state.t + 1
        m = self.b1 * state.m + (1 - self.b1) * g
        v = self.b2 * state.v + (1 - self.b2) * g * g
        mean = m / spread(1 - self.b1**t)
        trusted, size = self._rectification(xp, t)
        scaled = ratio(xp, spread(size) * mean, xp.sqrt(v) + self.eps)
        return -self.lr * xp.where(spread(trusted), scaled, mean), AdamState(t, m, v)

    def _rectification(self, xp: Array, t: Array) -> tuple[Array, Array]:
        """Whether rho > 5, and r sqrt(1 - b2^t) where it is, both (S,)."""
        bias, limit = 1 - self.b2**t, 2 / (1 - self.b2) - 1
        rho = limit - 2 * t * self.b2**t / bias
        trusted = rho > 5
        above = xp.where(trusted, (rho - 4) * (rho - 2) * limit, 0.0)
        below = xp.where(trusted, (limit - 4) * (limit - 2) * rho, 1.0)
        return trusted, xp.sqrt(above / below * bias)
