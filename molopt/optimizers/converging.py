"""When a run is done: its criteria are met, constraints hold, and the curvature of its end is known."""

from collections.abc import Iterator
from dataclasses import replace
from io import StringIO
from typing import Any

import numpy as np
from ase.optimize.optimize import DEFAULT_MAX_STEPS as STEPS

from molopt.control.drive import Point
from molopt.directions import Checked
from molopt.optimizers.energy_left import Estimate
from molopt.optimizers.meeting_constraints import holds
from molopt.optimizers.stepping import SteppingOptimizer
from molopt.optimizers.stopping import Stopping
from molopt.optimizers.watched import Remembered, WatchedAtoms
from molopt.stationary.curvature import Curvature


class ConvergingOptimizer(SteppingOptimizer):
    """The second layer of `DirectionOptimizer`: asks `Stopping` and `Checking` whether a run may end."""

    stopping: Stopping
    logfile: Any
    silent: bool  # whether there is no log to write to

    def gradient_converged(self, gradient: np.ndarray) -> bool:
        """Whether the run may stop here: ASE's test of fmax, and all criteria; Exploded where that makes no sense."""
        self.remember(gradient)
        converged = self.stopping.may_stop(self.small_where_constraints_hold(gradient))
        if self.checking.possible:
            converged = self.settled(converged, gradient)
        if converged and isinstance(self.optimizable, WatchedAtoms):
            self.optimizable.arrived()
        return converged

    def remember(self, gradient: np.ndarray) -> None:
        """Have the criteria look at the present geometry, once."""
        here = Point(self.optimizable.get_x(), gradient.copy())
        if self.memory is None and not self.stopping.at(here.x):
            self.stopping.forget()
        self.stopping.look(here, self.optimizable.get_value, None if self.memory is None else self.memory.point)

    def settled(self, met: bool, gradient: np.ndarray) -> bool:
        """Whether the run may end, where its criteria are met or not and its curvature is looked at."""
        x, memory = self.optimizable.get_x(), self.memory
        if isinstance(self.direction, Checked) and self.direction.fmax != self.fmax:
            fmax: Any = self.fmax  # which ASE sets in `run`
            self.direction = replace(self.direction, fmax=float(fmax))
        assert isinstance(self.direction, Checked)
        looking = memory is not None and bool(memory.after.checking[0])
        found = self.checking.settled(
            met, x, looking, self.direction, lambda: self.arrived(x, gradient), self.optimizable.remember
        )
        if found.arrival is not None:
            self.arrival = (x if found.back is None else found.arrival.here.x, found.arrival)
        self.go_back(found.back)
        return found.over

    def go_back(self, place: Remembered | None) -> None:
        """Put the atoms where the check says that the run ends, unless they are there."""
        if place is not None and not np.array_equal(self.atoms.positions, place.positions):
            self.optimizable.go_back(place)
            self.call_observers()

    def small_where_constraints_hold(self, gradient: np.ndarray) -> bool:
        """ASE's test of fmax; never met by a start at which constraints do not hold yet."""
        if self.recipe is not None and len(self.atoms.constraints) > 1:
            gradient = self.recipe.held.left_of(gradient, self.optimizable.get_x())
        return super().gradient_converged(gradient) and (self.memory is not None or holds(self.atoms))

    def run(self, fmax: float = 0.05, steps: int = STEPS) -> bool:  # type: ignore[override]  # as ASE's own
        """As in ASE. A run that ends while it is checked goes back to the geometry at which its criteria were met."""
        try:
            return bool(super().run(fmax, steps))
        finally:
            self.go_back(self.checking.stopped())

    def irun(self, fmax: float = 0.05, steps: int = STEPS) -> Iterator[bool]:  # type: ignore[override]  # as ASE's own
        """As in ASE, and as `run`."""
        try:
            yield from super().irun(fmax, steps)
        finally:
            self.go_back(self.checking.stopped())

    def log(self, gradient: np.ndarray) -> None:
        """ASE's line, with a word behind it where the step carried a probe, or was one of the check."""
        if self.silent:
            return
        file, mark = self.logfile, self.checking.mark(self.memory)
        if file is None or not mark:
            super().log(gradient)
            return
        self.logfile = StringIO()
        try:
            super().log(gradient)
            line = self.logfile.getvalue().rstrip("\n")
        finally:
            self.logfile = file
        file.write(f"{line}  {mark}\n")

    @property
    def curvature(self) -> Curvature | None:
        """What was seen of the lowest curvature of the present geometry; None where no check was asked for."""
        return self.checking.curvature(self.optimizable.get_x())

    @property
    def energy_left(self) -> Estimate:
        """`molopt.energy_left` of the present geometry, with what the run has learned of its surface."""
        self.remember(self.optimizable.get_gradient())
        estimate, curvature = self.stopping.estimate(), self.curvature
        return estimate if curvature is None else estimate.corrected(curvature)
