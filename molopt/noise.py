"""Noise in the forces: how much of the energy left it makes, and how a run notices that nothing else is left."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from molopt.coordinates.linearization import Linearized
from molopt.rules.partition import Array

LAST = 20  # force calls whose jumps say how large the noise is
ENOUGH = 4  # of them, before anything is said
SHORTEST, LONGEST = 16, 64  # force calls over which a run must have come to rest; tuned: docs/how/energy_left.md
LATEST = 4  # a run has come to rest over the last fourth of its force calls, or not at all
REACHED = 1.0  # of the floor: at the minimum itself noise makes as much as this on average
INCOHERENT = 0.5  # correlation of the forces of successive calls, below which they are not a slope
NEGLIGIBLE = 1e-6  # eV/A
CONTRADICTED = 0.3  # part of the work that energies do not show
FALLS = 1.64  # standard errors: noise alone falls so far in one window of twenty
AGREE = 2.0  # standard errors: and agrees so far in one of forty
KEPT = ("x", "gradient", "energy")  # of a call, in a restart file
PROBES = 24  # random vectors for the trace of a large matrix


@dataclass(frozen=True, eq=False)
class Call:
    x: Array  # (N,) Angstrom
    gradient: Array  # (N,) eV/A
    energy: float  # eV

    @cached_property
    def rigid(self) -> Array:
        """(6,) net force and torque on the molecule, eV/A."""
        return net(self.x, self.gradient)


@dataclass
class Noise:
    r"""What the last force calls say about the noise in the forces.

    Independent noise of standard deviation :math:`\sigma` in each component of the forces makes an energy left of

    .. math:: \frac{\sigma^2}{2} \mathrm{tr} (P H P)^+

    even at the minimum, and no single geometry can show less. It shows in two ways:

    1. Net force and torque. They are zero, or constant, where the potential does not change as a molecule is moved
       as a whole, and noise makes them jump: :math:`\sigma^2` is the mean of half their squared change from call to
       call, in each of six orthonormal rigid motions, forces and torques apart, the larger of both.
    2. Where noise leaves net force and torque zero, or constraints hide them: the energy does not show the work of the
       forces, (g_old + g_new) . step / 2, which without noise it does but for terms of third order; and forces of
       successive calls (one and two calls apart) have little to do with each other.

    An energy left of the size of 1, or what 2 sees, may also be a slope that noise covers: on a plateau it can lead a
    hundred times further down. What one call cannot show, many can. A run has reached the floor only where it has come
    to rest as well, over the last fourth of its force calls (16 at least, 64 at most):

    - the energy does not fall: Mann's and Kendall's test finds no trend, or the two halves differ by no more than the
      limit of energy left. The test counts in how many pairs of calls the later energy is the lower one, so that steep
      early steps do not blind it;
    - the forces do not agree: with :math:`p_{ij} = g_i \cdot (P H P)^+ g_j` of two calls, whose noise is independent,
      :math:`\sum_{i<j} p_{ij}` is at most 2 of its standard errors, :math:`(\sum_{i<j} p_{ij}^2)^{1/2}`, or the mean
      of :math:`p_{ij} / 2`, which is an energy left that no noise makes, is within the limit.

    Without noise none of this happens.

    References
    ----------
    H. B. Mann, Econometrica 13, 245 (1945); M. G. Kendall, Rank Correlation Methods, Griffin 1948.
    """

    calls: deque[Call] = field(default_factory=lambda: deque(maxlen=LONGEST))
    count: int = 0  # of all force calls

    def plain(self) -> dict[str, Any]:
        """What is remembered, for a restart file: the calls as arrays, the rest as it is."""
        calls = {name: np.array([getattr(call, name) for call in self.calls], dtype=float) for name in KEPT}
        return {entry.name: getattr(self, entry.name) for entry in fields(self)} | {"calls": calls}

    def recall(self, plain: dict[str, Any], size: int) -> None:
        """Remember what `plain` wrote, of `size` entries a call; KeyError, TypeError or ValueError where it is not."""
        shapes = {"x": (-1, size), "gradient": (-1, size), "energy": (-1,)}
        parts = [np.asarray(plain["calls"][name], dtype=float).reshape(shapes[name]) for name in KEPT]
        self.calls.extend(Call(x, g, float(energy)) for x, g, energy in zip(*parts, strict=True))
        for entry in fields(self):
            if entry.name != "calls":
                setattr(self, entry.name, int(plain[entry.name]))

    def see(self, x: Array, gradient: Array, energy: float) -> None:
        """Remember a force call at x (N,) with the gradient (N,), eV/A, and the energy, eV."""
        self.count += 1
        self.calls.append(Call(x.copy(), gradient.copy(), energy))

    def sigma(self) -> float:
        """Standard deviation of a component of the forces, eV/A, from net force and torque; 0 before it is known."""
        if len(self.calls) < ENOUGH:
            return 0.0
        jumps = np.diff([call.rigid for call in self.latest(LAST)], axis=0) ** 2 / 2
        return float(np.sqrt(max(jumps[:, :3].mean(), jumps[:, 3:].mean())))

    def floor(self, linearization: Linearized) -> float:
        """The energy left, eV, that noise makes at this geometry."""
        sigma = self.sigma()
        return 0.5 * sigma**2 * trace(linearization) if sigma > NEGLIGIBLE else 0.0

    def latest(self, number: int) -> list[Call]:
        """The last `number` force calls, or all there are."""
        return list(self.calls)[-number:]

    def at_rest(self, linearization: Linearized, limit: float) -> bool:
        """Whether the last force calls neither fall by more than `limit` eV nor agree that more is left."""
        calls = self.latest(min(max(self.count // LATEST, SHORTEST), LONGEST))
        if len(calls) < SHORTEST or falls(np.array([call.energy for call in calls]), limit):
            return False
        return not agree(products(calls, linearization), limit)

    def shown(self, linearization: Linearized) -> bool:
        """Whether the last force calls look like noise alone, which net force and torque need not show."""
        calls = self.latest(LAST)
        return len(calls) == LAST and contradicted(calls) > CONTRADICTED and incoherent(products(calls, linearization))


def contradicted(calls: Sequence[Call]) -> float:
    """How much of the work of the forces from call to call is not in the energies: the ratio of two medians."""
    work, missing = [], []
    for old, new in pairwise(calls):
        work.append(float((old.gradient + new.gradient) @ (new.x - old.x)) / 2)
        missing.append(new.energy - old.energy - work[-1])
    return float(np.median(np.abs(missing))) / max(float(np.median(np.abs(work))), 1e-300)


def products(calls: Sequence[Call], linearization: Linearized) -> Array:
    """(n, n) g_i . (P H P)^+ g_j of the gradients of n calls, eV."""
    gradients = np.array([call.gradient for call in calls])
    return gradients @ linearization.solve_cartesian(gradients.T)


def incoherent(products: Array) -> bool:
    """Whether forces of successive calls, and of every other one, have little to do with each other."""
    size = float(np.trace(products)) / len(products)
    near, next_but_one = (float(np.diag(products, apart).mean()) / size for apart in (1, 2))
    return near < INCOHERENT and abs(next_but_one) < INCOHERENT


def agree(products: Array, limit: float) -> bool:
    """Whether the gradients of different calls agree, beyond chance, on an energy left above the limit, eV."""
    pairs = products[np.triu_indices(len(products), 1)]
    return float(pairs.mean()) / 2 > limit and float(pairs.sum()) > AGREE * float(np.sqrt((pairs**2).sum()))


def falls(energies: Array, limit: float) -> bool:
    """Whether the energies fall, beyond chance, by more than the limit between their halves, eV."""
    half = len(energies) // 2
    return float(energies[:half].mean() - energies[-half:].mean()) > limit and trend(energies) < -FALLS


def trend(energies: Array) -> float:
    """The trend in a series (n,), in standard errors of a series without one: below zero it falls.

    >>> round(trend(np.arange(8.0, 0.0, -1.0)), 2), trend(np.zeros(8))
    (-3.46, 0.0)
    """
    n = len(energies)
    signs = np.sign(energies[None, :] - energies[:, None])[np.triu_indices(n, 1)]
    return float(signs.sum() / np.sqrt(n * (n - 1) * (2 * n + 5) / 18))


def net(x: Array, gradient: Array) -> Array:
    """(6,) the gradient (N,) along orthonormal rigid motions, eV/A; their directions turn smoothly with x (N,)."""
    rows, arms = gradient.reshape(-1, 3), x.reshape(-1, 3)
    arms = arms - arms.mean(axis=0)
    values, axes = np.linalg.eigh((arms**2).sum() * np.eye(3) - arms.T @ arms)
    roots = np.where(values > 1e-6 * values.max(), 1 / np.sqrt(np.maximum(values, 1e-300)), 0.0)
    torque = (axes * roots) @ axes.T @ np.cross(arms, rows).sum(axis=0)
    return np.concatenate([rows.sum(axis=0) / np.sqrt(len(rows)), torque])


def trace(linearization: Linearized) -> float:
    """Of the inverse of the model Hessian, A^2/eV, with random signs where it is large (M. F. Hutchinson, 1990)."""
    entries = len(linearization.held)
    if entries <= 450:
        return float(np.trace(linearization.model(np.eye(entries))))
    signs = np.random.default_rng(0).choice([-1.0, 1.0], size=(entries, PROBES))
    return float((signs * linearization.model(signs)).sum() / PROBES)
