"""Internal coordinates of atoms: their bonds, their stiffness, their constraints."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from ase import Atoms
from ase.data import covalent_radii

from molopt.coordinates import learned
from molopt.coordinates.borrowed import Borrowed
from molopt.coordinates.evaluation import outdated
from molopt.coordinates.member import Built, Member
from molopt.coordinates.metric import ForceField, Metric, Model, metric_table, nothing_known, yielding
from molopt.coordinates.metric_table import MetricTable, Repulsion
from molopt.coordinates.primitives import Primitives, carried
from molopt.coordinates.repulsion import generic_repulsion
from molopt.coordinates.rigid import rigid_left_by
from molopt.coordinates.selection import select_primitives
from molopt.coordinates.springs import Springs
from molopt.coordinates.stiffness import MODELS, fischer_almlof, stiffness, torsion_totals
from molopt.coordinates.topology import Topology, covalent_bonds, lengths
from molopt.errors import InputError
from molopt.molecules import Molecule
from molopt.molecules.checks import check_geometry
from molopt.molecules.electrons import name_of
from molopt.molecules.force_constants import MMFFConstants
from molopt.optimizers.holding import Held, held_of
from molopt.optimizers.json_arrays import checked
from molopt.rules.partition import Array

log = logging.getLogger("molopt")

LARGE = 1000  # atoms; beyond, contacts would fill the sparse factors (measured: docs/own_time_internal.py)
BROKEN = 1.5  # of the sum of covalent radii
STRETCHED = 1.2  # and of the length at the build, for bonds beyond doubt: a start may be bad
DOUBTFUL = 1.4  # of the sum of covalent radii, for bonds in doubt when coordinates are built anew
FORMED = 1.1  # of the sum of covalent radii
PULL = 0.1  # eV/A of net force or torque, more than noise makes
MODEL_NAMES = ("blend", "learned", "mmff94", *MODELS)
LEARNED = ("blend", "learned")
BLENDED = 0.4  # part of MMFF94's constants where they are known; tuned: docs/quasi_newton.md


@dataclass(frozen=True, eq=False)
class Recipe:
    """What internal coordinates are built from, and built again when the geometry has left them.

    Attributes
    ----------
    molecule : Molecule
        What was perceived of the atoms, once a run.
    bonds : (nb, 2) array of int
        Those of the molecule, until some break or form.
    known : MMFFConstants or None
        MMFF94's constants, where bonds are known with their orders and MMFF94 has types for all atoms.
    repulsion : Repulsion
        Who repels whom.
    held : Held
        The constraints.
    model : str
        Of `MODEL_NAMES`.
    surface : callable or None
        Energy and gradient of a surrogate, whose Hessian the model borrows.
    yielding : bool
        Whether the model is that of an estimate of the energy left (`metric.yielding`).
    """

    molecule: Molecule
    bonds: Array
    known: MMFFConstants | None
    repulsion: Repulsion
    held: Held
    model: str = "blend"
    surface: Callable[[Array], tuple[float, Array]] | None = None
    yielding: bool = False

    @classmethod
    def of(cls, atoms: Atoms, model: str = "blend", molecule: Molecule | None = None) -> Self:
        """The recipe of `ase.Atoms`.

        Parameters
        ----------
        atoms : ase.Atoms
        molecule : Molecule, optional
            What was perceived of them before; by default they are perceived here, as `Molecule.from_atoms` does.
        model : str
            "blend" (a mean of the next two where MMFF94 has types), "learned" (fitted to the Hessians of other
            molecules), "mmff94" (its constants where there are any, Fischer's and Almlof's elsewhere),
            "fischer-almlof", "lindh" or "constant".

        Raises
        ------
        InputError
            The atoms are periodic or under a constraint that internals cannot keep.
        """
        if not isinstance(atoms, Atoms) or atoms.pbc.any():
            what = "periodic atoms" if isinstance(atoms, Atoms) else f"a {type(atoms).__name__}"
            raise InputError(f'internal coordinates are for molecules, not for {what}: use coordinates="cartesian"')
        if len(atoms) == 0:
            raise InputError("there are no atoms to build internal coordinates of")
        held = held_of(atoms)
        molecule = perceived(atoms) if molecule is None else molecule
        known = constants_of(molecule) if model in ("blend", "mmff94") else None
        repulsion = generic_repulsion(atoms.numbers) if known is None else known.repulsion()
        return cls(molecule, np.sort(molecule.bonds, axis=1), known, repulsion, held, model)

    @cached_property
    def numbers(self) -> Array:
        """(N,) atomic numbers."""
        return self.molecule.numbers

    @property
    def doubtful(self) -> bool:
        """Whether the bonds may be wrong."""
        return bool(self.molecule.doubt)

    def build(self, x: Array, gradient: Array | None = None, old: Member | None = None) -> Member:
        """Internal coordinates at x (3N,); what they share with `old` keeps its stiffness.

        The gradient (3N,) tells whether something outside of the molecule pulls at it.
        """
        rigid = rigid_left_by(self.held.movable, self.held.forbidden(x), x.reshape(-1, 3))
        anchored = self.held.outside or (gradient is not None and pulled(gradient, rigid))
        axes = None if old is None else old.primitives.axes
        primitives = select_primitives(self.topology, x, anchored, axes)
        table = self.table(primitives)
        k = self.frozen(primitives, table, x)
        if old is not None:
            now, before = carried(old.primitives, primitives)
            k[now] = old.stiffness[before]
        touching = covalent_bonds(self.numbers, x.reshape(-1, 3), FORMED)
        return self.joined(primitives, table, k, not anchored, Built(self.lengths(x), touching))

    def table(self, primitives: Primitives) -> MetricTable:
        """What is known of the Hessian at each geometry."""
        constants = learned.Constants() if self.model in LEARNED else learned.nothing_known
        weight = 1.0 if self.model not in LEARNED else 0.0 if self.known is None else BLENDED
        springs = Springs(primitives, self.topology, constants)
        force_field = self.force_field(primitives) if weight else None
        table = metric_table(springs, force_field, weight, near=len(self.numbers) <= LARGE)
        return yielding(table, primitives) if self.yielding else table

    def force_field(self, primitives: Primitives) -> ForceField:
        """MMFF94's constants; of other models repulsion alone, as theirs are those of the frozen stiffness."""
        nothing = nothing_known(primitives)._replace(repulsion=self.repulsion)
        if self.known is None:
            return nothing
        known = nothing._replace(terms=self.known.torsions(primitives))
        return known if self.model == "mmff94" else known._replace(constants=self.known.constants(primitives))

    def frozen(self, primitives: Primitives, table: MetricTable, x: Array) -> Array:
        """(nq,) the stiffness that scales coordinates built at x (3N,)."""
        if self.model in LEARNED:
            return learned.frozen(table, primitives, self.numbers, x)
        filling = MODELS.get(self.model, fischer_almlof)(primitives, self.numbers, x)
        known = np.full(primitives.count, np.nan)
        if self.known is not None:
            known = self.known.constants(primitives)
            known[primitives.slices["torsion"]] = torsion_totals(primitives, self.known.torsions(primitives), x)
        return stiffness(primitives, known, filling)

    @cached_property
    def topology(self) -> Topology:
        return Topology(self.numbers, self.bonds)

    def joined(self, primitives: Primitives, table: MetricTable, k: Array, free: bool, built: Built) -> Member:
        """Internal coordinates of a list of primitives with a table of its springs and a stiffness (nq,)."""
        metric: Metric = Model.of(primitives, table, k)
        if self.surface is not None:
            metric = Borrowed(metric, self.surface, primitives, k)
        return Member(primitives, k, metric, self.held.movable, self.held.forbidden, free, built, self.numbers)

    def plain(self, coordinates: Member) -> dict[str, Any]:
        """What rebuilds these coordinates without the geometry at which they were built, for a file."""
        assert coordinates.built is not None
        return {
            "bonds": self.bonds,
            "primitives": coordinates.primitives.plain(),
            "stiffness": coordinates.stiffness,
            "built": coordinates.built._asdict(),
            "free": coordinates.free,
        }

    def from_plain(self, plain: dict[str, Any]) -> tuple[Self, Member]:
        """The recipe and the coordinates that `plain` wrote.

        Raises
        ------
        KeyError, TypeError, ValueError
            They are not of these atoms.
        """
        primitives = Primitives.from_plain(plain["primitives"])
        natoms, like = len(self.numbers), self.bonds
        if primitives.natoms != natoms:
            raise ValueError(f"its coordinates are of {primitives.natoms} atoms, these are {natoms}")
        k = checked(plain["stiffness"], "stiffness", np.zeros(0), (primitives.count,), 1e-12)
        bonds = checked(plain["bonds"], "bonds", like, (None, 2), 0, natoms - 1)
        touching = checked(plain["built"]["touching"], "touching", like, (None, 2), 0, natoms - 1)
        built = Built(checked(plain["built"]["lengths"], "lengths", np.zeros(0), (len(bonds),), 0), touching)
        recipe = replace(self, bonds=bonds)
        table = recipe.table(primitives)
        return recipe, recipe.joined(primitives, table, k, bool(plain["free"]), built)

    def lengths(self, x: Array) -> Array:
        """(nb,) of the bonds at x (3N,), Angstrom."""
        return lengths(x.reshape(-1, 3), self.bonds)

    def outdated(self, coordinates: Member, x: Array) -> str:
        """Why the internal coordinates should be built anew at x (3N,); empty where they are still good."""
        broken, formed = self.changes(coordinates, x)
        if len(broken):
            return f"the bond {said(broken)} broke"
        if len(formed):
            return f"the bond {said(formed)} formed"
        return outdated(coordinates.primitives, x)

    def rebonded(self, coordinates: Member, x: Array) -> Self:
        """The recipe with the bonds of x (3N,)."""
        broken, formed = self.changes(coordinates, x)
        gone = np.isin(self.keys(self.bonds), self.keys(broken))
        if self.doubtful:
            gone |= self.lengths(x) > DOUBTFUL * self.ordinary
        if not gone.any() and not len(formed):
            return self
        return replace(self, bonds=np.unique(np.concatenate([self.bonds[~gone], formed]), axis=0))

    def changes(self, coordinates: Member, x: Array) -> tuple[Array, Array]:
        """Bonds (n, 2) that broke and that formed since the coordinates were built."""
        assert coordinates.built is not None
        limits = BROKEN * self.ordinary
        if not self.doubtful:
            limits = np.maximum(limits, STRETCHED * coordinates.built.lengths)
        touching = covalent_bonds(self.numbers, x.reshape(-1, 3), FORMED)
        known = self.keys(np.concatenate([self.bonds, coordinates.built.touching]))
        return self.bonds[self.lengths(x) > limits], touching[~np.isin(self.keys(touching), known)]

    @cached_property
    def ordinary(self) -> Array:
        """(nb,) sums of covalent radii, Angstrom."""
        return covalent_radii[self.numbers[self.bonds]].sum(axis=1)

    def keys(self, bonds: Array) -> Array:
        """(nb,) one number for each pair of atoms."""
        return np.sort(bonds, axis=1) @ np.array([len(self.numbers), 1])


def perceived(atoms: Atoms) -> Molecule:
    """The molecule that atoms are; where its charge and multiplicity cannot be, bond orders are not known."""
    check_geometry(atoms.numbers.tolist(), atoms.positions, name_of(atoms))
    try:
        return Molecule.from_atoms(atoms)
    except InputError as error:
        log.warning("%s; took bonds by distance", error)
        return Molecule.from_distances(atoms)


def constants_of(molecule: Molecule) -> MMFFConstants | None:
    if not molecule.orders_known:
        return None
    try:
        return MMFFConstants(molecule.to_rdkit())
    except LookupError as error:
        log.debug("%s", error)
        return None


def pulled(gradient: Array, rigid: Array) -> bool:
    """Whether forces move the molecule as a whole, beyond noise."""
    return exceeds_noise(float(np.linalg.norm(rigid.T @ gradient)), gradient)


def exceeds_noise(pull: float, gradient: Array) -> bool:
    """Whether net force and torque, of this norm in eV/A, are more than noise makes."""
    return pull > max(PULL, 0.1 * float(np.linalg.norm(gradient)))


def said(pairs: Array) -> str:
    return ", ".join(f"{i}-{j}" for i, j in pairs[:3].tolist())
