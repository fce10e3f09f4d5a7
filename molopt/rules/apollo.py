"""Apollo: momentum divided by a diagonal curvature learned from the steps taken."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from molopt.rules.base import Observation, Rule, ratio, zeros
from molopt.rules.state import Array, PerEntry, PerSystem


class ApolloState(NamedTuple):
    t: PerSystem  # (S,) updates so far
    m: PerEntry  # (N,) mean gradient, without bias, eV/A
    B: PerEntry  # (N,) lr times the stiffness, no unit


@dataclass(frozen=True)
class Apollo(Rule):
    r"""Adaptive parameter-wise diagonal quasi-Newton method.

    .. math::
        m' &= \frac{b_1 (1 - b_1^{t-1}) \, m + (1 - b_1) \, g}{1 - b_1^t} \\
        \alpha &= \frac{d \cdot (m' - m) + d \cdot B d}{(\lVert d \rVert_4 + eps)^4} \\
        B &\leftarrow B - \alpha \, d^2 \\
        w &\leftarrow w - lr \, m' / \max(|B|, sigma)

    Here d = -taken / lr is the paper's last direction: B learns from the step that was really taken, so a capped step
    teaches what it should and a rejected one (taken = 0) leaves B as it was. The dot products run over one system. B is
    lr times the stiffness, so that a direction known to be stiff takes a Newton step whatever lr is, and lr only counts
    where `|B|` is below sigma.

    Parameters
    ----------
    lr : float
        Learning rate, A^2/eV in Cartesians: the step per gradient where nothing is known yet.
    b1 : float
        Memory of the mean gradient, in [0, 1); default of the paper.
    eps : float
        Keeps the division safe when the last step was short (A per lr); default of the paper.
    sigma : float
        Smallest curvature believed, positive. Only lr / sigma matters (eps apart), so it stays at 1, as in the author's
        implementation, and lr is what is chosen.

    Notes
    -----
    Neither torch nor optax has Apollo; it is checked against the equations. The paper warms lr up over the first steps,
    because B starts at zero; here the cap of the optimizer does that.

    References
    ----------
    X. Ma, Apollo: an adaptive parameter-wise diagonal quasi-Newton method for nonconvex stochastic optimization,
    arXiv:2009.13586 (2020), algorithm 1.

    Examples
    --------
    In a well of stiffness 4 the second step, without memory, is Newton's: from -1 to the bottom.

    >>> from molopt.rules import Observation
    >>> rule = Apollo(lr=0.5, b1=0, eps=0)
    >>> seen = Observation.single([4.0])
    >>> displacement, state = rule.update(seen, rule.init(seen))
    >>> displacement, state = rule.update(Observation.single([4.0 + 4 * displacement[0]], displacement), state)
    >>> displacement
    array([1.])
    """

    forgets: ClassVar = ("m",)
    ranges: ClassVar[dict[str, str]] = Rule.ranges | {"sigma": "positive"}

    lr: float
    b1: float = 0.9
    eps: float = 1e-4
    sigma: float = 1.0

    def init(self, seen: Observation) -> ApolloState:
        return zeros(ApolloState, seen)

    def update(self, seen: Observation, state: ApolloState) -> tuple[Array, ApolloState]:
        xp, systems = seen.xp, seen.systems
        t = state.t + 1
        bias = 1 - self.b1**t
        kept = self.b1 * (1 - self.b1**state.t) / bias
        m = systems.spread(kept) * state.m + systems.spread((1 - self.b1) / bias) * seen.gradient
        d = -seen.taken / self.lr
        d2 = d * d
        size = xp.sqrt(xp.sqrt(systems.sum(d2 * d2))) + self.eps
        alpha = ratio(xp, systems.sum(d * (m - state.m) + state.B * d2), size**4)
        B = state.B - systems.spread(alpha) * d2
        return -self.lr * m / xp.clip(xp.abs(B), self.sigma, None), ApolloState(t, m, B)
