"""Forces at many geometries of one molecule, here or in several processes."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from ase import Atoms

from molopt import signs
from molopt.errors import PotentialFailed
from molopt.execution import Pool
from molopt.molecules import Molecule
from molopt.optimizers.constraints import held_of
from molopt.potentials import Counted
from molopt.potentials.budget import Budget
from molopt.potentials.counting import constrained
from molopt.rules.partition import Array
from molopt.system import calculator_for

Placed = tuple[int, Array]  # a place in a list, and the point or the forces (3N,) there


def forces_at(atoms: Atoms, x: Array) -> Array:
    """(3N,) eV/A, of atoms that are put to x (3N,); without what constraints hold there, all of them together."""
    atoms.set_positions(x.reshape(-1, 3), apply_constraint=False)
    forces = atoms.get_forces(apply_constraint=False)
    if not atoms.constraints:
        return forces.ravel()
    return held_of(atoms).left_of(constrained(atoms, forces).ravel(), x)


@dataclass
class ForcesOf:
    """The forces of a molecule in a potential; each process makes the calculator when it is first asked.

    Attributes
    ----------
    atoms : ase.Atoms
        Constraints apply.
    molecule : Molecule or None
    potential : str
    """

    atoms: Atoms
    molecule: Molecule | None
    potential: str

    def __call__(self, task: Placed) -> Array:
        """The forces (3N,) at the second of the task, eV/A."""
        if self.atoms.calc is None:
            self.atoms.calc = Counted(calculator_for(self.atoms, self.molecule, self.potential))
        return forces_at(self.atoms, task[1])

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"atoms": self.atoms.copy()}  # without the calculator


class Answers(ABC):
    """Forces (3N,) at each of many points (3N,), with its place among them, in any order.

    Attributes
    ----------
    calls : int
        So far.
    on_call : callable or None
        Called with that number after each.
    """

    def __init__(self, on_call: Callable[[int], object] | None) -> None:
        self.on_call = on_call
        self.calls = 0

    def __call__(self, points: Iterable[Array]) -> Iterator[Placed]:
        for placed in self.asked(points):
            self.calls += 1
            signs.done(self.calls)
            if self.on_call is not None:
                self.on_call(self.calls)
            yield placed

    @abstractmethod
    def asked(self, points: Iterable[Array]) -> Iterator[Placed]:
        """The forces at each point (3N,), with its place, in any order."""


class InThisProcess(Answers):
    """Of the calculator that the atoms have, one after the other; the atoms are moved."""

    def __init__(self, atoms: Atoms, on_call: Callable[[int], object] | None = None) -> None:
        super().__init__(on_call)
        self.atoms = atoms

    def asked(self, points: Iterable[Array]) -> Iterator[Placed]:
        for place, x in enumerate(points):
            yield place, forces_at(self.atoms, x)


class InProcesses(Answers):
    """Of several processes, as they arrive; leaving early ends what is under way.

    RunStopped leaves where the budget is spent, before a further force call is begun.
    """

    def __init__(self, forces: ForcesOf, workers: int, on_call: Callable[[int], object] | None, budget: Budget) -> None:
        super().__init__(on_call)
        self.forces, self.pool, self.budget = forces, Pool(workers), budget

    def begun(self, points: Iterable[Array]) -> Iterator[Placed]:
        for placed in enumerate(points):
            self.budget.before(self.calls)
            yield placed

    def asked(self, points: Iterable[Array]) -> Iterator[Placed]:
        with closing(self.pool.outcomes(self.forces, self.begun(points))) as outcomes:
            for each in outcomes:
                if each.value is None:
                    raise PotentialFailed(f"{self.forces.potential}: {each.error}")
                yield each.task[0], each.value
