"""What is known of a molecule's Hessian at each geometry, beyond the frozen stiffness of its coordinates."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np
from scipy import sparse

from molopt.coordinates.metric_table import Contacts, MetricTable, Repulsion, Scaling, Turns, Weights
from molopt.coordinates.model_hessian import distant, model_hessian, scaled
from molopt.coordinates.primitives import Primitives
from molopt.coordinates.repulsion import no_repulsion
from molopt.coordinates.rows import Products, Rows, Symmetric
from molopt.coordinates.springs import Springs
from molopt.coordinates.topology import Topology
from molopt.rules.partition import Array

SOFTER = 0.7  # part of their stiffness at which torsions and contacts count in the energy left; docs/how/energy_left.md


class Metric(Protocol):
    """Anything that knows more of the Hessian than the frozen stiffness does."""

    def hessian(self, x: Array, values: Array, rows: Rows) -> Symmetric:
        """(3N, 3N) the model Hessian at x (3N,), eV/A^2; positive semidefinite, and depending on nothing but x.

        The coordinates have `values` (nq,) there, and `rows` are A = sqrt(K) dq/dx.
        """


class ForceField(NamedTuple):
    """What a force field knows of a list of coordinates."""

    constants: Array  # (nq,) eV/A^2 and eV/rad^2, NaN where it has none, and for torsions
    terms: Array  # (nt, 3) V1, V2, V3 of each torsion, eV; NaN where they are not known
    repulsion: Repulsion


def learned_table(springs: Springs, touching: bool) -> MetricTable:
    """The table of learned springs alone, with those of atoms that touch or without."""
    count, nowhere = springs.primitives.count, np.zeros((0, 0), dtype=np.uint8)
    return MetricTable(
        planarity=springs.planarity(),
        stretches=springs.stretches(),
        angles=springs.angles(),
        torsions=springs.torsions(),
        couplings=springs.couplings(),
        geminal=springs.geminal(),
        contacts=springs.contacts() if touching else no_contacts(),
        repulsion=no_repulsion(),
        turns=Turns(np.zeros(0, dtype=int), np.zeros(0, dtype=int), np.zeros((0, 3)), np.zeros(0)),
        steady=springs.steady,
        known=np.full(count, np.nan),
        floors=springs.floors,
        factors=np.ones(count),
        apart=nowhere,
        distant=distant(nowhere),
        weights=Weights(1.0, 0.0, 1.0),
    )


def in_a_mean(
    table: MetricTable,
    primitives: Primitives,
    topology: Topology,
    force_field: ForceField | None,
    weight: float,
    near: bool,
) -> MetricTable:
    """A table of learned springs in a mean with a force field, which has a weight from 0 to 1; with None as it is.

    Their errors have little in common: a mean has less of them. `near` is whether atoms that touch count; beyond some
    size they would fill the factors of the Hessian.
    """
    if force_field is not None:
        turns, known = turns_of(primitives, force_field.terms), force_field.constants
        table = table._replace(turns=turns, known=known, weights=Weights(1 - weight, weight, 1.0))
        table = table._replace(repulsion=force_field.repulsion) if near else table
    if len(table.contacts.kinds) or len(table.repulsion.kinds):
        table = table._replace(apart=topology.apart, distant=distant(topology.apart))
    return table


def nothing_known(primitives: Primitives) -> ForceField:
    """The force field that says nothing."""
    terms = np.full((len(primitives.torsions), 3), np.nan)
    return ForceField(np.full(primitives.count, np.nan), terms, no_repulsion())


def no_contacts() -> Contacts:
    return Contacts(np.zeros(0, dtype=int), np.zeros(0), np.zeros((2, 0, 0), dtype=int), np.zeros((0, 9, 3)))


def turns_of(primitives: Primitives, terms: Array) -> Turns:
    """Torsion terms (nt, 3), of the bonds about which any is known."""
    known = np.isfinite(terms).all(axis=1)
    about = np.bincount(primitives.central, weights=known)[primitives.central] > 0
    rows = np.flatnonzero(about)
    bonds = np.unique(primitives.central[rows], return_inverse=True)[1].ravel()
    places = primitives.slices["torsion"].start + rows
    found = np.where(known[rows, None], terms[rows], 0.0)
    return Turns(places, bonds, found, primitives.shares[places])


def yielding(table: MetricTable, primitives: Primitives) -> MetricTable:
    r"""The same with torsions and pairs of atoms (contacts, and pairs two bonds apart) at 0.7 of their stiffness.

    A step must trust the curvature of the present geometry. The way down from it is longer: torsions turn out of their
    terms and contacts give way, and the energy left is that of a softer spring. 0.7 is tuned on molecules apart from
    those reported; 0.6 to 1 differ little (docs/how/energy_left.md).
    """
    factors = table.factors.copy()
    for kind, part in primitives.present:
        if kind.shared:
            factors[part] *= SOFTER
    return table._replace(factors=factors, weights=table.weights._replace(pairs=SOFTER * table.weights.pairs))


@dataclass(frozen=True, eq=False)
class Model:
    """The metric of a table in which one system has its frozen stiffness.

    Attributes
    ----------
    primitives : Primitives
    table : MetricTable
    scaling : Scaling
    """

    primitives: Primitives
    table: MetricTable
    scaling: Scaling

    @classmethod
    def of(cls, primitives: Primitives, table: MetricTable, stiffness: Array) -> "Model":
        return cls(primitives, table, scaled(table, stiffness))

    @cached_property
    def coupled(self) -> Products:
        """Of the coordinates that the table couples."""
        couplings = self.table.couplings
        return self.primitives.row_pattern.coupled(couplings.first, couplings.second)

    def hessian(self, x: Array, values: Array, rows: Rows) -> Symmetric:
        model, pattern = model_hessian(self.table, self.scaling, x, values), rows.pattern
        springs = pattern.springs(model.pairs, model.constants, model.units)
        return pattern.matrix([*rows.weighted(model.diagonal, self.coupled, model.couplings), springs])


def pair_rows(pairs: Array, vectors: Array, entries: int) -> sparse.csr_array:
    """(n, 3N) rows with a vector (n, 3) at the first atom of each pair and its opposite at the second."""
    columns = (3 * pairs[:, :, None] + np.arange(3)).reshape(len(pairs), 6)
    starts = np.arange(0, 6 * len(pairs) + 1, 6)
    data = np.concatenate([vectors, -vectors], axis=1).ravel()
    return sparse.csr_array((data, columns.ravel(), starts), shape=(len(pairs), entries))
