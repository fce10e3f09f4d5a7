"""From a molecule or atoms to a run of a batch: what it is, how it is stepped, what is asked for its forces."""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any, NamedTuple, cast

from ase import Atoms

from molopt.batch.batched_run import BatchedRun, Entered
from molopt.batch.closer_look import nearest_of
from molopt.batch.guards import SENSE, RunSense
from molopt.batch.inputs import Target, started
from molopt.batch.kind import Kind, Plan
from molopt.batch.potentials import AnyPotential
from molopt.control import StepControl
from molopt.coordinates import Cartesian, Internal
from molopt.coordinates.base import Coordinates
from molopt.coordinates.member import Member
from molopt.directions import Checked, Direction
from molopt.ending import Start
from molopt.errors import InputError
from molopt.molecules import Molecule
from molopt.molecules.checks import check_geometry
from molopt.molecules.electrons import name_of
from molopt.optimizers.base import DirectionOptimizer
from molopt.optimizers.check_request import CheckRequest
from molopt.optimizers.checking import Checking
from molopt.optimizers.coordinates import recipe_of
from molopt.optimizers.energy_left import recipe_of_estimate
from molopt.optimizers.internals import Recipe
from molopt.optimizers.spec import OptimizerSpec
from molopt.optimizers.stopping import Stopping, criteria_for
from molopt.optimizers.surrogate import Surrogate
from molopt.potentials import Counted
from molopt.potentials.batched import Evaluator, Subject
from molopt.system import agreed, molecule_of, surrogate_for

log = logging.getLogger("molopt")

KEPT = 64  # plans of the last molecules, for conformers of theirs that come later


@dataclass(eq=False)
class Maker:
    """Makes runs of a batch, as the arguments of a batch say it.

    Attributes
    ----------
    spec : OptimizerSpec
    request : CheckRequest
    evaluator : Evaluator
    potential : str, ASE calculator, BatchedPotential or None
        As it was given.
    fmax, energy_left
        As in `molopt.relax`.
    """

    spec: OptimizerSpec
    request: CheckRequest
    evaluator: Evaluator
    potential: AnyPotential | None
    fmax: float
    energy_left: float | str | None
    plans: OrderedDict[bytes, Plan] = field(default_factory=OrderedDict)
    kinds: dict[Hashable, Kind] = field(default_factory=dict)
    latest: tuple[Molecule, Plan, Subject] | None = None  # conformers come one after another
    unguided: "Method | None" = None  # of molecules in internal coordinates

    def start(self, target: Target) -> Start:
        """What a target is; InputError where that cannot be relaxed in a batch."""
        potential = self.potential if isinstance(self.potential, str) or not callable(self.potential) else None
        if isinstance(target, Atoms):
            if target.constraints:
                raise InputError(f"{name_of(target)} has constraints, and a batch keeps none: use molopt.relax for it")
            if not len(target):
                raise InputError("there are no atoms to relax")
            return started(target, molecule_of(target, potential))
        told = potential is not None and not (isinstance(potential, str) and "charge" not in potential)
        if isinstance(target, Molecule) and told:
            return started(agreed(target, potential), None)
        return started(target, None)

    def begin(self, number: int, start: Start, entered: Entered) -> BatchedRun:
        """The run that begins there; InputError where it cannot be."""
        plan, subject = self.planned(start)
        if start.given is None:
            check_geometry(subject.numbers.tolist(), start.positions, start.name)
        tell = partial(log.debug, "%s: %s", start.name)
        stopping, checking = None, None
        if plan.criteria or plan.checking.possible:
            stopping = Stopping(plan.criteria, plan.estimating, tell)
        if plan.checking.possible and stopping is not None:
            checking = replace(plan.checking, stopping=stopping, tell=tell)
        sense = RunSense(subject.numbers, plan.nearest)
        return BatchedRun(number, start, plan, subject, entered, sense, stopping, checking, plan.recipe, plan.member)

    def planned(self, start: Start) -> tuple[Plan, Subject]:
        """How a system is stepped, and what the potential knows of it: shared by conformers as far as can be."""
        molecule = start.molecule
        if self.latest is not None and molecule is self.latest[0]:
            return self.latest[1:]
        if molecule is None or start.given is not None:
            atoms = start.atoms()
            atoms.calc = None if start.given is None else start.given.calc
        else:  # who needs its bonds has the molecule
            info = {"name": molecule.name, "charge": molecule.charge, "spin": molecule.spin}
            atoms = Atoms(molecule.numbers, start.positions, info=info)
        subject = self.evaluator.subject(atoms, molecule)
        surrogate, seconds = self.surrogate(atoms, molecule, subject)
        if molecule is None or start.given is not None or surrogate is not None:
            return self.plan(atoms, molecule, surrogate, seconds), subject
        key = molecule.graph
        if key not in self.plans:
            self.plans[key] = self.plan(atoms, molecule, None, seconds)
            if len(self.plans) > KEPT:
                self.plans.popitem(last=False)
        self.plans.move_to_end(key)
        plan = self.plans[key]
        if self.evaluator.shared:
            self.latest = molecule, plan, subject
        return plan, subject

    def surrogate(self, atoms: Atoms, molecule: Molecule | None, subject: Subject) -> tuple[Surrogate | None, float]:
        """What guides this system, and the seconds to make it."""
        wanted, calculator = self.spec.surrogate, getattr(subject.engine, "calc", None)
        if wanted is None or (calculator is None and wanted == "auto"):
            return None, 0.0
        assert calculator is not None
        began = time.perf_counter()
        found = surrogate_for(wanted, Counted(calculator), atoms, molecule)
        return found, time.perf_counter() - began

    def plan(self, atoms: Atoms, molecule: Molecule | None, surrogate: Surrogate | None, seconds: float) -> Plan:
        """How a molecule, or these atoms, are stepped: as a run of their own would be."""
        method = self.method(atoms, molecule, surrogate)
        estimating = cache(partial(recipe_of_estimate, method.recipe, atoms, molecule))
        criteria = criteria_for(self.energy_left, atoms, estimating)
        stopping = Stopping(criteria, estimating)
        checking = Checking.of(self.request, method.recipe, method.sees, atoms, stopping)
        if checking.possible:
            method = method._replace(direction=replace(checking.direction(method.direction), fmax=float(self.fmax)))
        return Plan(
            kind=self.kind(method, surrogate is not None),
            recipe=method.recipe,
            member=method.member,
            estimating=estimating,
            criteria=tuple(criteria),
            fmax=float(self.fmax),
            checking=checking,
            nearest=nearest_of(method.recipe, len(atoms), SENSE.near),
            optimizer=method.optimizer,
            surrogate=surrogate,
            surrogate_setup_seconds=seconds,
        )

    def method(self, atoms: Atoms, molecule: Molecule | None, surrogate: Surrogate | None) -> "Method":
        """How an optimizer steps these atoms; of free molecules in internal coordinates one is made for all."""
        assert self.spec.coordinates is not None
        recipe = None if surrogate is not None else recipe_of(atoms, self.spec.coordinates, molecule=molecule)
        if recipe is not None and self.unguided is not None:
            return self.unguided._replace(recipe=recipe)
        unused = surrogate is None and not isinstance(self.spec.surrogate, str)
        spec = replace(self.spec, surrogate=None) if unused else self.spec
        run = spec.make(atoms, molecule=molecule, surrogate=surrogate)
        if not isinstance(run, DirectionOptimizer):
            raise InputError(f"{spec.label} cannot be batched: use default, a rule of molopt, or molopt.relax")
        direction = run.direction.inner if isinstance(run.direction, Checked) else run.direction
        member = None if run.sees == "internal" else run.cartesian(3 * len(atoms))
        method = Method(direction, run.control, run.sees, run.recipe, member, run.stiffness, str(spec))
        if recipe is not None:
            self.unguided = method
        return method

    def kind(self, method: "Method", guided: bool) -> Kind:
        """The kind of this run: the same object for all that can go together."""
        direction, control, sees = method.direction, method.control, method.sees
        alone = guided or sees == "elastic"
        joined: Callable[[Sequence[Coordinates[Any]]], Coordinates[Any]]
        if sees == "internal":
            joined = internal
        elif sees == "cartesian":
            joined = partial(cartesian, method.stiffness)
        else:
            joined = only
        if alone:
            return Kind(direction, control, joined, alone)
        key = (direction, control, sees, method.stiffness)
        return self.kinds.setdefault(key, Kind(direction, control, joined))


class Method(NamedTuple):
    """What an optimizer would do with some atoms."""

    direction: Direction[Any, Any]  # without a check
    control: StepControl[Any]
    sees: str  # the coordinates: "internal", "elastic" or "cartesian"
    recipe: Recipe | None  # of internal coordinates
    member: Coordinates[Any] | None  # other coordinates
    stiffness: float  # of Cartesian ones, eV/A^2
    optimizer: str  # with every hyper-parameter


def internal(members: Sequence[Coordinates[Any]]) -> Internal:
    return Internal(cast("Sequence[Member]", members))


def cartesian(stiffness: float, members: Sequence[Coordinates[Any]]) -> Cartesian:
    return Cartesian.of(*(member.layout.entries.total for member in members), stiffness=stiffness)


def only(members: Sequence[Coordinates[Any]]) -> Coordinates[Any]:
    (member,) = members
    return member
