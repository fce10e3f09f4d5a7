"""The learned constants of springs, which were fitted to the Hessians of other molecules."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import numpy as np

from molopt.coordinates import model_hessian
from molopt.coordinates.classes import MARK, Names
from molopt.coordinates.evaluation import positions
from molopt.coordinates.kinds import NAMED, STRETCH, TORSION
from molopt.coordinates.metric_table import MetricTable
from molopt.coordinates.primitives import Primitives
from molopt.coordinates.springs import NODES
from molopt.coordinates.stiffness import SOFTEST_TORSION, fischer_almlof
from molopt.rules.partition import Array

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
    known = NAMED.get(kind)
    return 0.0 if known is None else known.looser if group.startswith(MARK) else known.floor


class Constants:
    """The constants of classes in a table: their own, those of the wider class, or a number where it has neither.

    Parameters
    ----------
    table : Table
    """

    def __init__(self, table: Table) -> None:
        self.places = {kind: {name: n for n, name in enumerate(rows)} for kind, rows in table.items()}
        self.rows = {kind: np.array([*rows.values()], dtype=float) for kind, rows in table.items() if rows}

    def __call__(self, kind: str, names: list[Names], unseen: float = np.nan) -> Array:
        """(len(names), nodes)."""
        if not names or kind not in self.rows:
            return np.full((len(names), NODES[kind]), unseen)
        place = self.places[kind]
        found = [place.get(own, place.get(wide, -1)) for own, wide in names]
        constants = self.rows[kind][found]
        if -1 in found:
            constants[np.array(found) < 0] = unseen
        return constants


@cache
def shipped_constants() -> Constants:
    """Those of the table that comes with molopt."""
    return Constants(shipped_table())


def nothing_known(kind: str, names: list[Names], unseen: float = np.nan) -> Array:
    """The constants of a model that has no classes."""
    return np.full((len(names), NODES[kind]), unseen)


def present(table: MetricTable, primitives: Primitives, numbers: Array, x: Array) -> Array:
    """(..., nq) constants of coordinates at x (..., 3N): learned, or Fischer's and Almlof's where there is no class."""
    xyz, q = positions(x), np.zeros((*x.shape[:-1], primitives.count))
    for kind in (STRETCH, TORSION):  # the only values that constants depend on
        q[..., primitives.slices[kind.name]] = kind.values(primitives, xyz)
    k = np.empty(q.shape)
    k[...] = table.steady
    for rows, constants in model_hessian.springs(table, xyz, q, model_hessian.planarity(table.planarity, xyz)):
        k[..., rows] = constants
    lacking = np.isnan(k)
    if lacking.any():
        known = [fischer_almlof(primitives, numbers, one) for one in x.reshape(-1, x.shape[-1])]
        k[lacking] = (np.reshape(known, k.shape) * primitives.shares)[lacking]
    return np.maximum(k, table.floors)


def frozen(table: MetricTable, primitives: Primitives, numbers: Array, x: Array) -> Array:
    """(..., nq) the stiffness K that scales coordinates built at x (..., 3N)."""
    k = present(table, primitives, numbers, x)
    torsions = primitives.slices["torsion"]
    k[..., torsions] = np.maximum(k[..., torsions], SOFTEST_TORSION * primitives.shares[torsions])
    return k
