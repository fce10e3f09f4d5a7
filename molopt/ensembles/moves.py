"""What can be changed about one molecule to make other conformers of it from those that are known."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import pi

import numpy as np
from ase.data import covalent_radii

from molopt.coordinates.formulas import plane_value, torsion_value
from molopt.coordinates.topology import Topology
from molopt.ensembles.blocks import Blocks
from molopt.ensembles.loops import loops_of
from molopt.ensembles.poses import Poses
from molopt.ensembles.rings import Crank, Inversion, centres_of, cranks_of, inversions_of, ring_freedom, ring_torsions
from molopt.ensembles.rotors import HALF, THIRDS, Rotor, rotors_of
from molopt.ensembles.twistable import Twistable
from molopt.molecules.molecule import Molecule
from molopt.rules.partition import Array


@dataclass(frozen=True)
class Strengths:
    """How far moves go.

    Attributes
    ----------
    most : int
        Changes made at once: one alone often falls back, many leave nothing of what was good.
    share : (float, float)
        Of the torsions and rigid parts that come from the father, drawn between these.
    grafts : float
        Of the rings get an arc from one parent and the rest from the other; the others come whole from one.
    misfit : float
        A, of the atoms at both ends of an arc that is exchanged: relaxing closes the ring.
    driven : float
        Of the changes in large rings drive a torsion; the others are crankshafts.
    flipped : int
        Arcs of so many ring atoms are flipped through the plane of the rest; longer ones mostly fall back.
    gap : float
        A that a large ring may be left open by: relaxing closes it.
    clash : float
        Times the sum of covalent radii; two atoms that are nearer would not come apart. Where only starts with more
        room are let through, fewer compact conformers are found.
    spread : float
        rad, the standard deviation about a step from one minimum of a torsion to another.
    anywhere : float
        Of the turns go to any angle instead: minima are not always where they are expected.
    alike : float
        rad; torsions that differ by less are those of one conformer.
    tries : int
        Of changes in rings until one inverts no stereocentre, and of crosses until the child is not one of its parents.
    """

    most: int = 3
    share: tuple[float, float] = (0.2, 0.8)
    grafts: float = 0.7
    misfit: float = 0.5
    driven: float = 0.5
    flipped: int = 3
    gap: float = 0.5
    clash: float = 0.5
    spread: float = 0.3
    anywhere: float = 0.3
    alike: float = 0.3
    tries: int = 20


class Moves:
    """The moves of one molecule: arrays in, arrays out. A force field or a potential relaxes what they make.

    Bond lengths and the configuration of stereocentres and double bonds are kept, but for what `Strengths.misfit` and
    `Strengths.gap` let rings be strained by, and nitrogens that are turned inside out.

    Parameters
    ----------
    molecule : Molecule
        Its geometry matters only where bond orders are not known.
    strengths : Strengths

    Attributes
    ----------
    rotors : list of Rotor
    turnable : list of Rotor
        Those that are not stiff.
    cranks : list of Crank
    loops : list of Loop
        Large rings, opened at each of their bonds.
    flips : list of Rotor and Inversion
        What is turned over: amides, esters and acids by pi, pyramidal nitrogens inside out.
    torsions : (t, 4) array of int
        Soft torsions: those of the rotors, then those about ring bonds.
    chances : dict of str to int
        How often each kind of change is drawn, relative to the others: degrees of freedom of that kind.

    Examples
    --------
    >>> butane = Molecule.from_smiles("CCCC")
    >>> moves = Moves(butane)
    >>> len(moves.rotors), len(moves.cranks), len(moves.flips)
    (1, 0, 0)
    >>> moved, source = moves.turned(butane.positions, np.random.default_rng(1))
    >>> source, bool(abs(moves.angles(moved) - moves.angles(butane.positions))[0] > 0.5)
    ('turn', True)
    """

    def __init__(self, molecule: Molecule, strengths: Strengths = Strengths()) -> None:
        self.strengths = strengths
        twistable = Twistable.of(molecule)
        self.rotors = rotors_of(molecule, twistable)
        self.cranks = cranks_of(molecule, twistable)
        self.loops = loops_of(molecule, twistable)
        self.inversions = inversions_of(molecule.to_rdkit()) if molecule.orders_known else []
        self.flips: list[Rotor | Inversion] = [*(r for r in self.rotors if r.stiff), *self.inversions]
        self.poses = Poses(molecule)
        self.blocks = Blocks(molecule, self.rotors)
        self.cranks_in: dict[int, list[Crank]] = {}  # those of each block
        for crank in self.cranks:
            self.cranks_in.setdefault(self.blocks.home[crank.first.atom], []).append(crank)
        self.mol = mol = molecule.to_rdkit()
        in_rings = ring_torsions(mol, twistable)
        self.torsions = np.array([*(rotor.quad for rotor in self.rotors), *in_rings], dtype=int).reshape(-1, 4)
        self.turnable = [rotor for rotor in self.rotors if not rotor.stiff]
        self.chances = {
            "turn": len(self.turnable),
            "crankshaft": ring_freedom(mol, twistable) if self.cranks or self.loops else 0,
            "flip": len(self.flips),
            "pose": 3 * len(self.poses.movable),
        }
        self.centres = centres_of(mol, molecule.orders_known)
        first, second = np.nonzero(np.triu(Topology(molecule.numbers, molecule.bonds).apart > 2, 1))
        self.pairs = first, second
        self.closest = (strengths.clash * covalent_radii[molecule.numbers[np.stack(self.pairs)]].sum(axis=0)) ** 2

    def __bool__(self) -> bool:
        """Whether there is anything to move: a rigid molecule has one conformer."""
        return any(self.chances.values())

    def angles(self, positions: Array) -> Array:
        """(..., t) the soft torsions in (-pi, pi] at positions (..., N, 3)."""
        return torsion_value(positions[..., self.torsions, :])

    def clashes(self, positions: Array) -> bool:
        """Whether two atoms more than two bonds apart are closer than `Strengths.clash` allows."""
        gaps = positions[self.pairs[0]] - positions[self.pairs[1]]
        return bool(((gaps * gaps).sum(axis=-1) < self.closest).any())

    def turned(self, positions: Array, rng: np.random.Generator, kind: str | None = None) -> tuple[Array, str]:
        """A copy of positions (N, 3) with one to three random changes, and what kind of changes: that of the first.

        The first is of the kind that is asked for, if one is. Kinds are "turn", "crankshaft", "flip" and "pose", drawn
        by the degrees of freedom of each. A molecule without any comes back as it was, as a "turn".
        """
        if not self:
            return positions.copy(), "turn"
        kinds = list(self.chances)
        weights = np.array(list(self.chances.values()), dtype=float)
        drawn = rng.choice(len(kinds), size=1 + rng.integers(self.strengths.most), p=weights / weights.sum())
        made = [kinds[k] for k in drawn]
        made[0] = kind or made[0]
        moved = positions
        for each in made:
            moved = self.changed(moved, each, rng)
        return moved, made[0]

    def same_centres(self, positions: Array, moved: Array) -> bool:
        """Whether no stereocentre is inverted: crankshafts can, where rings are fused."""
        before, after = plane_value(positions[self.centres]), plane_value(moved[self.centres])
        return bool((before * after > 0).all())

    def changed(self, positions: Array, kind: str, rng: np.random.Generator) -> Array:
        """A copy with one random change of a kind."""
        if kind == "turn":
            rotor = self.turnable[rng.integers(len(self.turnable))]
            step = rotor.steps[rng.integers(len(rotor.steps))] + self.strengths.spread * rng.normal()
            anywhere = rng.uniform(1.0, 2 * pi - 1.0)
            return rotor.turned(positions, anywhere if rng.random() < self.strengths.anywhere else step)
        if kind == "crankshaft":
            return self.bent(positions, rng)
        if kind == "flip":
            return self.flips[rng.integers(len(self.flips))].flipped(positions)
        return self.poses.posed(positions, rng)

    def bent(self, positions: Array, rng: np.random.Generator) -> Array:
        """A copy with a ring changed: by a crankshaft, or, every other time in a large ring, by driving a torsion."""
        for _ in range(self.strengths.tries):
            angle = rng.choice([-1.0, 1.0]) * rng.uniform(1.0, pi)
            if self.loops and (not self.cranks or rng.random() < self.strengths.driven):
                loop = self.loops[rng.integers(len(self.loops))]
                hinge = int(rng.integers(len(loop.stiff)))
                moved, gap = loop.driven(positions, hinge, pi if loop.stiff[hinge] else angle)
                if gap > self.strengths.gap:
                    continue
            else:
                crank = self.cranks[rng.integers(len(self.cranks))]
                flip = len(crank.arc) <= self.strengths.flipped and rng.random() < 0.5
                moved = crank.flipped(positions) if flip else crank.turned(positions, angle)
            if self.same_centres(positions, moved):
                return moved
        return positions.copy()

    def neighbours(self, positions: Array) -> Iterator[tuple[Array, str]]:
        """Single changes in a fixed order, those that lead on most often first.

        Each rotor by its steps, short arcs of rings flipped, amides and the like turned over, torsions of large rings
        driven.
        """
        for rotor in self.turnable:
            for step in rotor.steps:
                yield rotor.turned(positions, step), "turn"
        for crank in sorted(self.cranks, key=lambda crank: len(crank.arc)):
            if len(crank.arc) <= self.strengths.flipped and self.same_centres(positions, crank.flipped(positions)):
                yield crank.flipped(positions), "crankshaft"
        for flip in self.flips:
            yield flip.flipped(positions), "flip"
        for loop in self.loops[:: max(1, len(self.loops) // 2)][:2]:  # opened at two sides
            for hinge, stiff in enumerate(loop.stiff):
                for step in HALF if stiff else THIRDS:
                    moved, gap = loop.driven(positions, hinge, step)
                    if gap < self.strengths.gap and self.same_centres(positions, moved):
                        yield moved, "crankshaft"

    def grafted(self, cranks: list[Crank], mother: Array, father: Array, rng: np.random.Generator) -> Array:
        """(N, 3) the mother with an arc of the father's ring: the first of several drawn that fits and is neither's.

        The one that fits best where there is none.
        """
        best, closest = mother, np.inf
        for k in rng.permutation(len(cranks))[: self.strengths.tries]:
            child, misfit = cranks[k].grafted(mother, father)
            if misfit > closest or not self.same_centres(mother, child):
                continue
            if misfit < self.strengths.misfit and self.differing(child, mother) and self.differing(child, father):
                return child
            best, closest = child, max(misfit, self.strengths.misfit)
        return best

    def crossed(self, mother: Array, father: Array, rng: np.random.Generator) -> Array:
        """(N, 3) the mother with some torsions of the father, and some of his rings and other rigid parts.

        Fragments lie as in the mother, or, as often, as in the father. A child that is one of its parents is drawn
        again, but where these differ in fewer than two torsions.
        """
        child = self.child(mother, father, rng)
        if not self.poses.single or self.differing(mother, father) < 2:
            return child
        for _ in range(self.strengths.tries):
            if self.differing(child, mother) and self.differing(child, father):
                break
            child = self.child(mother, father, rng)
        return child

    def differing(self, one: Array, other: Array) -> int:
        """How many soft torsions differ by more than `Strengths.alike`."""
        gaps = np.abs(self.angles(one) - self.angles(other))
        return int((np.minimum(gaps, 2 * pi - gaps) > self.strengths.alike).sum())

    def child(self, mother: Array, father: Array, rng: np.random.Generator) -> Array:
        """As `crossed`, whatever is drawn."""
        share = rng.uniform(*self.strengths.share)
        turns = [(father if rng.random() < share else mother, rotor) for rotor in self.rotors]
        shapes = [father if rng.random() < share else mother for _ in self.blocks.atoms]
        for block, cranks in self.cranks_in.items():
            if rng.random() < self.strengths.grafts:
                one, other = (mother, father) if rng.random() < 0.5 else (father, mother)
                shapes[block] = self.grafted(cranks, one, other, rng)
        frame = father if self.poses.movable and rng.random() < 0.5 else mother
        return self.blocks.joined(frame, shapes, np.array([rotor.value(whose) for whose, rotor in turns]))
