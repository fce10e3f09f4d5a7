"""One step of an optimizer: what it learns at a geometry, where it goes, how it follows atoms that were moved."""

import logging
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import CalculationFailed
from ase.optimize.optimize import Optimizer

from molopt.control import StepControl
from molopt.control.drive import Arrival, Memory, Point, arrive, depart
from molopt.coordinates import Cartesian, Internal
from molopt.coordinates.base import Coordinates
from molopt.coordinates.elastic import Elastic
from molopt.coordinates.member import Member
from molopt.directions import Direction
from molopt.errors import Exploded, PotentialFailed
from molopt.optimizers.bodies import body_of
from molopt.optimizers.checking import Checking
from molopt.optimizers.internals import Recipe
from molopt.optimizers.meeting import FAILURES, kept, meet
from molopt.optimizers.rebuilding import outdated, rebuilt
from molopt.optimizers.watched import WatchedAtoms

log = logging.getLogger("molopt")

SHORTER = (1 / 4, 1 / 16, 1 / 64)  # of a step to where the potential fails


class SteppingOptimizer(Optimizer):
    """The first layer of `DirectionOptimizer`: joins a direction and a control to atoms, by `arrive` and `depart`.

    The layers above it decide when a run stops (`converging`), keep it on file (`continuing`) and build it (`base`).
    """

    atoms: Any  # Atoms, or what else ASE can optimize: a filter, a band
    optimizable: Any  # the same as ASE's optimizers see it
    direction: Direction[Any, Any]
    control: StepControl[Any]
    checking: Checking
    recipe: Recipe | None  # of internal coordinates
    elastic: bool  # whether Cartesian coordinates have springs between near atoms
    stiffness: float  # eV/A^2

    def initialize(self) -> None:
        """Forget everything: the next step is a first step."""
        self.memory: Memory | None = None
        self.coordinates: Coordinates[Any] | None = None
        self.expected: np.ndarray | None = None  # (N,) where the last step led to
        self.arrival: tuple[np.ndarray, Arrival] | None = None  # at the last geometry (N,), if it was looked at

    def step(self) -> None:
        """One step from the current geometry; its forces are computed if they are not known yet."""
        if self.memory is None and self.meets_constraints():
            return
        self.go(self.absorb(self.optimizable.get_x(), self.optimizable.get_gradient()))
        self.expected = self.optimizable.get_x()

    def tell(self, said: str) -> None:
        """Write a line of the run to the log of molopt."""
        log.info("step %d: %s", self.nsteps, said)

    def go(self, target: np.ndarray) -> None:
        """Move to the target (N,); where the potential fails there, to a quarter of the step, three times at most."""
        assert self.memory is not None
        assert self.coordinates is not None
        self.place(target)
        if not (isinstance(self.atoms, Atoms) and self.control.retries):
            return
        step = self.memory.proposal.displacement
        for shorter in (*SHORTER, None):
            try:
                self.optimizable.get_gradient()  # the run will ask for it in any case
                return
            except (PotentialFailed, CalculationFailed) as error:
                if shorter is None or isinstance(error, Exploded):
                    raise
                log.info("step %d: %s; the step is taken %g times as long", self.nsteps, error, shorter)
                x, arrived = self.coordinates.move(self.memory.linearization, shorter * step)
                self.memory = self.memory._replace(arrived=arrived)
                self.place(x)

    def place(self, x: np.ndarray) -> None:
        """Move to x (N,), as constraints allow; RuntimeError where they cannot be kept."""
        try:
            with np.errstate(all="ignore"):  # ASE's arithmetic warns where it gets lost, and then it raises
                self.optimizable.set_x(x)
        except FAILURES as error:
            if not (isinstance(self.atoms, Atoms) and self.atoms.constraints):
                raise
            self.optimizable.set_x(kept(self.atoms, x, error))

    def meets_constraints(self) -> bool:
        """Whether the constraints had to move the start to where they hold: that is a step of its own."""
        moved = isinstance(self.atoms, Atoms) and meet(self.atoms, self.recipe)
        if moved and isinstance(self.optimizable, WatchedAtoms):
            self.optimizable.led()
        return moved

    def absorb(self, x: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        """Learn the gradient (N,) at x (N,), and say which point (N,) to go to."""
        arrival, self.arrival = self.arrived(x, gradient), None
        assert self.coordinates is not None
        target, self.memory = depart(self.direction, self.control, self.coordinates, arrival)
        return target

    def arrived(self, x: np.ndarray, gradient: np.ndarray) -> Arrival:
        """Learn the gradient (N,) at x (N,), once, and judge the step that led there."""
        if self.arrival is not None and np.array_equal(self.arrival[0], x):
            return self.arrival[1]
        self.check_finite(gradient)
        here = Point(x, gradient)
        if self.memory is None or self.coordinates is None:
            self.coordinates = self.coordinates_at(here)
        else:
            self.keep_up(here)
        return arrive(self.direction, self.control, self.coordinates, here, self.memory)

    def coordinates_at(self, here: Point) -> Coordinates[Any]:
        """The coordinates of a run that starts here."""
        if self.recipe is None:
            return self.cartesian(here.x.size)
        return Internal([self.recipe.build(here.x, gradient=here.gradient)])

    @property
    def member(self) -> Member:
        """The internal coordinates of the molecule."""
        assert isinstance(self.coordinates, Internal)
        return self.coordinates.members[0]

    def cartesian(self, entries: int, orig_cell: np.ndarray | None = None) -> Coordinates[Any]:
        """Cartesian coordinates, with springs between neighbours where they are elastic.

        A cell filter measures deformation from `orig_cell` (3, 3); by default its own.
        """
        body = body_of(self.atoms) if self.elastic else None
        if body is None:
            return Cartesian.of(entries, stiffness=self.stiffness)
        return Elastic.around(body if orig_cell is None else body._replace(cell=orig_cell))

    def keep_up(self, here: Point) -> None:
        """Follow a geometry that was moved from outside, or that the internal coordinates no longer describe."""
        assert self.memory is not None
        assert self.coordinates is not None
        if self.expected is not None and not np.array_equal(here.x, self.expected):
            self.memory = self.checking.moved(self.memory.placed(here, self.coordinates))  # no step of ours to judge
        if self.recipe is not None:
            why = outdated(self.recipe, self.member, self.memory, here)
            if why:
                self.tell(f"{why}; internal coordinates rebuilt")
                self.recipe, member, self.memory = rebuilt(self.recipe, self.member, self.memory, here, self.direction)
                self.coordinates = Internal([member])

    def check_finite(self, gradient: np.ndarray) -> None:
        """Of a filter or a band; atoms have been asked by `WatchedAtoms`."""
        if not np.isfinite(gradient).all():
            entry = int(np.argmin(np.isfinite(gradient)))
            raise PotentialFailed(f"forces are not finite at step {self.nsteps}, first at entry {entry} (from 0)")

    @property
    def sees(self) -> str:
        """The coordinates in use: "cartesian", "elastic" or "internal"."""
        if self.recipe is not None:
            return "internal"
        return "elastic" if self.elastic else "cartesian"
