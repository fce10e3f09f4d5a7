"""Internal coordinates of atoms: what they are built from, once a run, and how."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from ase import Atoms

from molopt.coordinates.borrowed import Borrowed
from molopt.coordinates.distances import FEW, squares
from molopt.coordinates.evaluation import outdated
from molopt.coordinates.member import Built, Member
from molopt.coordinates.metric import Metric, Model
from molopt.coordinates.metric_table import MetricTable
from molopt.coordinates.primitives import Primitives, carried
from molopt.coordinates.rigid import nothing, pulls_of, rigid_left_by
from molopt.coordinates.selection import select_primitives
from molopt.coordinates.topology import Topology
from molopt.errors import InputError
from molopt.molecules import Molecule
from molopt.molecules.checks import check_geometry
from molopt.molecules.electrons import name_of
from molopt.optimizers.bonding import Bonding
from molopt.optimizers.constraints import Held, held_of
from molopt.optimizers.hessian_models import HessianModel
from molopt.optimizers.json_arrays import checked
from molopt.optimizers.lists import Lists
from molopt.rules.partition import Array

log = logging.getLogger("molopt")

PULL = 0.1  # eV/A of net force or torque, more than noise makes


@dataclass(frozen=True, eq=False)
class Recipe:
    """What internal coordinates are built from, and built again when the geometry has left them.

    Attributes
    ----------
    molecule : Molecule
        What was perceived of the atoms, once a run.
    lists : Lists
        The bonds, those of the molecule until some break or form, and what has been built of them so far.
    model : HessianModel
        What is known of its Hessian.
    held : Held
        The constraints.
    surface : callable or None
        Energy and gradient of a surrogate, whose Hessian the model borrows.
    """

    molecule: Molecule
    lists: Lists
    model: HessianModel
    held: Held
    surface: Callable[[Array], tuple[float, Array]] | None = None

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
            raise InputError("there are no atoms to build internal coordinates from")
        held = held_of(atoms)
        molecule = perceived(atoms) if molecule is None else molecule
        lists = Lists(Topology(molecule.numbers, np.sort(molecule.bonds, axis=1)))
        return cls(molecule, lists, HessianModel(model, molecule), held)

    @property
    def topology(self) -> Topology:
        """The graph of the atoms."""
        return self.lists.topology

    @property
    def numbers(self) -> Array:
        """(N,) atomic numbers."""
        return self.topology.numbers

    @property
    def bonds(self) -> Array:
        """(nb, 2)."""
        return self.topology.bonds

    def with_bonds(self, bonds: Array) -> Self:
        """The recipe of the same atoms with other bonds (nb, 2)."""
        return replace(self, lists=Lists(Topology(self.numbers, bonds)))

    @cached_property
    def bonding(self) -> Bonding:
        return Bonding(self.numbers, self.bonds, bool(self.molecule.doubt))

    def build(self, x: Array, gradient: Array | None = None, old: Member | None = None) -> Member:
        """Internal coordinates at x (3N,); what they share with `old` keeps its stiffness.

        The gradient (3N,) shows whether something outside of the molecule pulls at it.
        """
        anchored = self.held.outside or (gradient is not None and self.pulled(x, gradient))
        axes = None if old is None else old.primitives.axes
        if anchored:
            primitives = select_primitives(self.topology, x, anchored, axes)
        else:
            primitives = self.lists.at(x[None], axes)[0]
        table = self.table(primitives)
        k = self.frozen(primitives, table, x)
        if old is not None:
            now, before = carried(old.primitives, primitives)
            k[now] = old.stiffness[before]
        return self.joined(primitives, table, k, not anchored, self.bonding.built(x))

    def pulled(self, x: Array, gradient: Array) -> bool:
        """Whether the gradient (3N,) at x (3N,) moves the molecule as a whole, where that is free, beyond noise."""
        xyz, held = x.reshape(-1, 3), self.held
        if held.forbidden is nothing and held.movable.all():
            return exceeds_noise(pulls_of(xyz, gradient.reshape(-1, 3), np.array([0, len(xyz)]))[0], gradient)
        allowed = rigid_left_by(held.movable, held.forbidden(x), xyz)
        return exceeds_noise(float(np.linalg.norm(allowed.T @ gradient)), gradient)

    def table(self, primitives: Primitives) -> MetricTable:
        """What is known of the Hessian at each geometry; made once for each list."""
        return self.lists.table(primitives, self.model)

    def frozen(self, primitives: Primitives, table: MetricTable, x: Array) -> Array:
        """(..., nq) the stiffness that scales coordinates built at x (..., 3N)."""
        return self.model.frozen(primitives, table, self.numbers, x)

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
        recipe = self.with_bonds(bonds)
        table = recipe.table(primitives)
        return recipe, recipe.joined(primitives, table, k, bool(plain["free"]), built)

    def outdated(self, coordinates: Member, x: Array) -> str:
        """Why the internal coordinates should be rebuilt at x (3N,); empty where they are still good."""
        assert coordinates.built is not None
        squared = squares(x.reshape(-1, 3)) if len(self.numbers) <= FEW else None
        same = squared is not None and self.bonding.surely_same(squared)
        changed = "" if same else self.bonding.changed(coordinates.built, x)
        return changed or outdated(coordinates.primitives, x, squared)

    def rebonded(self, coordinates: Member, x: Array) -> Self:
        """The recipe with the bonds of x (3N,)."""
        assert coordinates.built is not None
        bonds = self.bonding.at(coordinates.built, x)
        return self if bonds is self.bonds else self.with_bonds(bonds)


def perceived(atoms: Atoms) -> Molecule:
    """The molecule that atoms are; where its charge and multiplicity cannot be, bond orders are not known."""
    check_geometry(atoms.numbers.tolist(), atoms.positions, name_of(atoms))
    try:
        return Molecule.from_atoms(atoms)
    except InputError as error:
        log.warning("%s; using bonds by distance", error)
        return Molecule.from_distances(atoms)


def exceeds_noise(pull: float, gradient: Array) -> bool:
    """Whether net force and torque, of this norm in eV/A, are more than noise makes."""
    return pull > max(PULL, 0.1 * float(np.linalg.norm(gradient)))
