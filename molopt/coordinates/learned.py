"""The learned model Hessian: springs whose constants were fitted to the Hessians of other molecules."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.resources import files

import numpy as np
from scipy import sparse

from molopt.coordinates.contacts import Contacts
from molopt.coordinates.metric import STIFFEST_CONTACT, ModelHessian
from molopt.coordinates.primitives import Primitives
from molopt.coordinates.springs import MARK, NODES, Family, Geometry, Springs
from molopt.coordinates.stiffness import POINT, TRANSLATION, fischer_almlof
from molopt.coordinates.topology import Topology
from molopt.rules.partition import Array

FLOORS = {"stretch": 4.0, "angle": 0.6, "bend": 0.1, "torsion": 0.05, "plane": 0.1}  # eV/A^2, eV/rad^2
LOOSER = {"stretch": 0.5, "angle": 0.05, "bend": 0.05, "torsion": 0.02, "plane": 0.02}  # of inorganic classes
IN_LITERATURE = {  # names of `Constants`
    "stretch": "stretches",
    "angle": "angles",
    "bend": "bends",
    "torsion": "torsions",
    "plane": "planes",
}
FROZEN = {"torsion": 0.15}  # eV/rad^2 about one bond

Table = Mapping[str, Mapping[str, list[float]]]


@cache
def shipped_table() -> Table:
    """The constants that come with molopt: kind of spring -> group -> one constant a node, eV/A^2 or eV/rad^2.

    Those of classes that have an inorganic atom are in a file of their own, fitted with all others given.
    """
    organic, inorganic = (
        json.loads((files("molopt.coordinates") / f"{name}_stiffness.json").read_text())["constants"]
        for name in ("learned", "inorganic")
    )
    return {kind: organic.get(kind, {}) | inorganic.get(kind, {}) for kind in organic | inorganic}


def floor_of(kind: str, group: str) -> float:
    """The least constant of a class, eV/A^2 or eV/rad^2."""
    return (LOOSER if group.startswith(MARK) else FLOORS).get(kind, 0.0)


def constants(kind: str, names: list[tuple[str, str]], table: Table, unseen: float = 0.0) -> Array:
    """(groups, nodes): of each group its own constants, or those of the wider one, or a number where none is."""
    known, nodes = table.get(kind, {}), NODES[kind]
    rows = [known.get(own) or known.get(wide) or [unseen] * nodes for own, wide in names]
    return np.array(rows, dtype=float).reshape(-1, nodes)


def stiffnesses(family: Family, at: Geometry, table: Table, unseen: float = 0.0) -> Array:
    """(n,) the constant of each spring; `unseen` where the table has no class for it."""
    known = constants(family.kind, family.names, table, unseen)
    return (family.weights(at) * known[family.groups]).sum(axis=1)


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

    def at(self, x: Array) -> ModelHessian:
        geometry = Geometry(self.springs, x)
        diagonal = present(self.springs, geometry, self.table) / self.stiffness
        return ModelHessian(diagonal, self.pairs(geometry), self.coupled(geometry))

    @cached_property
    def roots(self) -> Array:
        return np.sqrt(self.stiffness)

    @cached_property
    def couplings(self) -> tuple[list[Family], sparse.csr_array]:
        """Those that the table knows, and their rows in scaled coordinates."""
        families, kept = [], [sparse.csr_array((0, len(self.stiffness)))]
        for family, rows in self.springs.couplings:
            used = constants(family.kind, family.names, self.table).any(axis=1)[family.groups]
            if used.any():
                families.append(family.part(used))
                kept.append(rows[used] @ sparse.diags_array(1 / self.roots))
        return families, sparse.csr_array(sparse.vstack(kept))

    def coupled(self, at: Geometry) -> sparse.csr_array:
        """(n, nq) sqrt(k) times the rows of the couplings."""
        families, rows = self.couplings
        if not families:
            return rows
        roots = np.sqrt(np.concatenate([stiffnesses(family, at, self.table) for family in families]))
        data = rows.data * np.repeat(roots, np.diff(rows.indptr))
        return sparse.csr_array((data, rows.indices, rows.indptr), shape=rows.shape)

    def pairs(self, at: Geometry) -> sparse.csr_array:
        """(n, 3N) sqrt(k) dr/dx of geminal pairs and contacts."""
        family, rows = self.springs.geminal
        gap = at.positions[rows[:, 0]] - at.positions[rows[:, 1]]
        units = gap / np.maximum(np.sqrt((gap * gap).sum(axis=1)), 1e-9)[:, None]
        k = stiffnesses(family, at, self.table)
        if self.contacts is not None:
            near = self.contacts.at(at.positions)
            known = constants("contact", self.contacts.names, self.table)
            k = np.concatenate([k, (near.weights * known[near.groups]).sum(axis=1) + STIFFEST_CONTACT * near.crowding])
            rows, units = np.concatenate([rows, near.pairs]), np.concatenate([units, near.units])
        used = k > 1e-4
        return pair_rows(rows[used], units[used] * np.sqrt(k[used])[:, None], at.x.size)


def pair_rows(pairs: Array, vectors: Array, entries: int) -> sparse.csr_array:
    """(n, 3N) rows with a vector (n, 3) at the first atom of each pair and its opposite at the second."""
    columns = (3 * pairs[:, :, None] + np.arange(3)).reshape(len(pairs), 6)
    starts = np.arange(0, 6 * len(pairs) + 1, 6)
    data = np.concatenate([vectors, -vectors], axis=1).ravel()
    return sparse.csr_array((data, columns.ravel(), starts), shape=(len(pairs), entries))


def present(springs: Springs, at: Geometry, table: Table) -> Array:
    """(nq,) constants of the coordinates at this geometry, eV/A^2 or eV/rad^2, all positive."""
    primitives = springs.primitives
    share = np.maximum(primitives.sharing, 1)
    literature = fischer_almlof(primitives, springs.numbers, at.x)
    parts = []
    for family in springs.diagonal:
        k = stiffnesses(family, at, table, unseen=np.nan)
        known = getattr(literature, IN_LITERATURE[family.kind])
        each = share if family.kind == "torsion" else np.ones(len(k))
        fallback = np.repeat(known, 2) if family.kind == "bend" else known / each
        least = np.array([floor_of(family.kind, own) for own, _ in family.names])[family.groups] if len(k) else k
        parts.append(np.maximum(np.where(np.isfinite(k), k, fallback), least / each))
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
