"""What coordinates are to the directions and the drive of a run: two contracts."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Generic, Self, TypeVar

import numpy as np

from molopt.coordinates.secants import SecantStep, secant_step
from molopt.errors import InputError
from molopt.rules.base import Observation
from molopt.rules.partition import Partition
from molopt.rules.state import Array, Layout

L = TypeVar("L", bound="Linearization")


class Linearization(ABC):
    r"""Coordinates u of S systems at one geometry x, and the algebra of the model Hessian there.

    Displacements are du = A dx. The frozen metric is G = A^T A and the model Hessian H, both in Cartesians; T are the
    directions that are projected out (rigid motions, and what constraints forbid), so that all inverses are
    pseudo-inverses on what is left. In u the model Hessian is :math:`M = A G^+ H G^+ A^T`.

    Vectors are flat, one system after another: (nq,) in u, (3N,) in Cartesians, entries that cannot move being zero.
    The functions of vectors take (nq, k) and (3N, k) as well.

    Attributes
    ----------
    coordinates : Coordinates
        Those that this is a linearization of; for directions that serve one system.
    layout : Layout
        Which entries are of which system.
    x : (3N,) array
        Angstrom.
    cartesian_gradient : (3N,) array
        g_x = dE/dx, eV/A.
    """

    coordinates: "Coordinates[Any]"
    layout: Layout
    x: Array
    cartesian_gradient: Array

    @abstractmethod
    def to_internal(self, move: Array) -> Array:
        """A dx."""

    @abstractmethod
    def pull_back(self, covector: Array) -> Array:
        """A^T v: a gradient in u as one in Cartesians."""

    @abstractmethod
    def solve_metric(self, covector: Array) -> Array:
        """G^+ f of a Cartesian gradient f."""

    @abstractmethod
    def apply_cartesian(self, move: Array) -> Array:
        """H dx, eV/A."""

    @abstractmethod
    def solve_cartesian(self, covector: Array) -> Array:
        """H^+ f, Angstrom."""

    @abstractmethod
    def change(self, displacement: Array) -> Array:
        """(S,) largest change of an internal coordinate, Angstrom or rad; zero where there are none."""

    @abstractmethod
    def select(self, systems: Sequence[int]) -> "Linearization":
        """The linearization of these systems alone, in this order."""

    @abstractmethod
    def where(self, mine: Array, other: Self) -> Self:
        """This one for the systems where `mine` (S,) is true, `other`, of the same coordinates, for the rest."""

    @cached_property
    def gradient(self) -> Array:
        """(nq,) g_u = A G^+ g_x, sqrt(eV)."""
        return self.to_internal(self.solve_metric(self.cartesian_gradient))

    @cached_property
    def newton(self) -> Array:
        """(3N,) H^+ g_x, Angstrom: the negative of the model's Newton step."""
        return self.solve_cartesian(self.cartesian_gradient)

    @cached_property
    def natural_gradient(self) -> Array:
        """(nq,) the same in u, A H^+ g_x, sqrt(eV)."""
        return self.to_internal(self.newton)

    @property
    def energy_left(self) -> Array:
        """(S,) g_x . H^+ g_x / 2, eV: what the model's Newton step would gain."""
        return 0.5 * self.layout.places.sum(self.cartesian_gradient * self.newton)

    def to_cartesian(self, displacement: Array) -> Array:
        """G^+ A^T du, Angstrom."""
        return self.solve_metric(self.pull_back(displacement))

    def apply(self, displacement: Array) -> Array:
        """M du."""
        return self.to_internal(self.solve_metric(self.apply_cartesian(self.to_cartesian(displacement))))

    def solve(self, covector: Array) -> Array:
        """M^+ v = A H^+ A^T v."""
        return self.to_internal(self.solve_cartesian(self.pull_back(covector)))

    def longest_move(self, move: Array) -> Array:
        """(S,) length of the longest move of an atom in a displacement dx (3N,), Angstrom."""
        return np.sqrt(self.layout.places.max(np.repeat((move * move).reshape(-1, 3).sum(axis=1), 3)))

    def longest(self, displacement: Array) -> Array:
        """(S,) length of the longest move of an atom, to first order, Angstrom."""
        return self.longest_move(self.to_cartesian(displacement))

    def pull(self, displacement: Array) -> Array:
        """(S,) the longest force on an atom that the model makes for a displacement (nq,), eV/A."""
        return self.longest_move(self.apply_cartesian(self.to_cartesian(displacement)))

    def net(self) -> Array:
        """(S,) mean square of the net force and torque on each system that is free to move as a whole, (eV/A)^2.

        They are noise, of six motions, or five of atoms on a line; NaN where they may be something else.
        """
        return np.full(self.layout.count, np.nan)

    def lack(self, old: Self, taken: Array) -> Array:
        """(nq,) change of the gradient in a step `taken` (nq,) from `old` to here, less what M foretold for it."""
        return self.gradient - old.gradient - 0.5 * (old.apply(taken) + self.apply(taken))

    def secant_step(
        self, steps: Array, lacks: Array, damping: float, radius: Array, maxstep: float, maxchange: float
    ) -> SecantStep:
        """The step to the minimum of M corrected by secants, within limits (`molopt.coordinates.secants`).

        `steps` (m, nq) are the remembered ones, zero where a system has none, and `lacks` (m, nq) theirs; `radius` (S,)
        is in sqrt(eV), `maxstep` in Angstrom, `maxchange` in Angstrom or rad.
        """
        found = []
        for system in range(self.layout.count):
            part = self.layout.entries.part(system)
            one = self if self.layout.count == 1 else self.select([system])
            found.append(
                secant_step(one, steps[:, part], lacks[:, part], damping, float(radius[system]), maxstep, maxchange)
            )
        return SecantStep(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


class Place(Generic[L]):
    """A geometry x (3N,) that is looked at before its gradient is known: what `Coordinates` say of it."""

    def __init__(self, coordinates: "Coordinates[L]", x: Array) -> None:
        self.coordinates, self.x = coordinates, x

    def displacement(self, start: L) -> Array:
        """(nq,) from a start to here."""
        return self.coordinates.displacement(start, self.x)

    def pull_back(self, covector: Array) -> Array:
        """(3N,) A^T v."""
        return self.coordinates.pull_back_at(self.x, covector)

    def linearize(self, cartesian_gradient: Array) -> L:
        """Everything, where the gradient (3N,) is in eV/A."""
        return self.coordinates.linearize(self.x, cartesian_gradient)


class Coordinates(ABC, Generic[L]):
    """The coordinates u of S systems: from Cartesians to what a rule sees, and back. All methods are pure.

    `arrive` calls `linearize` at each new geometry, then `between` and `observe`; `depart` calls `move`.

    Attributes
    ----------
    layout : Layout
        Which entries of u, and of x, are of which system.
    groups : Partition
        Entries of u that belong together: x, y, z of an atom in Cartesian and elastic coordinates, else each by itself.
    """

    layout: Layout
    groups: Partition

    @abstractmethod
    def linearize(self, x: Array, cartesian_gradient: Array) -> L:
        """Everything that is known at x (3N,), Angstrom, where the gradient (3N,) is in eV/A."""

    @abstractmethod
    def between(self, old: L, new: L) -> Array:
        """(nq,) the displacement from one geometry to another."""

    @abstractmethod
    def move(self, linearization: L, displacement: Array) -> tuple[Array, Array]:
        """The point (3N,) that lies a displacement (nq,) away, as nearly as can be, and which systems arrived (S,)."""

    @property
    @abstractmethod
    def stiff(self) -> Array:
        """(nq,) 1 for coordinates that are stiff in any molecule, 0 for torsions, fragments, points and Cartesians."""

    @abstractmethod
    def displacement(self, linearization: L, x: Array) -> Array:
        """(nq,) the displacement to any geometry x (3N,), at which nothing else needs to be known."""

    @abstractmethod
    def pull_back_at(self, x: Array, covector: Array) -> Array:
        """(3N,) A^T v at any geometry x (3N,)."""

    def outdated(self, x: Array) -> Array:
        """(S,) which systems the coordinates may no longer describe at x (3N,), and must be looked at closely."""
        return np.zeros(self.layout.count, dtype=bool)

    def place(self, x: Array) -> Place[L]:
        """A geometry x (3N,) to be looked at."""
        return Place(self, x)

    def select(self, systems: Sequence[int]) -> "Coordinates[L]":
        """The coordinates of these systems alone, in this order; here those of all."""
        if list(systems) != list(range(self.layout.count)):
            raise InputError(f"{type(self).__name__} coordinates are of one system, and cannot be divided")
        return self

    def joined(self, parts: Sequence[L]) -> L:
        """The linearization of all systems from those of some of them each, one after another."""
        x = np.concatenate([part.x for part in parts])
        return self.linearize(x, np.concatenate([part.cartesian_gradient for part in parts]))

    def observe(self, linearization: L, taken: Array) -> Observation:
        """What a rule sees here, reached by the displacement `taken` (nq,)."""
        return Observation(linearization.natural_gradient, taken, self.layout.entries, self.groups, np)
