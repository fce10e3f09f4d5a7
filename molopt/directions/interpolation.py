"""A function between the points where its gradient is known: Gaussian process regression, cheap in high dimensions."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.linalg import lapack

from molopt.coordinates.secants import eigen
from molopt.rules.partition import Array

LENGTH = 0.6  # sqrt(eV): a torsion of 0.15 eV/rad^2 that turns by 1.5 rad
BUMPS = 0.1  # eV^2, variance of the local part
SLOPES = 1.0  # eV, variance of the gradient in stiff coordinates
BENDS = 0.04  # variance of the second derivatives there, which are relative to the model Hessian
NOISE = 1e-10  # of the variance of the gradient: steps of 1e-3 sqrt(eV) still teach curvature
CURVED = 0.2  # 1/sqrt(eV): gradients at a point so far off that coordinates have turned are known less well

NEGLIGIBLE = 1e-12  # of the largest squared singular value of the points


@dataclass(frozen=True, eq=False)
class Interpolation:
    r"""The mean of a Gaussian process D(u) given its gradient at m points.

    The covariance is that of local bumps in all coordinates, and of a line and a parabola in the stiff ones,

    .. math:: k(u, v) = a e^{-|u - v|^2 / 2 l^2} + b \, u_s \cdot v_s + \frac{c}{2} (u_s \cdot v_s)^2

    with u_s the stiff entries of u: a bond pulls back however far it is, but what a force says of a torsion holds
    nearby only. Gradients are trusted the less the farther a point is from the origin, which is the present one:
    there they are exact. Outside of the span of the points, which has at most 2 m dimensions, the weights of each
    coordinate are those of one number at m points: m linear equations, with one matrix for all soft and one for all
    stiff coordinates. Within it they are coupled.

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
        m = len(points)
        apart = points[:, None] - points[None]
        local = BUMPS * np.exp(-(apart * apart).sum(axis=2) / (2 * length**2)) / length**2  # (m, m)
        flat = points * stiff
        trend = SLOPES + BENDS * flat @ points.T
        doubt = NOISE * BUMPS / length**2 + (CURVED * (points * points).sum(axis=1)) ** 2  # (m,) eV
        basis, steep = within(points, stiff)
        inside = gradients @ basis
        coupled = coupling(local, trend, (points @ basis) / length, flat @ basis, steep)
        p = len(steep)
        coupled[np.diag_indices(m * p)] += np.repeat(doubt, p)
        weights = symmetric_solve(coupled, inside.ravel()).reshape(m, p) @ basis.T
        outside = gradients - inside @ basis.T
        soft, hard = np.flatnonzero(stiff == 0), np.flatnonzero(stiff)
        weights[:, soft] += symmetric_solve(local + np.diag(doubt), outside[:, soft])
        weights[:, hard] += symmetric_solve(local + trend + np.diag(doubt), outside[:, hard])
        return cls(points, weights, stiff, length)

    def __call__(self, u: Array) -> tuple[float, Array]:
        """D (eV, but for a constant) and its gradient (n,) at u (n,)."""
        apart = u - self.points
        local = BUMPS * np.exp(np.einsum("ij,ij->i", apart, apart) / (-2 * self.length**2)) / self.length**2
        along = np.einsum("ij,ij->i", apart, self.weights)
        flat = u * self.stiff
        lines, parabolas = self.weights @ flat, self.points @ flat
        value = local @ along + SLOPES * lines.sum() + BENDS * parabolas @ lines
        gradient = local @ self.weights - ((local * along) @ apart) / self.length**2
        trend = (SLOPES + BENDS * parabolas) @ self.weights + (BENDS * lines) @ self.points
        return float(value), gradient + self.stiff * trend


def within(points: Array, stiff: Array) -> tuple[Array, Array]:
    """(n, p) orthonormal columns, each stiff or soft, that span the stiff and the soft parts of points (m, n).

    And which of them are stiff (p,), as 1 and 0. Where points differ by next to nothing, so do their covariances.
    """
    columns = []
    for part in (points * stiff, points * (1 - stiff)):
        values, vectors = eigen(part @ part.T)
        kept = values > NEGLIGIBLE * max(values.max(initial=0.0), np.finfo(float).tiny)
        columns.append(part.T @ (vectors[:, kept] / np.sqrt(values[kept])))
    basis = np.concatenate(columns, axis=1)
    return basis, (np.arange(basis.shape[1]) < columns[0].shape[1]).astype(float)


def coupling(local: Array, trend: Array, places: Array, flat: Array, steep: Array) -> Array:
    """(m p, m p) the covariance of gradients along p directions at m points.

    The points have `places` (m, p) along them, in units of the length, and their stiff parts are `flat` (m, p);
    `steep` (p,) says which directions are stiff.
    """
    m, p = places.shape
    gaps = places[:, None] - places[None]  # (m, m, p)
    weighted, bent = -local[:, :, None] * gaps, BENDS * flat
    blocks = np.empty((m, p, m, p))
    for block, row, other, along in zip(blocks, weighted, gaps, flat, strict=True):  # a point at a time: in the cache
        np.multiply(row.T[:, :, None], other, out=block)
        block += bent.T[:, :, None] * along
    same = np.einsum("ipjp->ipj", blocks)  # a view
    same += local[:, None] + trend[:, None] * steep[:, None]
    return blocks.reshape(m * p, m * p)


def symmetric_solve(matrix: Array, right: Array) -> Array:
    """The solution for a symmetric positive definite matrix, which is overwritten.

    Where rounding made it indefinite, that is found by elimination.
    """
    if not right.size:
        return right
    diagonal = matrix.diagonal().copy()
    _, found, failed = lapack.dposv(matrix.T, right, lower=1, overwrite_a=1)
    if not failed:
        return found.reshape(right.shape)
    half = np.tril(matrix, -1)  # what LAPACK, for which rows are columns, has not touched
    return np.linalg.solve(half + half.T + np.diag(diagonal), right)
