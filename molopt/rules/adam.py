"""Adam: momentum, and a step per entry in units of the gradient's recent size."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from molopt.rules.base import Observation, Rule, ratio, zeros
from molopt.rules.state import Array, PerEntry, PerSystem


class AdamState(NamedTuple):
    t: PerSystem  # (S,) updates so far
    m: PerEntry  # (N,) first moment, eV/A
    v: PerEntry  # (N,) second moment, (eV/A)^2


@dataclass(frozen=True)
class Adam(Rule):
    r"""Adaptive moment estimation.

    .. math::
        m &\leftarrow b_1 m + (1 - b_1) g \\
        v &\leftarrow b_2 v + (1 - b_2) g^2 \\
        w &\leftarrow w - lr \, \frac{m / (1 - b_1^t)}{\sqrt{v / (1 - b_2^t)} + eps}

    An entry moves by about lr a step, however large or small its gradient is: Adam does not slow down on a
    plateau, and does not settle at a minimum unless lr shrinks.

    Parameters
    ----------
    lr : float
        Learning rate: the length of the first step of each entry (Angstrom in Cartesians).
    b1, b2 : float
        Memory of the two moments, in [0, 1); defaults of the paper.
    eps : float
        Added to the root (eV/A). With 0 the path does not depend on the scale of the forces; 0/0 is then 0.
    correction : bool
        Divide the moments by 1 - b^t, so that their start at zero does not bias them.

    Notes
    -----
    There is no weight decay here, and no AdamW in molopt: decay pulls parameters to zero, and pulling atoms to the
    origin of space has no meaning.

    Agrees with `torch.optim.Adam` and its defaults. `optax.adam` is the same with `eps_root=0`, its default. With
    b1 = 0 and correction=False this is `RMSProp`.

    References
    ----------
    D. P. Kingma, J. Ba, Adam: a method for stochastic optimization, ICLR 2015, algorithm 1.

    Examples
    --------
    >>> from molopt.rules import Observation
    >>> seen = Observation.single([1e-3, -50.0])
    >>> rule = Adam(lr=0.1)
    >>> displacement, state = rule.update(seen, rule.init(seen))
    >>> displacement.round(6)
    array([-0.099999,  0.1     ])
    """

    forgets: ClassVar = ("m",)

    lr: float
    b1: float = 0.9
    b2: float = 0.999
    eps: float = 1e-8
    correction: bool = True

    def init(self, seen: Observation) -> AdamState:
        return zeros(AdamState, seen)

    def update(self, seen: Observation, state: AdamState) -> tuple[Array, AdamState]:
        xp, g = seen.xp, seen.gradient
        t = state.t + 1
        m = self.b1 * state.m + (1 - self.b1) * g
        v = self.b2 * state.v + (1 - self.b2) * g * g
        state = AdamState(t, m, v)
        if self.correction:
            m = m / seen.systems.spread(1 - self.b1**t)
            v = v / seen.systems.spread(1 - self.b2**t)
        return -self.lr * ratio(xp, m, xp.sqrt(v) + self.eps), state
