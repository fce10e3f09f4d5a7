"""Solving with a model Hessian whose rigid and constrained directions are projected out."""

import logging
from collections.abc import Callable

import numpy as np
from scipy import linalg, sparse
from scipy.linalg import blas, lapack
from scipy.sparse.linalg import SuperLU, splu

from molopt.coordinates.rows import DENSE, Symmetric
from molopt.rules.partition import Array

log = logging.getLogger("molopt")

LEAST = 1e-3  # of the mean stiffness: what a direction that no coordinate describes gets

Solve = Callable[[Array], Array]


class Projected:
    r"""The pseudo-inverse of P H P, where P = 1 - T T^T takes directions out.

    Parameters
    ----------
    hessian : (n, n) array or sparse array
        Symmetric, positive definite on the range of P.
    held : (n, r) array
        T, orthonormal columns: rigid motions, and what constraints forbid.

    Notes
    -----
    Small matrices: Cholesky of P H P + c T T^T, whose inverse has what lies along T apart from the rest. Large ones
    must stay sparse: the equations H d + T mu = g, T^T d = 0 are solved with the sparse factors of H + c E E^T,
    where E are r unit vectors that hold the null space fast, and a border of 2 r unknowns puts it right exactly.
    Both give (P H P)^+ g, not that of a shifted matrix: a shift large enough to help would be stiffer than the
    softest torsions. Only where H is singular on the range of P, because a geometry has left the coordinates that
    were chosen for it, it is shifted, with a line in the log; `complete` is False then.
    """

    def __init__(self, hessian: Symmetric, held: Array) -> None:
        self.held = held
        scale = float(hessian.diagonal().mean()) or 1.0
        solver: Callable[[Symmetric, Array, float], Solve] = cholesky if hessian.shape[0] <= DENSE else bordered
        self.complete = True
        try:
            self.solve_held = solver(hessian, held, scale)
        except (linalg.LinAlgError, RuntimeError):  # SuperLU raises the second
            log.info("internal coordinates do not describe every motion here: the model Hessian is shifted")
            self.complete = False
            shift = LEAST * scale * sparse.eye_array(hessian.shape[0], format="csr")
            self.solve_held = solver(sparse.csr_array(hessian) + shift, held, scale)

    def __call__(self, g: Array) -> Array:
        """(PHP)^+ g for g of shape (n,) or (n, k)."""
        return self.outside(self.solve_held(g))

    def outside(self, g: Array) -> Array:
        """P g."""
        return g - self.held @ (self.held.T @ g)


def cholesky(hessian: Symmetric, held: Array, scale: float) -> Solve:
    # P H P + c T T^T = H + T (c + T^T H T) T^T - (H T) T^T - T (H T)^T, and H T is mostly zero
    full = hessian.toarray(order="F") if sparse.issparse(hessian) else hessian.T.copy()  # symmetric, and Fortran's
    image = hessian @ held
    half = held @ (0.5 * (held.T @ image + scale * np.eye(held.shape[1]))) - image
    full = blas.dsyr2k(1.0, half, held, beta=1.0, c=full, lower=1, overwrite_c=1)
    factor, failed = lapack.dpotrf(full, lower=1, overwrite_a=1, clean=0)
    if failed:
        raise linalg.LinAlgError("the model Hessian is not positive definite")

    def solve(g: Array) -> Array:
        if g.ndim == 1:  # faster than LAPACK's solution for many columns
            return blas.dtrsv(factor, blas.dtrsv(factor, g, lower=1), lower=1, trans=1, overwrite_x=1)
        return lapack.dpotrs(factor, g, lower=1)[0]

    return solve


def pins_of(held: Array) -> Array:
    """(r,) entries that together hold the directions (n, r) fast."""
    return linalg.qr(held.T, mode="r", pivoting=True)[1][: held.shape[1]]


def factored(hessian: Symmetric, pins: Array, scale: float) -> SuperLU:
    """Sparse LU of the matrix with these entries held by a spring."""
    grounded = hessian + sparse.csr_array((np.full(len(pins), scale), (pins, pins)), shape=hessian.shape)
    options = {"SymmetricMode": True}
    return splu(grounded.tocsc(), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=options)


def smallest_pivots(hessian: Symmetric, held: Array, least: float) -> Array:
    """Entries whose pivots are below `least` times the largest: directions besides `held` in which nothing is stiff."""
    scale = float(hessian.diagonal().max())
    lu = factored(hessian + sparse.eye_array(hessian.shape[0]) * (1e-3 * least * scale), pins_of(held), scale)
    return np.argsort(lu.perm_c)[np.abs(lu.U.diagonal()) < least * scale]


def bordered(hessian: Symmetric, held: Array, scale: float) -> Solve:
    count = held.shape[1]
    pins = pins_of(held)
    lu = factored(hessian, pins, scale)
    # unknowns: d, mu, w = E^T d, with  (H + c E E^T) d + T mu - c E w = g,  T^T d = 0,  E^T d - w = 0
    border = np.zeros((hessian.shape[0], 2 * count))
    border[:, :count] = held
    border[pins, count + np.arange(count)] = -scale
    image = lu.solve(border)
    small = np.concatenate([held.T @ image, image[pins]])
    small[count:, count:] += np.eye(count)
    inverse = balanced_inverse(small)

    def solve(g: Array) -> Array:
        d = lu.solve(np.ascontiguousarray(g))
        return d - image @ (inverse @ np.concatenate([held.T @ d, d[pins]]))

    return solve


def balanced_inverse(matrix: Array) -> Array:
    """The inverse of a small matrix whose rows and columns have very different sizes."""
    rows = 1 / np.abs(matrix).max(axis=1, initial=np.finfo(float).tiny)
    scaled = rows[:, None] * matrix
    columns = 1 / np.abs(scaled).max(axis=0, initial=np.finfo(float).tiny)
    return columns[:, None] * linalg.inv(scaled * columns) * rows
