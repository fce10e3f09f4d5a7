"""NAdam: Adam with Nesterov's look ahead."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from molopt.rules.base import Observation, Rule, ratio, zeros
from molopt.rules.state import Array, PerEntry, PerSystem


class NAdamState(NamedTuple):
    t: PerSystem  # (S,) updates so far
    product: PerSystem  # (S,) product of the momenta mu so far
    m: PerEntry  # (N,) first moment, eV/A
    v: PerEntry  # (N,) second moment, (eV/A)^2


@dataclass(frozen=True)
class NAdam(Rule):
    r"""Adam with Nesterov's momentum and Dozat's schedule of it.

    .. math::
        mu_t &= b_1 (1 - 0.96^{t \, decay} / 2), \quad p_t = p_{t-1} \, mu_t \\
        m &\leftarrow b_1 m + (1 - b_1) g \\
        v &\leftarrow b_2 v + (1 - b_2) g^2 \\
        w &\leftarrow w - lr \, \frac{(1 - mu_t) \, g / (1 - p_t) + mu_{t+1} \, m / (1 - p_t mu_{t+1})}
                                      {\sqrt{v / (1 - b_2^t)} + eps}

    Parameters
    ----------
    lr : float
        Learning rate (Angstrom in Cartesians): about the length of a step of each entry.
    b1, b2 : float
        Memory of the two moments, in [0, 1); those of `Adam`.
    eps : float
        Added to the root (eV/A). With 0 the path does not depend on the scale of the forces; 0/0 is then 0.
    momentum_decay : float
        How fast the momentum rises from b1 / 2 to b1 (0: stays at b1 / 2). 0.004 is Dozat's, made for some hundred
        thousand updates; 1 is there after fifty.

    Notes
    -----
    With Dozat's schedule NAdam rings on molecules. Where the gradient of a stiff vibration changes its sign at every
    call, the mean m all but vanishes and g does not: the entry swings to both sides, whatever its stiffness, by

    .. math:: lr \, \left(1 - mu + mu \frac{1 - b_1}{1 + b_1}\right) / 2,

    which is 0.29 to 0.26 lr in the first thousand updates, where mu is near b1 / 2; Adam's swing is 0.026 lr. A control
    then has to shrink the rate tenfold before the forces can fall, and what is soft no longer moves. With mu near b1
    it is 0.074 lr, and with b1 = 0.97 as well 0.022 lr: the defaults of `molopt.NAdam` in Cartesians are momentum_decay
    1 and b1 0.97 (docs/benchmarks/ringing.py).

    Agrees with `torch.optim.NAdam` and its defaults. Dozat writes m with mu_t in the place of b1 as well. `optax.nadam`
    has no schedule: mu = b1 throughout.

    References
    ----------
    T. Dozat, Incorporating Nesterov momentum into Adam, ICLR 2016 workshop.

    Examples
    --------
    >>> from molopt.rules import Observation
    >>> seen = Observation.single([1e-3, -50.0])
    >>> rule = NAdam(lr=0.1)
    >>> rule.update(seen, rule.init(seen))[0].round(4)
    array([-0.1056,  0.1056])
    """

    forgets: ClassVar = ("m",)
    ranges: ClassVar[dict[str, str]] = Rule.ranges | {"momentum_decay": "natural"}

    lr: float
    b1: float = 0.9
    b2: float = 0.999
    eps: float = 1e-8
    momentum_decay: float = 4e-3

    def init(self, seen: Observation) -> NAdamState:
        start = zeros(NAdamState, seen)
        return start._replace(product=start.product + 1)

    def update(self, seen: Observation, state: NAdamState) -> tuple[Array, NAdamState]:
        xp, g, spread = seen.xp, seen.gradient, seen.systems.spread
        t = state.t + 1
        now, ahead = self._momentum(t), self._momentum(t + 1)
        product = state.product * now
        m = self.b1 * state.m + (1 - self.b1) * g
        v = self.b2 * state.v + (1 - self.b2) * g * g
        mean = spread((1 - now) / (1 - product)) * g + spread(ahead / (1 - product * ahead)) * m
        root = xp.sqrt(v / spread(1 - self.b2**t))
        return -self.lr * ratio(xp, mean, root + self.eps), NAdamState(t, product, m, v)

    def _momentum(self, t: Array) -> Array:
        return self.b1 * (1 - 0.5 * 0.96 ** (t * self.momentum_decay))
