"""The class of the learned table that each spring of a molecule is in, by the names that the table has for it.

Each spring has two names: its own, and a wider one that stands in where the table has never seen the first. Names are
those of the sorts of atoms that a spring is between.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np
from ase.data import chemical_symbols

from molopt.coordinates.topology import Topology
from molopt.rules.partition import Array

MARK = "m:"  # before the names of classes that have an inorganic atom: no organic molecule is in one
MOST_NEIGHBOURS = 7  # that names of inorganic atoms tell apart: rings bound side-on have more
POLAR = (7, 8)
ACCEPTORS = (7, 8, 9)
KEPT = 100_000  # names; drug-like molecules have some thousands

Names = tuple[str, str]  # its own, and the wider one


class Classes(NamedTuple):
    """Classes of the springs of one kind."""

    names: list[Names]
    groups: Array  # (n,) which of them each spring is in

    def repeated(self, times: int) -> "Classes":
        """Of springs that each come several times, one after the other."""
        return Classes(self.names, np.repeat(self.groups, times))


class Sort(NamedTuple):
    """All that names know of an atom."""

    number: int  # atomic
    neighbours: int  # up to seven
    terminal: int  # of these, up to two that are heavy and have no other
    inorganic: bool
    beside: bool  # whether it is bonded to an inorganic atom

    @property
    def symbol(self) -> str:
        return chemical_symbols[self.number]

    @property
    def degree(self) -> int:
        return min(self.neighbours, 5)

    @property
    def label(self) -> str:
        """Element, number of neighbours, and a mark for each that is terminal: C3=, N3==.

        Of inorganic atoms the group and the number of neighbours: M6; beside them no terminal atoms count, but an m.
        """
        if self.inorganic:
            return f"{group_of(self.number)}{self.neighbours}"
        return f"{self.symbol}{self.degree}{'m' if self.beside else '=' * self.terminal}"

    @property
    def kind(self) -> str:
        """What an end is to an inorganic centre: m, H, C, N, O, F, or L for larger atoms."""
        if self.inorganic:
            return "m"
        return self.symbol if self.number < 10 and self.number != 5 else "L"


SHAPE = (len(chemical_symbols), MOST_NEIGHBOURS + 1, 3, 2, 2)  # of all sorts
SORTS = int(np.prod(SHAPE))


@lru_cache(maxsize=SORTS)
def sort_of(code: int) -> Sort:
    """The sort that has this number among all of them."""
    number, neighbours, terminal, inorganic, beside = (int(part) for part in np.unravel_index(code, SHAPE))
    return Sort(number, neighbours, terminal, bool(inorganic), bool(beside))


@lru_cache(maxsize=KEPT)
def named(name: Callable[..., Names], *codes: int) -> Names:
    """The names that a function of sorts gives to a spring between atoms of the sorts of these numbers."""
    return name(*map(sort_of, codes))


@dataclass(frozen=True, eq=False)
class Naming:
    """The names of springs, after the atoms that they are between."""

    topology: Topology

    @cached_property
    def codes(self) -> Array:
        """(N,) the number of the sort of each atom."""
        topology = self.topology
        ends = (topology.degrees == 1) & (topology.numbers > 1)
        i, j = topology.bonds.T
        terminal = np.bincount(np.concatenate([i[ends[j]], j[ends[i]]]), minlength=len(ends))
        parts = (topology.numbers, np.minimum(topology.degrees, MOST_NEIGHBOURS), np.minimum(terminal, 2))
        return np.ravel_multi_index((*parts, topology.inorganic, topology.beside_inorganic), SHAPE)

    @cached_property
    def rank(self) -> Array:
        """(N,) the place of the label of each atom among all of them, in the order of the alphabet."""
        codes, sorts = np.unique(self.codes, return_inverse=True)
        labels = [sort_of(code).label for code in codes.tolist()]
        place = {label: n for n, label in enumerate(sorted(set(labels)))}
        return np.array([place[label] for label in labels], dtype=int)[sorts]

    def classes(self, atoms: Array, name: Callable[..., Names]) -> Classes:
        """Of springs between atoms (n, k), which `name` calls after their k sorts. Two classes may have one name."""
        if not len(atoms):
            return Classes([], np.zeros(0, dtype=int))
        codes = self.codes[atoms]
        keys = codes @ SORTS ** np.arange(atoms.shape[1])
        _, first, groups = np.unique(keys, return_index=True, return_inverse=True)
        return Classes([named(name, *row) for row in codes[first].tolist()], groups)

    @cached_property
    def contact_kinds(self) -> Array:
        """(N,) which of `CONTACT_KINDS` each atom is."""
        numbers = self.topology.numbers
        i, j = self.topology.bonds.T
        polar = (numbers == POLAR[0]) | (numbers == POLAR[1])
        beside = np.zeros(len(numbers), dtype=bool)
        beside[i[polar[j]]] = beside[j[polar[i]]] = True
        return np.where(beside & (numbers == 1), CONTACT_KINDS.index("Hp"), CONTACT_KIND[numbers])


def bonded(*ends: Sort) -> Names:
    """After the elements at both ends; the wider one of a bond of an inorganic atom after their kinds."""
    name = "-".join(sorted(end.symbol + "*" * end.inorganic for end in ends))
    if not any(end.inorganic for end in ends):
        return name, name
    groups = [group_of(end.number) if end.inorganic else end.kind.lower() for end in ends]
    return MARK + name, MARK + "-".join(sorted(groups))


def centred(centre: Sort, hydrogens: int, *ends: Sort) -> Names:
    """After the atom in the middle and the hydrogens at the ends; with inorganic atoms, after the ends."""
    label = centre.label
    if centre.inorganic:
        return f"{MARK}{label}/{'-'.join(end.kind for end in ends)}", f"{MARK}{label}"
    if centre.beside:
        shape = f"{hydrogens}{'m' * sum(end.inorganic for end in ends)}"
        return f"{MARK}{label}/{shape}", f"{MARK}*{centre.degree}/{shape}"
    return f"{label}/{hydrogens}", f"*{centre.degree}/{hydrogens}"


def hydrogens(*sorts: Sort) -> int:
    return sum(sort.number == 1 for sort in sorts)


def angular(i: Sort, j: Sort, k: Sort) -> Names:
    """Of what has j in the middle and i and k at its ends, whichever comes first."""
    return planar(j, i, k)


def planar(centre: Sort, *ends: Sort) -> Names:
    """Of what has a centre and ends, in whichever order these come."""
    return centred(centre, hydrogens(*ends), *sorted(ends, key=lambda end: end.kind))


def beside(near: Sort, centre: Sort, far: Sort) -> Names:
    """Of what has a bond from the centre to one of two ends."""
    return centred(centre, 2 * hydrogens(near) + hydrogens(far), near, far)


def shared(centre: Sort, end: Sort) -> Names:
    """Of what has two angles that share an end."""
    return centred(centre, hydrogens(end), end)


def turning(first: Sort, last: Sort) -> Names:
    """After the atoms of a central bond."""
    own = f"{first.label}-{last.label}"
    if first.inorganic or last.inorganic:
        return MARK + own, MARK + "*"
    if first.beside or last.beside:
        return MARK + own, MARK + "**"
    return own, f"*{first.degree}-{last.degree}"


def touching(one: str, other: str, far: bool) -> Names:
    """After the kinds of two atoms that are three bonds apart, or farther."""
    end = "34"[far]
    return "-".join([*sorted((one, other)), end]), f"{(one + other).count('H')}-{end}"


CONTACT_KINDS = ("A", "C", "H", "Hp", "L")  # acceptors, carbon, hydrogen, that on nitrogen or oxygen, larger atoms
CONTACT_KIND = np.full(len(chemical_symbols), CONTACT_KINDS.index("L"))  # of each element
CONTACT_KIND[[1, 6, *ACCEPTORS]] = [CONTACT_KINDS.index(kind) for kind in ("H", "C", *"A" * len(ACCEPTORS))]
CONTACT_NAMES = [touching(one, other, far) for far in (False, True) for one in CONTACT_KINDS for other in CONTACT_KINDS]


def group_of(number: int) -> str:
    """M (d and f block), A (alkali and alkaline earth), X (from aluminium on), else the element."""
    if number < 10 and number not in (3, 4):
        return chemical_symbols[number]
    shell = number - max(core for core in (2, 10, 18, 36, 54, 86) if core < number)  # electrons above a noble gas
    if shell <= 2:
        return "A"
    return "M" if number > 20 and shell <= (12 if number < 57 else 26) else "X"
