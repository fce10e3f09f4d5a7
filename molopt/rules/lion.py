"""Lion: the sign of the momentum, and nothing of its size."""

from dataclasses import dataclass
from typing import ClassVar

from molopt.rules.base import Observation, Rule, zeros
from molopt.rules.momentum import MomentumState
from molopt.rules.state import Array


@dataclass(frozen=True)
class Lion(Rule):
    r"""Evolved sign momentum.

    .. math::
        w &\leftarrow w - lr \, \mathrm{sign}(b_1 m + (1 - b_1) g) \\
        m &\leftarrow b_2 m + (1 - b_2) g

    Every entry moves by exactly lr, or not at all where the sum is zero: it does not slow down near a minimum.

    Parameters
    ----------
    lr : float
        Learning rate: the length of every step of each entry (Angstrom in Cartesians).
    b1 : float
        Weight of the memory against the gradient in the step, in [0, 1).
    b2 : float
        Memory, in [0, 1); longer than b1 says, so that the present gradient counts more in the step than in the memory.
        Both defaults are the paper's.

    Notes
    -----
    Agrees with `optax.lion(weight_decay=0)`; its default decay of 1e-3, and that of the paper, has no meaning for
    atoms. torch has no Lion.

    References
    ----------
    X. Chen et al., Symbolic discovery of optimization algorithms, NeurIPS 2023, algorithm 2.

    Examples
    --------
    >>> from molopt.rules import Observation
    >>> seen = Observation.single([1e-3, -50.0])
    >>> rule = Lion(lr=0.1)
    >>> rule.update(seen, rule.init(seen))[0]
    array([-0.1,  0.1])
    """

    forgets: ClassVar = ("m",)

    lr: float
    b1: float = 0.9
    b2: float = 0.99

    def init(self, seen: Observation) -> MomentumState:
        return zeros(MomentumState, seen)

    def update(self, seen: Observation, state: MomentumState) -> tuple[Array, MomentumState]:
        g = seen.gradient
        sign = seen.xp.sign(self.b1 * state.m + (1 - self.b1) * g)
        return -self.lr * sign, MomentumState(self.b2 * state.m + (1 - self.b2) * g)
