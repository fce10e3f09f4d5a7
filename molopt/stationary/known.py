"""What a few short displacements show of the Hessian, in the metric of the model Hessian."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from molopt.rules.partition import Array
from molopt.stationary.soft import Soft

PRIOR = 0.85  # relative curvature where nothing is known (5, 50, 95 % of all eigenvalues: 0.6, 1.05, 1.4)
RIDGE, DOUBT = 0.02, 0.3  # of the fit to soft motions: its regularisation, and how much softer one unprobed may be
SHALLOW = 0.03  # relative curvature, the least that a Newton step divides by
SAME = 0.15  # part of a step that must be new for its secant to be used
NEGLIGIBLE = 1e-10  # relative squared size of a direction that is already in the span of others


def unit(vector: Array) -> Array:
    return vector / max(float(np.linalg.norm(vector)), 1e-300)


@dataclass(frozen=True)
class Known:
    r"""The Hessian H in the span of all that is known of it; outside, it is `PRIOR` times the model Hessian M.

    All vectors are coordinates (r,) in a basis of displacements that is orthonormal in the metric of M, so that
    relative curvatures are :math:`v \cdot H v / v \cdot v`.

    Attributes
    ----------
    basis : (nq, r) array
        The displacements in u.
    gradient : (r,) array
        sqrt(eV).
    soft : (ns, r) array
        The change of each soft motion, rad, for a displacement.
    weights : (ns,) array
        Of each of these in a probe.
    tried : (r, k) array
        Q, orthonormal: directions along which the gradient's change is known.
    lacks : (r, k) array
        (H - 1) Q.
    """

    basis: Array
    gradient: Array
    soft: Array
    weights: Array
    tried: Array
    lacks: Array

    @classmethod
    def at(cls, frame: Any, soft: Soft, steps: Array, lacks: Array) -> "Known":
        """At a frame, from displacements in u `steps` (k, nq), newest last, and what M lacked of each change."""
        steps = (frame.a @ frame.lower(steps.T)).T if len(steps) else steps
        answers = frame.solve(lacks.T).T if len(lacks) else lacks
        columns = np.concatenate([steps, answers, soft.replies.T, frame.natural[None]]).T  # (nq, m)
        duals = np.concatenate([frame.apply(steps.T).T, lacks, soft.covectors.T, frame.gradient[None]]).T
        gram = columns.T @ duals
        sizes = np.sqrt(np.maximum(np.diag(gram), 1e-300))
        gram = (gram + gram.T) / 2 / np.outer(sizes, sizes)
        values, vectors = np.linalg.eigh(gram)
        kept = values > NEGLIGIBLE * max(float(values.max()), 1.0)
        values, vectors = values[kept], vectors[:, kept]
        basis = columns / sizes @ (vectors / np.sqrt(values))
        coordinates = sizes[:, None] * vectors * np.sqrt(values)  # (m, r)
        k, ns = len(steps), len(soft.weights)
        tried, known = independent(coordinates[:k], coordinates[k : 2 * k])
        return cls(basis, coordinates[-1], coordinates[2 * k : 2 * k + ns], soft.weights, tried, known)

    def coordinates(self, frame: Any, displacement: Array) -> Array:
        """(r,) of a displacement in u (nq,): its part in the span of what is known."""
        return self.basis.T @ frame.apply(displacement)

    @property
    def size(self) -> int:
        return len(self.gradient)

    @property
    def products(self) -> int:
        """How many independent directions have been tried."""
        return self.tried.shape[1]

    @cached_property
    def hessian(self) -> Array:
        """(r, r) exact along what was tried, `PRIOR` elsewhere."""
        return exact(PRIOR * np.eye(self.size), self.tried, self.lacks)

    @cached_property
    def spectrum(self) -> tuple[Array, Array]:
        """Eigenvalues, ascending, and eigenvectors of `hessian`."""
        return np.linalg.eigh(self.hessian)

    @cached_property
    def ritz(self) -> tuple[float, Array]:
        """The lowest curvature within the span of what was tried, which no true one lies above; and its direction."""
        if not self.products:
            return 1.0, np.zeros(self.size)
        inner = self.tried.T @ self.lacks
        values, vectors = np.linalg.eigh(np.eye(self.products) + (inner + inner.T) / 2)
        return float(values[0]), self.tried @ vectors[:, 0]

    @cached_property
    def lowest(self) -> tuple[float, Array]:
        """The lowest curvature that what is known makes likely, pessimistically, and its direction."""
        values, vectors = self.spectrum
        others, directions = np.linalg.eigh(exact(self.fitted, self.tried, self.lacks))
        if others[0] < values[0]:
            return float(others[0]), directions[:, 0]
        return float(values[0]), vectors[:, 0]

    @cached_property
    def fitted(self) -> Array:
        """(r, r) a prior in which each soft motion has the curvature that explains best what was seen, less a doubt."""
        prior = PRIOR * np.eye(self.size)
        if not (len(self.soft) and self.products):
            return prior
        motions = self.soft / np.linalg.norm(self.soft, axis=1)[:, None]
        along = motions @ self.tried  # (ns, k)
        inverse = np.linalg.inv((motions @ motions.T) * (along @ along.T) + RIDGE * np.eye(len(motions)))
        wanted = self.lacks + (1 - PRIOR) * self.tried  # (r, k)
        sums = np.einsum("sr,rk,sk->s", motions, wanted, along)
        curvatures = inverse @ sums - DOUBT * np.sqrt(RIDGE * np.diag(inverse))
        return prior + (motions.T * curvatures) @ motions

    @cached_property
    def newton(self) -> Array:
        """(r,) the way down, as if all curvatures were positive and none below `SHALLOW`."""
        values, vectors = self.spectrum
        return -vectors @ ((vectors.T @ self.gradient) / np.maximum(np.abs(values), SHALLOW))

    @property
    def energy_left(self) -> float:
        """What that step gains, eV."""
        return -0.5 * float(self.gradient @ self.newton)

    def turn(self, displacement: Array) -> float:
        """The largest change of a soft motion, rad."""
        return float(np.abs(self.soft @ displacement).max(initial=0.0))

    def all_soft(self, way: Array) -> Array:
        """(r,) of norm 1: all soft motions at once, each the way that the displacement `way` takes it."""
        rows = self.soft * self.weights[:, None]
        return unit(np.where(rows @ way < 0, -1.0, 1.0) @ rows)

    def probe(self, way: Array, random: np.random.Generator) -> Array:
        """(r,) of norm 1: what to try next, to learn most of the lowest curvature."""
        if not self.products:
            return self.all_soft(way)
        direction = self.lowest[1]
        direction = direction - self.tried @ (self.tried.T @ direction)
        if np.linalg.norm(direction) < 1e-3:
            direction = self.soft.T @ random.normal(size=len(self.soft))
            direction = direction - self.tried @ (self.tried.T @ direction)
        direction = unit(direction)
        return -direction if direction @ way < 0 else direction


def independent(steps: Array, answers: Array) -> tuple[Array, Array]:
    """Orthonormal combinations (r, k) of steps (m, r), newest last and first to count, and their answers (r, k)."""
    tried: list[Array] = []
    known: list[Array] = []
    for q, answer in zip(steps[::-1], answers[::-1], strict=True):
        size = float(np.linalg.norm(q))
        if size < 1e-7:
            continue
        q, answer = q / size, answer / size
        for earlier, its in zip(tried, known, strict=True):
            part = float(earlier @ q)
            q, answer = q - part * earlier, answer - part * its
        left = float(np.linalg.norm(q))
        if left > SAME:
            tried.append(q / left)
            known.append(answer / left)
    shape = (-1, steps.shape[1])
    return np.reshape(tried, shape).T, np.reshape(known, shape).T


def exact(prior: Array, tried: Array, lacks: Array) -> Array:
    """The symmetric matrix nearest to the prior, in the Frobenius norm, that maps Q to Q + lacks.

    References
    ----------
    M. J. D. Powell, in Nonlinear Programming, Academic Press 1970 (PSB); R. B. Schnabel, Tech. Rep. CU-CS-247-83
    (several secants at once).
    """
    missing = tried + lacks - prior @ tried
    inner = tried.T @ missing
    inner = (inner + inner.T) / 2
    missing = missing - tried @ (tried.T @ missing) + tried @ inner
    return prior + missing @ tried.T + tried @ missing.T - tried @ inner @ tried.T
