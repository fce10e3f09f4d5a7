"""Asking the criteria of a run after each force call, for optimizers of molopt and of ASE alike."""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from ase import Atoms

from molopt.control.drive import Point
from molopt.convergence import Criterion, EnergyLeft, Seen, auto
from molopt.coordinates.linearization import Linearized
from molopt.errors import InputError
from molopt.molecules import Molecule
from molopt.molecules.electrons import name_of
from molopt.noise import REACHED, Noise
from molopt.optimizers.energy_left import REMEMBERED, Estimate, Estimator, points_of, recipe_for, stacked
from molopt.optimizers.internals import Recipe
from molopt.rules.base import check
from molopt.rules.partition import Array

log = logging.getLogger("molopt")


class Stopping:
    """The criteria of one run, beside its fmax, and what they need to know of it.

    Attributes
    ----------
    met : bool
        Whether the run may stop at the last geometry that was asked about.
    at_noise_floor : bool
        Whether it may do so because noise is all that is left.
    """

    def __init__(
        self, criteria: Criterion | Sequence[Criterion], optimizer: Any, molecule: Molecule | None = None
    ) -> None:
        self.criteria: list[Any] = []
        self.optimizer, self.molecule = optimizer, molecule
        self.points: deque[Point] = deque(maxlen=REMEMBERED)  # the last that were asked about
        self.noise: Noise | None = None
        self.estimator: Estimator | None = None
        self.add(criteria)
        self.before: Point | None = None  # where the step to the last point began
        self.known: Any = None  # what `estimated` said of the last point
        self.met = self.at_noise_floor = False

    def add(self, criteria: Criterion | Sequence[Criterion]) -> None:
        """Ask these criteria too; before the first force call of a run."""
        added: list[Any] = [criteria]
        if isinstance(criteria, Sequence) and not isinstance(criteria, str):
            added = list(criteria)
        for criterion in added:
            if not hasattr(criterion, "met"):
                known = 'molopt.EnergyLeft(0.001) or molopt.GeomeTRIC("GAU")'
                raise InputError(f"criteria are objects such as {known}, got {criterion!r}")
        self.criteria += added
        if self.noise is None and self.limit < np.inf:
            self.noise, self.estimator = Noise(), Estimator(self.recipe())

    @property
    def limit(self) -> float:
        """eV; the energy left that the criteria ask for, infinite where they do not."""
        return min(
            (criterion.limit for criterion in self.criteria if isinstance(criterion, EnergyLeft)), default=np.inf
        )

    def after(self, forces_are_small: Callable[[Array], bool]) -> Callable[[Array], bool]:
        """A test of convergence that asks the criteria where another one, of the forces, is met."""

        def converged(gradient: Array) -> bool:
            self.look(gradient)
            self.met = self.at_noise_floor = False
            self.met = bool(forces_are_small(gradient)) and self.all_met()
            self.at_noise_floor &= self.met
            return self.met

        return converged

    def look(self, gradient: Array) -> None:
        """Remember the present geometry, once."""
        optimizable = self.optimizer.optimizable
        here = Point(optimizable.get_x(), gradient.copy())
        if self.at(here.x):
            return
        if getattr(self.optimizer, "memory", here) is None and self.points:
            self.forget()
        last = self.points[-1] if self.points else None
        memory = getattr(self.optimizer, "memory", None)
        self.before = last if memory is None else memory.point
        self.known = None
        self.points.append(here)
        if self.estimator is not None:
            self.estimator.see(here)
        if self.noise is not None:
            self.noise.see(here.x, gradient, optimizable.get_value())

    def forget(self) -> None:
        """Forget geometries from before the first step of a run: its constraints did not hold there."""
        self.points.clear()
        self.noise = self.noise and Noise()
        self.estimator = self.estimator and Estimator(self.estimator.recipe)

    def all_met(self) -> bool:
        last, displacement, change = self.points[-1], None, np.inf
        if self.before is not None and self.before.x.size == last.x.size:
            displacement = last.x - self.before.x
            change = float((self.before.gradient + last.gradient) @ displacement) / 2
        seen = Seen(last.gradient, displacement, change, lambda: float(self.estimate()), self.noise_is_left)
        return all(criterion.met(seen) for criterion in self.criteria)

    def estimate(self) -> Estimate:
        """The energy left at the last geometry; InputError where it cannot be known."""
        return self.estimated()[0]

    def estimated(self) -> tuple[Estimate, Linearized]:
        if self.estimator is None:
            self.estimator = Estimator(self.recipe())
            for point in self.points:
                self.estimator.see(point)
        if self.known is None:
            self.known = self.estimator.at()
        return self.known

    def recipe(self) -> Recipe:
        """That of the energy left, of the molecule that was perceived when the run began."""
        own = getattr(self.optimizer, "recipe", None)
        return recipe_for(self.optimizer.atoms, self.molecule if own is None else own.molecule)

    def at(self, x: Array) -> bool:
        """Whether the last geometry that was asked about is x (N,)."""
        return bool(self.points) and np.array_equal(self.points[-1].x, x)

    def noise_is_left(self) -> bool:
        """Whether the last geometry is as near to the floor as noise in the forces allows; it is logged."""
        if self.noise is None:
            return False
        left, here = self.estimated()
        member = here.member
        heard = member.free and here.free and not member.forbidden(here.x).shape[1]
        floor = self.noise.floor(here) if heard else 0.0
        if float(left) > REACHED * floor and not self.noise.shown(here):
            return False
        if not self.noise.at_rest(here, self.limit):
            return False
        self.at_noise_floor = True
        log.info(
            "step %d: noise in the forces is all that is left: %.2g meV, of which noise of %.2g meV/A makes %.2g",
            self.optimizer.nsteps, 1e3 * float(left), 1e3 * self.noise.sigma(), 1e3 * floor,
        )  # fmt: skip
        return True

    def plain(self) -> dict[str, Any] | None:
        """What the criteria remember of the run, for a restart file; None where they remember nothing."""
        if self.estimator is None:
            return None
        noise = None if self.noise is None else self.noise.plain()
        return {"points": stacked(self.points), "noise": noise, "estimator": self.estimator.plain()}

    def recall(self, plain: dict[str, Any] | None) -> None:
        """Remember what `plain` wrote, as far as these criteria ask for it; ValueError or KeyError where it is not."""
        if plain is None or self.estimator is None:
            return
        size = self.optimizer.atoms.positions.size
        self.points.extend(points_of(plain["points"], size))
        self.estimator.recall(plain["estimator"], size)
        if self.noise is not None and plain["noise"] is not None:
            self.noise.recall(plain["noise"], size)


def check_criteria(fmax: float, energy_left: float | str | None, steps: int) -> None:
    """Raise InputError unless fmax and steps are positive numbers, and energy_left is "auto", None or one too."""
    check("fmax", fmax, "positive")
    check("steps", steps, "positive")
    if int(steps) != steps:
        raise InputError(f"steps must be a whole number, got {steps}")
    if isinstance(energy_left, str) and energy_left != "auto":
        raise InputError(f'energy_left must be "auto", None or a number of eV, got {energy_left!r}')
    if not isinstance(energy_left, str | None):
        check("energy_left", energy_left, "positive")


def criteria_for(energy_left: float | str | None, atoms: Atoms, molecule: Molecule | None = None) -> list[Criterion]:
    """What a run must meet beside fmax; InputError where a number is asked for that cannot be known."""
    if energy_left is None:
        return []
    if energy_left != "auto":
        recipe_for(atoms, molecule)
        return [EnergyLeft(float(energy_left))]
    try:
        recipe_for(atoms, molecule)
    except InputError as error:
        log.warning("%s: the run stops on fmax alone: %s", name_of(atoms), error)
        return []
    return [EnergyLeft(auto(len(atoms)))]
