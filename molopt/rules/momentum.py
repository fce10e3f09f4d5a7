"""Momentum in its averaged form: descent along the mean of the recent gradients."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from molopt.rules.base import Observation, Rule, zeros
from molopt.rules.state import Array, PerEntry


class MomentumState(NamedTuple):
    m: PerEntry  # (N,) memory of the gradient, eV/A


@dataclass(frozen=True)
class Momentum(Rule):
    r"""Gradient descent on the exponential average of the gradient.

    .. math::
        m &\leftarrow b_1 m + (1 - b_1) g \\
        w &\leftarrow w - lr \, m

    Gradients that change sign from step to step cancel in m, gradients that agree remain. On a constant slope this is
    no faster than gradient descent with the same lr; what it gains is that a harmonic well of stiffness k stays stable
    up to lr = 2 (1 + b1) / ((1 - b1) k), at b1 = 0.9 19 times further. `HeavyBall` is the undamped form: the same path
    at (1 - b1) times the lr.

    Parameters
    ----------
    lr : float
        Learning rate, A^2/eV in Cartesians.
    b1 : float
        Memory, in [0, 1): m averages over about 1 / (1 - b1) steps. 0.9 is the usual choice.

    Notes
    -----
    Agrees with `optax.ema(b1, debias=False)` followed by `optax.scale(-lr)`. `torch.optim.SGD` with dampening = b1 has
    the same equation, but starts with m = g in the place of m = (1 - b1) g.

    References
    ----------
    D. P. Kingma, J. Ba, Adam: a method for stochastic optimization, ICLR 2015, the first moment of algorithm 1; for
    the undamped form see `HeavyBall`.

    Examples
    --------
    >>> from molopt.rules import Observation
    >>> seen = Observation.single([1.0, -50.0])
    >>> rule = Momentum(lr=0.1)
    >>> displacement, state = rule.update(seen, rule.init(seen))
    >>> displacement.round(6)
    array([-0.01,  0.5 ])
    """

    forgets: ClassVar = ("m",)

    lr: float
    b1: float = 0.9

    def init(self, seen: Observation) -> MomentumState:
        return zeros(MomentumState, seen)

    def update(self, seen: Observation, state: MomentumState) -> tuple[Array, MomentumState]:
        m = self.b1 * state.m + (1 - self.b1) * seen.gradient
        return -self.lr * m, MomentumState(m)
