"""Crankshafts: parts of rings turned about an axis through two ring atoms, or exchanged between two conformers.

Flips of single ring atoms are those of H. Goto, E. Osawa, J. Am. Chem. Soc. 111, 8950 (1989). And pyramids of nitrogen,
turned inside out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from rdkit import Chem

from molopt.coordinates.topology import Topology
from molopt.ensembles.rotors import about
from molopt.ensembles.superposing import best_turn, laid
from molopt.ensembles.twistable import Twistable
from molopt.molecules.identity import TETRAHEDRAL
from molopt.molecules.molecule import Molecule
from molopt.rules.partition import Array


@dataclass(frozen=True, eq=False)
class Joint:
    """An atom of a crankshaft's axis, and what hangs on it alone.

    Attributes
    ----------
    atom : int
    frame : (k,) array of int
        Its neighbours in the ring or in further rings: two, or more.
    hung : (m,) array of int
        Atoms that only this atom holds; they follow the frame, so that its configuration is kept.
    """

    atom: int
    frame: Array
    hung: Array

    def follow(self, before: Array, after: Array) -> None:
        """Turn what hangs here, in place in `after` (N, 3), as the frame turned from `before`."""
        old, new = frame_at(before, self.atom, self.frame), frame_at(after, self.atom, self.frame)
        after[self.hung] = after[self.atom] + (before[self.hung] - before[self.atom]) @ best_turn(old, new)


@dataclass(frozen=True, eq=False)
class Crank:
    """An arc of a ring that turns about the axis through the two atoms at its ends, with all that hangs on it.

    Attributes
    ----------
    first, last : Joint
        The atoms at the ends, which stay where they are.
    part : (m,) array of int
        The atoms that move.
    arc : (k,) array of int
        Those of them that are in the ring.
    rest : (k,) array of int
        The other atoms of the ring, with the two on the axis.
    """

    first: Joint
    last: Joint
    part: Array
    arc: Array
    rest: Array

    def turned(self, positions: Array, angle: float) -> Array:
        """A copy of positions (N, 3) with the part turned by the angle, rad. Bond lengths are kept."""
        moved = positions.copy()
        moved[self.part] = about(positions[self.part], positions[self.first.atom], positions[self.last.atom], angle)
        for joint in (self.first, self.last):
            if joint.hung.size:
                joint.follow(positions, moved)
        return moved

    def flipped(self, positions: Array) -> Array:
        """A copy whose arc is as far on the other side of the plane of the rest of the ring as it was on this."""
        start, end = positions[self.first.atom], positions[self.last.atom]
        axis = (end - start) / np.linalg.norm(end - start)
        rest, arc = positions[self.rest].mean(axis=0) - start, positions[self.arc].mean(axis=0) - start
        side, arm = rest - rest @ axis * axis, arc - arc @ axis * axis
        opposite = np.arctan2(np.cross(-side, arm) @ axis, -side @ arm)  # of the arm from straight on
        return self.turned(positions, -2 * opposite)

    def grafted(self, mother: Array, father: Array) -> tuple[Array, float]:
        """The mother (N, 3) with the arc of the father, and how well it fits, A.

        The father is laid upon the mother by the axis and the neighbours of its ends that do not move; the RMSD of
        these is what the bonds at both ends are strained by.
        """
        placed, misfit = laid(father, mother, self.anchors)
        child = mother.copy()
        child[self.part] = placed[self.part]
        for joint in (self.first, self.last):
            if joint.hung.size:
                joint.follow(mother, child)
        return child, misfit

    @cached_property
    def anchors(self) -> Array:
        """The atoms of the axis and those next to them that do not move."""
        beside = np.setdiff1d(np.concatenate([self.first.frame, self.last.frame]), self.part)
        return np.union1d(beside, [self.first.atom, self.last.atom])


@dataclass(frozen=True, eq=False)
class Inversion:
    """A pyramidal nitrogen that moves through the plane of its three neighbours.

    Attributes
    ----------
    quad : (4,) array of int
        The nitrogen and its neighbours.
    """

    quad: Array

    def flipped(self, positions: Array) -> Array:
        """A copy with the nitrogen reflected in the plane of its neighbours; its bond lengths are kept."""
        n, i, j, k = positions[self.quad]
        normal = np.cross(j - i, k - i)
        normal /= np.linalg.norm(normal)
        moved = positions.copy()
        moved[self.quad[0]] = n - 2 * (n - i) @ normal * normal
        return moved


def frame_at(positions: Array, atom: int, others: Array) -> Array:
    """(k + 1, 3) unit vectors from an atom to others, and one across the first two."""
    arms = positions[others] - positions[atom]
    arms /= np.linalg.norm(arms, axis=1, keepdims=True)
    across = np.cross(arms[0], arms[1])
    return np.vstack([arms, across / max(np.linalg.norm(across), 1e-9)])


def cranks_of(molecule: Molecule, twistable: Twistable) -> list[Crank]:
    """Every arc of a small ring or macrocycle that can turn without the rest.

    The bonds beside the two atoms of the axis are twisted: none of them is a double or an aromatic one. In fused rings
    the arc has to come free of the rest where these two atoms are taken out.
    """
    mol = molecule.to_rdkit()
    neighbours = Topology(molecule.numbers, molecule.bonds).neighbours
    found: dict[tuple[int, int, bytes], Crank] = {}
    looked: set[frozenset[tuple[int, int]]] = set()  # a cage or a cup of sugars has many rings, and few arcs
    for ring in rings_of(mol):
        for start, end in ends_of_arcs(len(ring)):
            p, q = ring[start], ring[end]
            twisted = [(p, ring[start + 1]), (p, ring[start - 1]), (q, ring[end - 1]), (q, ring[(end + 1) % len(ring)])]
            if frozenset(twisted) in looked:
                continue
            looked.add(frozenset(twisted))
            if not all(pair in twistable for pair in twisted):
                continue
            crank = crank_between(neighbours, ring[start + 1 : end], (*ring[end + 1 :], *ring[:start]), p, q)
            if crank is not None:
                found.setdefault((min(p, q), max(p, q), crank.part.tobytes()), crank)
    return list(found.values())


def rings_of(mol: Chem.Mol) -> list[tuple[int, ...]]:
    """Atoms of the smallest rings, in their order around each, that are not aromatic throughout."""
    Chem.GetSymmSSSR(mol, includeDativeBonds=True)
    rings = mol.GetRingInfo().AtomRings()
    return [ring for ring in rings if not all(mol.GetAtomWithIdx(atom).GetIsAromatic() for atom in ring)]


def ends_of_arcs(size: int) -> Iterator[tuple[int, int]]:
    """Places of two ring atoms that are not neighbours."""
    for start in range(size):
        for end in range(start + 2, min(size, size + start - 1)):
            yield start, end


def crank_between(
    neighbours: Sequence[Sequence[int]], one: Sequence[int], other: Sequence[int], p: int, q: int
) -> Crank | None:
    """The crankshaft about p and q, or None where both arcs hang together without them."""
    near = reached(neighbours, one[0], {p, q})
    if other[0] in near:
        return None
    far = reached(neighbours, other[0], {p, q})
    moving = near if len(near) <= len(far) else far
    if moving is far:
        one, other = other, one
    first, last = (joint_at(neighbours, near | far, *ends) for ends in ((p, q), (q, p)))
    return Crank(first, last, np.array(sorted(moving)), np.array(one), np.array([*other, p, q]))


def joint_at(neighbours: Sequence[Sequence[int]], arcs: set[int], atom: int, other: int) -> Joint:
    """What hangs on one atom of an axis beside both arcs: the parts that the other atom does not hold."""
    hung: set[int] = set()
    for first in neighbours[atom]:
        if first not in arcs and first != other and first not in hung:
            part = reached(neighbours, first, {atom, other})
            hung |= set() if part & set(neighbours[other]) else part
    return Joint(atom, np.array([k for k in neighbours[atom] if k not in hung]), np.array(sorted(hung), dtype=int))


def reached(neighbours: Sequence[Sequence[int]], first: int, gone: set[int]) -> set[int]:
    """The atoms that hang together with the first without those that are gone."""
    part, todo = {first}, [first]
    while todo:
        new = [k for k in neighbours[todo.pop()] if k not in part and k not in gone]
        part.update(new)
        todo += new
    return part


def inversions_of(mol: Chem.Mol) -> list[Inversion]:
    """Pyramidal nitrogens that are no stereocentres, nor bridgeheads, nor NH2, which turning their bond inverts too."""
    found = []
    for atom in mol.GetAtoms():
        around = atom.GetNeighbors()
        sp3 = atom.GetHybridization() == Chem.HybridizationType.SP3
        pyramid = sp3 and atom.GetAtomicNum() == 7 and len(around) == 3
        hydrogens = sum(other.GetAtomicNum() == 1 for other in around)
        bridgehead = sum(bond.IsInRing() for bond in atom.GetBonds()) == 3
        free = atom.GetChiralTag() == Chem.ChiralType.CHI_UNSPECIFIED
        if pyramid and free and hydrogens < 2 and not bridgehead:
            found.append(Inversion(np.array([atom.GetIdx(), *(other.GetIdx() for other in around)])))
    return found


def centres_of(mol: Chem.Mol, orders_known: bool) -> Array:
    """(c, 4) tetrahedral stereocentres and three of their neighbours; every atom of four, where none are known."""
    found = [
        [atom.GetIdx(), *(other.GetIdx() for other in atom.GetNeighbors())][:4]
        for atom in mol.GetAtoms()
        if (atom.GetChiralTag() in TETRAHEDRAL and atom.GetDegree() > 2) or (not orders_known and atom.GetDegree() == 4)
    ]
    return np.array(found, dtype=int).reshape(-1, 4)


def ring_freedom(mol: Chem.Mol, twistable: Twistable) -> int:
    """How many torsions of rings are free: of each ring those that can be twisted, less three that closing it takes."""
    soft = [sum(pair in twistable for pair in zip(ring, (*ring[1:], ring[0]), strict=True)) for ring in rings_of(mol)]
    return max(1, sum(max(0, count - 3) for count in soft))


def ring_torsions(mol: Chem.Mol, twistable: Twistable) -> list[tuple[int, int, int, int]]:
    """One torsion a-b-c-d for each bond of rings of four and more that is not double or aromatic."""
    found: dict[frozenset[int], tuple[int, int, int, int]] = {}
    for ring in rings_of(mol):
        for k in range(len(ring) if len(ring) > 3 else 0):
            a, b, c, d = (ring[(k + n) % len(ring)] for n in range(4))
            if (b, c) in twistable:
                found.setdefault(frozenset((b, c)), (a, b, c, d))
    return list(found.values())
