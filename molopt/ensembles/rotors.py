"""Bonds that a part of a molecule can be turned about."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import pi

import numpy as np
from rdkit import Chem

from molopt.coordinates.formulas import torsion_value
from molopt.coordinates.topology import Topology
from molopt.ensembles.twistable import Twistable
from molopt.molecules.molecule import Molecule
from molopt.rules.partition import Array

THIRDS = (2 * pi / 3, -2 * pi / 3)  # from one staggered minimum to the others
QUARTERS = (pi, pi / 2, -pi / 2)  # beside a planar atom minima lie in its plane or across
HALF = (pi,)


@dataclass(frozen=True, eq=False)
class Rotor:
    """A bond, or a straight chain of bonds, that one part of the molecule turns about.

    Attributes
    ----------
    quad : (4,) array of int
        The torsion a-i-j-d that tells how far it is turned. Between i and j is a bond or a straight chain.
    part : (m,) array of int
        The atoms that move, those beyond j without j itself: never more than half of the molecule.
    steps : tuple of float
        Turns from one minimum to others that are likely, rad.
    stiff : bool
        Planar by conjugation with one atom that has a lone pair (amide, ester, acid): only turning it over leads on.
    """

    quad: Array
    part: Array
    steps: tuple[float, ...]
    stiff: bool

    def value(self, positions: Array) -> Array:
        """(...) the torsion in (-pi, pi] at positions (..., N, 3)."""
        return torsion_value(positions[..., self.quad[None], :])[..., 0]

    def turned(self, positions: Array, angle: float) -> Array:
        """A copy of positions (N, 3) whose torsion is larger by the angle, rad; bond lengths and angles are kept."""
        _, i, j, _ = self.quad
        moved = positions.copy()
        moved[self.part] = about(positions[self.part], positions[i], positions[j], angle)
        return moved

    def flipped(self, positions: Array) -> Array:
        """A copy turned over, by pi."""
        return self.turned(positions, pi)


def about(points: Array, start: Array, end: Array, angle: float) -> Array:
    """Points (m, 3) turned about the axis from `start` to `end`, clockwise for who looks along it."""
    axis = (end - start) / np.linalg.norm(end - start)
    arms = points - start
    along = np.outer(arms @ axis, axis)
    return start + along + (arms - along) * np.cos(angle) + np.cross(axis, arms) * np.sin(angle)


def rotors_of(molecule: Molecule, twistable: Twistable) -> list[Rotor]:
    """Every bond outside of rings whose turning changes more than the hydrogens of a methyl, in the order of the bonds.

    Left out are tops of three like atoms or methyls (CH3, CF3, NH3+, tert-butyl), planar ends whose two substituents
    are alike where the bond is stiff (the NH2 of an amide), multiple bonds, and bonds to an atom with nothing beyond.
    A bond to a metal is one like others: it turns where both sides fall apart without it, and a bond in a chelate's
    ring does not.
    """
    mol = molecule.to_rdkit()
    Chem.GetSymmSSSR(mol, includeDativeBonds=True)
    neighbours = Topology(molecule.numbers, molecule.bonds).neighbours
    ranks = ranks_of(mol)
    found: dict[tuple[int, int], Rotor] = {}
    for bond in mol.GetBonds():
        ends = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        if bond.IsInRing() or ends not in twistable:
            continue
        chain = axis_of(molecule, neighbours, *ends)
        if chain is None or tuple(sorted(chain)) in found:
            continue
        rotor = rotor_about(mol, neighbours, ranks, chain, frozenset(ends) in twistable.stiff, twistable.planar)
        if rotor is not None:
            found[min(chain), max(chain)] = rotor
    return list(found.values())


def ranks_of(mol: Chem.Mol) -> list[int]:
    """A number for each atom, the same for those that symmetry exchanges, bond orders and charges aside."""
    plain = Chem.RWMol(mol)
    for atom in plain.GetAtoms():
        atom.SetIsAromatic(False)
        atom.SetFormalCharge(0)
        atom.SetNumRadicalElectrons(0)
        atom.SetNoImplicit(True)
    for bond in plain.GetBonds():
        bond.SetIsAromatic(False)
        bond.SetBondType(Chem.BondType.SINGLE)
    plain.UpdatePropertyCache(strict=False)
    return list(Chem.CanonicalRankAtoms(plain, breakTies=False))


def axis_of(molecule: Molecule, neighbours: Sequence[Sequence[int]], i: int, j: int) -> tuple[int, int] | None:
    """The atoms at the ends of the straight chain that a bond i-j is part of; None where nothing lies beyond one."""
    ends = [j, i]
    for side, (before, at) in enumerate(((j, i), (i, j))):
        while len(neighbours[at]) == 2 and straight(molecule.positions, neighbours[at], at):
            before, at = at, next(k for k in neighbours[at] if k != before)
        if len(neighbours[at]) < 2:
            return None
        ends[side] = at
    return ends[0], ends[1]


def straight(positions: Array, two: Sequence[int], centre: int) -> bool:
    """Whether the two neighbours of a centre are opposite, within 15 degrees."""
    u, v = positions[list(two)] - positions[centre]
    return bool(u @ v < np.cos(np.radians(165)) * np.linalg.norm(u) * np.linalg.norm(v))


def rotor_about(
    mol: Chem.Mol,
    neighbours: Sequence[Sequence[int]],
    ranks: Sequence[int],
    chain: tuple[int, int],
    stiff: bool,
    planar: frozenset[int],
) -> Rotor | None:
    """The rotor about a chain from i to j, or None where turning it makes no other conformer."""
    i, j = chain
    sides = [beyond(neighbours, i, j), beyond(neighbours, j, i)]
    if j in sides[0]:  # a ring of straight chains
        return None
    if len(sides[1]) > len(sides[0]):
        (i, j), sides = (j, i), sides[::-1]
    inner = sides[0], sides[1]
    arms = [[k for k in neighbours[at] if k in side] for at, side in zip((i, j), inner, strict=True)]
    symmetries = [symmetry(mol, neighbours, ranks, ends, at in planar) for at, ends in zip((i, j), arms, strict=True)]
    if 0 in symmetries or 3 in symmetries or (stiff and 2 in symmetries):
        return None
    steps: tuple[float, ...] = HALF if stiff else QUARTERS if planar & {i, j} else THIRDS
    if 2 in symmetries:
        steps = tuple(step for step in steps if step != pi and step >= 0) or steps
    a, d = (min(ends, key=lambda k: (mol.GetAtomWithIdx(k).GetAtomicNum() == 1, ranks[k], k)) for ends in arms)
    return Rotor(np.array([a, i, j, d]), np.array(sorted(inner[1] - {j})), steps, stiff)


def beyond(neighbours: Sequence[Sequence[int]], at: int, other: int) -> set[int]:
    """The atoms on the side of `at`, itself among them, without the way to `other` at the far end of its chain."""
    gone = towards(neighbours, at, other)
    seen, todo = {at}, [k for k in neighbours[at] if k != gone]
    while todo:
        atom = todo.pop()
        if atom not in seen:
            seen.add(atom)
            todo += neighbours[atom]
    return seen


def towards(neighbours: Sequence[Sequence[int]], at: int, other: int) -> int:
    """The neighbour of `at` from which a chain of atoms with two neighbours leads to `other`."""
    for first in neighbours[at]:
        before, here = at, first
        while here != other and len(neighbours[here]) == 2:
            before, here = here, next(k for k in neighbours[here] if k != before)
        if here == other:
            return first
    raise ValueError(f"no straight chain leads from atom {at} to atom {other}")


def symmetry(
    mol: Chem.Mol, neighbours: Sequence[Sequence[int]], ranks: Sequence[int], arms: Sequence[int], planar: bool
) -> int:
    """How often an end of a bond looks the same in a full turn: 1, 2 or 3, as far as its own arms say; 0: it has none.

    3 where three arms are alike and are single atoms or methyls, 2 where a planar atom has two arms that are alike.
    """
    if not arms:
        return 0
    if len({ranks[k] for k in arms}) > 1:
        return 1
    if len(arms) == 3 and all(len(neighbours[k]) == 1 or methyl(mol, k) for k in arms):
        return 3
    return 2 if len(arms) == 2 and planar else 1


def methyl(mol: Chem.Mol, atom: int) -> bool:
    """Whether three of the four neighbours of an atom are hydrogens."""
    around = mol.GetAtomWithIdx(atom).GetNeighbors()
    return len(around) == 4 and sum(k.GetAtomicNum() == 1 for k in around) == 3
