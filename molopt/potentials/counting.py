"""Counting force calls: one for each new geometry, whoever asks."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from ase import Atoms
from ase.calculators.calculator import BaseCalculator, PropertyNotImplementedError, all_changes

from molopt import signs
from molopt.errors import InputError, PotentialFailed
from molopt.potentials.answers import checked_energy, checked_forces
from molopt.potentials.budget import Budget
from molopt.potentials.geometry import Fingerprint, fingerprint
from molopt.potentials.sense import Evaluated, Sense
from molopt.rules.partition import Array


class ForceCall(NamedTuple):
    """What one force call gave."""

    energy: float  # eV, with what the constraints add
    fmax: float  # eV/A, the longest force on an atom, constraints applied
    seconds: float  # inside the potential


class Counted(BaseCalculator):
    """Any ASE calculator, with its force calls counted, timed and checked.

    At a new geometry the first question, whatever it is about, evaluates energy and forces together: one force
    call. Other properties (stress, dipole, ...) are asked of the calculator at that same geometry and not counted.
    A geometry is new when positions, numbers, cell, periodicity, initial charges or initial magnetic moments differ
    in any bit.

    Parameters
    ----------
    calculator : ASE calculator
        With energy and forces.
    on_call : callable, optional
        Called with this object after each force call.
    sense : Sense, optional
        Watches over the run that these are the force calls of, and ends it where it has exploded.
    budget : Budget, optional
        Asked before each force call; ends the run where it is spent.

    Attributes
    ----------
    force_calls : int
        Force calls so far, a failed one included.
    seconds : float
        Wall time inside the calculator so far.
    trace : list of ForceCall
        Of every force call that succeeded.
    atoms : ase.Atoms or None
        A copy of the last geometry that could be evaluated; `results` are its energy (eV) and forces (eV/A).

    Raises
    ------
    PotentialFailed
        The calculator raised, or its answer cannot be used (`molopt.potentials.answers`); the message names the force
        call.
    Exploded
        The run no longer makes sense, with `sense`.
    RunStopped
        No further force call may be made, with `budget`.
    InputError
        The calculator gives no forces.

    Examples
    --------
    >>> from ase.build import molecule
    >>> from ase.calculators.emt import EMT
    >>> atoms = molecule("CH4")
    >>> atoms.calc = Counted(EMT())
    >>> energy, forces = atoms.get_potential_energy(), atoms.get_forces()
    >>> atoms.calc.force_calls
    1
    >>> atoms.rattle(0.01)
    >>> forces = atoms.get_forces()
    >>> atoms.calc.force_calls, len(atoms.calc.trace)
    (2, 2)
    """

    def __init__(
        self,
        calculator: Any,
        on_call: Callable[["Counted"], object] | None = None,
        sense: Sense | None = None,
        budget: Budget | None = None,
    ) -> None:
        super().__init__()
        self.calculator = calculator
        self.on_call = on_call
        self.sense = sense
        self.budget = budget
        self.force_calls = 0
        self.seconds = 0.0
        self.trace: list[ForceCall] = []
        self.atoms: Atoms | None = None
        self.results: dict[str, Any] = {}
        self._seen: Fingerprint | None = None

    @property
    def implemented_properties(self) -> list[str]:
        return implemented(self.calculator)

    def _get_name(self) -> str:
        return getattr(self.calculator, "name", type(self.calculator).__name__.lower())

    def todict(self) -> dict[str, Any]:
        return self.calculator.todict() if hasattr(self.calculator, "todict") else {}

    def check_state(self, atoms: Atoms, tol: float = 0.0) -> list[str]:
        return [] if fingerprint(atoms) == self._seen else all_changes

    def reset(self) -> None:
        """Forget the last geometry: the next question is a new force call."""
        self._seen = None
        self.results = {}

    def get_property(self, name: str, atoms: Atoms | None = None, allow_calculation: bool = True) -> Any:
        atoms = self.atoms if atoms is None else atoms
        if self.check_state(atoms):
            if not allow_calculation:
                return None
            self.calculate(atoms)
        if name in self.results:
            value = self.results[name]
            return value.copy() if isinstance(value, np.ndarray) else value
        if name not in self.implemented_properties:
            raise PropertyNotImplementedError(f"{self.name} gives no {name}")
        start = time.perf_counter()
        try:
            return self.calculator.get_property(name, atoms, allow_calculation)
        finally:
            self.seconds += time.perf_counter() - start

    def calculate(self, atoms: Atoms, properties: Any = (), system_changes: Any = all_changes) -> None:
        """One force call; where it fails, what was known before stays."""
        if self.budget is not None:
            self.budget.before(self.force_calls)
        if self.sense is not None:
            self.sense.before(atoms, self.force_calls + 1)
        self.force_calls += 1
        where = f"{self.name} failed at force call {self.force_calls}"
        start = time.perf_counter()
        try:
            results = self.evaluated(atoms, where)
        except PotentialFailed as error:
            if self.sense is not None:
                self.sense.failed(self.force_calls, error)
            raise
        finally:
            spent = time.perf_counter() - start
            self.seconds += spent
        self.keep(atoms)
        self.results = results
        self.trace.append(ForceCall(*with_constraints(atoms, results), spent))
        signs.called(self.force_calls, self.trace[-1].energy, self.trace[-1].fmax)
        if self.on_call is not None:
            self.on_call(self)
        if self.sense is not None:
            call = self.trace[-1]
            self.sense.see(
                atoms, Evaluated(self.force_calls, atoms.positions.copy(), call.energy, call.fmax, self.results)
            )

    def recall(self, atoms: Atoms, results: dict[str, Any]) -> None:
        """Know again what an earlier force call at these atoms gave."""
        self.keep(atoms)
        self.results = results

    def evaluated(self, atoms: Atoms, where: str) -> dict[str, Any]:
        """What the calculator gives; PotentialFailed, however it fails."""
        try:
            return energy_and_forces(self.calculator, atoms, where)
        except (InputError, PotentialFailed):
            raise
        except Exception as error:
            raise PotentialFailed(f"{where}: {type(error).__name__}: {error}") from error

    def keep(self, atoms: Atoms) -> None:
        seen = fingerprint(atoms)
        if self.atoms is None or self._seen is None or seen[1:] != self._seen[1:]:
            self.atoms = atoms.copy()
        self.atoms.positions = atoms.positions  # an optimizer moves atoms and does nothing else: 1 us, not 40
        self._seen = seen


def implemented(calculator: Any) -> list[str]:
    """What a calculator says that it can give; energy and forces where it says nothing."""
    said = getattr(calculator, "implemented_properties", None)
    return ["energy", "forces"] if said is None else said


def energy_and_forces(calculator: Any, atoms: Atoms, where: str) -> dict[str, Any]:
    """energy (eV), forces (eV/A) and, where the calculator has it, free_energy (eV), checked; `where` begins a message.

    Forces are asked for first: calculators that are asked for an energy alone may leave them out.
    """
    try:
        forces = checked_forces(calculator.get_property("forces", atoms), atoms, where)
    except PropertyNotImplementedError:
        raise InputError(
            f"{type(calculator).__name__} gives no forces, so no geometry can be relaxed with it"
        ) from None
    at_hand = getattr(calculator, "results", None) or {}  # asking again would cost ASE's comparison of all atoms
    energy = at_hand["energy"] if "energy" in at_hand else calculator.get_property("energy", atoms)
    results = {"energy": checked_energy(energy, where), "forces": forces}
    if at_hand.get("free_energy") is not None:
        results["free_energy"] = checked_energy(at_hand["free_energy"], where)
    return results


def constrained(atoms: Atoms, forces: Array) -> Array:
    """The forces (N, 3) with the constraints of the atoms applied.

    One that cannot be, as ASE's FixBondLengths far from where it holds, is passed over: a run goes there first.
    """
    found = forces.copy()
    for constraint in atoms.constraints:
        before = found.copy()
        try:
            constraint.adjust_forces(atoms, found)
        except RuntimeError:
            found = before
    return found


def with_constraints(atoms: Atoms, results: dict[str, Any]) -> tuple[float, float]:
    """Energy (eV) and fmax (eV/A) as an optimizer of these atoms sees them."""
    energy, forces = results["energy"], results["forces"]
    if atoms.constraints:
        forces = constrained(atoms, forces)
        for constraint in atoms.constraints:
            if hasattr(constraint, "adjust_potential_energy"):
                energy += constraint.adjust_potential_energy(atoms)
    return float(energy), float(np.sqrt((forces**2).sum(axis=1).max(initial=0.0)))
