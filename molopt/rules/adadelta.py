"""Adadelta: the gradient rescaled to the size of the recent steps."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from molopt.rules.base import Observation, Rule, zeros
from molopt.rules.state import Array, PerEntry


class AdadeltaState(NamedTuple):
    v: PerEntry  # (N,) second moment of the gradient, (eV/A)^2
    u: PerEntry  # (N,) second moment of the step before lr, A^2


@dataclass(frozen=True)
class Adadelta(Rule):
    r"""Adagrad with a memory that fades and a step in the units of the coordinates.

    .. math::
        v &\leftarrow rho \, v + (1 - rho) g^2 \\
        d &= \frac{\sqrt{u + eps}}{\sqrt{v + eps}} \, g \\
        u &\leftarrow rho \, u + (1 - rho) d^2 \\
        w &\leftarrow w - lr \, d

    Parameters
    ----------
    lr : float
        Factor on the step, without a unit; the paper has none, which is lr = 1.
    rho : float
        Memory of both moments, in [0, 1). 0.9, as in the libraries; the paper has 0.95.
    eps : float
        Added inside both roots, positive: it alone sets the first step, sqrt(eps / (1 - rho)) for a large gradient, and
        the scale from which the steps grow. One number for (eV/A)^2 and A^2, as in the paper.

    Notes
    -----
    Agrees with `torch.optim.Adadelta` and its defaults; `optax.adadelta` is the same.

    References
    ----------
    M. D. Zeiler, ADADELTA: an adaptive learning rate method, arXiv:1212.5701 (2012), algorithm 1.

    Examples
    --------
    >>> from molopt.rules import Observation
    >>> seen = Observation.single([1.0, -50.0])
    >>> rule = Adadelta(lr=1.0)
    >>> rule.update(seen, rule.init(seen))[0].round(6)
    array([-0.003162,  0.003162])
    """

    forgets: ClassVar = ()
    ranges: ClassVar[dict[str, str]] = Rule.ranges | {"eps": "positive"}

    lr: float
    rho: float = 0.9
    eps: float = 1e-6

    def init(self, seen: Observation) -> AdadeltaState:
        return zeros(AdadeltaState, seen)

    def update(self, seen: Observation, state: AdadeltaState) -> tuple[Array, AdadeltaState]:
        xp, g = seen.xp, seen.gradient
        v = self.rho * state.v + (1 - self.rho) * g * g
        step = xp.sqrt(state.u + self.eps) / xp.sqrt(v + self.eps) * g
        u = self.rho * state.u + (1 - self.rho) * step * step
        return -self.lr * step, AdadeltaState(v, u)
