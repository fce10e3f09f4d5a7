"""Bonds that broke or formed since internal coordinates were built."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from ase.data import covalent_radii

from molopt.coordinates.distances import DOUBT
from molopt.coordinates.member import Built
from molopt.coordinates.topology import covalent_bonds, lengths
from molopt.rules.partition import Array

BROKEN = 1.5  # of the sum of covalent radii
STRETCHED = 1.2  # and of the length at the build, for bonds beyond doubt: a start may be bad
DOUBTFUL = 1.4  # of the sum of covalent radii, for bonds in doubt when coordinates are rebuilt
FORMED = 1.1  # of the sum of covalent radii


@dataclass(frozen=True, eq=False)
class Bonding:
    """The bonds that coordinates are built on.

    Attributes
    ----------
    numbers : (N,) array of int
        Atomic numbers.
    bonds : (nb, 2) array of int
        Pairs i < j.
    doubtful : bool
        Whether they may be wrong.
    """

    numbers: Array
    bonds: Array
    doubtful: bool

    def lengths(self, x: Array) -> Array:
        """(nb,) at x (3N,), Angstrom."""
        return lengths(x.reshape(-1, 3), self.bonds)

    def touching(self, x: Array) -> Array:
        """(n, 2) atoms as close at x (3N,) as if they were bonded."""
        return covalent_bonds(self.numbers, x.reshape(-1, 3), FORMED)

    def built(self, x: Array) -> Built:
        """What tells later whether bonds have changed since x (3N,)."""
        return Built(self.lengths(x), self.touching(x))

    @cached_property
    def ordinary(self) -> Array:
        """(nb,) sums of covalent radii, Angstrom."""
        return covalent_radii[self.numbers[self.bonds]].sum(axis=1)

    def changes(self, built: Built, x: Array) -> tuple[Array, Array]:
        """Bonds (n, 2) that broke and that formed on the way to x (3N,)."""
        limits = BROKEN * self.ordinary
        if not self.doubtful:
            limits = np.maximum(limits, STRETCHED * built.lengths)
        touching = self.touching(x)
        if len(touching):
            known = np.concatenate([self.numbered, self.keys(built.touching)])
            touching = touching[~np.isin(self.keys(touching), known)]
        return self.bonds[self.lengths(x) > limits], touching

    def surely_same(self, squares: Array) -> bool:
        """Whether the squared distances (N, N) of a geometry alone say that no bond broke or formed."""
        least, most = self.limits
        return not (squares < least).any() and not (squares.take(self.numbered) > most).any()

    @cached_property
    def limits(self) -> tuple[Array, Array]:
        """Squared distances, A^2: (N, N) below which two atoms may touch that are not bonded, none where they are.

        And (nb,) beyond which a bond may have broken.
        """
        radii = covalent_radii[self.numbers]
        least = (FORMED * (radii[:, None] + radii)) ** 2 + DOUBT
        i, j = self.bonds.T
        least[i, j] = least[j, i] = least[np.diag_indices(len(radii))] = -np.inf
        return least, (BROKEN * self.ordinary) ** 2 - DOUBT

    def changed(self, built: Built, x: Array) -> str:
        """Which bonds broke, or formed, on the way to x (3N,); empty where none did."""
        broken, formed = self.changes(built, x)
        if len(broken):
            return f"the bond {said(broken)} broke"
        return f"the bond {said(formed)} formed" if len(formed) else ""

    def at(self, built: Built, x: Array) -> Array:
        """(n, 2) the bonds of x (3N,)."""
        broken, formed = self.changes(built, x)
        gone = np.isin(self.numbered, self.keys(broken))
        if self.doubtful:
            gone |= self.lengths(x) > DOUBTFUL * self.ordinary
        if not gone.any() and not len(formed):
            return self.bonds
        return np.unique(np.concatenate([self.bonds[~gone], formed]), axis=0)

    @cached_property
    def numbered(self) -> Array:
        """(nb,) the `keys` of the bonds."""
        return self.keys(self.bonds)

    def keys(self, bonds: Array) -> Array:
        """(n,) one number for each pair of atoms."""
        return np.sort(bonds, axis=1) @ np.array([len(self.numbers), 1])


def said(pairs: Array) -> str:
    return ", ".join(f"{i}-{j}" for i, j in pairs[:3].tolist())
