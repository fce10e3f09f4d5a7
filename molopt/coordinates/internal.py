"""Internal coordinates of one molecule: from Cartesians to scaled internals, and back."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy import sparse

from molopt.coordinates.frame import Frame
from molopt.coordinates.metric import Metric
from molopt.coordinates.primitives import Primitives
from molopt.coordinates.rigid import nothing, rigid_left_by, spanned
from molopt.rules.base import Observation
from molopt.rules.partition import Array, Partition

log = logging.getLogger("molopt")

CLOSE = 3e-5  # Angstrom; norm of the last correction of a move that has arrived
TRIES = 20  # corrections
SLOW = 0.3  # a correction that gains less than this factor is followed by one with B at the present geometry
WORSE = 3.0  # a correction that is longer than the last by more has lost its way
HALVINGS = 2  # of a step that cannot be reached
SHORT = 0.1  # Angstrom, of the longest atom


class Built(NamedTuple):
    """The geometry at which coordinates were built."""

    lengths: Array  # (nb,) of the bonds, Angstrom
    touching: Array  # (n, 2) atoms as close as if they were bonded


@dataclass(eq=False)
class Internal:
    r"""Redundant internal coordinates, scaled by a model stiffness: u = sqrt(K) q.

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
        What tells whether bonds have changed since.
    lost : bool
        Whether the last move ended far from where it should: these coordinates are not good any more.
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
    lost: bool = False
    numbers: Array = field(default_factory=lambda: np.zeros(0, dtype=int))
    systems: Partition = field(init=False)
    groups: Partition = field(init=False)

    def __post_init__(self) -> None:
        self.systems = Partition([self.primitives.count])
        self.groups = Partition(np.ones(self.primitives.count, dtype=int))

    @cached_property
    def roots(self) -> Array:
        """(nq,) sqrt(K)."""
        return np.sqrt(self.stiffness)

    @cached_property
    def stiff_entries(self) -> Array:
        """(nq,) 1 for stretches, angles, bends and planes, 0 for torsions, fragments and points."""
        stiff = np.ones(self.primitives.count)
        for kind in ("torsion", "fragment", "point"):
            stiff[self.primitives.slices[kind]] = 0.0
        return stiff

    @cached_property
    def owners(self) -> Array:
        """(n,) the atom of each movable entry."""
        return np.flatnonzero(self.movable) // 3

    def a(self, x: Array) -> sparse.csr_array:
        """A = sqrt(K) B at x, (nq, n) of the n movable entries."""
        a = self.primitives.jacobian(x)
        a.data *= np.repeat(self.roots, np.diff(a.indptr))
        return a if self.movable.all() else a[:, self.movable]

    def frame(self, x: Array, gradient: Array) -> Frame:
        """What a direction sees at x (3N,), where the gradient (3N,) is in eV/A."""
        curvature = None if self.metric is None else self.metric.at(x)
        if curvature is not None and not self.movable.all():
            curvature = curvature._replace(rows=curvature.rows[:, self.movable])
        values = self.primitives.values(x)
        return Frame(
            x, gradient[self.movable], self.a(x), self.roots, self.held(x), curvature, values, self.owners, self
        )

    def held(self, x: Array) -> Array:
        """(n, r) orthonormal directions that are not moved along: rigid ones, and those that constraints forbid."""
        forbidden = self.forbidden(x)
        rigid = rigid_left_by(self.movable, forbidden, x.reshape(-1, 3)) if self.free else nothing(x)
        if self.movable.all() and not forbidden.shape[1]:
            return rigid
        return spanned([forbidden[self.movable], rigid[self.movable]])

    def observe(self, frame: Frame, taken: Array) -> Observation:
        """What a rule sees in this frame, reached by the displacement `taken` (nq,)."""
        return Observation(frame.natural, taken, self.systems, self.groups, np)

    def between(self, old: Frame, new: Frame) -> Array:
        """(nq,) the displacement in u from one frame to another."""
        return self.roots * self.primitives.change(new.x, new.values, old.x, old.values)

    def longest(self, frame: Frame, displacement: Array) -> Array:
        """(1,) length of the longest move of an atom, Angstrom."""
        return np.array([frame.longest(displacement)])

    def change(self, frame: Frame, displacement: Array) -> Array:
        """(1,) largest change of an internal coordinate, Angstrom or rad."""
        return np.array([frame.change(displacement)])

    def move(self, frame: Frame, displacement: Array) -> Array:
        """(3N,) the point whose internals are those of the frame and a displacement (nq,), as nearly as can be.

        A step that cannot be reached is halved; where that does not help either, a short step in Cartesians is taken.
        Both are logged, and cost no force call.
        """
        self.lost = False
        for halving in range(HALVINGS + 1):
            reached = self.reach(frame, displacement / 2**halving)
            if reached is not None:
                if halving:
                    log.info("the back-transformation did not converge: step divided by %d", 2**halving)
                self.lost = halving == HALVINGS or not frame.stiff.complete
                return reached
        log.info("the back-transformation did not converge: a short step in Cartesians is taken")
        self.lost = True
        return self.shifted(frame.x, frame.lower(displacement) * min(1.0, SHORT / frame.longest(displacement)))

    def reach(self, frame: Frame, displacement: Array) -> Array | None:
        """The point (3N,) at this displacement, corrected with B of the frame, or of the way; None if that diverges."""
        y = self.shifted(frame.x, frame.lower(displacement))
        at, last = frame, np.inf
        for _ in range(TRIES):
            missing = displacement - self.roots * self.primitives.change(
                y, self.primitives.values(y), frame.x, frame.values
            )
            step = at.lower(missing)
            size = float(np.linalg.norm(step))
            if not size < WORSE * last:
                return None
            y = self.shifted(y, step)
            if size < CLOSE:
                return y
            if size > SLOW * last:
                at = Frame(y, frame.cartesian, self.a(y), self.roots, self.held(y), None, frame.values, self.owners)
            last = size
        return None

    def shifted(self, x: Array, step: Array) -> Array:
        """x (3N,) with its movable entries moved by a step (n,)."""
        if self.movable.all():
            return x + step
        moved = x.copy()
        moved[self.movable] += step
        return moved
