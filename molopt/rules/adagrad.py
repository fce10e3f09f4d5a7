"""Adagrad: a rate per entry that falls with every gradient seen."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from molopt.rules.base import Observation, Rule, ratio, zeros
from molopt.rules.state import Array, PerEntry


class AdagradState(NamedTuple):
    total: PerEntry  # (N,) sum of the squared gradients, (eV/A)^2


@dataclass(frozen=True)
class Adagrad(Rule):
    r"""Adaptive gradient.

    .. math::
        s &\leftarrow s + g^2 \\
        w &\leftarrow w - lr \, \frac{g}{\sqrt{s} + eps}

    The sum never forgets: one steep start keeps the rate of an entry small for ever. `RMSProp` averages instead.

    Parameters
    ----------
    lr : float
        Learning rate: the length of the first step of each entry (Angstrom in Cartesians).
    eps : float
        Added to the root (eV/A); small, because nothing but the first division needs it. With 0, 0/0 is 0.

    Notes
    -----
    Agrees with `torch.optim.Adagrad` and its defaults. `optax.adagrad` starts the sum at 0.1 and has eps inside the
    root, 1e-7.

    References
    ----------
    J. Duchi, E. Hazan, Y. Singer, Adaptive subgradient methods for online learning and stochastic optimization,
    J. Mach. Learn. Res. 12, 2121 (2011), with the diagonal matrix.

    Examples
    --------
    >>> from molopt.rules import Observation
    >>> seen = Observation.single([1e-3, -50.0])
    >>> rule = Adagrad(lr=0.1)
    >>> _, state = rule.update(seen, rule.init(seen))
    >>> rule.update(seen, state)[0].round(6)
    array([-0.070711,  0.070711])
    """

    forgets: ClassVar = ()

    lr: float
    eps: float = 1e-10

    def init(self, seen: Observation) -> AdagradState:
        return zeros(AdagradState, seen)

    def update(self, seen: Observation, state: AdagradState) -> tuple[Array, AdagradState]:
        total = state.total + seen.gradient * seen.gradient
        return -self.lr * ratio(seen.xp, seen.gradient, seen.xp.sqrt(total) + self.eps), AdagradState(total)
