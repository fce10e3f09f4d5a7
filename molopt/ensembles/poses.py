"""Fragments moved about each other."""

import numpy as np
from ase.data import vdw_alvarez
from scipy.spatial.transform import Rotation

from molopt.coordinates.topology import Topology
from molopt.molecules.molecule import Molecule
from molopt.rules.partition import Array

NEAR = 0.75  # times the sum of van der Waals radii: hydrogen bonds are made at 0.7, and relaxing does the rest
STAYS = 0.5  # of the moves leave a fragment on the side where it is, and only turn it
UNKNOWN = 2.0  # A, the radius of an element without one


class Poses:
    """Where the fragments of a molecule lie: all but the largest can be put elsewhere around the rest.

    Attributes
    ----------
    single : bool
        Whether there is one fragment.
    movable : list of (m,) arrays of int
        The atoms of each fragment that moves; none where there is one fragment, or two of one atom each.
    """

    def __init__(self, molecule: Molecule) -> None:
        fragments = Topology(molecule.numbers, molecule.bonds).fragments
        self.single = len(fragments) == 1
        largest = max(fragments, key=len)
        pair_of_atoms = len(molecule) == len(fragments) == 2
        self.movable = [] if pair_of_atoms else [fragment for fragment in fragments if fragment is not largest]
        self.radii = np.nan_to_num(vdw_alvarez.vdw_radii[molecule.numbers], nan=UNKNOWN)  # (N,) A

    def posed(self, positions: Array, rng: np.random.Generator) -> Array:
        """A copy of positions (N, 3) with one fragment turned at random and put against the others.

        From where it was, every other time; otherwise from any side.
        """
        part = self.movable[rng.integers(len(self.movable))]
        rest = np.setdiff1d(np.arange(len(positions)), part)
        centre = positions[rest].mean(axis=0)
        arms = Rotation.random(rng=rng).apply(positions[part] - positions[part].mean(axis=0))
        here = positions[part].mean(axis=0) - centre
        anywhere = rng.normal(size=3)
        direction = unit(here if rng.random() < STAYS and here.any() else anywhere)
        contact = NEAR * (self.radii[part][:, None] + self.radii[rest])  # (m, r) A
        moved = positions.copy()
        moved[part] = centre + arms + direction * touching(arms, positions[rest] - centre, direction, contact)
        return moved


def unit(v: Array) -> Array:
    return v / np.linalg.norm(v)


def touching(points: Array, others: Array, direction: Array, contact: Array) -> float:
    """How far along a direction points (m, 3) lie where they first meet others (r, 3) on their way from far out.

    >>> touching(np.zeros((1, 3)), np.zeros((1, 3)), np.array([1.0, 0.0, 0.0]), np.full((1, 1), 3.0))
    3.0
    """
    gaps = points[:, None] - others  # (m, r, 3)
    along = gaps @ direction
    room = contact**2 - (gaps * gaps).sum(axis=-1) + along**2
    meet = -along + np.sqrt(np.maximum(room, 0))
    return float(meet[room >= 0].max(initial=0.0))
