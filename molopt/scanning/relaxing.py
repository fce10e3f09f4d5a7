"""One run of a scan: the molecule led to the values of a point, and relaxed there."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from ase import Atoms

from molopt.constraining.coordinate import holding
from molopt.errors import InputError
from molopt.molecules import Molecule
from molopt.optimizers.check_request import CheckRequest
from molopt.optimizers.internals import Recipe
from molopt.optimizers.meeting_constraints import meet
from molopt.optimizers.spec import OptimizerSpec
from molopt.potentials import Counted
from molopt.potentials.budget import Budget
from molopt.potentials.progress import Progress
from molopt.rules.partition import Array
from molopt.run import Run
from molopt.scanning.grid import Grid, Place
from molopt.scanning.point import Point
from molopt.system import Potential

log = logging.getLogger("molopt")

TURNED = np.deg2rad(
    30
)  # of a torsion: what turned farther is another conformation; steps between wells are 60 and more
STRETCHED = 0.2  # Angstrom of a bond: what stretched farther is broken or formed


@dataclass(frozen=True)
class Criteria:
    """When a run at a point is done, as in `molopt.relax`."""

    fmax: float
    energy_left: float | str | None
    steps: int
    check: CheckRequest


@dataclass(eq=False)
class Relaxing:
    """Relaxes one molecule at the points of a grid.

    Attributes
    ----------
    molecule : Molecule
        As the scan found it.
    atoms : ase.Atoms
        The same, with what constraints they have besides.
    grid : Grid
    potential : str or ASE calculator
        One calculator for all points: what it keeps of a geometry, as an electron density, helps at the next.
    spec : OptimizerSpec
    criteria : Criteria
    budget : Budget
        Of all runs together.
    on_call : callable, optional
        Called after each force call with the place and the `Counted` potential.
    """

    molecule: Molecule
    atoms: Atoms
    grid: Grid
    potential: Potential
    spec: OptimizerSpec
    criteria: Criteria
    budget: Budget
    on_call: Callable[[Place, Counted], object] | None = None
    calls: int = field(default=0, init=False)

    def held_at(self, start: Array, place: Place) -> Atoms:
        """Atoms at a start (N, 3) that are to have the values of a place."""
        atoms = self.atoms.copy()
        atoms.set_constraint()
        atoms.set_positions(start)
        pairs = zip(self.grid.axes, self.grid.values(place), strict=True)
        scanned = holding({axis.coordinate: value for axis, value in pairs})
        others: Sequence[Any] = self.atoms.constraints
        atoms.set_constraint([scanned, *others])
        return atoms

    @cached_property
    def recipe(self) -> Recipe:
        """Of the coordinates in which the molecule is led."""
        return Recipe.of(self.held_at(self.molecule.positions, self.grid.places[0]), molecule=self.molecule)

    def led(self, start: Array, place: Place) -> Array:
        """As in `Relaxes`."""
        atoms = self.held_at(start, place)
        meet(atoms, self.recipe, log.debug)
        return atoms.positions.copy()

    def run(self, start: Array, place: Place, origin: Place | None, known: Point | None = None) -> Point:
        """As in `Relaxes`."""
        values = self.grid.values(place)
        left = None if self.budget.max_calls is None else self.budget.max_calls - self.calls
        run: Run | None = None

        def asked() -> str:
            arriving = run is not None and known is not None and self.arriving(run.counted, known)
            return self.budget.asked() or ("it came to the conformation that is known there" if arriving else "")

        budget = Budget(left, self.budget.time_limit, asked, self.budget.begun)
        try:
            run = Run(
                self.held_at(self.led(start, place), place),
                self.spec,
                self.potential,
                self.criteria.fmax,
                self.criteria.energy_left,
                self.criteria.steps,
                self.watching(place),
                self.criteria.check,
                budget,
                Progress(),
            )
            run.go()
            result = run.result()
        except InputError as error:
            return Point.without(place, values, origin, error, 0 if run is None else run.counted.force_calls)
        finally:
            self.calls += 0 if run is None else run.counted.force_calls
        return Point.of(result, self.molecule, place, values, origin)

    def arriving(self, counted: Counted, known: Point) -> bool:
        """Whether a run has come to the conformation that is known at its point, and is not below it."""
        if counted.atoms is None or known.positions is None or not (known.converged and known.kept):
            return False
        return counted.trace[-1].energy > known.energy and self.alike(counted.atoms.positions, known.positions)

    def watching(self, place: Place) -> Callable[[Counted], object] | None:
        on_call = self.on_call
        return None if on_call is None else lambda counted: on_call(place, counted)

    def alike(self, one: Array, other: Array) -> bool:
        """As in `Relaxes`."""
        x, y = one.ravel(), other.ravel()
        table = self.recipe.build(x).primitives
        changed = np.abs(table.change(y, table.values(y), x, table.values(x)))
        torsions, stretches = changed[table.slices["torsion"]], changed[table.slices["stretch"]]
        return bool(torsions.max(initial=0.0) < TURNED and stretches.max(initial=0.0) < STRETCHED)

    def over(self) -> str:
        """As in `Relaxes`."""
        return self.budget.asked() or self.budget.spent(self.calls)
