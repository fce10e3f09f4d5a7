"""The heavy ball: momentum that adds up the gradients it remembers."""

from dataclasses import dataclass
from typing import ClassVar

from molopt.rules.base import Observation, Rule, zeros
from molopt.rules.momentum import MomentumState
from molopt.rules.state import Array


@dataclass(frozen=True)
class HeavyBall(Rule):
    r"""Polyak's momentum, undamped.

    .. math::
        m &\leftarrow b_1 m + g \\
        w &\leftarrow w - lr \, m

    On a constant slope it reaches 1 / (1 - b1) times the speed of gradient descent with the same lr: m becomes the sum
    of the gradients, where `Momentum` keeps their average.

    Parameters
    ----------
    lr : float
        Learning rate, A^2/eV in Cartesians; stable on a harmonic well of stiffness k for lr < 2 (1 + b1) / k.
    b1 : float
        Memory, in [0, 1). 0.9 is the usual choice.

    Notes
    -----
    Agrees with `torch.optim.SGD(momentum=b1)`; `optax.sgd(momentum=b1)` is the same.

    References
    ----------
    B. T. Polyak, Some methods of speeding up the convergence of iteration methods,
    USSR Comput. Math. Math. Phys. 4, 1 (1964).

    Examples
    --------
    >>> from molopt.rules import Observation
    >>> seen = Observation.single([1.0, -50.0])
    >>> rule = HeavyBall(lr=0.1)
    >>> _, state = rule.update(seen, rule.init(seen))
    >>> rule.update(seen, state)[0].round(6)
    array([-0.19,  9.5 ])
    """

    forgets: ClassVar = ("m",)

    lr: float
    b1: float = 0.9

    def init(self, seen: Observation) -> MomentumState:
        return zeros(MomentumState, seen)

    def update(self, seen: Observation, state: MomentumState) -> tuple[Array, MomentumState]:
        m = self.b1 * state.m + seen.gradient
        return -self.lr * m, MomentumState(m)
