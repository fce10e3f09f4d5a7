"""RMSProp: the gradient in units of its own recent size."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from molopt.rules.base import Observation, Rule, ratio, zeros
from molopt.rules.state import Array, PerEntry


class RMSPropState(NamedTuple):
    v: PerEntry  # (N,) second moment, (eV/A)^2


@dataclass(frozen=True)
class RMSProp(Rule):
    r"""Root mean square propagation.

    .. math::
        v &\leftarrow b_2 v + (1 - b_2) g^2 \\
        w &\leftarrow w - lr \, \frac{g}{\sqrt{v} + eps}

    Unlike `Adagrad` it forgets: after a steep start the rate of an entry grows e-fold in 2 / (1 - b2) steps, until it
    is that of its present gradients.

    Parameters
    ----------
    lr : float
        Learning rate (Angstrom in Cartesians): the step of an entry whose gradient stays the same. The first step
        is lr / sqrt(1 - b2), because v starts at zero and is not corrected for it.
    b2 : float
        Memory of the second moment, in [0, 1). The default is Hinton's 0.9: a relaxation is over in some hundred steps,
        so the steep start should be forgotten within some ten of them (after a hundredfold drop of the gradient half of
        the rate is there in 77, at 0.999 in 8100), and the first step is 3.2 lr (10 lr at 0.99).
    eps : float
        Added to the root (eV/A). With 0 the path does not depend on the scale of the forces; 0/0 is then 0.

    Notes
    -----
    Agrees with `torch.optim.RMSprop(alpha=b2)`, whose default alpha is 0.99. `optax.rmsprop` has eps inside the root
    unless eps_in_sqrt=False. `Adam` with b1 = 0 and correction=False is this rule.

    References
    ----------
    T. Tieleman, G. Hinton, Lecture 6.5: rmsprop, Neural Networks for Machine Learning, Coursera (2012).

    Examples
    --------
    >>> from molopt.rules import Observation
    >>> seen = Observation.single([1e-3, -50.0])
    >>> rule = RMSProp(lr=0.1)
    >>> rule.update(seen, rule.init(seen))[0].round(3)
    array([-0.316,  0.316])
    """

    forgets: ClassVar = ()

    lr: float
    b2: float = 0.9
    eps: float = 1e-8

    def init(self, seen: Observation) -> RMSPropState:
        return zeros(RMSPropState, seen)

    def update(self, seen: Observation, state: RMSPropState) -> tuple[Array, RMSPropState]:
        g = seen.gradient
        v = self.b2 * state.v + (1 - self.b2) * g * g
        return -self.lr * ratio(seen.xp, g, seen.xp.sqrt(v) + self.eps), RMSPropState(v)
