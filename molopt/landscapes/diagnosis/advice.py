"""What is said of a pattern that a run shows, and what every pattern is."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from ase.data import chemical_symbols

from molopt.coordinates.member import Member
from molopt.landscapes.diagnosis.walk import Walk
from molopt.optimizers.energy_left import largest
from molopt.optimizers.estimate import Part
from molopt.rules.partition import Array


class Advice(NamedTuple):
    """One line for a pattern."""

    pattern: str  # its name
    calls: tuple[int, int]  # the first and the last force call that show it, from 1
    evidence: str  # in numbers; atoms count from 0
    remedy: str  # what to do

    def __str__(self) -> str:
        first, last = self.calls
        where = f"call {first}" if first == last else f"calls {first} to {last}"
        return f"{self.pattern} ({where}): {self.evidence}; {self.remedy}"

    def as_dict(self) -> dict[str, object]:
        return self._asdict() | {"calls": list(self.calls)}


@dataclass(frozen=True)
class Pattern(ABC):
    """Something known that a run may show; its fields are its thresholds."""

    name: ClassVar[str]

    @abstractmethod
    def look(self, walk: Walk) -> Advice | None:
        """The advice, where the run shows it."""

    def advice(self, first: int, last: int, evidence: str, remedy: str) -> Advice:
        """`first` and `last` are the calls, counted from 0."""
        return Advice(self.name, (first + 1, last + 1), evidence, remedy)


def named(part: Part, numbers: Array) -> str:
    """A coordinate with its elements; atoms count from 0.

    >>> named(Part("torsion", (0, 1, 2, 3), 0.1), np.array([6, 6, 8, 1]))
    'torsion C0-C1-O2-H3'
    """
    symbols = [f"{chemical_symbols[numbers[atom]]}{atom}" for atom in part.atoms[:4]]
    return f"{part.kind} {'-'.join(symbols)}"


def held_most(member: Member, each: Array, numbers: Array) -> str:
    """The coordinate that holds most of what each entry (nq,) has."""
    return named(largest(member.primitives, each)[0], numbers)


def bonded(pair: Sequence[int], numbers: Array) -> str:
    """As "bond C3-O4"; atoms count from 0."""
    return "bond " + "-".join(f"{chemical_symbols[numbers[atom]]}{atom}" for atom in pair)


def median(values: Array) -> float:
    """Of those that are known; NaN where none is."""
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else float("nan")
