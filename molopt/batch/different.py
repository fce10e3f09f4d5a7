"""Internal coordinates of many different molecules where they begin, made at once as those of one with many parts.

For molecules of the plain kind alone (`selection.complete`): most. The arrays are those of `Recipe.build`, bit for bit.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple, TypeVar

import numpy as np

from molopt.coordinates.learned import frozen, shipped_constants
from molopt.coordinates.member import Member
from molopt.coordinates.metric import learned_table
from molopt.coordinates.metric_table import MetricTable, Planarity
from molopt.coordinates.primitives import Primitives
from molopt.coordinates.rigid import pulls_of
from molopt.coordinates.selection import Shape, complete, further_of, principal_axes, shapes, torsions_of
from molopt.coordinates.springs import Springs
from molopt.coordinates.topology import Topology
from molopt.optimizers.hessian_models import LARGE, LEARNED
from molopt.optimizers.internals import Recipe, exceeds_noise
from molopt.rules.partition import Array

OF_ATOMS = ("centres", "ends", "pairs")  # columns of tables that hold indices of atoms
OF_COORDINATES = ("rows", "first", "second")

Part = TypeVar("Part", bound=NamedTuple)


class Parts(NamedTuple):
    """Which atoms of a whole belong to which of S molecules."""

    atoms: Array  # (N,) the molecule of each atom
    first: Array  # (S + 1,) the first atom of each

    def coordinates(self, lists: Primitives) -> tuple[Array, Array]:
        """(nq,) the molecules of stretches, angles, torsions and planes, and the place of each within its molecule."""
        rows = (lists.stretches, lists.angles, lists.torsions, lists.planes)
        owners = self.atoms[np.concatenate([part[:, 0] for part in rows])]
        order, places = np.argsort(owners, kind="stable"), np.empty(len(owners), dtype=int)
        places[order] = np.arange(len(order)) - np.searchsorted(owners, owners[order], sorter=order)
        return owners, places

    def split(self, owners: Array, values: Array) -> list[Array]:
        """Those of each molecule, in their order, of values (n, ...) that have these owners (n,)."""
        order = np.argsort(owners, kind="stable")
        bounds = np.searchsorted(owners, np.arange(len(self.first)), sorter=order).tolist()
        values = values[order]
        return [values[begin:end].copy() for begin, end in pairwise(bounds)]  # which do not keep the whole

    def within(self, owners: Array, atoms: Array) -> Array:
        """Atoms (n, ...) of these owners (n,), counted from the first of their molecule."""
        return atoms - self.first[owners].reshape(-1, *[1] * (atoms.ndim - 1))

    def rows(self, rows: Array) -> list[Array]:
        """Rows of atoms (n, ...) of each molecule."""
        owners = self.atoms[rows.reshape(len(rows), math.prod(rows.shape[1:]))[:, 0]]
        return self.split(owners, self.within(owners, rows))

    def of(self, part: Part, owners: Array, places: Array) -> list[Part]:
        """A part of a table, whose rows have these owners (n,), for each molecule; `places` (nq,) of coordinates."""
        columns = []
        for name, values in part._asdict().items():
            if name in OF_ATOMS:
                values = self.within(owners, values)
            elif name in OF_COORDINATES:
                values = places[values]
            columns.append(self.split(owners, values))
        return [type(part)(*each) for each in zip(*columns, strict=True)]


class Whole(NamedTuple):
    """S molecules as one with many parts, at a geometry."""

    topology: Topology
    parts: Parts
    x: Array  # (3N,)
    shape: Shape
    torsions: Array  # (n, 4)
    each: list[tuple[Shape, Array]]  # shape and torsions of each molecule

    @classmethod
    def of(cls, recipes: Sequence[Recipe], xs: Sequence[Array]) -> "Whole":
        sizes = [len(recipe.numbers) for recipe in recipes]
        first = np.concatenate([[0], np.cumsum(sizes)])
        parts = Parts(np.repeat(np.arange(len(sizes)), sizes), first)
        bonds = [recipe.bonds + begin for recipe, begin in zip(recipes, first[:-1], strict=True)]
        topology = Topology(np.concatenate([recipe.numbers for recipe in recipes]), np.concatenate(bonds))
        for recipe, *known in zip(
            recipes, *map(parts.rows, (topology.angles, topology.corners, topology.torsions)), strict=True
        ):
            recipe.topology.take_over(*known)
        x = np.concatenate(xs)
        shape = Shape(*(part[0] for part in shapes(topology, x.reshape(1, -1, 3))))
        centres = parts.atoms[topology.angles[:, 1]]
        torsions = torsions_of(topology, shape)
        shares = zip(*map(parts.split, (parts.atoms, centres, centres), shape), parts.rows(torsions), strict=True)
        return cls(topology, parts, x, shape, torsions, [(Shape(*own), turning) for *own, turning in shares])


def members_of_different(
    recipes: Sequence[Recipe], xs: Sequence[Array], gradients: Sequence[Array]
) -> list[Member | None]:
    """The coordinates of each molecule at x (3N,), where the gradient (3N,) is known; None of those that are not plain.

    Recipes keep the lists and tables, as if they had made them.
    """
    whole = Whole.of(recipes, xs)
    pulls = pulls_of(whole.x.reshape(-1, 3), np.concatenate(gradients).reshape(-1, 3), whole.parts.first)
    plain = [
        s
        for s, (recipe, own, x, pull, gradient) in enumerate(
            zip(recipes, whole.each, xs, pulls, gradients, strict=True)
        )
        if suits(recipe, *own, x.reshape(-1, 3)) and not exceeds_noise(pull, gradient)
    ]
    found: list[Member | None] = [None] * len(recipes)
    if plain:
        recipes, xs = [recipes[s] for s in plain], [xs[s] for s in plain]
        whole = whole if len(plain) == len(found) else Whole.of(recipes, xs)
        for s, member in zip(plain, members_of_plain(whole, recipes, xs), strict=True):
            found[s] = member
    return found


def suits(recipe: Recipe, shape: Shape, torsions: Array, xyz: Array) -> bool:
    """Whether a molecule is of the plain kind, and its model Hessian one of learned springs."""
    learned = recipe.surface is None and recipe.model.name in LEARNED and 1 < len(xyz) <= LARGE
    return learned and complete(recipe.topology, shape, torsions, xyz) and not further_of(recipe.topology, xyz)


def members_of_plain(whole: Whole, recipes: Sequence[Recipe], xs: Sequence[Array]) -> list[Member]:
    """Those of molecules of the plain kind."""
    topology, corners = whole.topology, whole.topology.corners
    planar = whole.shape.flat[corners[:, 0]]
    lists = Primitives(
        len(topology.numbers),
        stretches=topology.bonds,
        angles=topology.angles,
        torsions=whole.torsions,
        planes=corners[planar],
        pyramids=corners[~planar & (topology.degrees[corners[:, 0]] == 3)],
    )
    parts, table = whole.parts, learned_table(Springs(lists, topology, shipped_constants()), touching=True)
    owners, _ = parts.coordinates(lists)
    k = parts.split(owners, frozen(table, lists, topology.numbers, whole.x))
    primitives = primitives_of(parts, lists, xs)
    tables = tables_of(parts, lists, table, recipes, primitives)
    found = []
    for recipe, (shape, _), *made, stiffness, x in zip(recipes, whole.each, primitives, tables, k, xs, strict=True):
        own = recipe.lists.kept(shape, made[0], recipe.model, made[1])
        found.append(recipe.joined(*own, stiffness, True, recipe.bonding.built(x)))
    return found


def primitives_of(parts: Parts, lists: Primitives, xs: Sequence[Array]) -> list[Primitives]:
    """The list of each molecule at x (3N,)."""
    names = ("stretches", "angles", "torsions", "planes", "pyramids")
    columns = [parts.rows(getattr(lists, name)) for name in names]
    return [
        Primitives(x.size // 3, axes=principal_axes(x.reshape(-1, 3)), **dict(zip(names, rows, strict=True)))
        for x, *rows in zip(xs, *columns, strict=True)
    ]


def tables_of(
    parts: Parts, lists: Primitives, table: MetricTable, recipes: Sequence[Recipe], primitives: Sequence[Primitives]
) -> list[MetricTable]:
    """The table of each molecule, whose force field is its own."""
    flat, contacts, (owners, places) = table.planarity, table.contacts, parts.coordinates(lists)
    own = {
        "planarity": map(
            Planarity, parts.split(parts.atoms, flat.known), parts.rows(flat.threes), parts.rows(flat.fours)
        ),
        "stretches": parts.of(table.stretches, owners[table.stretches.rows], places),
        "angles": parts.of(table.angles, owners[table.angles.rows], places),
        "torsions": parts.of(table.torsions, owners[table.torsions.rows], places),
        "couplings": parts.of(table.couplings, owners[table.couplings.first], places),
        "geminal": parts.of(table.geminal, parts.atoms[table.geminal.centres], places),
        "contacts": (
            contacts._replace(kinds=kinds, radii=radii)
            for kinds, radii in zip(*(parts.split(parts.atoms, each) for each in contacts[:2]), strict=True)
        ),
        "steady": parts.split(owners, table.steady),
        "known": parts.split(owners, table.known),
        "floors": parts.split(owners, table.floors),
        "factors": parts.split(owners, table.factors),
    }
    return [
        recipe.model.completed(table._replace(**dict(zip(own, each, strict=True))), known, recipe.topology)
        for recipe, known, *each in zip(recipes, primitives, *own.values(), strict=True)
    ]
