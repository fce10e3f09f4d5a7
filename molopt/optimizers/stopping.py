"""Whether a run may stop: its criteria beside fmax, asked after each force call, whoever makes the steps."""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from ase import Atoms

from molopt import signs
from molopt.control.drive import Point
from molopt.convergence import Criterion, EnergyLeft, Seen, auto
from molopt.coordinates.base import Linearization
from molopt.coordinates.linearization import of_system, reference_of
from molopt.errors import InputError
from molopt.molecules.electrons import name_of
from molopt.noise import REACHED, Noise
from molopt.optimizers.energy_left import REMEMBERED, Estimate, Estimator, points_of, stacked
from molopt.optimizers.internals import Recipe
from molopt.rules.base import check
from molopt.rules.partition import Array

log = logging.getLogger("molopt")


class Stopping:
    """The criteria of one run, beside its fmax, and what they need to know of it.

    It is told of each force call with `look`, and then asked with `may_stop`.

    Parameters
    ----------
    criteria : Criterion or sequence of them
    recipe : callable
        The recipe of the coordinates in which energy left is estimated; InputError where there is none.
    tell : callable
        Called with what it has to say of the run, for a log.

    Attributes
    ----------
    met : bool
        Whether the run may stop at the last geometry that was asked about.
    at_noise_floor : bool
        Whether it may do so because noise is all that is left.
    """

    def __init__(
        self,
        criteria: Criterion | Sequence[Criterion],
        recipe: Callable[[], Recipe],
        tell: Callable[[str], object] = log.info,
    ) -> None:
        self.criteria: list[Criterion] = []
        self.recipe, self.tell = recipe, tell
        self.points: deque[Point] = deque(maxlen=REMEMBERED)  # the last that were asked about
        self.noise: Noise | None = None
        self.estimator: Estimator | None = None
        self.add(criteria)
        self.before: Point | None = None  # where the step to the last point began
        self.known: tuple[Estimate, Linearization] | None = None  # what `estimated` said of the last point
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

    def look(self, here: Point, energy: Callable[[], float], before: Point | None = None) -> None:
        """Remember a geometry whose forces have been computed, once.

        Parameters
        ----------
        here : Point
        energy : callable
            Of this geometry, eV; asked where noise is measured.
        before : Point, optional
            Where the step that led here began; by default at the geometry of the last look.
        """
        if self.at(here.x):
            return
        last = self.points[-1] if self.points else None
        self.before = last if before is None else before
        self.known = None
        self.points.append(here)
        if self.estimator is not None:
            self.estimator.see(here)
        if self.noise is not None:
            self.noise.see(here.x, here.gradient, energy())

    def may_stop(self, forces_are_small: bool) -> bool:
        """Whether the run may stop at the geometry of the last look, where its fmax is met or not."""
        self.at_noise_floor = False
        self.met = bool(forces_are_small) and self.all_met()
        self.at_noise_floor &= self.met
        return self.met

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

    def estimated(self) -> tuple[Estimate, Linearization]:
        if self.estimator is None:
            self.estimator = Estimator(self.recipe())
            for point in self.points:
                self.estimator.see(point)
        if self.known is None:
            self.known = self.estimator.at()
            signs.left(float(self.known[0]))
        return self.known

    def estimate_at(self, here: Point) -> Estimate:
        """The energy left at any geometry, with what the last ones showed; InputError where it cannot be known."""
        if self.at(here.x):
            return self.estimate()
        estimator = Estimator(self.recipe())
        for point in (*self.points, here):
            estimator.see(point)
        return estimator.at()[0]

    def at(self, x: Array) -> bool:
        """Whether the last geometry that was asked about is x (N,)."""
        return bool(self.points) and np.array_equal(self.points[-1].x, x)

    def noise_is_left(self) -> bool:
        """Whether the last geometry is as near to the floor as noise in the forces allows; it is told."""
        if self.noise is None:
            return False
        left, found = self.estimated()
        here = reference_of(of_system(found, 0))
        member = here.member
        heard = member.free and here.free and not member.forbidden(here.x).shape[1]
        floor = self.noise.floor(here) if heard else 0.0
        if float(left) > REACHED * floor and not self.noise.shown(here):
            return False
        if not self.noise.at_rest(here, self.limit):
            return False
        self.at_noise_floor = True
        self.tell(
            f"only noise in the forces is left: {1e3 * float(left):.2g} meV, of which noise of "
            f"{1e3 * self.noise.sigma():.2g} meV/A makes {1e3 * floor:.2g}"
        )
        return True

    def plain(self) -> dict[str, Any] | None:
        """What the criteria remember of the run, for a restart file; None where they remember nothing."""
        if self.estimator is None:
            return None
        noise = None if self.noise is None else self.noise.plain()
        return {"points": stacked(self.points), "noise": noise, "estimator": self.estimator.plain()}

    def recall(self, plain: dict[str, Any] | None, size: int) -> None:
        """Remember what `plain` wrote of geometries of `size` entries; ValueError or KeyError where it is not."""
        if plain is None or self.estimator is None:
            return
        self.points.extend(points_of(plain["points"], size))
        self.estimator.recall(plain["estimator"], size)
        if self.noise is not None and plain["noise"] is not None:
            self.noise.recall(plain["noise"], size)


def asking(stopping: Stopping, optimizer: Any, forces_are_small: Callable[[Array], bool]) -> Callable[[Array], bool]:
    """A test of convergence for an optimizer of ASE: its own test of the forces, and the criteria where that is met."""

    def converged(gradient: Array) -> bool:
        optimizable = optimizer.optimizable
        stopping.look(Point(optimizable.get_x(), gradient.copy()), optimizable.get_value)
        return stopping.may_stop(bool(forces_are_small(gradient)))

    return converged


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


def criteria_for(energy_left: float | str | None, atoms: Atoms, recipe: Callable[[], Recipe]) -> list[Criterion]:
    """What a run must meet beside fmax; InputError where a number is asked for that cannot be known.

    `recipe` is that of the coordinates in which energy left is estimated, as of `Stopping`.
    """
    if energy_left is None:
        return []
    try:
        recipe()
    except InputError as error:
        if energy_left != "auto":
            raise
        log.warning("%s: the run stops on fmax alone: %s", name_of(atoms), error)
        return []
    return [EnergyLeft(auto(len(atoms)) if energy_left == "auto" else float(energy_left))]
