"""Coordinates at one geometry: what a direction sees there, and the algebra of the model Hessian."""

from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse

from molopt.coordinates.inverse import Projected
from molopt.coordinates.metric import ModelHessian
from molopt.rules.partition import Array


class Frame:
    r"""Scaled internal coordinates, linearised at one geometry.

    With A = sqrt(K) B, where B = dq/dx, the displacements du = A dx are those of u = sqrt(K) q, in sqrt(eV). The model
    Hessian is A^T M A in Cartesians and P M P in u, P the projector on the range of A.

    Attributes
    ----------
    x : (3N,) array
        The geometry, Angstrom.
    cartesian : (n,) array
        g_x = dE/dx of the n entries that may move, eV/A.
    a : (nq, n) sparse array
        A, sqrt(eV)/A.
    roots : (nq,) array
        sqrt(K), sqrt(eV) a unit of q.
    held : (n, r) array
        Orthonormal directions that are projected out.
    curvature : ModelHessian or None
        M, None for the identity.
    values : (nq,) array
        q.
    owners : (n,) array of int
        The atom of each entry that may move.
    coordinates : Internal or None
        Those that it is a frame of.
    """

    def __init__(
        self,
        x: Array,
        cartesian: Array,
        a: sparse.csr_array,
        roots: Array,
        held: Array,
        curvature: ModelHessian | None,
        values: Array,
        owners: Array,
        coordinates: Any = None,
    ) -> None:
        self.coordinates = coordinates
        self.x, self.cartesian, self.roots, self.held = x, cartesian, roots, held
        self.curvature, self.values, self.owners = curvature, values, owners
        self.a, self.transposed = a, a.T

    @cached_property
    def stiff(self) -> Projected:
        """(A^T A)^+, the inverse of the frozen model Hessian."""
        return Projected(self.transposed @ self.a, self.held)

    @cached_property
    def model(self) -> Projected:
        """(A^T M A)^+, the inverse of the model Hessian of this geometry."""
        if self.curvature is None:
            return self.stiff
        diagonal, rows, coupled = self.curvature
        weighted = self.a.copy()
        weighted.data *= np.repeat(diagonal, np.diff(weighted.indptr))
        if coupled is not None:
            rows = sparse.vstack([rows, coupled @ self.a], format="csr")
        return Projected(self.transposed @ weighted + rows.T @ rows, self.held)

    @cached_property
    def gradient(self) -> Array:
        """(nq,) g_u = A (A^T A)^+ g_x, sqrt(eV)."""
        return self.a @ self.stiff(self.cartesian)

    @cached_property
    def natural(self) -> Array:
        """(nq,) (P M P)^+ g_u, sqrt(eV): the negative of the model's Newton step."""
        return self.a @ self.model(self.cartesian)

    @property
    def energy_left(self) -> float:
        """g_u . (P M P)^+ g_u / 2, eV: what the model's Newton step would gain."""
        return 0.5 * float(self.gradient @ self.natural)

    def lower(self, displacement: Array) -> Array:
        """(n,) or (n, k): the Cartesian displacement (A^T A)^+ A^T du, Angstrom."""
        return self.stiff(self.transposed @ displacement)

    def apply(self, displacement: Array) -> Array:
        """M du, for du of shape (nq,) or (nq, k)."""
        if self.curvature is None:
            return displacement
        diagonal, rows, coupled = self.curvature
        scaled = displacement * (diagonal if displacement.ndim == 1 else diagonal[:, None])
        if coupled is not None:
            scaled += coupled.T @ (coupled @ displacement)
        if rows.shape[0] == 0:
            return scaled
        return scaled + self.a @ self.stiff(rows.T @ (rows @ self.lower(displacement)))

    def solve(self, covector: Array) -> Array:
        """(P M P)^+ v, for v of shape (nq,) or (nq, k)."""
        return self.a @ self.model(self.transposed @ covector)

    def longest(self, displacement: Array) -> float:
        """Length of the longest move of an atom, to first order, Angstrom."""
        return float(np.sqrt(np.bincount(self.owners, self.lower(displacement) ** 2).max(initial=0.0)))

    def pull(self, displacement: Array) -> float:
        """The longest force on an atom that the model makes for a displacement (nq,), eV/A."""
        force = self.transposed @ self.apply(displacement)
        return float(np.sqrt(np.bincount(self.owners, force**2).max(initial=0.0)))

    def change(self, displacement: Array) -> float:
        """Largest change of an internal coordinate, Angstrom or rad."""
        return float(np.abs(displacement / self.roots).max(initial=0.0))
