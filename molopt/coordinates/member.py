"""Internal coordinates of one molecule: from Cartesians to scaled internals, and back."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np

from molopt.coordinates import evaluation
from molopt.coordinates.base import Coordinates, Place
from molopt.coordinates.linearization import Linearized
from molopt.coordinates.metric import Metric
from molopt.coordinates.primitives import Primitives
from molopt.coordinates.rigid import nothing, rigid_left_by, spanned
from molopt.coordinates.rows import Rows
from molopt.rules.partition import Array, Partition
from molopt.rules.state import Layout

log = logging.getLogger("molopt")

CLOSE = 1e-2  # Angstrom; norm of the last correction of a move that has arrived (docs/how/quasi_newton.md)
TRIES = 20  # corrections
SLOW = 0.7  # a correction that gains less than this factor is followed by one with B at the present geometry
WORSE = 3.0  # a correction that is longer than the last by more has lost its way
HALVINGS = 2  # of a step that cannot be reached
SHORT = 0.1  # Angstrom, of the longest atom


class Built(NamedTuple):
    """The geometry at which coordinates were built."""

    lengths: Array  # (nb,) of the bonds, Angstrom
    touching: Array  # (n, 2) atoms as close as if they were bonded


class Evaluated(Place[Linearized]):
    """A geometry at which values and rows are known."""

    coordinates: "Member"

    def __init__(self, member: "Member", x: Array) -> None:
        super().__init__(member, x)
        self.known = self.values, self.rows = member.both(x)

    def displacement(self, start: Linearized) -> Array:
        return self.coordinates.roots * self.coordinates.primitives.change(self.x, self.values, start.x, start.values)

    def pull_back(self, covector: Array) -> Array:
        found, movable = self.rows.transposed_times(covector), self.coordinates.movable
        return found if movable.all() else np.where(movable, found, 0.0)

    def linearize(self, cartesian_gradient: Array) -> Linearized:
        return Linearized(self.coordinates, self.x, cartesian_gradient, self.known)


@dataclass(frozen=True, eq=False)
class Member(Coordinates[Linearized]):
    r"""Redundant internal coordinates of one system by NumPy and SciPy, scaled by a model stiffness: u = sqrt(K) q.

    Equal lengths of du cost about equal energy in every direction, and a step of -g_u is the model's Newton step.

    Attributes
    ----------
    primitives : Primitives
        Bond lengths, angles, torsions and whatever else the molecule needs.
    stiffness : (nq,) array
        K, eV/A^2 for lengths and eV/rad^2 for angles; frozen, so that memory keeps its meaning.
    metric : Metric or None
        What is known of the Hessian beyond K, at each geometry; None is nothing.
    movable : (3N,) array of bool
        Entries that no constraint fixes.
    forbidden : callable
        The directions (3N, r) at x (3N,) in which constraints allow no move.
    free : bool
        Whether nothing outside of the molecule pulls at it: then rigid motions are projected out.
    built : Built or None
        What shows whether bonds have changed since.
    numbers : (N,) array of int
        Atomic numbers.
    """

    primitives: Primitives
    stiffness: Array
    metric: Metric | None
    movable: Array
    forbidden: Callable[[Array], Array] = nothing
    free: bool = True
    built: Built | None = None
    numbers: Array = field(default_factory=lambda: np.zeros(0, dtype=int))

    @cached_property
    def layout(self) -> Layout:  # type: ignore[override]  # read-only, computed once
        return Layout(Partition([self.primitives.count]), Partition([self.movable.size]))

    @cached_property
    def groups(self) -> Partition:  # type: ignore[override]  # read-only, computed once
        return Partition(np.ones(self.primitives.count, dtype=int))

    @cached_property
    def roots(self) -> Array:
        """(nq,) sqrt(K)."""
        return np.sqrt(self.stiffness)

    @cached_property
    def stiff(self) -> Array:
        """(nq,) 1 for stretches, angles, bends and planes, 0 for torsions, fragments and points."""
        stiff = np.ones(self.primitives.count)
        for kind, part in self.primitives.present:
            stiff[part] = kind.stiff
        return stiff

    def rows(self, x: Array) -> Rows:
        """(nq, 3N) A = sqrt(K) B at x (3N,)."""
        pattern = self.primitives.row_pattern
        return Rows(pattern, evaluation.derivatives(self.primitives, x) * self.roots[pattern.owners])

    def both(self, x: Array) -> tuple[Array, Rows]:
        """q (nq,) and A at x (3N,)."""
        values, slopes = evaluation.both(self.primitives, x)
        pattern = self.primitives.row_pattern
        return values, Rows(pattern, slopes * self.roots[pattern.owners])

    def held(self, x: Array) -> Array:
        """(n, r) orthonormal directions that are not moved along: rigid ones, and those that constraints forbid."""
        forbidden = self.forbidden(x)
        rigid = rigid_left_by(self.movable, forbidden, x.reshape(-1, 3)) if self.free else nothing(x)
        if self.movable.all() and not forbidden.shape[1]:
            return rigid
        return spanned([forbidden[self.movable], rigid[self.movable]])

    def linearize(self, x: Array, cartesian_gradient: Array) -> Linearized:
        return Linearized(self, x, cartesian_gradient)

    def place(self, x: Array) -> Evaluated:
        return Evaluated(self, x)

    def displacement(self, linearization: Linearized, x: Array) -> Array:
        change = self.primitives.change(x, self.primitives.values(x), linearization.x, linearization.values)
        return self.roots * change

    def pull_back_at(self, x: Array, covector: Array) -> Array:
        found = self.rows(x).transposed_times(covector)
        return found if self.movable.all() else np.where(self.movable, found, 0.0)

    def outdated(self, x: Array) -> Array:
        return np.array([bool(evaluation.outdated(self.primitives, x))])

    def between(self, old: Linearized, new: Linearized) -> Array:
        return self.roots * self.primitives.change(new.x, new.values, old.x, old.values)

    def move(self, linearized: Linearized, displacement: Array) -> tuple[Array, Array]:
        """The point (3N,) that lies a displacement (nq,) away, as nearly as can be, and whether that was reached (1,).

        A step that cannot be reached is halved; where that does not help either, a short step in Cartesians is taken.
        Both are logged, and cost no force call.
        """
        for halving in range(HALVINGS + 1):
            reached = self.reach(linearized, displacement / 2**halving)
            if reached is not None:
                if halving:
                    log.info("the back-transformation did not converge: step divided by %d", 2**halving)
                return reached, np.array([halving < HALVINGS and linearized.metric.complete])
        log.info("the back-transformation did not converge: a short step in Cartesians is taken")
        shortened = min(1.0, SHORT / float(linearized.longest(displacement)[0]))
        return linearized.x + linearized.to_cartesian(displacement) * shortened, np.zeros(1, dtype=bool)

    def reach(self, linearized: Linearized, displacement: Array) -> Array | None:
        """The point (3N,) at this displacement, corrected with B of the start, or of the way; None if that diverges."""
        y = linearized.x + linearized.to_cartesian(displacement)
        at, last = linearized, np.inf
        for _ in range(TRIES):
            step = at.to_cartesian(displacement - self.displacement(linearized, y))
            size = float(np.linalg.norm(step))
            if not size < WORSE * last:
                return None
            y = y + step
            if size < CLOSE:
                return y
            if size > SLOW * last:
                at = self.linearize(y, linearized.cartesian_gradient)
            last = size
        return None
