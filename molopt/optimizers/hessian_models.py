"""The model Hessians that internal coordinates can have, by their names."""

import logging
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from molopt.coordinates import learned
from molopt.coordinates.metric import ForceField, in_a_mean, learned_table, nothing_known
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
BLENDED = 0.4  # part of MMFF94's constants where they are known; tuned: docs/how/quasi_newton.md


@dataclass(frozen=True, eq=False)
class HessianModel:
    """What is known of a molecule's Hessian, whatever its coordinates.

    Attributes
    ----------
    name : str
        Of `MODEL_NAMES`.
    molecule : Molecule
    yielding : bool
        Whether it is the model of an estimate of the energy left (`metric.yielding`).
    """

    name: str
    molecule: Molecule
    yielding: bool = False

    @cached_property
    def known(self) -> MMFFConstants | None:
        """MMFF94's constants, where the model uses them, bond orders are known, and MMFF94 has types for all atoms."""
        if self.name not in ("blend", "mmff94") or not self.molecule.orders_known:
            return None
        try:
            return MMFFConstants(self.molecule.to_rdkit())
        except LookupError as error:
            log.debug("%s", error)
            return None

    @property
    def repulsion(self) -> Repulsion:
        """Who repels whom."""
        return generic_repulsion(self.molecule.numbers) if self.known is None else self.known.repulsion()

    def table(self, primitives: Primitives, topology: Topology) -> MetricTable:
        """What is known of the Hessian at each geometry, whether it is the model of an estimate or not."""
        constants = learned.shipped_constants() if self.name in LEARNED else learned.nothing_known
        touching = self.name in LEARNED and primitives.natoms <= LARGE
        return self.completed(learned_table(Springs(primitives, topology, constants), touching), primitives, topology)

    def completed(self, table: MetricTable, primitives: Primitives, topology: Topology) -> MetricTable:
        """The table of learned springs in a mean with what the model knows besides."""
        weight = 1.0 if self.name not in LEARNED else 0.0 if self.known is None else BLENDED
        force_field = self.force_field(primitives) if weight else None
        return in_a_mean(table, primitives, topology, force_field, weight, primitives.natoms <= LARGE)

    def force_field(self, primitives: Primitives) -> ForceField:
        """MMFF94's constants; of other models repulsion alone, as theirs are those of the frozen stiffness."""
        if self.known is None:
            return nothing_known(primitives)._replace(repulsion=self.repulsion)
        own = self.name == "mmff94"
        constants = np.full(primitives.count, np.nan) if own else self.known.constants(primitives)
        return ForceField(constants, self.known.torsions(primitives), self.repulsion)

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
