"""Whether a run still makes sense, and the best geometry of it so far."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from ase import Atoms
from scipy.spatial import cKDTree

from molopt.coordinates.distances import DOUBT, FEW, squares
from molopt.coordinates.topology import covalent_bonds
from molopt.errors import Exploded, PotentialFailed
from molopt.rules.partition import Array


class Evaluated(NamedTuple):
    """A force call of a run."""

    number: int  # counted from 1
    positions: Array  # (N, 3) Angstrom
    energy: float  # eV, with what the constraints add
    fmax: float  # eV/A, constraints applied
    results: dict[str, Any]  # energy and forces as the calculator gave them, where they are kept


@dataclass
class Sense:
    """Watches the force calls of one run, and ends it where they no longer make sense.

    A geometry makes no sense where

    - its energy is above that of the start by more than `rise` eV an atom: more than it takes to tear all bonds;
    - or below it by more than `fall` eV an atom, and by more than the forces of the start could do over 1 Angstrom:
      the potential has a hole there;
    - a force is longer than `steep`, and than any of the start: two atoms nearly on one spot have such;
    - two atoms are nearer to each other than `near` that were not so at the start;
    - two atoms that were bonded at the start are further apart than `apart`; of periodic atoms this is not asked.

    One such geometry ends nothing, as a step may be tried and rejected. A run has exploded where `patience` of them
    follow each other, where the potential fails after `failing` of them, where it would end at one, or where it would
    be called converged by more than `higher` eV an atom above its start, as atoms are that flew out of reach of each
    other. At once it has where an atom is `far` from its start, or a coordinate is not finite: there the potential is
    not asked. The start is what all is measured by: however bad it is,
    a run that comes down from it makes sense.

    Raises
    ------
    Exploded
        From `before`, `see`, `failed`, `over` and `arrived`.
    """

    rise: float = 10.0  # eV an atom; diamond, hard to beat, is bound by 7.4
    fall: float = 100.0  # eV an atom
    steep: float = 1e4  # eV/A
    near: float = 0.1  # Angstrom; the shortest bond is 0.74
    apart: float = 100.0  # Angstrom; there two elementary charges pull with 0.0014 eV/A, below any criterion
    far: float = 1e4  # Angstrom; a thousand steps of ten times the longest default cap
    higher: float = 1.0  # eV an atom; the way over a barrier into a higher basin is a fraction of it
    patience: int = 5  # force calls
    failing: int = 2  # force calls before one that fails: a single one may have been a trial, as may what failed
    start: Evaluated | None = None
    best: Evaluated | None = None  # the lowest of those that make sense
    last: Evaluated | None = None
    nonsense: str = ""  # why the last one makes no sense; empty where it does
    since: int = 0  # how many in succession were
    exploded: str = ""  # what happened, once it has
    bonds: Array = field(default_factory=lambda: np.zeros((0, 2), dtype=int))  # (nb, 2) of the start
    touching: set[tuple[int, int]] = field(default_factory=set)  # pairs that were nearer than `near` at the start

    def anew(self) -> None:
        """The next force call is the start: what came before, as where constraints did not hold, is not a measure."""
        self.start = self.best = None
        self.nonsense, self.since = "", 0

    def before(self, atoms: Atoms, number: int) -> None:
        """Before force call `number` at these atoms."""
        x = atoms.positions
        if self.start is not None and np.abs(x - self.start.positions).max(initial=0.0) <= self.far:
            return
        origin = np.zeros_like(x) if self.start is None else self.start.positions
        sound = np.isfinite(x) & (np.abs(x - origin) <= (np.inf if self.start is None else self.far))
        if sound.all():
            return
        atom = int(np.argmin(sound.all(axis=1)))
        place = ", ".join(f"{entry:.3g}" for entry in x[atom])
        which = f"atom {atom} ({atoms.symbols[atom]}), counted from 0,"
        if self.start is None:
            raise PotentialFailed(f"no force call is made at this geometry: {which} is at ({place}) A")
        self.end(number, f"{which} would be at ({place}) A")

    def see(self, atoms: Atoms, call: Evaluated) -> None:
        """Judge a force call at these atoms."""
        self.last = call
        if self.start is None:
            self.begin(atoms, call)
        self.nonsense = self.judged(call)
        self.since = self.since + 1 if self.nonsense else 0
        if not self.nonsense and (self.best is None or call.energy < self.best.energy):
            self.best = call
        if self.since >= self.patience:
            self.end(call.number, self.nonsense)

    def begin(self, atoms: Atoms, start: Evaluated) -> None:
        self.start = start
        self.touching = touching(start.positions, self.near)
        if len(atoms) > 1 and not atoms.pbc.any():
            self.bonds = covalent_bonds(atoms.numbers, start.positions)

    def judged(self, call: Evaluated) -> str:
        """Why a force call makes no sense; empty where it does."""
        start, natoms = self.start, max(len(call.positions), 1)
        assert start is not None
        risen = (call.energy - start.energy) / natoms
        if risen > self.rise:
            return f"the energy is {risen:.3g} eV per atom above that of the start"
        if -risen > max(self.fall, start.fmax):
            return f"the energy is {-risen:.3g} eV per atom below that of the start"
        if call.fmax > max(self.steep, start.fmax):
            return f"a force is {call.fmax:.3g} eV/A"
        squared = squares(call.positions) if 1 < natoms <= FEW else None
        if squared is None or crowded(squared, self.near):
            for i, j in touching(call.positions, self.near) - self.touching:
                return f"atoms {i} and {j}, counted from 0, are less than {self.near:g} A from each other"
        if squared is not None and squared.max() < self.apart**2 - DOUBT:
            return ""
        gaps = np.linalg.norm(call.positions[self.bonds[:, 0]] - call.positions[self.bonds[:, 1]], axis=1)
        if (gaps > self.apart).any():
            i, j = self.bonds[int(np.argmax(gaps))]
            return f"atoms {i} and {j}, counted from 0, were bonded and are {gaps.max():.3g} A apart"
        return ""

    def failed(self, number: int, error: Exception) -> None:
        """The potential failed at force call `number`."""
        if self.since >= self.failing:
            self.end(number, f"{self.nonsense}; then {' '.join(str(error).split())}")

    def over(self) -> None:
        """The run would end at the last force call."""
        if self.exploded:  # and the optimizer went on
            raise Exploded(self.exploded)
        if self.nonsense and self.last is not None:
            self.end(self.last.number, self.nonsense)

    def arrived(self) -> None:
        """The run would be called converged at the last force call."""
        self.over()
        if self.start is None or self.last is None:
            return
        risen = (self.last.energy - self.start.energy) / len(self.start.positions)
        if risen > self.higher:
            self.end(self.last.number, f"the forces vanish {risen:.3g} eV per atom above the start")

    def outcome(self, arrived: bool) -> Evaluated | None:
        """The force call whose geometry is the result of the run; None where there is none.

        That is the last one of a run that arrived where its criteria are met, and the lowest that made sense of any
        other: a step that was tried and rejected is never lower, but for noise. Where constraints do not hold at the
        start, those after it count.
        """
        return self.last if arrived else self.best or self.last

    def end(self, number: int, why: str) -> None:
        assert self.best is not None
        best = f"the best geometry is that of force call {self.best.number}"
        self.exploded = f"exploded at force call {number}: {why}; {best}"
        raise Exploded(self.exploded)


def crowded(squares: Array, near: float) -> bool:
    """Whether the squared distances (N, N) of a geometry say that two atoms may be nearer than `near`."""
    return int(np.count_nonzero(~(squares > near**2 + DOUBT))) > len(squares)  # an atom is near to itself


def touching(positions: Array, near: float) -> set[tuple[int, int]]:
    """Pairs i < j of atoms nearer to each other than `near` Angstrom."""
    return cKDTree(positions).query_pairs(near) if len(positions) > 1 else set()
