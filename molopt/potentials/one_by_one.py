"""Potentials that evaluate one system at a time, for batches: RDKit's force fields, and ASE calculators."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from ase import Atoms

from molopt.errors import InputError
from molopt.molecules import Molecule
from molopt.potentials.batched import Answers, Subject, joined, parts
from molopt.potentials.counting import energy_and_forces
from molopt.potentials.force_field_terms import force_field
from molopt.potentials.force_fields import EV_PER_KCAL
from molopt.rules.partition import Array

KEPT = 64  # force fields of the last molecules, for conformers of theirs that come later


class ForceFields:
    """MMFF94, MMFF94s or UFF: one force field a molecule, shared by its conformers.

    Its energies and forces are those of `RDKitForceField`, bit for bit; of all ways to ask RDKit, positions as a list
    are the cheapest. RDKit holds Python's lock meanwhile: more cores need more processes.
    """

    shared = True

    def __init__(self, method: str, terms: str = "all") -> None:
        self.method, self.terms = method, terms
        self.name = method if terms == "all" else f"{method}?terms={terms}"
        self.fields: OrderedDict[bytes, Any] = OrderedDict()

    def subject(self, atoms: Atoms, molecule: Molecule | None) -> Subject:
        if molecule is None:
            why = "are periodic: set atoms.pbc = False" if atoms.pbc.any() else "are not one"
            raise InputError(f"{self.method} needs a molecule, and these atoms {why}")
        key = molecule.graph
        if key not in self.fields:
            self.fields[key] = force_field(molecule, self.method, self.terms)
            if len(self.fields) > KEPT:
                self.fields.popitem(last=False)
        self.fields.move_to_end(key)
        return Subject(atoms.numbers, molecule.charge, molecule.spin, self.fields[key])

    def evaluate(self, subjects: Sequence[Subject], positions: Array) -> Answers:
        flat, end = positions.ravel(), 0
        energies, gradients = np.empty(len(subjects)), np.empty(flat.size)
        failed: dict[int, Exception] = {}
        for s, (numbers, _, _, field) in enumerate(subjects):
            begin, end = end, end + 3 * len(numbers)
            x = flat[begin:end].tolist()
            try:
                energies[s] = field.CalcEnergy(x)  # before CalcGrad, which trusts the distances of the last CalcEnergy
                gradients[begin:end] = field.CalcGrad(x)
            except RuntimeError as error:
                energies[s], gradients[begin:end], failed[s] = np.nan, np.nan, error
        return Answers(energies * EV_PER_KCAL, gradients.reshape(-1, 3) * -EV_PER_KCAL, failed)


class Calculators:
    """ASE calculators, one a system, or the same one for all.

    Those that remember, as tblite starts from the last density, give each system the bits of a run of its own where
    each has its own.

    Parameters
    ----------
    name : str
    make : callable
        The calculator of atoms, which are the molecule where that is known.
    """

    shared = False

    def __init__(self, name: str, make: Callable[[Atoms, Molecule | None], Any]) -> None:
        self.name, self.make = name, make

    def subject(self, atoms: Atoms, molecule: Molecule | None) -> Subject:
        charge, spin = (0, 1) if molecule is None else (molecule.charge, molecule.spin)
        asked = atoms.copy()
        asked.calc = self.make(atoms, molecule)
        return Subject(atoms.numbers, charge, spin, asked)

    def evaluate(self, subjects: Sequence[Subject], positions: Array) -> Answers:
        return joined([self.one(subject.engine, rows) for subject, rows in parts(subjects, positions)])

    def one(self, atoms: Atoms, positions: Array) -> Answers:
        """The answer of one calculator."""
        atoms.set_positions(positions, apply_constraint=False)
        try:
            found = energy_and_forces(atoms.calc, atoms, self.name)
        except InputError:
            raise
        except Exception as error:
            return Answers(np.full(1, np.nan), np.full_like(positions, np.nan), {0: error})
        return Answers(np.array([found["energy"]]), found["forces"], {})
