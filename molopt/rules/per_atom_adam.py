"""Adam with one scale an atom: the same path however the molecule is turned."""

from dataclasses import dataclass
from typing import ClassVar

from molopt.rules.adam import AdamState
from molopt.rules.base import Observation, Rule, ratio, zeros
from molopt.rules.state import Array


@dataclass(frozen=True)
class PerAtomAdam(Rule):
    r"""Adam whose second moment is that of the length of an atom's gradient.

    .. math::
        m &\leftarrow b_1 m + (1 - b_1) g \\
        v_a &\leftarrow b_2 v_a + (1 - b_2) \sum_{i \in a} g_i^2 \\
        w_i &\leftarrow w_i - lr \, \frac{m_i / (1 - b_1^t)}{\sqrt{v_a / (1 - b_2^t)} + eps}, \quad i \in a

    `Adam` rescales x, y and z by themselves, so that its path depends on how the molecule lies in space. Here an atom
    moves in the direction of its own mean gradient, and a rotation of the molecule rotates the path.

    Parameters
    ----------
    lr : float
        Learning rate: the length of the first step of each atom (Angstrom in Cartesians).
    b1, b2 : float
        Memory of the two moments, in [0, 1); those of `Adam`.
    eps : float
        Added to the root (eV/A). With 0, an atom that never had a gradient (0/0) stays where it is.
    correction : bool
        Divide the moments by 1 - b^t, so that their start at zero does not bias them.

    Notes
    -----
    An atom is a group of the observation, `seen.groups`: where each entry is a group by itself this is `Adam`. The
    state keeps v_a at each entry of its atom. Neither torch nor optax has this rule; it is checked against its
    equations.

    References
    ----------
    D. P. Kingma, J. Ba, Adam: a method for stochastic optimization, ICLR 2015, algorithm 1, with the square of the
    norm in the place of the square.

    Examples
    --------
    >>> from molopt.rules import Observation
    >>> seen = Observation.single([3.0, 4.0, 0.0, 0.0, 0.0, 0.0], group=3)
    >>> rule = PerAtomAdam(lr=0.1, eps=0)
    >>> rule.update(seen, rule.init(seen))[0].round(6) + 0.0
    array([-0.06, -0.08,  0.  ,  0.  ,  0.  ,  0.  ])
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
        g, groups = seen.gradient, seen.groups
        t = state.t + 1
        m = self.b1 * state.m + (1 - self.b1) * g
        v = self.b2 * state.v + (1 - self.b2) * groups.spread(groups.sum(g * g))
        state = AdamState(t, m, v)
        if self.correction:
            m = m / seen.systems.spread(1 - self.b1**t)
            v = v / seen.systems.spread(1 - self.b2**t)
        return -self.lr * ratio(seen.xp, m, seen.xp.sqrt(v) + self.eps), state
