"""What an optimizer asks of atoms, checked: their forces, their energy, and whether the run still makes sense."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, Self

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator
from ase.optimize.optimize import OptimizableAtoms

from molopt.errors import Exploded, PotentialFailed
from molopt.optimizers.json_arrays import checked
from molopt.potentials import Counted, RDKitForceField
from molopt.potentials.answers import checked_energy, checked_forces
from molopt.potentials.counting import constrained
from molopt.potentials.sense import Evaluated, Sense
from molopt.rules.partition import Array

RESULTS = ("energy", "free_energy", "forces")  # of a calculator, that a restart file keeps


class Remembered(NamedTuple):
    """A geometry that was computed, to go back to without another force call."""

    positions: Array  # (N, 3) Angstrom
    results: dict[str, Any] | None  # of the calculator there; None where it does not show them
    call: Evaluated | None  # what the run knows of that force call

    def plain(self) -> dict[str, Any]:
        """In arrays, for a restart file."""
        results = {name: np.asarray(value) for name, value in (self.results or {}).items() if name in RESULTS}
        call = None if self.call is None else {"energy": self.call.energy, "fmax": self.call.fmax}
        return {"positions": self.positions, "results": results, "call": call}

    @classmethod
    def from_plain(cls, plain: dict[str, Any], like: Array) -> Self:
        """What `plain` wrote of atoms like those at `like` (N, 3); ValueError where it is of others."""
        positions = checked(plain["positions"], "positions", like, like.shape, -1e6, 1e6)
        results: dict[str, Any] = {}
        for name, value in plain["results"].items():
            shape = {"forces": like.shape}.get(name, ())
            if name not in RESULTS:
                raise ValueError(f"a calculator has no result {str(name)[:20]!r}")
            value = checked(value, name, like, shape)
            results[name] = value if shape else float(value)
        call = plain["call"]
        if call is not None:
            call = Evaluated(0, positions, float(call["energy"]), float(call["fmax"]), results)
        return cls(positions, results, call)


class WatchedAtoms(OptimizableAtoms):
    """Atoms as ASE's optimizers see them, whatever their calculator is.

    Raises
    ------
    PotentialFailed
        What the calculator gave are not forces, or not an energy (`molopt.potentials.answers`).
    Exploded
        The run no longer makes sense; the atoms are then back at its best geometry. A `Counted` potential that watches
        over this itself is left to do so.
    """

    def __init__(self, atoms: Atoms) -> None:
        super().__init__(atoms)
        self.begin()

    def begin(self) -> None:
        """A run begins where the atoms are."""
        self.sense = Sense()
        self.calls = 0
        self.asked: bytes | None = None  # of the positions where the last force call was
        self.there: bytes | None = None  # where that or a step since has led
        self.known: tuple[tuple[Any, ...], Array] | None = None  # the gradient (3N,) there, and what it depends on
        self.value: tuple[tuple[Any, ...], float] | None = None  # the energy there, likewise

    def led(self) -> None:
        """The atoms were moved to where their constraints hold: the run is measured from there."""
        if watches(self.atoms):  # else that is seen, as atoms moved from outside are
            self.atoms.calc.sense.anew()

    def set_x(self, x: Array) -> None:
        super().set_x(x)
        self.there = self.atoms.positions.tobytes()

    def get_gradient(self) -> Array:
        """(3N,) eV/A, constraints applied."""
        atoms, here = self.atoms, self.atoms.positions.tobytes()
        if self.asked == here:
            if self.known is not None and same(self.known[0], self.source()):
                return self.known[1].copy()
            return self.gradient()
        if self.there is not None and self.there != here:
            self.begin()  # moved from outside
        self.asked = self.there = here
        self.calls += 1
        if watches(atoms):
            gradient = self.gradient()
        else:
            with self.put_back():
                gradient = self.judged()
        self.known = self.source(), gradient.copy()
        return gradient

    def source(self) -> tuple[Any, ...]:
        """What the gradient at one geometry depends on: the calculator, its results, and the constraints."""
        calculator = self.atoms.calc
        return calculator, getattr(calculator, "results", None), *self.atoms.constraints

    def gradient(self) -> Array:
        atoms = self.atoms
        if isinstance(atoms.calc, Counted):  # which has checked them
            forces = atoms.calc.get_property("forces", atoms)
        else:
            forces = checked_forces(atoms.get_forces(apply_constraint=False), atoms, self.where())
        return -(constrained(atoms, forces) if atoms.constraints else forces).ravel()

    def judged(self) -> Array:
        """The gradient (3N,) at a new geometry that makes sense."""
        atoms = self.atoms
        self.sense.before(atoms, self.calls)
        try:
            gradient = self.gradient()
            energy = self.get_value()
        except PotentialFailed as error:
            self.sense.failed(self.calls, error)
            raise
        fmax = float(np.linalg.norm(gradient.reshape(-1, 3), axis=1).max(initial=0.0))
        self.sense.see(atoms, Evaluated(self.calls, atoms.positions.copy(), energy, fmax, {}))
        return gradient

    def remember(self) -> Remembered:
        """The present geometry, whose forces have just been computed."""
        results = getattr(self.atoms.calc, "results", None)
        sense = self.atoms.calc.sense if watches(self.atoms) else self.sense
        return Remembered(self.atoms.positions.copy(), None if results is None else dict(results), sense.last)

    def go_back(self, place: Remembered) -> None:
        """Put the atoms there; their calculator knows its energy and forces again, where it lets itself be told."""
        atoms = self.atoms
        atoms.set_positions(place.positions, apply_constraint=False)
        self.asked = self.there = atoms.positions.tobytes()
        self.known = self.value = None
        sense = atoms.calc.sense if watches(atoms) else self.sense
        sense.last = place.call
        if isinstance(atoms.calc, Counted | RDKitForceField):
            atoms.calc.recall(atoms, dict(place.results or {}))
        elif place.results and isinstance(atoms.calc, Calculator):
            atoms.calc.atoms, atoms.calc.results = atoms.copy(), dict(place.results)

    def arrived(self) -> None:
        """The run would be called converged here."""
        with self.put_back():
            self.sense.arrived()

    @contextmanager
    def put_back(self) -> Iterator[None]:
        """Where the run has exploded, the atoms go back to its best geometry."""
        try:
            yield
        except Exploded:
            assert self.sense.best is not None
            self.atoms.set_positions(self.sense.best.positions, apply_constraint=False)
            raise

    def get_value(self) -> float:
        """eV, with what the constraints add."""
        asked = self.asked == self.atoms.positions.tobytes()
        if asked and self.value is not None and same(self.value[0], self.source()):
            return self.value[1]
        value = checked_energy(super().get_value(), self.where())
        self.value = (self.source(), value) if asked else None
        return value

    def where(self) -> str:
        calculator = self.atoms.calc
        name = getattr(calculator, "name", None) or type(calculator).__name__.lower()
        return f"{name} failed at force call {self.calls}"


def watches(atoms: Atoms) -> bool:
    """Whether the potential of these atoms ends a run that has exploded by itself."""
    return isinstance(atoms.calc, Counted) and atoms.calc.sense is not None


def same(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """Whether two tuples hold the very same objects."""
    return len(one) == len(other) and all(a is b for a, b in zip(one, other, strict=True))
