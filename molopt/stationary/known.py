"""What a few short displacements show of the Hessian, in the metric of the model Hessian."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import linalg
from scipy.linalg.lapack import dtrtrs

from molopt.coordinates.base import Linearization
from molopt.rules.partition import Array
from molopt.stationary.soft import Soft

UNSURE = 0.8  # standard deviation of the curvature of a soft motion, where a run came along a symmetry
PRIOR = 0.85  # relative curvature where nothing is known (5, 50, 95 % of all eigenvalues: 0.6, 1.05, 1.4)
SPREAD = 0.15  # its standard deviation, off the diagonal 1/sqrt(2) of it
COUPLED = 0.5  # of the spreads of two soft motions: that of their coupling
BENDS = 1.0  # eV/rad^3: how fast the stiffness of a soft motion changes as it turns
DRIFTS = 0.3  # 1/sqrt(eV): how fast all others do along the way
ROUGH, ROUGH_AT = 0.02, 0.0173  # error of a relative curvature that is seen in a step of so many sqrt(eV)
PESSIMISM = 1.3  # standard deviations
MARGIN = 0.12  # relative curvature; the surface bends
REACH, FARTHEST = 0.5, 0.3  # rad of a soft motion, sqrt(eV): over which a negative curvature may last
SYMMETRIC = 1e-3  # part of a motion in a displacement, below which it has none
EXACTLY = 1e-4  # part of a motion in the gradient, below which symmetry must be why
DOUBTED = 0.15  # spread of a motion that has to be tried
ENOUGH = 0.5  # relative curvature; a motion that may be softer takes part in a probe
CERTAIN = 2.0  # standard deviations below zero: a ridge
HEARD = 0.1  # relative curvature, what noise may make of it
SEVERAL, SURE = 3, 0.08  # displacements, and the standard deviation of a relative curvature that is known
NEXT = 0.1  # and one whose curvature may be as near to the lowest
WORTH = 5e-4  # eV; a ridge that leads no further down is flat
SHALLOW = 0.03  # relative curvature, the least that a Newton step divides by
SAME = 0.1  # relative squared size of a direction that was tried already
NEGLIGIBLE = 1e-10  # relative squared size of a direction that is already in the span of others


def unit(vector: Array) -> Array:
    return vector / max(float(np.linalg.norm(vector)), 1e-300)


@dataclass(frozen=True)
class Seen:
    """What single displacements showed, each a row; k of them, the newest last.

    Attributes
    ----------
    steps : (k, r) array
        s, sqrt(eV).
    lacks : (k, r) array
        Change of the gradient along s, less that of the model.
    offsets : (k, r) array
        From the end of each to the present point.
    """

    steps: Array
    lacks: Array
    offsets: Array


@dataclass(frozen=True)
class Known:
    r"""The Hessian H, as far as it is known, in the span of all that is known of it.

    All vectors are coordinates (r,) in a basis of displacements that is orthonormal in the metric of the model Hessian
    M, so that relative curvatures are :math:`v \cdot H v / v \cdot v`. H is taken to be a Gaussian process:

    .. math:: H = \mu + N + \sum_s c_s t_s t_s^T

    N symmetric with independent entries of standard deviation `SPREAD`, and c_s what the model lacks of the curvature
    of each soft motion t_s (`molopt.stationary.soft`), which may be much. Along the way c_s changes with the turn of
    its motion, and N drifts. What displacements showed makes of this a posterior: its mean is exact along what was
    tried just here, and its standard deviation says how much softer a direction may still be.

    Attributes
    ----------
    basis : (nq, r) array
        The displacements in u.
    gradient : (r,) array
        sqrt(eV).
    soft : (ns, r) array
        The change of each soft motion, rad, for a displacement.
    spreads : (ns,) array
        Standard deviations of c.
    seen : Seen
    noise : (r, r) array
        Covariance of the noise in the gradient, eV.

    References
    ----------
    P. Hennig, SIAM J. Optim. 25, 234 (2015): quasi-Newton methods as Gaussian inference.
    """

    basis: Array
    gradient: Array
    soft: Array
    spreads: Array
    seen: Seen
    noise: Array

    @classmethod
    def at(
        cls, linearization: Linearization, soft: Soft, steps: Array, lacks: Array, offsets: Array, sigma: float = 0.0
    ) -> "Known":
        """At a geometry, from displacements in u `steps` (k, nq), newest last, and what M lacked of each change.

        `offsets` (k, nq) lead from the end of each to here; `sigma` is the noise in a component of the forces,
        eV/A.
        """
        here = linearization
        steps, offsets = (
            here.to_internal(here.to_cartesian(rows.T)).T if len(rows) else rows for rows in (steps, offsets)
        )
        answers = here.solve(lacks.T).T if len(lacks) else lacks
        columns = np.concatenate([steps, answers, soft.replies.T, here.natural_gradient[None]]).T  # (nq, m)
        duals = np.concatenate([here.apply(steps.T).T, lacks, soft.covectors.T, here.gradient[None]]).T
        gram = columns.T @ duals
        sizes = np.sqrt(np.maximum(np.diag(gram), 1e-300))
        gram = (gram + gram.T) / 2 / np.outer(sizes, sizes)
        values, vectors = np.linalg.eigh(gram)
        kept = values > NEGLIGIBLE * max(float(values.max()), 1.0)
        values, vectors = values[kept], vectors[:, kept]
        basis = columns / sizes @ (vectors / np.sqrt(values))
        coordinates = sizes[:, None] * vectors * np.sqrt(values)  # (m, r)
        k, ns = len(steps), soft.covectors.shape[1]
        seen = Seen(coordinates[:k], coordinates[k : 2 * k], offsets @ linearization.apply(basis))
        moves = sigma * linearization.to_cartesian(basis)  # (n, r) eV
        noise = moves.T @ moves
        return cls(basis, coordinates[-1], coordinates[2 * k : 2 * k + ns], soft.spreads, seen, noise)

    def unsure(self) -> "Known":
        """The same, where nothing that a run saw says that it is not on top of a ridge."""
        return replace(self, spreads=np.maximum(self.spreads, UNSURE))

    def coordinates(self, linearization: Linearization, displacement: Array) -> Array:
        """(r,) of a displacement in u (nq,): its part in the span of what is known."""
        return self.basis.T @ linearization.apply(displacement)

    @property
    def size(self) -> int:
        return len(self.gradient)

    @property
    def products(self) -> int:
        """How many displacements say something about the curvature here."""
        return len(self.seen.steps)

    @cached_property
    def motions(self) -> Array:
        """(ns, r) the soft motions, of norm 1."""
        return self.soft / np.maximum(np.linalg.norm(self.soft, axis=1, keepdims=True), 1e-300)

    @cached_property
    def bends(self) -> Array:
        """(ns,) standard deviations of the change of c, 1/rad."""
        return BENDS * np.einsum("ij,ij->i", self.soft, self.soft)

    @cached_property
    def spread(self) -> Array:
        """(r, r) W: entries of N have the covariance (W_ik W_jl + W_il W_jk) / 2."""
        return SPREAD * np.eye(self.size) + COUPLED * (self.motions.T * self.spreads) @ self.motions

    @cached_property
    def tried(self) -> Array:
        """(k, r) the directions of the displacements."""
        return self.seen.steps / np.maximum(np.linalg.norm(self.seen.steps, axis=1, keepdims=True), 1e-300)

    @cached_property
    def along(self) -> Array:
        """(k, ns) the part of each soft motion in each displacement."""
        return self.tried @ self.motions.T

    @cached_property
    def factor(self) -> Array:
        """(k r, k r) Cholesky factor of the covariance of what was seen."""
        k, r = self.products, self.size
        lengths = np.linalg.norm(self.seen.steps, axis=1)
        middles = self.seen.offsets + self.seen.steps / 2  # (k, r) from the middle of each to the present point
        turns = middles @ self.soft.T  # (k, ns) rad
        spread = self.tried @ self.spread  # (k, r)
        covariance = 0.5 * np.einsum("ij,ab->iajb", spread @ self.tried.T, self.spread)
        covariance += 0.5 * np.einsum("ja,ib->iajb", spread, spread)
        both = np.einsum("is,js->ijs", self.along, self.along)
        each = both * (self.spreads**2 + self.bends**2 * np.einsum("is,js->ijs", turns, turns))  # (k, k, ns)
        covariance += ((each[:, :, None] * self.motions.T) @ self.motions).transpose(0, 2, 1, 3)
        errors = (ROUGH * np.maximum(1.0, ROUGH_AT / lengths)) ** 2 + (DRIFTS * np.linalg.norm(middles, axis=1)) ** 2
        for i, length in enumerate(lengths):
            covariance[i, :, i, :] += 2 * self.noise / length**2  # of both ends
        matrix = covariance.reshape(k * r, k * r)
        matrix[np.diag_indices(k * r)] += np.repeat(errors, r)
        return linalg.cholesky(matrix, lower=True, check_finite=False)

    @cached_property
    def hessian(self) -> Array:
        """(r, r) the mean."""
        mean = PRIOR * np.eye(self.size)
        if not self.products:
            return mean
        lengths = np.linalg.norm(self.seen.steps, axis=1, keepdims=True)
        residues = self.seen.lacks / lengths + (1 - PRIOR) * self.tried  # (H - prior) q
        weights = linalg.cho_solve((self.factor, True), residues.ravel()).reshape(residues.shape)
        half = self.spread @ weights.T @ self.tried @ self.spread
        lacks = self.spreads**2 * np.einsum("is,is->s", self.along, weights @ self.motions.T)
        return mean + 0.5 * (half + half.T) + (self.motions.T * lacks) @ self.motions

    @cached_property
    def spectrum(self) -> tuple[Array, Array]:
        """Eigenvalues of the mean, ascending, and its eigenvectors."""
        return np.linalg.eigh(self.hessian)

    def curvature(self, direction: Array) -> tuple[float, float]:
        """Mean and standard deviation of the relative curvature along a direction (r,) of norm 1."""
        (mean,), (deviation,) = self.curvatures(direction[None])
        return float(mean), float(deviation)

    def curvatures(self, directions: Array) -> tuple[Array, Array]:
        """(n,) means and (n,) standard deviations of the relative curvatures along directions (n, r) of norm 1."""
        means = np.einsum("ij,ij->i", directions @ self.hessian, directions)
        parts = directions @ self.motions.T  # (n, ns)
        spread = directions @ self.spread  # (n, r)
        prior = np.einsum("ij,ij->i", directions, spread) ** 2 + parts**4 @ self.spreads**2
        if not self.products:
            return means, np.sqrt(prior)
        covariance = (spread @ self.tried.T)[:, :, None] * spread[:, None]  # (n, k, r)
        covariance += (self.along * (self.spreads * parts)[:, None] ** 2) @ self.motions
        told, _ = dtrtrs(self.factor, covariance.reshape(len(directions), -1).T, lower=True)
        return means, np.sqrt(np.maximum(prior - np.einsum("ij,ij->j", told, told), 0.0))

    @cached_property
    def doubts(self) -> Array:
        """(ns,) mean curvature of each soft motion less its standard deviation: how soft it may be."""
        means, deviations = self.curvatures(self.motions)
        return means - PESSIMISM * deviations

    @cached_property
    def lowest(self) -> tuple[float, float, Array]:
        """Mean and standard deviation of the curvature that may be the lowest, and its direction."""
        candidates = list(self.spectrum[1][:, :2].T)
        if len(self.motions):
            spare = np.einsum("si,ij,sj->s", self.motions, self.hessian, self.motions) - self.doubts
            candidates += list(np.linalg.eigh(self.hessian - (self.motions.T * spare) @ self.motions)[1][:, :2].T)
        means, deviations = self.curvatures(np.array(candidates))
        least = int(np.argmin(means - PESSIMISM * deviations))
        return float(means[least]), float(deviations[least]), candidates[least]

    @property
    def bound(self) -> float:
        """How low the lowest curvature may still be."""
        mean, doubt, _ = self.lowest
        return mean - PESSIMISM * doubt

    @cached_property
    def first(self) -> tuple[float, float, Array]:
        """Mean and standard deviation of the curvature that most likely is the lowest, and its direction."""
        direction = self.spectrum[1][:, 0]
        return (*self.curvature(direction), direction)

    @cached_property
    def found(self) -> tuple[float, Array]:
        """The lowest curvature among the directions that were tried, and its direction: one that was seen."""
        if not self.products:
            return float("nan"), np.zeros(self.size)
        values, vectors = np.linalg.eigh(self.tried @ self.tried.T)
        kept = values > SAME * values.max()
        basis = (vectors[:, kept] / np.sqrt(values[kept])).T @ self.tried  # (p, r)
        values, vectors = np.linalg.eigh(basis @ self.hessian @ basis.T)
        return float(values[0]), vectors[:, 0] @ basis

    @property
    def ridge(self) -> bool:
        """Whether a curvature is negative beyond doubt, and enough to lead anywhere."""
        mean, doubt, direction = self.first
        if not self.products or mean + CERTAIN * doubt >= 0:
            return False
        return self.stake(mean, direction) > WORTH

    @property
    def witnessed(self) -> bool:
        """Whether the ridge was seen in a displacement along it, and is not inferred from others."""
        return self.ridge and self.found[0] < 0

    def stake(self, curvature: float, direction: Array) -> float:
        """eV; how far down a negative curvature may lead, along a direction (r,) of norm 1."""
        reach = min(REACH / max(self.turn(direction), 1e-300), FARTHEST)
        return 0.5 * max(-curvature, 0.0) * reach**2

    @property
    def resolved(self) -> bool:
        """Whether the lowest curvature is known so well that another probe would say the same."""
        return self.products >= SEVERAL and self.lowest[1] < SURE

    @property
    def softest(self) -> tuple[float, Array]:
        """The lowest curvature and its direction: one that was tried, or the ridge that was inferred."""
        mean, _, direction = self.first
        return (mean, direction) if self.ridge else self.found

    @property
    def at_worst(self) -> float:
        """eV; how far down it may go from here in the softest direction, on a parabola."""
        return self.stake(self.bound, self.lowest[2])

    @property
    def at_stake(self) -> float:
        """eV; the same on a surface that bends down on the way."""
        return self.stake(self.bound - MARGIN, self.lowest[2])

    @cached_property
    def newton(self) -> Array:
        """(r,) the way down, as if all curvatures were positive and none below `SHALLOW`."""
        return self.down(SHALLOW)

    def down(self, least: float, softest: float = -np.inf) -> Array:
        """(r,) the Newton step with the sizes of all curvatures, none below `least`, and nowhere below `softest`."""
        values, vectors = self.spectrum
        slopes = np.where(values < softest, 0.0, vectors.T @ self.gradient)
        return -vectors @ (slopes / np.maximum(np.abs(values), least))

    @property
    def energy_left(self) -> float:
        """What the Newton step gains, eV."""
        return -0.5 * float(self.gradient @ self.newton)

    def loud(self, direction: Array) -> float:
        """sqrt(eV); how long a displacement along a direction (r,) of norm 1 must be to be heard above the noise."""
        return float(np.sqrt(2 * direction @ self.noise @ direction)) / HEARD

    def turn(self, displacement: Array) -> float:
        """The largest change of a soft motion, rad."""
        return float(np.abs(self.soft @ displacement).max(initial=0.0))

    @property
    def symmetric(self) -> bool:
        """Whether the gradient has no part in some motion that may be soft, as on a path that keeps a symmetry."""
        parts = np.abs(self.motions @ self.gradient)[self.spreads > DOUBTED]
        return bool((parts < EXACTLY * np.linalg.norm(self.gradient)).any())

    @cached_property
    def untried(self) -> Array:
        """(ns,) which motions no displacement has any part in, as symmetry may forbid, though they may be soft."""
        parts = np.abs(self.along).max(axis=0, initial=0.0)
        return (parts < SYMMETRIC) & (self.spreads > DOUBTED)

    def probe(self, way: Array) -> Array:
        """(r,) of norm 1: what to try next, to learn most of what may be softer than `ENOUGH`."""
        weights = np.maximum(max(ENOUGH, self.doubts.min(initial=ENOUGH) + NEXT) - self.doubts, 0.0)
        weights = np.where(self.untried, np.maximum(weights, NEXT), weights)
        rows = self.motions * weights[:, None]
        if self.products:
            direction = self.lowest[2]
            mixed = np.where(rows @ direction < 0, -1.0, 1.0) @ rows
            direction = unit(direction + 0.5 * unit(mixed))
        else:
            direction = np.where(rows @ way < 0, -1.0, 1.0) @ rows
        direction = unit(direction)
        return -direction if direction @ way < 0 else direction
