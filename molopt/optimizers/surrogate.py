"""A cheap potential beside the one that is relaxed on: any ASE calculator, asked as a function of the geometry."""

import logging
import time
from typing import Any

import numpy as np
from ase import Atoms

from molopt.errors import InputError
from molopt.potentials import RDKitForceField
from molopt.potentials.answers import checked_energy, checked_forces
from molopt.rules.partition import Array

log = logging.getLogger("molopt")


class Surrogate:
    """Energy (eV) and gradient (3N,) (eV/A) at x (3N,), counted and timed; infinite where the calculator fails.

    Parameters
    ----------
    calculator : ASE calculator
        With energy and forces. It must not be the one that is relaxed on, which would start over at each change.
    atoms : ase.Atoms
        Which atoms, charge and cell; they are copied.
    name : str, optional
    counted : Counted, optional
        The force calls of the run, where the surrogate is of the same program as the potential: its calls are force
        calls too, and the count stays honest.

    Attributes
    ----------
    calls : int
        Evaluations so far.
    seconds : float
        Wall time inside the calculator so far.
    """

    def __init__(self, calculator: Any, atoms: Atoms, name: str | None = None, counted: Any = None) -> None:
        if not hasattr(calculator, "get_property"):
            raise InputError(
                f"surrogate must be an ASE calculator such as molopt.potential('mmff94', molecule), got {calculator!r}"
            )
        if calculator is atoms.calc or calculator is getattr(atoms.calc, "calculator", None):
            raise InputError("the surrogate is the potential itself: give another calculator, or None")
        self.calculator = calculator
        self.atoms = atoms.copy()
        self.atoms.set_constraint()
        self.name = name or guide_name(calculator)
        self.counted = counted
        self.calls = 0
        self.seconds = 0.0

    def __call__(self, x: Array) -> tuple[float, Array]:
        self.calls += 1
        if self.counted is not None:
            self.counted.force_calls += 1
        start = time.perf_counter()
        where = f"the surrogate {self.name} failed at its call {self.calls}"
        try:
            energy, forces = self.evaluated(x)
            return checked_energy(energy, where), -checked_forces(forces, self.atoms, where).ravel()
        except InputError:
            raise
        except Exception as error:  # any calculator may fail in any way where it is tried; the step is not taken
            log.debug("%s", error)
            return np.inf, np.zeros(x.size)
        finally:
            self.seconds += time.perf_counter() - start

    def evaluated(self, x: Array) -> tuple[Any, Any]:
        """Energy and forces as the calculator gives them; a force field is asked without ASE's bookkeeping."""
        if type(self.calculator) is RDKitForceField:
            if self.calls == 1:
                self.calculator.look_at(self.atoms)
            energy, gradient = self.calculator.evaluated(x)
            return energy, -gradient.reshape(-1, 3)
        self.atoms.positions = x.reshape(-1, 3)
        forces = self.calculator.get_property("forces", self.atoms)
        return self.calculator.get_property("energy", self.atoms), forces


def guide_name(surrogate: object) -> str:
    """What a surrogate is called: its name as it was given, or that of the calculator."""
    return surrogate if isinstance(surrogate, str) else str(getattr(surrogate, "name", type(surrogate).__name__))
