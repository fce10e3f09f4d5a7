"""A function between the points where its gradient is known: Gaussian process regression, cheap in high dimensions."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from molopt.rules.partition import Array

LENGTH = 0.6  # sqrt(eV): a torsion of 0.15 eV/rad^2 that turns by 1.5 rad
BUMPS = 0.1  # eV^2, variance of the local part
SLOPES = 1.0  # eV, variance of the gradient in stiff coordinates
BENDS = 0.04  # variance of the second derivatives there, which are relative to the model Hessian
NOISE = 1e-10  # of the variance of the gradient: steps of 1e-3 sqrt(eV) still teach curvature
CURVED = 0.2  # 1/sqrt(eV): gradients at a point so far off that coordinates have turned are known less well
NEGLIGIBLE = 1e-10  # of the largest singular value


@dataclass(frozen=True, eq=False)
class Interpolation:
    r"""The mean of a Gaussian process D(u) given its gradient at m points.

    The covariance is that of local bumps in all coordinates, and of a line and a parabola in the stiff ones,

    .. math:: k(u, v) = a e^{-|u - v|^2 / 2 l^2} + b \, u_s \cdot v_s + \frac{c}{2} (u_s \cdot v_s)^2

    with u_s the stiff entries of u: a bond pulls back however far it is, but what a force says of a torsion holds
    nearby only. Gradients are trusted the less the farther a point is from the origin, which is the present one:
    there they are exact. The weights lie in the span of the gradients and points, so that the linear equations have at
    most 4 m unknowns a point, whatever the number of coordinates.

    Attributes
    ----------
    points, weights : (m, n) arrays
    stiff : (n,) array
        1 for stiff coordinates, 0 for all others.
    length : float
        l, sqrt(eV).

    References
    ----------
    F. de Roos, A. Gessner, P. Hennig, Proc. ICML, PMLR 139, 2535 (2021).

    Examples
    --------
    >>> points = np.array([[0.3, 0.1], [0.0, 0.0]])
    >>> gradients = np.array([[1.0, 2.0], [1.5, 2.1]])
    >>> D = Interpolation.through(points, gradients, stiff=np.array([1.0, 0.0]))
    >>> np.allclose(D(points[1])[1], gradients[1])
    True
    """

    points: Array
    weights: Array
    stiff: Array
    length: float

    @classmethod
    def through(cls, points: Array, gradients: Array, stiff: Array, length: float = LENGTH) -> Self:
        """D whose gradients (m, n) at the points (m, n) are these."""
        basis = span(np.concatenate([gradients, points, gradients * stiff, points * stiff]))
        m, p = len(points), basis.shape[1]
        if p == 0:
            return cls(points, np.zeros_like(points), stiff, length)
        apart = points[:, None] - points[None]
        local = BUMPS * np.exp(-(apart**2).sum(axis=2) / (2 * length**2)) / length**2  # (m, m)
        gaps = apart @ basis / length  # (m, m, p)
        flat, inner = (points * stiff) @ basis, (basis * stiff[:, None]).T @ basis
        trend = SLOPES + BENDS * (points * stiff) @ points.T
        blocks = np.einsum("ij,pq->ipjq", local, np.eye(p)) - np.einsum("ij,ijp,ijq->ipjq", local, gaps, gaps)
        blocks += np.einsum("ij,pq->ipjq", trend, inner) + BENDS * np.einsum("jp,iq->ipjq", flat, flat)
        matrix = blocks.reshape(m * p, m * p)
        doubt = (CURVED * (points**2).sum(axis=1)) ** 2  # (m,) eV
        matrix[np.diag_indices(m * p)] += NOISE * BUMPS / length**2 + np.repeat(doubt, p)
        weights = np.linalg.solve(matrix, (gradients @ basis).ravel()).reshape(m, p) @ basis.T
        return cls(points, weights, stiff, length)

    def __call__(self, u: Array) -> tuple[float, Array]:
        """D (eV, but for a constant) and its gradient (n,) at u (n,)."""
        apart = u - self.points
        local = BUMPS * np.exp(-(apart * apart).sum(axis=1) / (2 * self.length**2)) / self.length**2
        along = (apart * self.weights).sum(axis=1)
        flat = u * self.stiff
        lines, parabolas = self.weights @ flat, self.points @ flat
        value = local @ along + SLOPES * lines.sum() + BENDS * parabolas @ lines
        gradient = local @ self.weights - ((local * along) @ apart) / self.length**2
        trend = SLOPES * self.weights.sum(axis=0) + BENDS * (parabolas @ self.weights + lines @ self.points)
        return float(value), gradient + self.stiff * trend


def span(rows: Array) -> Array:
    """(n, p) orthonormal columns that span the rows (k, n)."""
    columns, values, _ = np.linalg.svd(rows.T, full_matrices=False)
    return columns[:, values > NEGLIGIBLE * max(values.max(initial=0.0), np.finfo(float).tiny)]
