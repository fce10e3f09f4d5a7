"""Nesterov's momentum: the heavy ball, looking one step ahead."""

from dataclasses import dataclass
from typing import ClassVar

from molopt.rules.base import Observation, Rule, zeros
from molopt.rules.momentum import MomentumState
from molopt.rules.state import Array


@dataclass(frozen=True)
class Nesterov(Rule):
    r"""Nesterov's accelerated gradient.

    .. math::
        m &\leftarrow b_1 m + g \\
        w &\leftarrow w - lr \, (g + b_1 m)

    The point w is the one that the memory alone would lead to, so that the gradient seen is already that of the place
    ahead: a step still costs one gradient, and a stiff direction is braked one step earlier than by `HeavyBall`.

    Parameters
    ----------
    lr : float
        Learning rate, A^2/eV in Cartesians.
    b1 : float
        Memory, in [0, 1). 0.9 is the usual choice.

    Notes
    -----
    Agrees with `torch.optim.SGD(momentum=b1, nesterov=True)`; `optax.sgd(momentum=b1, nesterov=True)` is the same.

    References
    ----------
    Y. Nesterov, A method of solving a convex programming problem with convergence rate O(1/k^2),
    Sov. Math. Dokl. 27, 372 (1983); in this form Y. Bengio et al., Advances in optimizing recurrent networks,
    ICASSP 2013.

    Examples
    --------
    >>> from molopt.rules import Observation
    >>> seen = Observation.single([1.0, -50.0])
    >>> rule = Nesterov(lr=0.1)
    >>> rule.update(seen, rule.init(seen))[0].round(6)
    array([-0.19,  9.5 ])
    """

    forgets: ClassVar = ("m",)

    lr: float
    b1: float = 0.9

    def init(self, seen: Observation) -> MomentumState:
        return zeros(MomentumState, seen)

    def update(self, seen: Observation, state: MomentumState) -> tuple[Array, MomentumState]:
        m = self.b1 * state.m + seen.gradient
        return -self.lr * (seen.gradient + self.b1 * m), MomentumState(m)
