"""Internal coordinates of atoms: their bonds, their stiffness, their constraints."""

import logging
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from ase import Atoms
from ase.data import covalent_radii

from molopt.coordinates.internal import Built, Internal
from molopt.coordinates.metric import Pairs, Valence, generic_pairs
from molopt.coordinates.choosing import chosen
from molopt.coordinates.primitives import carried
from molopt.coordinates.rigid import left_by, rigid_motions
from molopt.coordinates.stiffness import MODELS, Constants, fischer_almlof, stiffness, torsion_totals
from molopt.coordinates.topology import Topology, covalent_bonds
from molopt.errors import InputError
from molopt.molecules.annotation import restore
from molopt.molecules.force_constants import MMFFConstants
from molopt.optimizers.holding import Held, held_of
from molopt.rules.partition import Array

log = logging.getLogger("molopt")

LARGE = 600  # atoms; beyond, contacts would fill the sparse factors (measured: docs/own_time.py)
BROKEN = 1.7  # of the sum of covalent radii, and 1.3 of the length at the build
STRETCHED = 1.3
FORMED = 1.1  # of the sum of covalent radii
PULL = 0.1  # eV/A of net force or torque, more than noise makes


@dataclass(frozen=True, eq=False)
class Recipe:
    """What internal coordinates are built from, and built again when the geometry has left them.

    Attributes
    ----------
    numbers : (N,) array of int
    bonds : (nb, 2) array of int
        RDKit's where the atoms carry them (`Molecule.atoms`), else from covalent radii.
    known : MMFFConstants or None
        MMFF94's constants, where RDKit's bonds are known with their orders and MMFF94 has types for all atoms.
    pairs : Pairs
        Who repels whom.
    held : Held
        The constraints.
    model : callable
        Of `molopt.coordinates.stiffness`, for what MMFF94 does not know.
    """

    numbers: Array
    bonds: Array
    known: MMFFConstants | None
    pairs: Pairs
    held: Held
    model: Any = fischer_almlof

    @classmethod
    def of(cls, atoms: Atoms, stiffness: str = "mmff94") -> Self:
        """The recipe of `ase.Atoms`.

        Parameters
        ----------
        atoms : ase.Atoms
        stiffness : str
            "mmff94" (its constants where there are any, Fischer's and Almlof's elsewhere), or one model for all:
            "fischer-almlof", "lindh", "constant".

        Raises
        ------
        InputError
            The atoms are periodic or under a constraint that internals cannot keep.
        """
        if not isinstance(atoms, Atoms) or atoms.pbc.any():
            what = "periodic atoms" if isinstance(atoms, Atoms) else f"a {type(atoms).__name__}"
            raise InputError(f'internal coordinates are for molecules, not for {what}: use coordinates="cartesian"')
        known, bonds = None, None
        restored = restore(atoms)
        if restored is not None:
            mol, orders_known = restored
            bonds = np.array([(b.GetBeginAtomIdx(), b.GetEndAtomIdx()) for b in mol.GetBonds()], dtype=int)
            known = constants_of(mol) if orders_known and stiffness == "mmff94" else None
        if bonds is None:
            bonds = covalent_bonds(atoms.numbers, atoms.positions)
        pairs = generic_pairs(atoms.numbers) if known is None else known.pairs()
        model = fischer_almlof if stiffness == "mmff94" else MODELS[stiffness]
        return cls(atoms.numbers, bonds.reshape(-1, 2), known, pairs, held_of(atoms), model)

    def build(self, x: Array, gradient: Array | None = None, old: Internal | None = None) -> Internal:
        """Internal coordinates at x (3N,); what they share with `old` keeps its stiffness.

        The gradient (3N,) tells whether something outside of the molecule pulls at it.
        """
        topology = Topology(self.numbers, self.bonds)
        held = left_by(rigid_motions(x.reshape(-1, 3)), ~self.held.movable)
        anchored = gradient is not None and pulled(gradient, held)
        primitives = chosen(topology, x, anchored)
        filling = self.model(primitives, self.numbers, x)
        terms = np.full((len(primitives.torsions), 3), np.nan)
        known = Constants(*(np.full(len(constants), np.nan) for constants in filling))
        if self.known is not None:
            terms = self.known.torsions(primitives)
            known = self.known.constants(primitives)._replace(torsions=torsion_totals(primitives, terms, x))
        k = stiffness(primitives, known, filling)
        if old is not None:
            now, before = carried(old.primitives, primitives)
            k[now] = old.stiffness[before]
        pairs = self.pairs if len(self.numbers) <= LARGE else None
        metric = Valence(primitives, topology, k, terms, pairs)
        touching = covalent_bonds(self.numbers, x.reshape(-1, 3), FORMED)
        built = Built(self.lengths(x), touching)
        return Internal(primitives, k, metric, self.held.movable, self.held.forbidden, not anchored, built)

    def lengths(self, x: Array) -> Array:
        """(nb,) of the bonds at x (3N,), Angstrom."""
        ends = x.reshape(-1, 3)[self.bonds]
        return np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1)

    def worn(self, coordinates: Internal, x: Array) -> str:
        """Why the internal coordinates should be built anew at x (3N,); empty where they are still good."""
        broken, formed = self.changes(coordinates, x)
        if len(broken):
            return f"the bond {said(broken)} broke"
        if len(formed):
            return f"the bond {said(formed)} formed"
        return coordinates.primitives.worn(x)

    def rebonded(self, coordinates: Internal, x: Array) -> Self:
        """The recipe with the bonds of x (3N,)."""
        broken, formed = self.changes(coordinates, x)
        if not len(broken) and not len(formed):
            return self
        gone = set(map(tuple, broken.tolist()))
        bonds = sorted([*(tuple(bond) for bond in self.bonds.tolist() if tuple(bond) not in gone), *map(tuple, formed.tolist())])
        return replace(self, bonds=np.array(bonds, dtype=int).reshape(-1, 2))

    def changes(self, coordinates: Internal, x: Array) -> tuple[Array, Array]:
        """Bonds (n, 2) that broke and that formed since the coordinates were built."""
        ordinary = covalent_radii[self.numbers[self.bonds]].sum(axis=1)
        broken = self.lengths(x) > np.maximum(BROKEN * ordinary, STRETCHED * coordinates.built.lengths)
        touching = covalent_bonds(self.numbers, x.reshape(-1, 3), FORMED)
        known = set(map(tuple, np.concatenate([self.bonds, coordinates.built.touching]).tolist()))
        formed = [pair for pair in touching.tolist() if tuple(pair) not in known]
        return self.bonds[broken], np.array(formed, dtype=int).reshape(-1, 2)


def constants_of(mol: Any) -> MMFFConstants | None:
    try:
        return MMFFConstants(mol)
    except LookupError as error:
        log.debug("%s", error)
        return None


def pulled(gradient: Array, rigid: Array) -> bool:
    """Whether forces move the molecule as a whole, beyond noise."""
    pull = float(np.linalg.norm(rigid.T @ gradient))
    return pull > max(PULL, 0.1 * float(np.linalg.norm(gradient)))


def said(pairs: Array) -> str:
    return ", ".join(f"{i}-{j}" for i, j in pairs[:3].tolist())
