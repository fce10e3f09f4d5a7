"""The learned model Hessian: springs whose constants were fitted to the Hessians of other molecules."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.resources import files

import numpy as np
from scipy import sparse

from molopt.coordinates.metric import Curvature
from molopt.coordinates.primitives import Primitives
from molopt.coordinates.springs import Contacts, Family, Geometry, Springs
from molopt.coordinates.stiffness import POINT, TRANSLATION
from molopt.coordinates.topology import Topology
from molopt.rules.partition import Array

FLOORS = {"stretch": 4.0, "angle": 0.6, "bend": 0.1, "torsion": 0.05, "plane": 0.1}  # eV/A^2, eV/rad^2
FROZEN = {"torsion": 0.15}  # eV/rad^2 about one bond

Table = Mapping[str, Mapping[str, list[float]]]


@cache
def shipped_table() -> Table:
    """The constants that come with molopt: kind of spring -> group -> one constant a node, eV/A^2 or eV/rad^2."""
    return json.loads((files("molopt.coordinates") / "learned_stiffness.json").read_text())["constants"]


def constants(family_kind: str, names: list[tuple[str, str]], table: Table, nodes: int) -> Array:
    """(groups, nodes): of each group its own constants, or those of the wider one."""
    known = table.get(family_kind, {})
    rows = [known.get(own) or known.get(wide) or known.get("*") or [0.0] * nodes for own, wide in names]
    return np.array(rows, dtype=float).reshape(-1, nodes)


def stiffnesses(family: Family, at: Geometry, table: Table) -> Array:
    """(n,) the constant of each spring."""
    weights = family.weights(at)
    if not len(weights):
        return np.zeros(0)
    known = constants(family.kind, family.names, table, weights.shape[1])
    return (weights * known[family.groups]).sum(axis=1)


@dataclass(eq=False)
class Learned:
    """The Metric of a molecule's springs; smooth in the geometry, positive, for all elements.

    Attributes
    ----------
    springs : Springs
    contacts : Contacts or None
    stiffness : (nq,) array
        The frozen K of the coordinates.
    table : Table
    """

    springs: Springs
    contacts: Contacts | None
    stiffness: Array
    table: Table = field(default_factory=lambda: shipped_table())

    def at(self, x: Array) -> Curvature:
        geometry = Geometry(self.springs, x)
        diagonal = present(self.springs, geometry, self.table) / self.stiffness
        return Curvature(diagonal, self.pairs(geometry), self.coupled(geometry))

    @cached_property
    def roots(self) -> Array:
        return np.sqrt(self.stiffness)

    @cached_property
    def couplings(self) -> list[tuple[Family, sparse.csr_array]]:
        """Those that the table knows, their rows in scaled coordinates."""
        kept = []
        for family, rows in self.springs.couplings:
            if len(family.groups):
                nodes = family.weights(Geometry(self.springs, self.anywhere)).shape[1]
                used = constants(family.kind, family.names, self.table, nodes).any(axis=1)[family.groups]
                if used.any():
                    part = Family(family.kind, family.names, family.groups[used], thinned(family, used))
                    kept.append((part, rows[used] @ sparse.diags_array(1 / self.roots)))
        return kept

    @cached_property
    def anywhere(self) -> Array:
        return np.arange(3.0 * len(self.springs.numbers))

    def coupled(self, at: Geometry) -> sparse.csr_array:
        """(n, nq) sqrt(k) times the rows of the couplings."""
        if not self.couplings:
            return sparse.csr_array((0, len(self.stiffness)))
        parts = [
            sparse.diags_array(np.sqrt(stiffnesses(family, at, self.table))) @ rows for family, rows in self.couplings
        ]
        return sparse.csr_array(sparse.vstack(parts))

    def pairs(self, at: Geometry) -> sparse.csr_array:
        """(n, 3N) sqrt(k) dr/dx of geminal pairs and contacts."""
        family, rows = self.springs.geminal
        gap = at.positions[rows[:, 0]] - at.positions[rows[:, 1]]
        units = gap / np.maximum(np.sqrt((gap * gap).sum(axis=1)), 1e-9)[:, None]
        k = stiffnesses(family, at, self.table)
        if self.contacts is not None:
            near, groups, weights, directions = self.contacts.at(at.positions)
            known = constants("contact", self.contacts.names, self.table, weights.shape[1])
            k = np.concatenate([k, (weights * known[groups]).sum(axis=1)])
            rows, units = np.concatenate([rows, near]), np.concatenate([units, directions])
        used = k > 1e-4
        return pair_rows(rows[used], units[used] * np.sqrt(k[used])[:, None], at.x.size)


def thinned(family: Family, used: Array):  # type: ignore[no-untyped-def]
    return lambda at: family.weights(at)[used]


def pair_rows(pairs: Array, vectors: Array, entries: int) -> sparse.csr_array:
    """(n, 3N) rows with a vector (n, 3) at the first atom of each pair and its opposite at the second."""
    columns = (3 * pairs[:, :, None] + np.arange(3)).reshape(len(pairs), 6)
    starts = np.arange(0, 6 * len(pairs) + 1, 6)
    data = np.concatenate([vectors, -vectors], axis=1).ravel()
    return sparse.csr_array((data, columns.ravel(), starts), shape=(len(pairs), entries))


def present(springs: Springs, at: Geometry, table: Table) -> Array:
    """(nq,) constants of the coordinates at this geometry, eV/A^2 or eV/rad^2, all positive."""
    primitives = springs.primitives
    parts = []
    for family in springs.diagonal:
        k = stiffnesses(family, at, table)
        floor = FLOORS[family.kind] / (np.maximum(primitives.sharing, 1) if family.kind == "torsion" else 1.0)
        parts.append(np.maximum(k, floor))
    return np.concatenate(
        [*parts, np.full(primitives.poses.count, TRANSLATION), np.full(3 * len(primitives.points), POINT)]
    )


def frozen(primitives: Primitives, topology: Topology, x: Array, table: Table | None = None) -> Array:
    """(nq,) the stiffness K that scales coordinates built at x (3N,)."""
    springs = Springs(primitives, topology)
    k = present(springs, Geometry(springs, x), shipped_table() if table is None else table)
    torsions = primitives.slices["torsion"]
    k[torsions] = np.maximum(k[torsions], FROZEN["torsion"] / np.maximum(primitives.sharing, 1))
    return k
