"""From a list of coordinates and the constants of classes to the learned springs of a molecule, as flat arrays."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple, Protocol

import numpy as np
from ase.data import covalent_radii

from molopt.coordinates.classes import (
    CONTACT_KINDS,
    CONTACT_NAMES,
    MARK,
    Classes,
    Names,
    Naming,
    angular,
    beside,
    bonded,
    planar,
    shared,
    turning,
)
from molopt.coordinates.kinds import KINDS
from molopt.coordinates.metric_table import Angles, Contacts, Couplings, Geminal, Planarity, Stretches, Torsions
from molopt.coordinates.model_hessian import CONJUGATED, DISTANCES, LENGTHS
from molopt.coordinates.primitives import Primitives
from molopt.coordinates.repulsion import van_der_waals
from molopt.coordinates.topology import Topology
from molopt.rules.partition import Array

BEND_PER_STRETCH = 2.5  # rad/A: about sqrt(k_stretch / k_angle)
COUPLED = {"stretch-stretch": 1.0, "stretch-angle": BEND_PER_STRETCH, "angle-angle": 1.0, "conjugated": 1.0}  # scales
NODES = {  # constants of each class
    "stretch": LENGTHS.number,
    "angle": 2,
    "bend": 1,
    "torsion": CONJUGATED.number + 4,
    "plane": 1,
    "geminal": 2,
    "contact": DISTANCES.number,
    **{f"{kind}{sign}": 1 if kind == "conjugated" else 2 for kind in COUPLED for sign in "+-"},
}
CONTACT_GROUPS = np.arange(len(CONTACT_NAMES)).reshape(2, len(CONTACT_KINDS), len(CONTACT_KINDS))
CHAIN = ("chain", "chain")
EVERY = ("*", "*")


class Constants(Protocol):
    """The constants of classes."""

    def __hash__(self) -> int: ...

    def __call__(self, kind: str, names: list[Names], unseen: float = np.nan) -> Array:
        """(len(names), nodes) eV/A^2 or eV/rad^2; `unseen` where neither the own class nor the wider one is known."""


class Coupled(NamedTuple):
    """Pairs of coordinates, each with an atom."""

    classes: Classes
    first: Array  # (n,) which coordinate
    second: Array
    centres: Array  # (n,) atom


@dataclass(frozen=True, eq=False)
class Springs:
    """All springs of one list of primitives, the classes that they are in, and what these know of them.

    Attributes
    ----------
    primitives : Primitives
    topology : Topology
    constants : callable
        The constants of classes, eV/A^2 or eV/rad^2.
    """

    primitives: Primitives
    topology: Topology
    constants: Constants

    @cached_property
    def naming(self) -> Naming:
        return Naming(self.topology)

    @cached_property
    def diagonal(self) -> dict[str, Classes]:
        """Of the coordinates themselves, those of each kind in their order."""
        table, naming = self.primitives, self.naming
        return {
            "stretch": naming.classes(table.stretches, bonded),
            "angle": naming.classes(table.angles, angular),
            "bend": naming.classes(table.bends[:, :3], angular).repeated(2),
            "torsion": self.turning,
            "plane": naming.classes(table.planes, planar),
        }

    @cached_property
    def ends(self) -> tuple[Array, Array]:
        """(nt, 2) atoms about which each torsion turns, as names have them, and whether they are bonded (nt,)."""
        pairs = self.primitives.torsions[:, 1:3]
        b, c = pairs.T
        beside = (self.topology.near[b] == c[:, None]).any(axis=1)
        rank = self.naming.rank * self.primitives.natoms + np.arange(self.primitives.natoms)
        swapped = beside & (rank[b] > rank[c])
        return np.where(swapped[:, None], pairs[:, ::-1], pairs), beside

    @cached_property
    def turning(self) -> Classes:
        """Of torsions."""
        ends, beside = self.ends
        names, groups = self.naming.classes(ends, turning)
        return Classes([*names, CHAIN], np.where(beside, groups, len(names)))

    def known(self, kind: str, classes: Classes, unseen: float = np.nan) -> Array:
        """(n, nodes) constants of springs, `unseen` where their classes are not known."""
        return self.constants(kind, classes.names, unseen)[classes.groups]

    @cached_property
    def floors(self) -> Array:
        """(nq,) the least constant of each coordinate, eV/A^2 or eV/rad^2."""
        floors = np.zeros(self.primitives.count)
        for kind in KINDS:
            if kind.name in self.diagonal:
                names, groups = self.diagonal[kind.name]
                least = [kind.looser if own.startswith(MARK) else kind.floor for own, _ in names]
                floors[self.primitives.slices[kind.name]] = np.array(least)[groups] if len(groups) else 0.0
        return floors * self.primitives.shares

    @cached_property
    def steady(self) -> Array:
        """(nq,) constants that do not change with the geometry, of bends and planes; NaN elsewhere."""
        steady = np.full(self.primitives.count, np.nan)
        for kind in ("bend", "plane"):
            part = self.primitives.slices[kind]
            steady[part] = np.maximum(self.known(kind, self.diagonal[kind])[:, 0], self.floors[part])
        return steady

    def planarity(self) -> Planarity:
        topology = self.topology
        corners, degrees = topology.corners, topology.degrees[topology.corners[:, 0]]
        fours = corners[(degrees == 4) & topology.inorganic[corners[:, 0]]].reshape(-1, 4, 4)
        return Planarity((topology.degrees == 2).astype(float), corners[degrees == 3], fours)

    def rows(self, kind: str) -> tuple[Array, Array, Array]:
        """Of the coordinates of a kind whose classes are known: places in the kind, in q, and constants (n, nodes)."""
        constants = self.known(kind, self.diagonal[kind])
        which = np.flatnonzero(~np.isnan(constants).any(axis=1))
        return which, self.primitives.slices[kind].start + which, constants[which]

    def stretches(self) -> Stretches:
        which, rows, constants = self.rows("stretch")
        radii = self.radii(self.primitives.stretches[which])
        return Stretches(rows, radii, LENGTHS.pieces(constants), self.floors[rows])

    def radii(self, pairs: Array) -> Array:
        """(n,) sums of covalent radii of pairs (n, 2), Angstrom."""
        radii = covalent_radii[self.topology.numbers]
        return radii[pairs[:, 0]] + radii[pairs[:, 1]]

    def angles(self) -> Angles:
        which, rows, constants = self.rows("angle")
        return Angles(rows, self.primitives.angles[which, 1], constants, self.floors[rows])

    def torsions(self) -> Torsions:
        which, rows, constants = self.rows("torsion")
        ends, rank = self.ends[0][which], self.naming.rank
        nodes, rest = constants[:, : CONJUGATED.number], constants[:, CONJUGATED.number :].copy()
        same = rank[ends[:, 0]] == rank[ends[:, 1]]  # then no end is the first one
        rest[same, 1] = rest[same, 0]
        share = self.primitives.shares[rows]
        return Torsions(rows, ends, self.radii(ends), CONJUGATED.pieces(nodes), rest, share, self.floors[rows])

    def coupled(self) -> dict[str, Coupled]:
        """Pairs of coordinates that are coupled, by kind."""
        table, naming, topology = self.primitives, self.naming, self.topology
        keys = table.stretches @ (table.natoms, 1)
        order = np.argsort(keys)
        i, j, k = table.angles.T
        angle = table.slices["angle"].start + np.arange(len(j))
        near, far, centre = np.concatenate([i, k]), np.concatenate([k, i]), np.concatenate([j, j])
        one, other, arms = pairs_of_equals(centre * table.natoms + near)
        a, b, c, d = topology.torsions[self.conjugated].T
        ends = np.concatenate([near, a, c]), np.concatenate([centre, b, d])
        wanted = np.minimum(*ends) * table.natoms + np.maximum(*ends)
        stretch = order[np.searchsorted(keys, wanted, sorter=order)]
        arm, before, after = np.split(stretch, [len(near), len(near) + len(a)])
        first, second = arm.reshape(2, -1)
        twice = np.concatenate([angle, angle])
        leaning = naming.classes(np.stack([near, centre, far], axis=1), beside)
        sharing = naming.classes(np.stack([*np.divmod(arms, table.natoms)], axis=1), shared)
        return {
            "stretch-stretch": Coupled(self.diagonal["angle"], first, second, j),
            "stretch-angle": Coupled(leaning, arm, twice, centre),
            "angle-angle": Coupled(sharing, twice[one], twice[other], arms // table.natoms),
            "conjugated": Coupled(Classes([EVERY], np.zeros(len(a), dtype=int)), before, after, b),
        }

    @cached_property
    def conjugated(self) -> Array:
        """(n,) which torsions of the topology have bonds beside a bond that may be conjugated with each other."""
        numbers, degrees = self.topology.numbers, self.topology.degrees
        b, c = self.topology.torsions[:, 1:3].T
        heavy = (numbers[self.topology.torsions] > 1).all(axis=1)
        return np.flatnonzero(heavy & (degrees[b] <= 3) & (degrees[c] <= 3))

    def couplings(self) -> Couplings:
        coupled = self.coupled()
        plus, minus = (
            np.concatenate([self.on_centres(f"{kind}{sign}", found.classes) for kind, found in coupled.items()])
            for sign in "+-"
        )
        scale = np.repeat([COUPLED[kind] for kind in coupled], [len(found.centres) for found in coupled.values()])
        _, *rows = zip(*coupled.values(), strict=True)
        kept = np.flatnonzero((plus + minus).any(axis=1))
        plus, minus = plus[kept], minus[kept]
        first, second, centres = (np.concatenate(part)[kept] for part in rows)
        return Couplings(first, second, centres, scale[kept], plus + minus, plus - minus)

    def on_centres(self, kind: str, classes: Classes) -> Array:
        """(n, 2) constants where the centre is flat and where it is not, zero where nothing is known."""
        constants = self.constants(kind, classes.names, unseen=0.0)
        if constants.shape[1] == 1:  # of flat centres only
            constants = np.concatenate([constants, np.zeros_like(constants)], axis=1)
        return constants[classes.groups]

    @cached_property
    def around(self) -> Array:
        """(n, 3) angles whose ends are two bonds apart."""
        straight = self.primitives.straight
        return np.concatenate([self.primitives.angles, straight]) if len(straight) else self.primitives.angles

    @cached_property
    def geminal_classes(self) -> Classes:
        return self.naming.classes(self.around, angular) if len(self.primitives.straight) else self.diagonal["angle"]

    def geminal(self) -> Geminal:
        rows = self.around
        constants = self.known("geminal", self.geminal_classes, unseen=0.0)
        kept = np.flatnonzero(constants.any(axis=1))
        return Geminal(rows[kept][:, [0, 2]], rows[kept, 1], constants[kept])

    def contacts(self) -> Contacts:
        radii = van_der_waals(self.topology.numbers)
        return Contacts(self.naming.contact_kinds, radii, CONTACT_GROUPS, contact_pieces(self.constants))


@lru_cache(maxsize=8)
def contact_pieces(constants: Constants) -> Array:
    """(groups, 9, 3) of the springs between atoms that touch: those of all molecules."""
    return DISTANCES.pieces(constants("contact", CONTACT_NAMES, unseen=0.0), beyond=1)


def pairs_of_equals(keys: Array) -> tuple[Array, Array, Array]:
    """Places of all pairs of entries (n,) that are equal, and the value of each pair."""
    order = np.argsort(keys, kind="stable")
    ordered, found = keys[order], [np.zeros((2, 0), dtype=int)]
    for apart in range(1, len(keys)):
        here = np.flatnonzero(ordered[apart:] == ordered[:-apart])
        if not len(here):
            break
        found.append(np.stack([order[here], order[here + apart]]))
    one, other = np.concatenate(found, axis=1)
    return one, other, keys[one]
