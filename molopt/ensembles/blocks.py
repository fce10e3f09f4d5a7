"""A molecule as rigid blocks joined by rotors, put together from the geometries of two conformers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from molopt.coordinates.topology import Topology
from molopt.ensembles.rotors import Rotor, about
from molopt.ensembles.superposing import laid
from molopt.molecules.molecule import Molecule
from molopt.rules.partition import Array


@dataclass(frozen=True, eq=False)
class Joined:
    """A block that hangs on another by a rotor.

    Attributes
    ----------
    block : int
    rotor : int
    quad : (4,) array of int
        The rotor's torsion, from the block that is placed already to this one.
    bond : (2,) array of int
        The atoms on both sides of the cut; both blocks know both.
    """

    block: int
    rotor: int
    quad: Array
    bond: Array


class Blocks:
    """What is left of a molecule where each rotor is cut: rings, planar groups, methyls and their carbons.

    Attributes
    ----------
    atoms : list of (m,) arrays of int
        The atoms of each block, without the far ends of bonds that are cut.
    roots : list of int
        The largest block of each fragment, which is placed first.
    order : list of Joined
        How the others follow.
    home : list of int
        The block of each atom.
    extended : list of arrays of int
        The atoms of each block and the first atoms of the blocks that hang on it.
    """

    def __init__(self, molecule: Molecule, rotors: Sequence[Rotor]) -> None:
        topology = Topology(molecule.numbers, molecule.bonds)
        cuts = [cut_of(topology.neighbours, rotor) for rotor in rotors]
        gone = {frozenset(cut) for cut in cuts}
        kept = [pair for pair in molecule.bonds.tolist() if frozenset(pair) not in gone]
        self.atoms = Topology(molecule.numbers, np.array(kept, dtype=int).reshape(-1, 2)).fragments
        self.home = home = [0] * len(molecule)
        for block, atoms in enumerate(self.atoms):
            for atom in atoms.tolist():
                home[atom] = block
        self.roots: list[int] = []
        self.order: list[Joined] = []
        for fragment in topology.fragments:
            root = max({home[atom] for atom in fragment}, key=lambda block: (len(self.atoms[block]), -block))
            self.roots.append(root)
            placed = [root]
            for block in placed:  # which grows on the way
                for number, (rotor, cut) in enumerate(zip(rotors, cuts, strict=True)):
                    for bond, quad in ((cut, rotor.quad), (cut[::-1], rotor.quad[::-1])):
                        if home[bond[0]] == block and home[bond[1]] not in placed:
                            self.order.append(Joined(home[bond[1]], number, quad, np.array(bond)))
                            placed.append(home[bond[1]])

        further: list[list[int]] = [[] for _ in self.atoms]
        for joined in self.order:
            further[home[joined.bond[0]]].append(int(joined.bond[1]))
        self.extended = [np.array([*atoms, *ends]) for atoms, ends in zip(self.atoms, further, strict=True)]

    def joined(self, frame: Array, shapes: Sequence[Array], turns: Array) -> Array:
        """(N, 3) positions of blocks of these shapes, joined at these torsions.

        Parameters
        ----------
        frame : (N, 3) array
            Where the roots are to lie: each is superposed on it.
        shapes : sequence of (N, 3) arrays
            For each block, positions of a conformer that it is to look like.
        turns : (number of rotors,) array
            The torsion of each rotor, rad.
        """
        out = np.full_like(frame, np.nan)
        ends = {joined.block: joined.bond for joined in self.order}
        for root in self.roots:
            atoms = self.extended[root]
            out[atoms] = laid(shapes[root], frame, atoms)[0][atoms]
        for joined in self.order:
            shape, (k, j) = shapes[joined.block], ends[joined.block]
            atoms = self.extended[joined.block]
            turn = turning(shape[j] - shape[k], out[j] - out[k])
            placed = out[j] + turn.apply(shape[atoms] - shape[j])
            new = dict(zip(atoms.tolist(), placed, strict=True))
            now = torsion_at(*(new.get(atom, out[atom]) for atom in joined.quad.tolist()))
            anchor = out[k].copy()
            out[atoms] = about(placed, anchor, out[j].copy(), turns[joined.rotor] - now)
            out[k] = anchor
        return out


def cut_of(neighbours: Sequence[Sequence[int]], rotor: Rotor) -> tuple[int, int]:
    """The bond next to j that a rotor is cut at, the atom on the side of i first."""
    _, i, j, _ = rotor.quad.tolist()
    part = set(rotor.part.tolist())
    return next(k for k in neighbours[j] if k == i or k not in part), j


def torsion_at(a: Array, i: Array, j: Array, d: Array) -> float:
    """The torsion of four points, rad."""
    axis = (j - i) / np.linalg.norm(j - i)
    u, v = a - i, d - j
    u, v = u - u @ axis * axis, v - v @ axis * axis
    return float(np.arctan2(np.cross(u, v) @ axis, u @ v))


def turning(old: Array, new: Array) -> Rotation:
    """The smallest rotation that brings one direction into another."""
    axis, cosine = np.cross(old, new), old @ new
    sine = float(np.linalg.norm(axis))
    if sine < 1e-9 * abs(cosine):
        if cosine > 0:
            return Rotation.identity()
        axis = np.cross(old, np.eye(3)[np.abs(old).argmin()])
        return Rotation.from_rotvec(np.pi * axis / np.linalg.norm(axis))
    return Rotation.from_rotvec(np.arctan2(sine, cosine) * axis / sine)
