"""The learned constants of springs, which were fitted to the Hessians of other molecules."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

import numpy as np

from molopt.coordinates import model_hessian
from molopt.coordinates.classes import MARK, Names
from molopt.coordinates.evaluation import values
from molopt.coordinates.kinds import NAMED
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


@dataclass(frozen=True)
class Constants:
    """The constants of classes in a table: their own, those of the wider class, or a number where it has neither."""

    table: Table = field(default_factory=lambda: shipped_table())

    def __call__(self, kind: str, names: list[Names], unseen: float = np.nan) -> Array:
        """(len(names), nodes)."""
        known, lacking = self.table.get(kind, {}), [unseen] * NODES[kind]
        rows = [known.get(own) or known.get(wide) or lacking for own, wide in names]
        return np.array(rows, dtype=float).reshape(-1, NODES[kind])


def nothing_known(kind: str, names: list[Names], unseen: float = np.nan) -> Array:
    """The constants of a model that has no classes."""
    return np.full((len(names), NODES[kind]), unseen)


def present(table: MetricTable, primitives: Primitives, numbers: Array, x: Array) -> Array:
    """(nq,) constants of the coordinates at x (3N,): learned, or Fischer's and Almlof's where there is no class."""
    xyz, q = x.reshape(-1, 3), values(primitives, x)
    k = table.steady.copy()
    for rows, constants in model_hessian.springs(table, xyz, q, model_hessian.planarity(table.planarity, xyz)):
        k[rows] = constants
    lacking = np.isnan(k)
    if lacking.any():
        k[lacking] = (fischer_almlof(primitives, numbers, x) * primitives.shares)[lacking]
    return np.maximum(k, table.floors)


def frozen(table: MetricTable, primitives: Primitives, numbers: Array, x: Array) -> Array:
    """(nq,) the stiffness K that scales coordinates built at x (3N,)."""
    k = present(table, primitives, numbers, x)
    torsions = primitives.slices["torsion"]
    k[torsions] = np.maximum(k[torsions], SOFTEST_TORSION * primitives.shares[torsions])
    return k
