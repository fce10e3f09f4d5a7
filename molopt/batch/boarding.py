"""From a molecule or atoms to a passenger: what it is, how it is stepped, what is asked for its forces."""

import logging
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from ase import Atoms

from molopt.batch.guards import Mind
from molopt.batch.kind import Kind, Plan
from molopt.batch.passenger import Passenger, Seat, Start
from molopt.errors import InputError
from molopt.molecules import Molecule
from molopt.molecules.checks import check_geometry
from molopt.molecules.electrons import name_of
from molopt.optimizers.asked import Asked
from molopt.optimizers.stopping import Stopping
from molopt.potentials.batched import Evaluator
from molopt.rules.partition import Array
from molopt.targets import agreed, molecule_of

log = logging.getLogger("molopt")

KEPT = 64  # plans of the last molecules, for conformers of theirs that come later
Conformer = tuple[Molecule, Array]  # a molecule, and the positions (N, 3) at which it begins
Target = Molecule | Atoms | Conformer


@dataclass(eq=False)
class Boarding:
    """Makes passengers, as the arguments of a batch say it.

    Attributes
    ----------
    spec : Choice
        The optimizer.
    asked : Asked
        The check.
    evaluator : Evaluator
    potential : str, calculator, function or None
        As it was given.
    fmax, energy_left
        As in `molopt.relax`.
    """

    spec: Any
    asked: Asked
    evaluator: Evaluator
    potential: Any
    fmax: float
    energy_left: float | str | None
    plans: OrderedDict[bytes, Plan] = field(default_factory=OrderedDict)
    kinds: dict[Any, Kind] = field(default_factory=dict)
    latest: tuple[Molecule, Plan] | None = None

    def start(self, target: Target) -> Start:
        """What a target is; InputError where that cannot be relaxed in a batch."""
        if isinstance(target, tuple):
            molecule, positions = target
            return Start(molecule, None, positions, molecule.name)
        named = self.potential if isinstance(self.potential, str) else None
        if isinstance(target, Molecule):
            known = agreed(target, named) if named is not None and "charge" in named else target
            return Start(known, None, target.positions, target.name)
        molecule = molecule_of(target, None if callable(self.potential) else self.potential)
        if target.constraints:
            raise InputError(f"{name_of(target)} has constraints, and a batch keeps none: relax it with molopt.relax")
        if not len(target):
            raise InputError("there are no atoms to relax")
        return Start(molecule, target, target.positions.copy(), name_of(target) if molecule is None else molecule.name)

    def passenger(self, number: int, start: Start, seat: Seat) -> Passenger:
        """The passenger that begins there."""
        numbers = self.numbers(start)
        if start.positions.shape != (len(numbers), 3):
            raise InputError(f"{start.name} needs positions of shape ({len(numbers)}, 3), got {start.positions.shape}")
        if start.given is None:
            check_geometry(numbers, start.positions, start.name)
        atoms = _Once(start.atoms)
        subject = self.evaluator.subject(atoms, start.molecule)
        plan = self.plan(start, atoms, subject)
        stopping = None
        tell = partial(log.debug, "%s: %s", start.name)
        if plan.criteria or plan.checking.possible:
            stopping = Stopping(plan.criteria, partial(known, plan.estimating), tell)
        checking = replace(plan.checking, stopping=stopping, tell=tell) if plan.checking.possible else None
        mind = Mind(subject.numbers, plan.nearest)
        return Passenger(number, start, plan, subject, seat, mind, stopping, checking, plan.recipe, plan.member)
