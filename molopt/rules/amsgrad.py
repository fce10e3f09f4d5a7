"""AMSGrad: Adam whose scale per entry never shrinks."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from molopt.rules.base import Observation, Rule, ratio, zeros
from molopt.rules.state import Array, PerEntry, PerSystem


class AMSGradState(NamedTuple):
    t: PerSystem  # (S,) updates so far
    m: PerEntry  # (N,) first moment, eV/A
    v: PerEntry  # (N,) second moment, (eV/A)^2
    largest: PerEntry  # (N,) largest second moment so far, (eV/A)^2


@dataclass(frozen=True)
class AMSGrad(Rule):
    r"""Adam with the largest second moment so far.

    .. math::
        m &\leftarrow b_1 m + (1 - b_1) g \\
        v &\leftarrow b_2 v + (1 - b_2) g^2 \\
        u &\leftarrow \max(u, v) \\
        w &\leftarrow w - lr \, \frac{m / (1 - b_1^t)}{\sqrt{u / (1 - b_2^t)} + eps}

    The rate of an entry cannot rise again when its gradients get small. On molecules that means: what was steep at the
    start moves slowly for ever, as with `Adagrad`.

    Parameters
    ----------
    lr : float
        Learning rate: the length of the first step of each entry (Angstrom in Cartesians).
    b1, b2 : float
        Memory of the two moments, in [0, 1); those of `Adam`.
    eps : float
        Added to the root (eV/A). With 0, 0/0 is 0.
    correction : bool
        Divide m and u by 1 - b^t. The paper does not (False); the libraries do.

    Notes
    -----
    Agrees with `torch.optim.Adam(amsgrad=True)`: the maximum is taken before the correction. `optax.amsgrad` takes it
    after, of v / (1 - b2^t), unless told otherwise, and so never forgets the first gradients.

    References
    ----------
    S. J. Reddi, S. Kale, S. Kumar, On the convergence of Adam and beyond, ICLR 2018, algorithm 2.

    Examples
    --------
    >>> from molopt.rules import Observation
    >>> seen = Observation.single([1e-3, -50.0])
    >>> rule = AMSGrad(lr=0.1)
    >>> rule.update(seen, rule.init(seen))[0].round(6)
    array([-0.099999,  0.1     ])
    """

    forgets: ClassVar = ("m",)

    lr: float
    b1: float = 0.9
    b2: float = 0.999
    eps: float = 1e-8
    correction: bool = True

    def init(self, seen: Observation) -> AMSGradState:
        return zeros(AMSGradState, seen)

    def update(self, seen: Observation, state: AMSGradState) -> tuple[Array, AMSGradState]:
        xp, g = seen.xp, seen.gradient
        t = state.t + 1
        m = self.b1 * state.m + (1 - self.b1) * g
        v = self.b2 * state.v + (1 - self.b2) * g * g
        largest = xp.maximum(state.largest, v)
        state = AMSGradState(t, m, v, largest)
        if self.correction:
            m = m / seen.systems.spread(1 - self.b1**t)
            largest = largest / seen.systems.spread(1 - self.b2**t)
        return -self.lr * ratio(xp, m, xp.sqrt(largest) + self.eps), state
