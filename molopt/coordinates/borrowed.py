"""The model Hessian that a cheap potential lends."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from molopt.coordinates.bending import bending
from molopt.coordinates.inverse import Projected
from molopt.coordinates.metric import Metric
from molopt.coordinates.primitives import Primitives
from molopt.coordinates.rigid import rigid_motions
from molopt.coordinates.rows import Rows, Symmetric
from molopt.rules.partition import Array

WEIGHT = 0.5  # of the surrogate's Hessian beside the model's: tuned, docs/notes/surrogates.md
SOFTEST, STIFFEST = (
    0.1,
    10.0,
)  # eigenvalues of the surrogate's Hessian over the model's, beyond which it is not believed
STEP = 1e-3  # Angstrom, of forward differences of the gradient
DENSE = 110  # atoms; beyond, dense matrices cost more than they save


@dataclass(frozen=True, eq=False)
class Borrowed:
    r"""A mean of a model Hessian M and the Hessian of a surrogate, made positive relative to M.

    The surrogate's Hessian is that in internal coordinates: the part that its forces make by the bending of the
    coordinates is taken out (`bending`). With :math:`M = L L^T` and the eigenvalues :math:`\lambda_i`, to vectors v,
    of :math:`L^{-1} H L^{-T}`,

    .. math:: M' = \sum_i [(1 - w) + w \, \mathrm{clip}(|\lambda_i|)] \, (L v_i) (L v_i)^T

    Above 110 atoms, and where the surrogate fails, it is M.

    Attributes
    ----------
    metric : Metric
        M.
    surface : callable
        x (3N,) -> energy and gradient (3N,) of the surrogate, eV and eV/A.
    primitives : Primitives
    stiffness : (nq,) array
        The frozen K.
    """

    metric: Metric
    surface: Callable[[Array], tuple[float, Array]]
    primitives: Primitives
    stiffness: Array

    def hessian(self, x: Array, values: Array, rows: Rows) -> Symmetric:
        model = self.metric.hessian(x, values, rows)
        energy, gradient = self.surface(x) if x.size <= 3 * DENSE else (np.inf, x)
        if not np.isfinite(energy):
            return model
        rigid = rigid_motions(x.reshape(-1, 3))
        hessian = self.of_surface(x, gradient)
        if not np.isfinite(hessian).all():
            return model
        slope = np.sqrt(self.stiffness) * rows.times(Projected(rows.normal, rigid)(gradient))
        borrowed = outside(hessian - bending(self.primitives, x, slope), rigid)
        known = outside(model, rigid)
        lower = linalg.cholesky(known + np.trace(known) / x.size * rigid @ rigid.T, lower=True)
        half = linalg.solve_triangular(lower, borrowed, lower=True)
        values, vectors = linalg.eigh(linalg.solve_triangular(lower, half.T, lower=True))
        scale = (1 - WEIGHT) + WEIGHT * np.clip(np.abs(values), SOFTEST, STIFFEST)
        springs = (lower @ vectors * np.sqrt(scale)).T
        springs -= (springs @ rigid) @ rigid.T
        return springs.T @ springs

    def of_surface(self, x: Array, gradient: Array) -> Array:
        """(3N, 3N) by forward differences, eV/A^2; NaN where the surrogate failed."""
        rows = np.zeros((x.size, x.size))
        for entry in range(x.size):
            there = x.copy()
            there[entry] += STEP
            energy, moved = self.surface(there)
            rows[entry] = (moved - gradient) / STEP if np.isfinite(energy) else np.nan
        return (rows + rows.T) / 2


def outside(matrix: Array, rigid: Array) -> Array:
    """P H P."""
    half = matrix - rigid @ (rigid.T @ matrix)
    return half - (half @ rigid) @ rigid.T
