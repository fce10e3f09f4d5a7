"""The model Hessians that internal coordinates can have, by their names."""

import logging
from dataclasses import dataclass
from typing import Self

import numpy as np

from molopt.coordinates import learned
from molopt.coordinates.metric import ForceField, metric_table, nothing_known
from molopt.coordinates.metric_table import MetricTable, Repulsion
from molopt.coordinates.primitives import Primitives
from molopt.coordinates.repulsion import generic_repulsion
from molopt.coordinates.springs import Springs
from molopt.coordinates.stiffness import MODELS, fischer_almlof, stiffness, torsion_totals
from molopt.coordinates.topology import Topology
from molopt.molecules import Molecule
from molopt.molecules.force_constants import MMFFConstants
from molopt.rules.partition import Array

log = logging.getLogger("molopt")

LARGE = 1000  # atoms; beyond, contacts would fill the sparse factors (docs/benchmarks/own_time_internal.py)
LEARNED = ("blend", "learned")
MODEL_NAMES = (*LEARNED, "mmff94", *MODELS)
BLENDED = 0.4  # part of MMFF94's constants where they are known; tuned: docs/quasi_newton.md


@dataclass(frozen=True, eq=False)
class HessianModel:
    """What is known of a molecule's Hessian, whatever its coordinates.

    Attributes
    ----------
    name : str
        Of `MODEL_NAMES`.
    known : MMFFConstants or None
        MMFF94's constants, where the model uses them, bonds are known with their orders, and MMFF94 has types for all
        atoms.
    repulsion : Repulsion
        Who repels whom.
    yielding : bool
        Whether it is the model of an estimate of the energy left (`metric.yielding`).
    """

    name: str
    known: MMFFConstants | None
    repulsion: Repulsion
    yielding: bool = False

    @classmethod
    def of(cls, name: str, molecule: Molecule) -> Self:
        """The model of this name for a molecule."""
        known = constants_of(molecule) if name in ("blend", "mmff94") else None
        return cls(name, known, generic_repulsion(molecule.numbers) if known is None else known.repulsion())

    def table(self, primitives: Primitives, topology: Topology) -> MetricTable:
        """What is known of the Hessian at each geometry, whether it is the model of an estimate or not."""
        constants = learned.shipped_constants() if self.name in LEARNED else learned.nothing_known
        weight = 1.0 if self.name not in LEARNED else 0.0 if self.known is None else BLENDED
        force_field = self.force_field(primitives) if weight else None
        springs = Springs(primitives, topology, constants)
        return metric_table(springs, force_field, weight, near=primitives.natoms <= LARGE)

    def force_field(self, primitives: Primitives) -> ForceField:
        """MMFF94's constants; of other models repulsion alone, as theirs are those of the frozen stiffness."""
        nothing = nothing_known(primitives)._replace(repulsion=self.repulsion)
        if self.known is None:
            return nothing
        known = nothing._replace(terms=self.known.torsions(primitives))
        return known if self.name == "mmff94" else known._replace(constants=self.known.constants(primitives))

    def frozen(self, primitives: Primitives, table: MetricTable, numbers: Array, x: Array) -> Array:
        """(..., nq) the stiffness that scales coordinates built at x (..., 3N)."""
        if self.name in LEARNED:
            return learned.frozen(table, primitives, numbers, x)
        if x.ndim > 1:
            return np.stack([self.frozen(primitives, table, numbers, one) for one in x])
        filling = MODELS.get(self.name, fischer_almlof)(primitives, numbers, x)
        known = np.full(primitives.count, np.nan)
        if self.known is not None:
            known = self.known.constants(primitives)
            known[primitives.slices["torsion"]] = torsion_totals(primitives, self.known.torsions(primitives), x)
        return stiffness(primitives, known, filling)


def constants_of(molecule: Molecule) -> MMFFConstants | None:
    if not molecule.orders_known:
        return None
    try:
        return MMFFConstants(molecule.to_rdkit())
    except LookupError as error:
        log.debug("%s", error)
        return None
