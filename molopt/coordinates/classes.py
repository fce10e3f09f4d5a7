"""The class of the learned table that each spring of a molecule is in, by the names that the table has for it.

Each spring has two names: its own, and a wider one that stands in where the table has never seen the first.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from ase.data import chemical_symbols

from molopt.coordinates.topology import Topology
from molopt.rules.partition import Array

MARK = "m:"  # before the names of classes that have an inorganic atom: no organic molecule is in one
MOST_NEIGHBOURS = 7  # that names of inorganic atoms tell apart: rings bound side-on have more
POLAR = (7, 8)
ACCEPTORS = (7, 8, 9)

Names = tuple[str, str]  # its own, and the wider one


class Classes(NamedTuple):
    """Classes of the springs of one kind."""

    names: list[Names]
    groups: Array  # (n,) which of them each spring is in

    def repeated(self, times: int) -> "Classes":
        """Of springs that each come several times, one after the other."""
        return Classes(self.names, np.repeat(self.groups, times))


@dataclass(frozen=True, eq=False)
class Naming:
    """The names of springs, after the atoms that they are between."""

    topology: Topology

    @cached_property
    def numbers(self) -> list[int]:
        return self.topology.numbers.tolist()

    @cached_property
    def degrees(self) -> list[int]:
        return self.topology.degrees.tolist()

    @cached_property
    def inorganic(self) -> list[bool]:
        return self.topology.inorganic.tolist()

    @cached_property
    def near_inorganic(self) -> list[bool]:
        return self.topology.beside_inorganic.tolist()

    @cached_property
    def labels(self) -> list[str]:
        """Element, number of neighbours, and a mark for up to two that are heavy and have no other: C3=, N3==.

        Of inorganic atoms the group and the number of neighbours: M6; beside them no terminal atoms count, but an m.
        """
        topology, numbers = self.topology, self.topology.numbers
        terminal = (topology.degrees == 1) & (numbers > 1)
        i, j = topology.bonds.T
        ends = np.bincount(i, terminal[j], len(numbers)) + np.bincount(j, terminal[i], len(numbers))
        marked = np.minimum(ends, 2).astype(int).tolist()
        return [
            f"{group_of(z)}{min(degree, MOST_NEIGHBOURS)}"
            if foreign
            else f"{chemical_symbols[z]}{min(degree, 5)}{'m' if beside else '=' * count}"
            for z, degree, count, foreign, beside in zip(
                self.numbers, self.degrees, marked, self.inorganic, self.near_inorganic, strict=True
            )
        ]

    @cached_property
    def rank(self) -> Array:
        """(N,) the place of each label among all of them, in the order of the alphabet."""
        place = {label: n for n, label in enumerate(sorted(set(self.labels)))}
        return np.array([place[label] for label in self.labels], dtype=int)

    @cached_property
    def alike(self) -> Array:
        """(N,) a number that atoms share which play the same part in every name."""
        place: dict[tuple[str, int], int] = {}
        pairs = zip(self.labels, self.numbers, strict=True)
        return np.array([place.setdefault(pair, len(place)) for pair in pairs], dtype=int)

    @cached_property
    def count(self) -> int:
        """How many such numbers there are."""
        return int(self.alike.max(initial=-1)) + 1

    def classes(self, atoms: Array, name: Callable[..., Names]) -> Classes:
        """Of springs between atoms (n, k), which `name` calls after the k atoms. Two classes may have one name."""
        sizes = self.count ** np.arange(atoms.shape[1])
        place: dict[int, int] = {}
        names: list[Names] = []
        groups = []
        for key, row in zip((self.alike[atoms] @ sizes).tolist(), atoms.tolist(), strict=True):
            if key not in place:
                place[key] = len(names)
                names.append(name(*row))
            groups.append(place[key])
        return Classes(names, np.array(groups, dtype=int))

    def kind(self, atom: int) -> str:
        """What an end is to an inorganic centre: m, H, C, N, O, F, or L for larger atoms."""
        if self.inorganic[atom]:
            return "m"
        return chemical_symbols[self.numbers[atom]] if self.numbers[atom] < 10 and self.numbers[atom] != 5 else "L"

    def hydrogens(self, *atoms: int) -> int:
        return sum(self.numbers[atom] == 1 for atom in atoms)

    def degree(self, atom: int) -> int:
        return min(self.degrees[atom], 5)

    def bonded(self, i: int, j: int) -> Names:
        """After the elements at both ends; the wider one of a bond of an inorganic atom after their kinds."""
        symbols = [chemical_symbols[self.numbers[atom]] for atom in (i, j)]
        foreign = [self.inorganic[atom] for atom in (i, j)]
        if not any(foreign):
            name = "-".join(sorted(symbols))
            return name, name
        own = "-".join(sorted(symbol + "*" * inorganic for symbol, inorganic in zip(symbols, foreign, strict=True)))
        groups = [
            group_of(self.numbers[atom]) if inorganic else self.kind(atom).lower()
            for atom, inorganic in zip((i, j), foreign, strict=True)
        ]
        return MARK + own, MARK + "-".join(sorted(groups))

    def centred(self, centre: int, hydrogens: int, *ends: int) -> Names:
        """After the atom in the middle and the hydrogens at the ends; with inorganic atoms, after the ends."""
        label = self.labels[centre]
        if self.inorganic[centre]:
            return f"{MARK}{label}/{'-'.join(map(self.kind, ends))}", f"{MARK}{label}"
        if self.near_inorganic[centre]:
            shape = f"{hydrogens}{'m' * sum(self.inorganic[atom] for atom in ends)}"
            return f"{MARK}{label}/{shape}", f"{MARK}*{self.degree(centre)}/{shape}"
        return f"{label}/{hydrogens}", f"*{self.degree(centre)}/{hydrogens}"

    def angular(self, i: int, j: int, k: int) -> Names:
        """Of what has j in the middle and i and k at its ends, whichever comes first."""
        return self.centred(j, self.hydrogens(i, k), *sorted((i, k), key=self.kind))

    def beside(self, near: int, centre: int, far: int) -> Names:
        """Of what has a bond from the centre to one of two ends."""
        return self.centred(centre, 2 * self.hydrogens(near) + self.hydrogens(far), near, far)

    def shared(self, centre: int, end: int) -> Names:
        """Of what has two angles that share an end."""
        return self.centred(centre, self.hydrogens(end), end)

    def planar(self, centre: int, *ends: int) -> Names:
        return self.centred(centre, self.hydrogens(*ends), *sorted(ends, key=self.kind))

    def turning(self, first: int, last: int) -> Names:
        """After the atoms of a central bond."""
        own = f"{self.labels[first]}-{self.labels[last]}"
        if self.inorganic[first] or self.inorganic[last]:
            return MARK + own, MARK + "*"
        if self.near_inorganic[first] or self.near_inorganic[last]:
            return MARK + own, MARK + "**"
        return own, f"*{self.degree(first)}-{self.degree(last)}"

    @cached_property
    def contact_kinds(self) -> Array:
        """(N,) which of `CONTACT_KINDS` each atom is."""
        letters = ["C" if z == 6 else "A" if z in ACCEPTORS else "H" if z == 1 else "L" for z in self.numbers]
        for i, j in self.topology.bonds.tolist():
            for atom, other in ((i, j), (j, i)):
                if self.numbers[atom] == 1 and self.numbers[other] in POLAR:
                    letters[atom] = "Hp"
        return np.array([CONTACT_KINDS.index(letter) for letter in letters])


def touching(one: str, other: str, far: bool) -> Names:
    """After the kinds of two atoms that are three bonds apart, or farther."""
    end = "34"[far]
    return "-".join([*sorted((one, other)), end]), f"{(one + other).count('H')}-{end}"


CONTACT_KINDS = ("A", "C", "H", "Hp", "L")  # acceptors, carbon, hydrogen, that on nitrogen or oxygen, larger atoms
CONTACT_NAMES = [touching(one, other, far) for far in (False, True) for one in CONTACT_KINDS for other in CONTACT_KINDS]


def group_of(number: int) -> str:
    """M (d and f block), A (alkali and alkaline earth), X (from aluminium on), else the element."""
    if number < 10 and number not in (3, 4):
        return chemical_symbols[number]
    shell = number - max(core for core in (2, 10, 18, 36, 54, 86) if core < number)  # electrons above a noble gas
    if shell <= 2:
        return "A"
    return "M" if number > 20 and shell <= (12 if number < 57 else 26) else "X"
