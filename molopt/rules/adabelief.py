"""AdaBelief: large steps where the gradient is as foreseen, small ones where it surprises."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from molopt.rules.base import Observation, Rule, ratio, zeros
from molopt.rules.state import Array, PerEntry, PerSystem


class AdaBeliefState(NamedTuple):
    t: PerSystem  # (S,) updates so far
    m: PerEntry  # (N,) first moment, eV/A
    s: PerEntry  # (N,) second moment of the surprise g - m, (eV/A)^2


@dataclass(frozen=True)
class AdaBelief(Rule):
    r"""Adam with the variance of the gradient in the place of its square.

    .. math::
        m &\leftarrow b_1 m + (1 - b_1) g \\
        s &\leftarrow b_2 s + (1 - b_2) (g - m)^2 + eps \\
        w &\leftarrow w - lr \, \frac{m / (1 - b_1^t)}{\sqrt{s / (1 - b_2^t)} + eps}

    On a long even slope s fades and the steps grow without bound: what bounds them is the cap of the optimizer.

    Parameters
    ----------
    lr : float
        Learning rate (Angstrom in Cartesians); the first step of each entry is lr / b1.
    b1, b2 : float
        Memory of the two moments, in [0, 1); those of `Adam`. With b1 = 0 nothing ever surprises: s is eps alone.
    eps : float
        Added to s at each update ((eV/A)^2) and to the root (eV/A), one number for both as in the paper.

    Notes
    -----
    Agrees with `optax.adabelief(eps=eps, eps_root=eps)` and its defaults, from optax 0.2.4 on; before, the surprise was
    taken against the previous m. torch has no AdaBelief.

    References
    ----------
    J. Zhuang et al., AdaBelief optimizer: adapting stepsizes by the belief in observed gradients, NeurIPS 2020,
    algorithm 2.

    Examples
    --------
    >>> from molopt.rules import Observation
    >>> seen = Observation.single([1e-3, -50.0])
    >>> rule = AdaBelief(lr=0.09)
    >>> rule.update(seen, rule.init(seen))[0].round(6)
    array([-0.1,  0.1])
    """

    forgets: ClassVar = ("m",)

    lr: float
    b1: float = 0.9
    b2: float = 0.999
    eps: float = 1e-16

    def init(self, seen: Observation) -> AdaBeliefState:
        return zeros(AdaBeliefState, seen)

    def update(self, seen: Observation, state: AdaBeliefState) -> tuple[Array, AdaBeliefState]:
        xp, g, spread = seen.xp, seen.gradient, seen.systems.spread
        t = state.t + 1
        m = self.b1 * state.m + (1 - self.b1) * g
        s = self.b2 * state.s + (1 - self.b2) * (g - m) * (g - m) + self.eps
        mean = m / spread(1 - self.b1**t)
        root = xp.sqrt(s / spread(1 - self.b2**t))
        return -self.lr * ratio(xp, mean, root + self.eps), AdaBeliefState(t, m, s)
