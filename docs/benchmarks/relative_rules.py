"""Rules of recent papers, each as far as a molecule needs it: one system, no weight decay, no schedules of lr.

They are written to be measured, by `relatives.py`, and are no part of the package. A matrix of a network is here the
gradient as atoms x 3 in Cartesians, and one column in internal coordinates, where entries do not belong together.
"""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from molopt.rules import Observation, PerEntry, PerSystem, Prodigy, Rule
from molopt.rules.base import ratio, zeros
from molopt.rules.prodigy import ProdigyState
from molopt.rules.state import Array


class ScheduleFreeState(NamedTuple):
    t: PerSystem
    v: PerEntry  # second moment
    ahead: PerEntry  # z - y: where the steps go, from where the gradient is
    mean: PerEntry  # x - y: the mean of all z, from there
    step_ahead: PerEntry  # what the last proposal would do to z
    step_mean: PerEntry  # to x
    proposed: PerEntry  # and to y


@dataclass(frozen=True)
class ScheduleFree(Rule):
    r"""The gradient is taken between the steps z and their mean x, which replaces a decaying rate.

    .. math:: y = (1 - b_1) z + b_1 x, \quad z \leftarrow z - lr \, g(y) / (\sqrt{\hat v} + eps), \quad
        x \leftarrow (1 - 1/t) \, x + z / t

    What a control takes of y's step it takes of those of z and x. `scaled=False` is the version of gradient descent.
    A. Defazio et al., The road less scheduled, NeurIPS 2024, arXiv:2405.15682.
    """

    forgets: ClassVar = ("ahead", "mean", "step_ahead", "step_mean", "proposed")

    lr: float
    b1: float = 0.9
    b2: float = 0.999
    eps: float = 1e-8
    scaled: bool = True

    def init(self, seen: Observation) -> ScheduleFreeState:
        return zeros(ScheduleFreeState, seen)

    def update(self, seen: Observation, state: ScheduleFreeState) -> tuple[Array, ScheduleFreeState]:
        g, t = seen.gradient, state.t + 1
        size = float(state.proposed @ state.proposed)
        share = float(seen.taken @ state.proposed) / size if size else 0.0
        ahead = state.ahead + share * (state.step_ahead - state.proposed)
        mean = state.mean + share * (state.step_mean - state.proposed)
        v = self.b2 * state.v + (1 - self.b2) * g * g
        root = np.sqrt(v / (1 - self.b2**t)) + self.eps if self.scaled else 1.0
        step_ahead = -self.lr * g / root
        step_mean = (ahead + step_ahead - mean) / t
        proposed = (1 - self.b1) * (ahead + step_ahead) + self.b1 * (mean + step_mean)
        return proposed, ScheduleFreeState(t, v, ahead, mean, step_ahead, step_mean, proposed)


class MomentsState(NamedTuple):
    t: PerSystem
    m: PerEntry
    v: PerEntry


@dataclass(frozen=True)
class Adopt(Rule):
    r"""Adam whose step is scaled by the second moment before the present gradient, and then averaged.

    .. math:: m \leftarrow b_1 m + (1 - b_1) \, \mathrm{clip}(g / \max(\sqrt v, eps), t^{1/4}), \quad
        w \leftarrow w - lr \, m, \quad v \leftarrow b_2 v + (1 - b_2) g^2

    The first gradient only starts v. S. Taniguchi et al., ADOPT, NeurIPS 2024, arXiv:2411.02853.
    """

    forgets: ClassVar = ("m",)

    lr: float
    b1: float = 0.9
    b2: float = 0.9999
    eps: float = 1e-6

    def init(self, seen: Observation) -> MomentsState:
        return zeros(MomentsState, seen)

    def update(self, seen: Observation, state: MomentsState) -> tuple[Array, MomentsState]:
        g, t = seen.gradient, state.t
        if not t[0]:
            return np.zeros_like(g), MomentsState(t + 1, state.m, g * g)
        limit = float(t[0]) ** 0.25
        m = self.b1 * state.m + (1 - self.b1) * np.clip(g / np.maximum(np.sqrt(state.v), self.eps), -limit, limit)
        return -self.lr * m, MomentsState(t + 1, m, self.b2 * state.v + (1 - self.b2) * g * g)


class AdanState(NamedTuple):
    t: PerSystem
    m: PerEntry  # mean gradient
    change: PerEntry  # mean change of it
    v: PerEntry  # second moment of the gradient ahead
    last: PerEntry  # the gradient before


@dataclass(frozen=True)
class Adan(Rule):
    r"""Adam with Nesterov's look ahead by the mean difference of successive gradients.

    .. math:: m \leftarrow b_1 m + (1 - b_1) g, \quad c \leftarrow b_2 c + (1 - b_2)(g - g'), \quad
        v \leftarrow b_3 v + (1 - b_3)(g + b_2 (g - g'))^2, \quad
        w \leftarrow w - lr \, (\hat m + b_2 \hat c) / (\sqrt{\hat v} + eps)

    X. Xie et al., Adan, TPAMI 2024, arXiv:2208.06677.
    """

    forgets: ClassVar = ("m", "change")
    ranges: ClassVar[dict[str, str]] = Rule.ranges | {"b3": "unit"}

    lr: float
    b1: float = 0.98
    b2: float = 0.92
    b3: float = 0.99
    eps: float = 1e-8

    def init(self, seen: Observation) -> AdanState:
        return zeros(AdanState, seen)

    def update(self, seen: Observation, state: AdanState) -> tuple[Array, AdanState]:
        g, t = seen.gradient, state.t + 1
        d = g - state.last if state.t[0] else np.zeros_like(g)
        m = self.b1 * state.m + (1 - self.b1) * g
        change = self.b2 * state.change + (1 - self.b2) * d
        v = self.b3 * state.v + (1 - self.b3) * (g + self.b2 * d) ** 2
        mean = m / (1 - self.b1**t) + self.b2 * change / (1 - self.b2**t)
        root = np.sqrt(v / (1 - self.b3**t)) + self.eps
        return -self.lr * ratio(np, mean, root), AdanState(t, m, change, v, g)


class MomentumState(NamedTuple):
    m: PerEntry


@dataclass(frozen=True)
class Muon(Rule):
    r"""Momentum, made orthogonal: all its singular values become one.

    .. math:: m \leftarrow b_1 m + g, \quad U S V^T = b_1 m + g, \quad w \leftarrow w - lr \sqrt{n} \, U V^T

    for n x 3 entries; the root makes lr the root mean square of an entry's step, as in Adam. The singular values are
    computed, where networks use five steps of Newton and Schulz. Of one column it is the normalised momentum.
    K. Jordan et al., Muon (2024), kellerjordan.github.io/posts/muon.
    """

    forgets: ClassVar = ("m",)

    lr: float
    b1: float = 0.95

    def init(self, seen: Observation) -> MomentumState:
        return zeros(MomentumState, seen)

    def update(self, seen: Observation, state: MomentumState) -> tuple[Array, MomentumState]:
        m = self.b1 * state.m + seen.gradient
        matrix = (self.b1 * m + seen.gradient).reshape(seen.groups.count, -1)
        u, _, v = np.linalg.svd(matrix, full_matrices=False)
        return -self.lr * np.sqrt(len(matrix)) * (u @ v).ravel(), MomentumState(m)


class SoapState(NamedTuple):
    t: PerSystem
    m: PerEntry  # first moment, in the coordinates of the molecule
    v: PerEntry  # second moment, in the eigenbasis
    left: PerSystem  # (n, n) mean of G G^T, of the one system that there is
    right: PerSystem  # (k, k) mean of G^T G
    rows: PerSystem  # (n, n) eigenvectors of left
    columns: PerSystem  # (k, k) of right


@dataclass(frozen=True)
class Soap(Rule):
    r"""Adam in the eigenbasis of Shampoo's preconditioner.

    .. math:: L \leftarrow b_2 L + (1 - b_2) G G^T, \quad R \leftarrow b_2 R + (1 - b_2) G^T G, \quad
        G' = Q_L^T G Q_R, \quad
        W \leftarrow W - lr \, Q_L \frac{\hat M'}{\sqrt{\hat V} + eps} Q_R^T

    The eigenvectors follow by one orthogonal iteration every `every` updates. N. Vyas et al., SOAP, ICLR 2025,
    arXiv:2409.11321.
    """

    forgets: ClassVar = ("m",)

    lr: float
    b1: float = 0.95
    b2: float = 0.95
    eps: float = 1e-8
    every: int = 10

    def init(self, seen: Observation) -> SoapState:
        n = seen.groups.count
        k = len(seen.gradient) // n
        start = zeros(MomentsState, seen)
        return SoapState(*start, np.zeros((n, n)), np.zeros((k, k)), np.eye(n), np.eye(k))

    def update(self, seen: Observation, state: SoapState) -> tuple[Array, SoapState]:
        if len(state.left) != seen.groups.count:  # the coordinates were rebuilt
            state = self.init(seen)
        t = state.t + 1
        gradient = seen.gradient.reshape(seen.groups.count, -1)
        left = self.b2 * state.left + (1 - self.b2) * gradient @ gradient.T
        right = self.b2 * state.right + (1 - self.b2) * gradient.T @ gradient
        rows, columns = state.rows, state.columns
        if t[0] == 1:
            rows, columns = (np.linalg.eigh(matrix)[1][:, ::-1] for matrix in (left, right))
        elif t[0] % self.every == 0:
            rows, columns = np.linalg.qr(left @ rows)[0], np.linalg.qr(right @ columns)[0]
        m = self.b1 * state.m + (1 - self.b1) * seen.gradient
        v = self.b2 * state.v + (1 - self.b2) * (rows.T @ gradient @ columns).ravel() ** 2
        mean = (rows.T @ m.reshape(gradient.shape) @ columns).ravel() / (1 - self.b1**t)
        scaled = ratio(np, mean, np.sqrt(v / (1 - self.b2**t)) + self.eps)
        step = rows @ scaled.reshape(gradient.shape) @ columns.T
        return -self.lr * step.ravel(), SoapState(t, m, v, left, right, rows, columns)


class AdemamixState(NamedTuple):
    t: PerSystem
    m: PerEntry
    slow: PerEntry  # the long memory
    v: PerEntry


@dataclass(frozen=True)
class Ademamix(Rule):
    r"""Adam with a second, very long memory: the step is (m^ + alpha slow) / (sqrt(v^) + eps).

    M. Pagliardini et al., The AdEMAMix optimizer, ICLR 2025, arXiv:2409.03137, without its warm-ups.
    """

    forgets: ClassVar = ("m", "slow")
    ranges: ClassVar[dict[str, str]] = Rule.ranges | {"b3": "unit", "alpha": "natural"}

    lr: float
    b1: float = 0.9
    b2: float = 0.999
    b3: float = 0.9999
    alpha: float = 5.0
    eps: float = 1e-8

    def init(self, seen: Observation) -> AdemamixState:
        return zeros(AdemamixState, seen)

    def update(self, seen: Observation, state: AdemamixState) -> tuple[Array, AdemamixState]:
        g, t = seen.gradient, state.t + 1
        m = self.b1 * state.m + (1 - self.b1) * g
        slow = self.b3 * state.slow + (1 - self.b3) * g
        v = self.b2 * state.v + (1 - self.b2) * g * g
        root = np.sqrt(v / (1 - self.b2**t)) + self.eps
        return -self.lr * ratio(np, m / (1 - self.b1**t) + self.alpha * slow, root), AdemamixState(t, m, slow, v)


class DistanceState(NamedTuple):
    moved: PerEntry  # way from the first point
    farthest: PerSystem  # largest length of it so far
    weighted: PerSystem  # sum of farthest^2 |g|^2


@dataclass(frozen=True)
class Dowg(Rule):
    r"""Gradient descent without a learning rate, by the distance come so far.

    .. math:: r = \max_k |w_k - w_0|, \quad s \leftarrow s + r^2 |g|^2, \quad w \leftarrow w - lr \, r^2 g / \sqrt{s}

    A. Khaled et al., DoWG unleashed, NeurIPS 2023, arXiv:2305.16284; lr = 1 is the method.
    """

    forgets: ClassVar = ()
    stays: ClassVar = ("moved", "farthest")

    lr: float = 1.0
    d0: float = 1e-2

    def init(self, seen: Observation) -> DistanceState:
        start = zeros(DistanceState, seen)
        return start._replace(farthest=start.farthest + self.d0)

    def update(self, seen: Observation, state: DistanceState) -> tuple[Array, DistanceState]:
        g, moved = seen.gradient, state.moved + seen.taken
        farthest = np.maximum(state.farthest, np.linalg.norm(moved))
        weighted = state.weighted + farthest**2 * (g @ g)
        return -self.lr * ratio(np, farthest**2, np.sqrt(weighted)) * g, DistanceState(moved, farthest, weighted)


@dataclass(frozen=True)
class FrozenProdigy(Prodigy):
    """Prodigy whose estimate stays as it is after so many updates: what its later growth does."""

    free: int = 30

    def update(self, seen: Observation, state: ProdigyState) -> tuple[Array, ProdigyState]:
        step, after = super().update(seen, state)
        return step, after if state.t[0] < self.free else after._replace(d=state.d)
