"""Internal coordinates of several systems at one geometry each, compiled."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from molopt.coordinates.kernels import secants, solving
from molopt.coordinates.kernels.systems import Pages, turned_together
from molopt.coordinates.linearization import OfInternal
from molopt.coordinates.member import Member
from molopt.coordinates.secants import SecantStep
from molopt.rules.partition import Array
from molopt.rules.state import PerEntry, PerPlace, PerSystem, choose, concatenate, select

if TYPE_CHECKING:
    from molopt.coordinates.kernels.group import Group


class Known(NamedTuple):
    """What directions ask of S systems at their geometries: that of `linearize.Slopes`, and what it is of."""

    x: PerPlace  # (3N,) Angstrom
    cartesian_gradient: PerPlace  # (3N,) eV/A
    gradient: PerEntry  # (nq,) sqrt(eV)
    newton: PerPlace  # (3N,) Angstrom
    natural_gradient: PerEntry  # (nq,) sqrt(eV)
    energy_left: PerSystem  # (S,) eV
    stiff_definite: PerSystem  # (S,) whether A^T A is positive definite but for rigid motions; else it was shifted
    definite: PerSystem  # (S,) and the model Hessian as well


class Compiled(OfInternal):
    """What `Linearized` is for one system, for S of any molecules, by kernels; all is known when it is made.

    Attributes
    ----------
    group : Group
        The coordinates.
    on_pages : tuple
        Where kernels find the systems: tables, which, pages, where (`systems`).
    known : Known
    """

    def __init__(self, group: "Group", pages: Pages, where: Array, known: Known) -> None:
        self.group = self.coordinates = group
        self.layout = group.layout
        self.on_pages = group.shelf, group.which, pages, where
        self.known = known
        self.x, self.cartesian_gradient = known.x, known.cartesian_gradient

    @property
    def member(self) -> Member:  # type: ignore[override]  # read-only
        (member,) = self.group.members
        return member

    @property
    def gradient(self) -> Array:
        return self.known.gradient

    @property
    def newton(self) -> Array:
        return self.known.newton

    @property
    def natural_gradient(self) -> Array:
        return self.known.natural_gradient

    @property
    def energy_left(self) -> Array:
        return self.known.energy_left

    def to_internal(self, move: Array) -> Array:
        return like(solving.to_internal(*self.on_pages, columns(move), self.layout.entries.total), move)

    def pull_back(self, covector: Array) -> Array:
        return like(solving.pull_back(*self.on_pages, columns(covector), self.layout.places.total), covector)

    def solve_metric(self, covector: Array) -> Array:
        return like(solving.solve_metric(*self.on_pages, columns(covector)), covector)

    def apply_cartesian(self, move: Array) -> Array:
        return like(solving.apply_hessian(*self.on_pages, columns(move)), move)

    def solve_cartesian(self, covector: Array) -> Array:
        return like(solving.solve_hessian(*self.on_pages, columns(covector)), covector)

    def change(self, displacement: Array) -> Array:
        return self.layout.entries.max(np.abs(displacement / self.group.scaling.roots))

    def net(self) -> Array:
        return solving.net(*self.on_pages)

    def lack(self, old: Self, taken: Array) -> Array:
        return secants.lack(
            *old.on_pages, *self.on_pages[2:], (old.gradient, self.gradient), np.ascontiguousarray(taken)
        )

    def secant_step(
        self, steps: Array, lacks: Array, damping: float, radius: Array, maxstep: float, maxchange: float
    ) -> SecantStep:
        limits = secants.Limits(np.ascontiguousarray(radius, dtype=float), float(maxstep), float(maxchange))
        rows = np.ascontiguousarray(steps), np.ascontiguousarray(lacks)
        return SecantStep(*secants.secant_step(*self.on_pages, self.group.scaling.roots, *rows, float(damping), limits))

    def select(self, systems: Sequence[int]) -> Self:
        if list(systems) == list(range(self.layout.count)):
            return self
        known = select(self.layout, systems, self.known)
        return type(self)(self.group.select(systems), self.on_pages[2], self.on_pages[3][list(systems)], known)

    def where(self, mine: Array, other: Self) -> Self:
        if np.all(mine) or not np.any(mine):
            return self if np.all(mine) else other
        rows = np.flatnonzero(mine), np.flatnonzero(~mine)
        found = turned_together(
            self.on_pages[2], self.on_pages[3][rows[0]], other.on_pages[2], other.on_pages[3][rows[1]]
        )
        order = np.argsort(np.concatenate(rows))
        return type(self)(self.group, found[0], found[1][order], choose(self.layout, mine, self.known, other.known))


def put_together(group: "Group", parts: Sequence[Compiled]) -> Compiled:
    """The systems of all parts, which are those of the group, one part after another."""
    _, _, pages, where = parts[0].on_pages
    for part in parts[1:]:
        pages, where = turned_together(pages, where, *part.on_pages[2:])
    return Compiled(group, pages, where, concatenate([part.known for part in parts]))


def columns(vectors: Array) -> Array:
    """(n, k) of vectors (n,) or (n, k)."""
    return np.ascontiguousarray(vectors, dtype=float).reshape(len(vectors), -1)


def like(found: Array, vectors: Array) -> Array:
    """Columns (n, k) with as many axes as the vectors have."""
    return found.ravel() if vectors.ndim == 1 else found
