"""Prodigy: Adam that learns from its own path how far it has to go, so that no learning rate is chosen."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from molopt.rules.base import Observation, Rule, ratio, zeros
from molopt.rules.state import Array, PerEntry, PerSystem


class ProdigyState(NamedTuple):
    t: PerSystem  # (S,) updates so far
    d: PerSystem  # (S,) estimate of the distance to the minimum, largest entry; Angstrom
    r: PerSystem  # (S,) sum of weight x gradient . (way back to the first point), eV
    moved: PerEntry  # (N,) way from the first point, Angstrom
    m: PerEntry  # (N,) first moment of d g, eV
    v: PerEntry  # (N,) second moment of d g, eV^2
    s: PerEntry  # (N,) sum of weight x gradient, eV/A


@dataclass(frozen=True)
class Prodigy(Rule):
    r"""Adam whose learning rate is d, a lower bound on the distance to the minimum that grows as the run goes.

    .. math::
        m &\leftarrow b_1 m + (1 - b_1) \, d g \\
        v &\leftarrow b_2 v + (1 - b_2) \, d^2 g^2 \\
        r &\leftarrow \sqrt{b_2} \, r + lr \, d^2 \, g \cdot (w_0 - w) \\
        s &\leftarrow \sqrt{b_2} \, s + lr \, d^2 \, g \\
        d' &= \max(d, \; r / \lVert s \rVert_1) \\
        w &\leftarrow w - lr \, d \, \frac{m}{\sqrt{v} + d' \, eps}, \quad d \leftarrow d'

    Where the energy is convex, :math:`g \cdot (w - w_*) \ge 0` at every point, so that r is at most
    :math:`\lVert s \rVert_1 \max_i |w_{0,i} - w_{*,i}|`: their quotient is a lower bound on how far the entry with the
    longest way has to go. From any small start the bound grows by a factor a step as long as the gradients agree, and
    stops when the path bends back. Sums and norms run over one system.

    Parameters
    ----------
    lr : float
        Factor on the step, without a unit. 1, which is the method; all other rules need one that is found by trial.
    b1, b2 : float
        Memory of the two moments, in [0, 1); the sums forget with sqrt(b2). Defaults of the paper.
    eps : float
        Added to the root (eV/A). With 0 the path does not depend on the scale of the forces; 0/0 is then 0.
    d0 : float
        First estimate (Angstrom in Cartesians), smaller than any true distance: the authors' 1e-6, whose growth costs
        some twenty calls; `molopt.Prodigy` starts from 1e-3. The first step is d0 (1 - b1) / sqrt(1 - b2).
    correction : bool
        Multiply the step by sqrt(1 - b2^t) / (1 - b1^t), as `Adam` does. The paper does not.

    Notes
    -----
    Agrees with `prodigyopt.Prodigy` 1.1 and its defaults (d0 = 1e-6). `optax.contrib.prodigy` is the same with
    correction=True, its only mode. Both have d' beside eps, as here, where the paper has d; the paper also weighs both
    sums by 1 - sqrt(b2), which cancels.

    On molecules it does what Adam does with this memory at the best lr, without the search for one
    (docs/notes/relatives.md).

    The way from the first point is the sum of the displacements that really happened, so that caps and the rate of
    `Control` are seen. It stays when a step is rejected: the run is then still where it was.

    References
    ----------
    K. Mishchenko, A. Defazio, Prodigy: an expeditiously adaptive parameter-free learner, ICML 2024, arXiv:2306.06101,
    algorithm 4.

    Examples
    --------
    On an even slope d soon more than doubles in a step:

    >>> from molopt.rules import Observation
    >>> rule, taken, estimates = Prodigy(d0=1e-3), [0.0], []
    >>> state = rule.init(Observation.single([-1.0]))
    >>> for _ in range(5):
    ...     taken, state = rule.update(Observation.single([-1.0], taken), state)
    ...     estimates.append(round(float(state.d[0]), 4))
    >>> estimates
    [0.001, 0.0016, 0.0048, 0.0135, 0.0345]
    """

    forgets: ClassVar = ("m",)
    stays: ClassVar = ("moved",)
    ranges: ClassVar[dict[str, str]] = Rule.ranges | {"d0": "positive"}

    lr: float = 1.0
    b1: float = 0.9
    b2: float = 0.999
    eps: float = 1e-8
    d0: float = 1e-6
    correction: bool = False

    def init(self, seen: Observation) -> ProdigyState:
        start = zeros(ProdigyState, seen)
        return start._replace(d=start.d + self.d0)

    def update(self, seen: Observation, state: ProdigyState) -> tuple[Array, ProdigyState]:
        xp, g, systems = seen.xp, seen.gradient, seen.systems
        t = state.t + 1
        step = self.lr * state.d
        if self.correction:
            step = step * xp.sqrt(1 - self.b2**t) / (1 - self.b1**t)
        moved = state.moved + seen.taken
        dg = systems.spread(state.d) * g
        m = self.b1 * state.m + (1 - self.b1) * dg
        v = self.b2 * state.v + (1 - self.b2) * dg * dg
        weight = step * state.d / self.d0**2  # so that it starts at lr
        r = self.b2**0.5 * state.r - weight * systems.sum(g * moved)
        s = self.b2**0.5 * state.s + systems.spread(weight) * g
        bound = ratio(xp, r, systems.sum(xp.abs(s)))
        d = xp.maximum(state.d, bound)
        displacement = -systems.spread(step) * ratio(xp, m, xp.sqrt(v) + systems.spread(d) * self.eps)
        return displacement, ProdigyState(t, d, r, moved, m, v, s)
