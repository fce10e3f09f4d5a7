"""Noise in the forces: how much of the energy left it makes, and how a run notices that nothing else is left."""

from collections import deque
from dataclasses import dataclass, field, fields
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from molopt.rules.partition import Array

LAST = 20  # force calls that are remembered
ENOUGH = 4  # force calls before noise is judged by net force and torque
REACHED = 1.0  # of the floor: at the minimum itself noise makes as much as this on average
INCOHERENT = 0.5  # correlation of the forces of successive calls, below which they are no slope
NEGLIGIBLE = 1e-6  # eV/A
CONTRADICTED = 0.3  # part of the work that energies do not show
SIGNIFICANT = 2.0  # standard errors
PROBES = 24  # random vectors for the trace of a large matrix


class Call(NamedTuple):
    x: Array  # (N,) Angstrom
    gradient: Array  # (N,) eV/A
    energy: float  # eV
    rigid: Array  # (6,) eV/A, net force and torque on the molecule


@dataclass
class Noise:
    r"""What the last force calls tell of the noise in the forces.

    Independent noise of standard deviation :math:`\sigma` in each component of the forces makes an energy left of

    .. math:: \frac{\sigma^2}{2} \mathrm{tr} (P H P)^+

    even at the minimum, and a run cannot know the floor of its basin better. It shows in two ways:

    1. Net force and torque. They are zero, or constant, where the potential does not change as a molecule is moved
       as a whole, and noise makes them jump: :math:`\sigma^2` is the mean of half their squared change from call to
       call, in each of six orthonormal rigid motions, forces and torques apart, the larger of both.
    2. Where noise leaves net force and torque zero, or constraints hide them: over the last 20 force calls the energy
       does not fall; it does not show the work of the forces, (g_old + g_new) . step / 2, which without noise it does
       but for terms of third order; and forces of successive calls (one and two calls apart) have little to do with
       each other, while on a plateau without noise they are nearly parallel. All three together.

    A run has reached the floor where the energy left is at most twice that of 1, or where 2 holds. Without noise
    neither happens.
    """

    calls: deque[Call] = field(default_factory=lambda: deque(maxlen=LAST))

    def plain(self) -> dict[str, Any]:
        """What is remembered, for a restart file: the calls as arrays, the rest as it is."""
        calls = {name: np.array([getattr(call, name) for call in self.calls], dtype=float) for name in Call._fields}
        return {entry.name: getattr(self, entry.name) for entry in fields(self)} | {"calls": calls}

    def recall(self, plain: dict[str, Any], size: int) -> None:
        """Remember what `plain` wrote, of `size` entries a call; KeyError, TypeError or ValueError where it is not."""
        shapes = {"x": (-1, size), "gradient": (-1, size), "energy": (-1,), "rigid": (-1, 6)}
        parts = [np.asarray(plain["calls"][name], dtype=float).reshape(shapes[name]) for name in Call._fields]
        self.calls.extend(Call(x, g, float(energy), rigid) for x, g, energy, rigid in zip(*parts, strict=True))
        for entry in fields(self):
            if entry.name != "calls":
                setattr(self, entry.name, int(plain[entry.name]))

    def see(self, x: Array, gradient: Array, energy: float) -> None:
        """Remember a force call at x (N,) with the gradient (N,), eV/A, and the energy, eV."""
        self.calls.append(Call(x, gradient, energy, net(x, gradient)))

    def sigma(self) -> float:
        """Standard deviation of a component of the forces, eV/A, from net force and torque; 0 before it is known."""
        if len(self.calls) < ENOUGH:
            return 0.0
        jumps = np.diff([call.rigid for call in self.calls], axis=0) ** 2 / 2
        return float(np.sqrt(max(jumps[:, :3].mean(), jumps[:, 3:].mean())))

    def floor(self, frame: Any) -> float:
        """The energy left, eV, that noise makes in this frame of internal coordinates."""
        sigma = self.sigma()
        return 0.5 * sigma**2 * trace(frame) if sigma > NEGLIGIBLE else 0.0

    def stagnant(self, frame: Any, movable: Array) -> bool:
        """Whether the last force calls look like noise alone."""
        if len(self.calls) < LAST:
            return False
        return self.contradicted() > CONTRADICTED and not self.falling() and self.incoherent(frame, movable)

    def contradicted(self) -> float:
        """How much of the work of the forces from call to call is not in the energies: the ratio of two medians."""
        work, missing = [], []
        for old, new in pairwise(self.calls):
            work.append(float((old.gradient + new.gradient) @ (new.x - old.x)) / 2)
            missing.append(new.energy - old.energy - work[-1])
        return float(np.median(np.abs(missing))) / max(float(np.median(np.abs(work))), 1e-300)

    def falling(self) -> bool:
        """Whether the energy fell over the last force calls, by Welch's test of their two halves."""
        early, late = np.array([call.energy for call in self.calls]).reshape(2, LAST // 2)
        error = np.sqrt((early.var(ddof=1) + late.var(ddof=1)) / (LAST // 2))
        return float(early.mean() - late.mean()) > SIGNIFICANT * error

    def incoherent(self, frame: Any, movable: Array) -> bool:
        """Whether forces of successive calls, and of every other one, have little to do with each other."""
        gradients = np.array([call.gradient[movable] for call in self.calls])  # (20, n)
        products = gradients @ frame.model(gradients.T)  # (20, 20) eV
        size = float(np.trace(products)) / LAST
        near, next_but_one = (float(np.diag(products, apart).mean()) / size for apart in (1, 2))
        return near < INCOHERENT and abs(next_but_one) < INCOHERENT


def net(x: Array, gradient: Array) -> Array:
    """(6,) the gradient (N,) along orthonormal rigid motions, eV/A; their directions turn smoothly with x (N,)."""
    rows, arms = gradient.reshape(-1, 3), x.reshape(-1, 3)
    arms = arms - arms.mean(axis=0)
    values, axes = np.linalg.eigh((arms**2).sum() * np.eye(3) - arms.T @ arms)
    roots = np.where(values > 1e-6 * values.max(), 1 / np.sqrt(np.maximum(values, 1e-300)), 0.0)
    torque = (axes * roots) @ axes.T @ np.cross(arms, rows).sum(axis=0)
    return np.concatenate([rows.sum(axis=0) / np.sqrt(len(rows)), torque])


def trace(frame: Any) -> float:
    """Of the inverse of the model Hessian, A^2/eV, with random signs where it is large (M. F. Hutchinson, 1990)."""
    entries = frame.cartesian.size
    if entries <= 450:
        return float(np.trace(frame.model(np.eye(entries))))
    signs = np.random.default_rng(0).choice([-1.0, 1.0], size=(entries, PROBES))
    return float((signs * frame.model(signs)).sum() / PROBES)
