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
from molopt.coordinates.rigid import left_by, rigid_motions, spanned
from molopt.rules.base import Observation
from molopt.rules.partition import Array, Partition

log = logging.getLogger("molopt")

CLOSE = 1e-5  # Angstrom; the last correction of a move that has arrived
TRIES = 20  # corrections
SLOW = 0.3  # a correction that gains less than this factor is followed by one with B at the present geometry
WORSE = 3.0  # a correction that is longer than the last by more has lost its way
SHORTER = 6  # halvings of a step that cannot be reached


class Built(NamedTuple):
    """The geometry at which coordinates were built."""

    lengths: Array  # (nb,) of the bonds, Angstrom
    touching: Array  # (n, 2) atoms as close as if they were bonded


@dataclass(frozen=True, eq=False)
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
    forbidden : callable or None
        The directions (3N, r) at x (3N,) in which constraints allow no move.
    free : bool
        Whether nothing outside of the molecule pulls at it: then rigid motions are projected out.
    built : Built or None
        What tells whether bonds have changed since.
    """

    primitives: Primitives
    stiffness: Array
    metric: Metric | None
    movable: Array
    forbidden: Callable[[Array], Array] | None = None
    free: bool = True
    built: "Built | None" = None
    systems: Partition = field(init=False)
    groups: Partition = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "systems", Partition([self.primitives.count]))
        object.__setattr__(self, "groups", Partition(np.ones(self.primitives.count, dtype=int)))

    @cached_property
    def roots(self) -> Array:
        """(nq,) sqrt(K)."""
        return np.sqrt(self.stiffness)

    @cached_property
    def scaling(self) -> sparse.dia_array:
        return sparse.diags_array(self.roots)

    def a(self, x: Array) -> sparse.csr_array:
        """A = sqrt(K) B at x, (nq, n) of the n movable entries."""
        a = self.scaling @ self.primitives.jacobian(x)
        return a if self.movable.all() else a[:, self.movable]

    def frame(self, x: Array, gradient: Array) -> Frame:
        """What a direction sees at x (3N,), where the gradient (3N,) is in eV/A."""
        curvature = None if self.metric is None else self.metric.at(x)
        if curvature is not None and not self.movable.all():
            curvature = curvature._replace(rows=curvature.rows[:, self.movable])
        return Frame(x, gradient[self.movable], self.a(x), self.roots, self.held(x), curvature)

    def held(self, x: Array) -> Array:
        """(n, r) orthonormal directions that are not moved along: rigid ones, and those that constraints forbid."""
        parts = [np.zeros((x.size, 0))]
        if self.free:
            parts.append(left_by(rigid_motions(x.reshape(-1, 3)), ~self.movable))
        if self.forbidden is not None:
            parts.append(self.forbidden(x))
        if len(parts) == 2 and self.movable.all():
            return parts[1]
        return spanned([part[self.movable] for part in parts])

    def observe(self, frame: Frame, taken: Array) -> Observation:
        """What a rule sees in this frame, reached by the displacement `taken` (nq,)."""
        return Observation(frame.natural, taken, self.systems, self.groups, np)

    def between(self, old: Frame, new: Frame) -> Array:
        """(nq,) the displacement in u from one frame to another."""
        return self.roots * self.primitives.difference(new.x, old.x)

    def longest(self, frame: Frame, displacement: Array) -> Array:
        """(1,) length of the longest move of an atom, Angstrom."""
        return np.array([frame.longest(displacement)])

    def change(self, frame: Frame, displacement: Array) -> Array:
        """(1,) largest change of an internal coordinate, Angstrom or rad."""
        return np.array([frame.change(displacement)])

    def move(self, frame: Frame, displacement: Array) -> Array:
        """(3N,) the point whose internals are those of the frame and a displacement (nq,), as nearly as can be.

        A step that cannot be reached is halved, and that is logged; it costs no force call.
        """
        for halving in range(SHORTER):
            reached = self.reach(frame, displacement / 2**halving)
            if reached is not None:
                if halving:
                    log.info("the back-transformation did not converge: step divided by %d", 2**halving)
                return reached
        log.info("the back-transformation did not converge: a small step in Cartesians is taken instead")
        return self.shifted(frame.x, frame.lower(displacement / 2**SHORTER))

    def reach(self, frame: Frame, displacement: Array) -> Array | None:
        """The point at this displacement, by corrections with B of the frame, or of the way; None where they diverge."""
        y = self.shifted(frame.x, frame.lower(displacement))
        at, last = frame, np.inf
        for _ in range(TRIES):
            missing = displacement - self.roots * self.primitives.difference(y, frame.x)
            step = at.lower(missing)
            size = float(np.abs(step).max())
            if not size < WORSE * last:
                return None
            y = self.shifted(y, step)
            if size < CLOSE:
                return y
            if size > SLOW * last:
                at = Frame(y, frame.cartesian, self.a(y), self.roots, self.held(y), None)
            last = size
        return None

    def shifted(self, x: Array, step: Array) -> Array:
        """x (3N,) with its movable entries moved by a step (n,)."""
        if self.movable.all():
            return x + step
        moved = x.copy()
        moved[self.movable] += step
        return moved
