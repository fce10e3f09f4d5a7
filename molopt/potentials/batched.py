"""Energies and forces of many systems at once, checked, so that one that fails harms no other."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from ase import Atoms

from molopt.errors import InputError, PotentialFailed
from molopt.molecules import Molecule
from molopt.potentials.answers import HUGE, checked_energy, checked_forces, said
from molopt.rules.partition import REAL, Array


class BatchedPotential(Protocol):
    """A function that evaluates many systems in one call, as machine-learned potentials on a GPU do.

    Any function with these arguments is one. The systems lie one after another: `system[i]` says whose atom i is, in
    ascending order from 0. What it returns may be of NumPy or torch, of float32 too, on any device.

    >>> def springs(positions, numbers, system, charges, spins):
    ...     energies = np.zeros(len(charges))
    ...     np.add.at(energies, system, 0.5 * (positions**2).sum(axis=1))
    ...     return energies, -positions
    """

    def __call__(
        self,
        positions: Array,  # (sum N, 3) Angstrom
        numbers: Array,  # (sum N,) int, atomic numbers
        system: Array,  # (sum N,) int, the system of each atom
        charges: Array,  # (S,) int, in units of e
        spins: Array,  # (S,) int, multiplicities
    ) -> tuple[Any, Any]:
        """energies (S,), eV, and forces (sum N, 3), eV/A."""


class Subject(NamedTuple):
    """What a potential knows of one system besides its positions."""

    numbers: Array  # (N,) int, atomic numbers
    charge: int  # in units of e
    spin: int  # the multiplicity
    engine: Any = None  # what evaluates this system, where each has its own; conformers may share it


class Evaluator(Protocol):
    """What a batch asks for forces: a force field, calculators, or a function."""

    name: str  # as a `Result` says it
    shared: bool  # whether conformers are one subject

    def subject(self, atoms: Atoms, molecule: Molecule | None) -> Subject:
        """A system that is to be evaluated; InputError where it cannot be."""

    def evaluate(self, subjects: Sequence[Subject], positions: Array) -> "Answers":
        """Energies and forces at positions (sum N, 3), as they are; called by `answers`, which checks them."""


class Answers(NamedTuple):
    """What one force call of each system gave; of a system that failed energy and forces are NaN."""

    energies: Array  # (S,) eV
    forces: Array  # (sum N, 3) eV/A
    failed: dict[int, Exception]  # by system


def answers(evaluator: Evaluator, subjects: Sequence[Subject], positions: Array, calls: Array) -> Answers:
    """Evaluate all systems; one whose answer cannot be used, or that raises, is named in `failed`.

    Parameters
    ----------
    evaluator : Evaluator
    subjects : sequence of Subject, S of them
    positions : (sum N, 3) array
        Angstrom.
    calls : (S,) array of int
        Which force call of each system this is, for messages.
    """
    given = evaluator.evaluate(subjects, positions)
    sizes = np.array([len(subject.numbers) for subject in subjects], dtype=np.intp)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    sound = np.abs(given.energies) < HUGE  # false of what is not a number
    sound &= np.logical_and.reduceat((np.abs(given.forces) < HUGE).all(axis=1), starts[:-1])
    if sound.all():
        return given
    energies, forces, failed = given.energies.copy(), given.forces.copy(), {}
    for s in np.flatnonzero(~sound).tolist():
        part = slice(starts[s], starts[s + 1])
        where = f"{evaluator.name} failed at force call {calls[s]}"
        failed[s] = given.failed.get(s) or unusable(subjects[s], energies[s], forces[part], where)
        if not isinstance(failed[s], PotentialFailed | InputError):
            failed[s] = PotentialFailed(f"{where}: {type(failed[s]).__name__}: {failed[s]}")
        energies[s], forces[part] = np.nan, np.nan
    return Answers(energies, forces, failed)


def unusable(subject: Subject, energy: float, forces: Array, where: str) -> PotentialFailed:
    """What is wrong with the answer for one system."""
    try:
        checked_forces(forces, Atoms(subject.numbers), where)
        checked_energy(energy, where)
    except PotentialFailed as error:
        return error
    raise AssertionError("an answer that can be used")


class Functional:
    """A user's `BatchedPotential` as an `Evaluator`.

    Where it raises, each system is asked about alone, to find out which of them it cannot do; where that is an
    InputError, it is said as it is.
    """

    shared = True

    def __init__(self, function: BatchedPotential, name: str = "") -> None:
        self.function = function
        self.name: str = name or getattr(function, "__name__", type(function).__name__)

    def subject(self, atoms: Atoms, molecule: Molecule | None) -> Subject:
        charge, spin = (0, 1) if molecule is None else (molecule.charge, molecule.spin)
        return Subject(atoms.numbers.copy(), charge, spin)

    def evaluate(self, subjects: Sequence[Subject], positions: Array) -> Answers:
        try:
            answer = self.asked(subjects, positions)
        except Exception as error:
            if len(subjects) == 1:
                return Answers(np.full(1, np.nan), np.full_like(positions, np.nan), {0: error})
            return joined([self.evaluate([subject], rows) for subject, rows in parts(subjects, positions)])
        if not isinstance(answer, tuple | list) or len(answer) != 2:
            got = f"{len(answer)} values" if isinstance(answer, tuple | list) else said(answer)
            raise InputError(f"{self.name} must return energies (S,) and forces (sum N, 3), got {got}")
        energies, forces = answer
        shape = (len(subjects),)
        return Answers(self.whole(energies, "energies", shape), self.whole(forces, "forces", positions.shape), {})

    def asked(self, subjects: Sequence[Subject], positions: Array) -> Any:
        """What the function answers; whatever it raises."""
        return self.function(
            positions.copy(),
            np.concatenate([subject.numbers for subject in subjects]),
            np.repeat(np.arange(len(subjects)), [len(subject.numbers) for subject in subjects]),
            np.array([subject.charge for subject in subjects]),
            np.array([subject.spin for subject in subjects]),
        )

    def whole(self, value: Any, what: str, shape: tuple[int, ...]) -> Array:
        """An answer of the function as an array of floats."""
        found = on_host(value)
        if found is None or found.shape != shape:
            got = said(value) if found is None else f"an array of shape {found.shape}"
            raise InputError(f"{self.name} must return energies (S,) and forces (sum N, 3): its {what} are {got}, "
                             f"and an array of real numbers of shape {shape} is needed")  # fmt: skip
        return found.astype(float)


def on_host(value: Any) -> Array | None:
    """An array of NumPy, of any library and device; None where it is not one of real numbers."""
    for method in ("detach", "cpu"):  # of torch, which gives neither gradients nor memory of a device away
        value = getattr(value, method)() if hasattr(value, method) else value
    try:
        found = np.asarray(value)
    except Exception:  # rows of unequal length
        return None
    return found if found.dtype.kind in REAL else None


def parts(subjects: Sequence[Subject], positions: Array) -> list[tuple[Subject, Array]]:
    """Each system with its own positions (N, 3)."""
    ends = np.cumsum([len(subject.numbers) for subject in subjects])
    return list(zip(subjects, np.split(positions, ends[:-1]), strict=True))


def joined(each: Sequence[Answers]) -> Answers:
    """The answers of systems that were asked about one by one."""
    energies = np.concatenate([answer.energies for answer in each])
    forces = np.concatenate([answer.forces for answer in each])
    return Answers(energies, forces, {s: answer.failed[0] for s, answer in enumerate(each) if answer.failed})
