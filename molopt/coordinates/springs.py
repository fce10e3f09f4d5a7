"""A molecule as springs: what moves against a force constant, and in which class of the learned table it is."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from ase.data import chemical_symbols, covalent_radii
from ase.units import Bohr
from scipy import sparse

from molopt.coordinates.contacts import DISTANCES
from molopt.coordinates.formulas import plane_value
from molopt.coordinates.primitives import Primitives
from molopt.coordinates.splines import held, spline
from molopt.coordinates.topology import Topology
from molopt.rules.partition import Array

LENGTHS = np.arange(-0.32, 0.09, 0.08)  # Angstrom beyond the covalent radii: from triple bonds to long single ones
CONJUGATED = np.arange(-0.24, 0.01, 0.08)  # the same, of central bonds between planar atoms
FLAT, PYRAMIDAL = 0.2, 0.5  # triple products of unit vectors between which a centre passes from one class to another
DECAY = 1.944 / Bohr  # 1/A; Fischer and Almlof's, of stretches
BEND_PER_STRETCH = 2.5  # rad/A: about sqrt(k_stretch / k_angle)

MARK = "m:"  # before the names of classes that have an inorganic atom: no organic molecule is in one
MOST_NEIGHBOURS = 7  # that names of inorganic atoms tell apart: rings bound side-on have more

COUPLED = ("stretch-stretch", "stretch-angle", "angle-angle", "conjugated")
NODES = {  # constants of each class
    "stretch": len(LENGTHS),
    "angle": 2,
    "bend": 1,
    "torsion": len(CONJUGATED) + 4,
    "plane": 1,
    "geminal": 2,
    "contact": len(DISTANCES),
    **{f"{kind}{sign}": 1 if kind == "conjugated" else 2 for kind in COUPLED for sign in "+-"},
}


@dataclass(frozen=True)
class Family:
    """Springs of one kind; their constants are k = sum over nodes of weight x table[group, node].

    Attributes
    ----------
    kind : str
    names : list of (str, str)
        Of each group: its own name, and the wider one that stands in where the table has never seen it.
    groups : (n,) array of int
        The group of each spring.
    weights : callable
        (n, nodes) at a `Geometry`; smooth, none negative.
    """

    kind: str
    names: list[tuple[str, str]]
    groups: Array
    weights: Callable[["Geometry"], Array]

    def part(self, kept: Array) -> "Family":
        """The springs (n,) that are kept."""
        return Family(self.kind, self.names, self.groups[kept], lambda at: self.weights(at)[kept])


@dataclass(frozen=True, eq=False)
class Geometry:
    """What weights are made of, at one geometry."""

    springs: "Springs"
    x: Array  # (3N,) Angstrom

    @cached_property
    def positions(self) -> Array:
        return self.x.reshape(-1, 3)

    @cached_property
    def planarity(self) -> Array:
        """(N,) 1 for flat centres and for atoms with two neighbours, 0 for pyramids and all others, smooth between.

        An inorganic atom with four neighbours is flat where they form a square about it.
        """
        flat = self.springs.flat.copy()
        rows = self.springs.threes
        if len(rows):
            product = np.abs(plane_value(self.positions[rows]))
            t = np.clip((PYRAMIDAL - product) / (PYRAMIDAL - FLAT), 0.0, 1.0)
            flat[rows[:, 0]] = t * t * (3 - 2 * t)
        rows = self.springs.fours
        if len(rows):
            products = plane_value(self.positions[rows.reshape(-1, 4)]).reshape(-1, 4)
            t = np.clip((PYRAMIDAL - np.sqrt((products**2).mean(axis=1))) / (PYRAMIDAL - FLAT), 0.0, 1.0)
            flat[rows[:, 0, 0]] = t * t * (3 - 2 * t)
        return flat

    def excess(self, pairs: Array) -> Array:
        """(n,) distances of pairs of atoms beyond the sums of their covalent radii, Angstrom."""
        gap = self.positions[pairs[:, 0]] - self.positions[pairs[:, 1]]
        radii = covalent_radii[self.springs.numbers]
        return np.sqrt((gap * gap).sum(axis=1)) - radii[pairs[:, 0]] - radii[pairs[:, 1]]

    def by_planarity(self, centres: Array) -> Array:
        """(n, 2) planar, and not."""
        p = self.planarity[centres]
        return np.stack([p, 1 - p], axis=1)


@dataclass(frozen=True, eq=False)
class Springs:
    """All springs of one list of primitives.

    Attributes
    ----------
    primitives : Primitives
    topology : Topology
    """

    primitives: Primitives
    topology: Topology

    @property
    def numbers(self) -> Array:
        return self.topology.numbers

    @cached_property
    def degrees(self) -> Array:
        return np.array([len(near) for near in self.topology.neighbours], dtype=int)

    @cached_property
    def flat(self) -> Array:
        """(N,) planarity of the atoms that do not have three neighbours."""
        return (self.degrees == 2).astype(float)

    @cached_property
    def threes(self) -> Array:
        """(n, 4) atoms with three neighbours, and these."""
        rows = [(atom, *near) for atom, near in enumerate(self.topology.neighbours) if len(near) == 3]
        return np.array(rows, dtype=int).reshape(-1, 4)

    @cached_property
    def fours(self) -> Array:
        """(n, 4, 4) inorganic atoms with four neighbours, and each three of these."""
        rows = [
            [(atom, *three) for three in itertools.combinations(self.topology.neighbours[atom], 3)]
            for atom in np.flatnonzero(self.topology.inorganic & (self.degrees == 4)).tolist()
        ]
        return np.array(rows, dtype=int).reshape(-1, 4, 4)

    @cached_property
    def labels(self) -> list[str]:
        """Element, number of neighbours, and a mark for up to two that are heavy and have no other: C3=, N3==.

        Of inorganic atoms the group and the number of neighbours: M6; beside them no terminal atoms count, but an m.
        """
        terminal = (self.degrees == 1) & (self.numbers > 1)
        ends = [min(int(terminal[near].sum()), 2) for near in self.topology.neighbours]
        usual = [
            f"{chemical_symbols[z]}{min(d, 5)}{'=' * n}"
            for z, d, n in zip(self.numbers, self.degrees, ends, strict=True)
        ]
        for atom in np.flatnonzero(self.topology.beside_inorganic):
            usual[atom] = usual[atom].rstrip("=") + "m"
        for atom in np.flatnonzero(self.topology.inorganic):
            usual[atom] = f"{group_of(int(self.numbers[atom]))}{min(self.degrees[atom], MOST_NEIGHBOURS)}"
        return usual

    def kind(self, atom: int) -> str:
        """What an end is to an inorganic centre: m, H, C, N, O, F, or L for larger atoms."""
        if self.topology.inorganic[atom]:
            return "m"
        return chemical_symbols[self.numbers[atom]] if self.numbers[atom] < 10 and self.numbers[atom] != 5 else "L"

    def hydrogens(self, *atoms: int) -> int:
        return sum(int(self.numbers[atom] == 1) for atom in atoms)

    def family(self, kind: str, names: list[tuple[str, str]], weights: Callable[[Geometry], Array]) -> Family:
        """The family of springs that have these names, one a spring."""
        distinct = sorted(set(names))
        place = {name: n for n, name in enumerate(distinct)}
        return Family(kind, distinct, np.array([place[name] for name in names], dtype=int), weights)

    @cached_property
    def diagonal(self) -> list[Family]:
        """Of the coordinates themselves, in the order of the primitives: stretches, angles, bends, torsions, planes."""
        return [self.stretches(), self.angles(), self.bends(), self.torsions(), self.planes()]

    def stretches(self) -> Family:
        rows = self.primitives.stretches

        def weights(at: Geometry) -> Array:
            excess = held(at.excess(rows), LENGTHS)
            return spline(excess, LENGTHS) * np.exp(-DECAY * excess)[:, None]

        return self.family("stretch", [self.bonded(i, j) for i, j in rows.tolist()], weights)

    def bonded(self, i: int, j: int) -> tuple[str, str]:
        """Names after the elements at both ends; the wider one of a bond of an inorganic atom after their kinds."""
        symbols = [chemical_symbols[self.numbers[atom]] for atom in (i, j)]
        foreign = [bool(self.topology.inorganic[atom]) for atom in (i, j)]
        if not any(foreign):
            name = "-".join(sorted(symbols))
            return name, name
        own = "-".join(sorted(symbol + "*" * inorganic for symbol, inorganic in zip(symbols, foreign, strict=True)))
        groups = [
            group_of(int(self.numbers[atom])) if inorganic else self.kind(atom).lower()
            for atom, inorganic in zip((i, j), foreign, strict=True)
        ]
        return MARK + own, MARK + "-".join(sorted(groups))

    def angles(self) -> Family:
        rows = self.primitives.angles
        names = [self.angular(i, j, k) for i, j, k in rows.tolist()]
        return self.family("angle", names, lambda at: at.by_planarity(rows[:, 1]))

    def centred(self, centre: int, hydrogens: int, *ends: int) -> tuple[str, str]:
        """Names after the atom in the middle and the hydrogens at the ends; with inorganic atoms, after the ends."""
        label = self.labels[centre]
        if self.topology.inorganic[centre]:
            return f"{MARK}{label}/{'-'.join(self.kind(atom) for atom in ends)}", f"{MARK}{label}"
        if self.topology.beside_inorganic[centre]:
            shape = f"{hydrogens}{'m' * int(self.topology.inorganic[list(ends)].sum())}"
            return f"{MARK}{label}/{shape}", f"{MARK}*{min(self.degrees[centre], 5)}/{shape}"
        return f"{label}/{hydrogens}", f"*{min(self.degrees[centre], 5)}/{hydrogens}"

    def angular(self, i: int, j: int, k: int) -> tuple[str, str]:
        """The names of what has j in the middle and i and k at its ends, whichever comes first."""
        return self.centred(j, self.hydrogens(i, k), *sorted((i, k), key=self.kind))

    def bends(self) -> Family:
        rows = self.primitives.bends
        names = [self.angular(i, j, k) for i, j, k, _ in rows.tolist() for _ in range(2)]
        return self.family("bend", names, lambda at: np.ones((len(names), 1)))

    def torsions(self) -> Family:
        """Shared among those about one bond; nodes: both ends planar, by length; one of them; none, by angle."""
        rows = self.primitives.torsions
        share = 1 / np.maximum(self.primitives.sharing, 1)
        bonded = {tuple(pair) for pair in self.topology.bonds.tolist()}
        names, ends = [], []
        for _, b, c, _ in rows.tolist():
            if tuple(sorted((b, c))) in bonded:
                first, last = sorted((b, c), key=lambda atom: (self.labels[atom], atom))
                names.append(self.turning(first, last))
            else:
                first, last = b, c
                names.append(("chain", "chain"))
            ends.append((first, last))
        order = np.array(ends, dtype=int).reshape(-1, 2)
        alike = np.array([self.labels[b] == self.labels[c] for b, c in order.tolist()], dtype=bool)

        def weights(at: Geometry) -> Array:
            p, q = at.planarity[order].T
            both = spline(held(at.excess(order), CONJUGATED), CONJUGATED) * (p * q)[:, None]
            first, last = p * (1 - q), q * (1 - p)
            one = np.stack([np.where(alike, first + last, first), np.where(alike, 0.0, last)], axis=1)
            neither = (1 - p) * (1 - q)
            staggered = (1 - np.cos(3 * self.primitives.torsion_values(at.x))) / 2
            rest = np.stack([neither, neither * staggered], axis=1)
            return np.concatenate([both, one, rest], axis=1) * share[:, None]

        return self.family("torsion", names, weights)

    def turning(self, first: int, last: int) -> tuple[str, str]:
        """Names after the atoms of a central bond."""
        own = f"{self.labels[first]}-{self.labels[last]}"
        if self.topology.inorganic[[first, last]].any():
            return MARK + own, MARK + "*"
        if self.topology.beside_inorganic[[first, last]].any():
            return MARK + own, MARK + "**"
        return own, f"*{min(self.degrees[first], 5)}-{min(self.degrees[last], 5)}"

    def planes(self) -> Family:
        rows = self.primitives.planes
        names = [self.centred(j, self.hydrogens(*ends), *sorted(ends, key=self.kind)) for j, *ends in rows.tolist()]
        return self.family("plane", names, lambda at: np.ones((len(rows), 1)))

    @cached_property
    def couplings(self) -> list[tuple[Family, sparse.csr_array]]:
        """Sums and differences of two coordinates as springs of their own, with their rows (n, nq).

        A coupling of either sign is one of them, and the Hessian stays positive.
        """
        slices = self.primitives.slices
        stretch = {tuple(pair): n for n, pair in enumerate(self.primitives.stretches.tolist())}
        stretch |= {pair[::-1]: n for pair, n in stretch.items()}
        angles = self.primitives.angles.tolist()
        first = slices["angle"].start
        found: dict[str, list[tuple[tuple[str, str], int, int, int]]] = {kind: [] for kind in COUPLED}
        at: dict[int, list[tuple[int, set[int]]]] = {}
        for n, (i, j, k) in enumerate(angles):
            found["stretch-stretch"].append((self.angular(i, j, k), j, stretch[i, j], stretch[j, k]))
            for near, far in ((i, k), (k, i)):
                h = 2 * self.hydrogens(near) + self.hydrogens(far)
                found["stretch-angle"].append((self.centred(j, h, near, far), j, stretch[near, j], first + n))
            at.setdefault(j, []).append((n, {i, k}))
        for j, here in at.items():
            for place, (n, ends) in enumerate(here):
                for m, others in here[:place]:
                    for shared in ends & others:
                        name = self.centred(j, self.hydrogens(shared), shared)
                        found["angle-angle"].append((name, j, first + n, first + m))
        for b, c in self.topology.bonds.tolist():
            if self.numbers[b] > 1 and self.numbers[c] > 1 and max(self.degrees[b], self.degrees[c]) <= 3:
                for a in self.topology.neighbours[b]:
                    for d in self.topology.neighbours[c]:
                        if len({a, b, c, d}) == 4 and not self.hydrogens(a, d):
                            found["conjugated"].append((("*", "*"), b, stretch[a, b], stretch[c, d]))
        return [
            self.coupled(f"{kind}{sign}", part, factor)
            for kind, part in found.items()
            for sign, factor in (("+", 1.0), ("-", -1.0))
        ]

    def coupled(
        self, kind: str, found: list[tuple[tuple[str, str], int, int, int]], factor: float
    ) -> tuple[Family, sparse.csr_array]:
        table = np.array([part[1:] for part in found], dtype=int).reshape(-1, 3)
        centres, one, other = table.T
        count = len(table)
        scale = BEND_PER_STRETCH if kind.startswith("stretch-angle") else 1.0
        data = np.concatenate([np.full(count, scale), np.full(count, factor)])
        places = (np.tile(np.arange(count), 2), np.concatenate([one, other]))
        rows = sparse.csr_array((data, places), shape=(count, self.primitives.count))
        if kind.startswith("conjugated"):
            return self.family(kind, [part[0] for part in found], lambda at: at.planarity[centres][:, None]), rows
        return self.family(kind, [part[0] for part in found], lambda at: at.by_planarity(centres)), rows

    @cached_property
    def geminal(self) -> tuple[Family, Array]:
        """Distances of atoms two bonds apart, and these pairs (n, 2)."""
        rows = np.concatenate([self.primitives.angles, self.primitives.straight])
        names = [self.angular(i, j, k) for i, j, k in rows.tolist()]
        return self.family("geminal", names, lambda at: at.by_planarity(rows[:, 1])), rows[:, [0, 2]]


def group_of(number: int) -> str:
    """M (d and f block), A (alkali and alkaline earth), X (from aluminium on), else the element."""
    if number < 10 and number not in (3, 4):
        return chemical_symbols[number]
    shell = number - max(core for core in (2, 10, 18, 36, 54, 86) if core < number)  # electrons above a noble gas
    if shell <= 2:
        return "A"
    return "M" if number > 20 and shell <= (12 if number < 57 else 26) else "X"
