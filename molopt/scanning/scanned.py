"""Scan a molecule along one coordinate, or over two: one function."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike

from molopt.constraining.choosing import Chooser, Chosen
from molopt.errors import InputError
from molopt.molecules.single import Described
from molopt.optimizers.meeting_constraints import prepare
from molopt.optimizers.spec import Guide, OptimizerLike, OptimizerSpec
from molopt.optimizers.stopping import check_criteria
from molopt.potentials import Counted
from molopt.potentials.budget import Budget
from molopt.scanning.grid import Axis, Grid, Place
from molopt.scanning.point import Point
from molopt.scanning.relaxing import Criteria, Relaxing
from molopt.scanning.scan import Scan
from molopt.scanning.spreading import Spreading
from molopt.system import Potential, system_of


def scan(
    target: Described,
    coordinates: Chosen | Sequence[Chosen],
    values: ArrayLike | Sequence[ArrayLike],
    potential: Potential | None = None,
    optimizer: OptimizerLike = "default",
    fmax: float = 0.05,
    energy_left: float | str | None = "auto",
    steps: int = 1000,
    *,
    constraints: Sequence[Any] = (),
    both_ways: bool = True,
    surrogate: Guide | None = "auto",
    check: str | None = None,
    on_point: Callable[[Point], object] | None = None,
    on_call: Callable[[Place, Counted], object] | None = None,
    max_calls: int | None = None,
    time_limit: float | None = None,
    budget: Budget | None = None,
) -> Scan:
    """Relax a molecule with one coordinate, or two, held at each of several values.

    Parameters
    ----------
    target : Molecule, ase.Atoms, rdkit.Chem.Mol, str or Path
        Stays as it is; as in `molopt.relax`. Constraints of atoms hold.
    coordinates : atoms, SMARTS, or two of these
        Two atoms are a bond, three an angle, four a dihedral, counted from 0; they need not be bonded. A SMARTS must
        match one coordinate; `[CH3:1][C:2]` matches more atoms than it means.
    values : list of float, or two of these
        Angstrom or degrees, rising or falling. 0 and 360 degrees of a dihedral are one point.
    potential, optimizer, fmax, energy_left, steps, surrogate
        As in `molopt.relax`.
    constraints : sequence of ASE constraints
        That hold besides, as from `molopt.constraints_of`.
    both_ways : bool
        Whether each point is started from all its neighbours, and the lowest end kept: see `Spreading`.
    check : str or None
        As in `molopt.relax`; by default no curvature is looked at: many points of a scan are saddles.
    on_point : callable, optional
        Called with the `Point` after each run.
    on_call : callable, optional
        Called after each force call, with the place on the grid and the `Counted` potential.
    max_calls : int, optional
        Force calls of the whole scan; where it would need more, it gives what it has.
    time_limit : float, optional
        Seconds after which the scan begins no further force call.
    budget : Budget, optional
        In place of these two, one that may also be asked to end.

    Returns
    -------
    Scan
        Points that failed are in it, with the reason.

    Raises
    ------
    InputError
        An argument cannot be used.

    Examples
    --------
    >>> found = scan("OO", "[H]OO[H]", [0, 60, 120, 180])
    >>> int(found.energies.argmin()), found.converged
    (2, True)
    """
    if budget is None:
        budget = Budget(max_calls, time_limit)
    axes = partial(axes_of, coordinates=coordinates, values=values)
    rest = (potential, optimizer, fmax, energy_left, steps)
    scanning = Scanning.of(
        target, axes, *rest, constraints=constraints, surrogate=surrogate, check=check, budget=budget, on_call=on_call
    )
    return scanning.go(both_ways, on_point)


class Scanning(NamedTuple):
    """A scan whose input has been checked, to be started once with `go`."""

    relaxing: Relaxing
    potential: str

    @classmethod
    def of(
        cls,
        target: Described,
        axes: Sequence[Axis] | Callable[[Chooser], Sequence[Axis]],
        potential: Potential | None = None,
        optimizer: OptimizerLike = "default",
        fmax: float = 0.05,
        energy_left: float | str | None = "auto",
        steps: int = 1000,
        *,
        constraints: Sequence[Any] = (),
        surrogate: Guide | None = "auto",
        check: str | None = None,
        budget: Budget | None = None,
        on_call: Callable[[Place, Counted], object] | None = None,
    ) -> Self:
        """As in `scan`; axes may be a function of what finds atoms in the molecule."""
        check_criteria(fmax, energy_left, steps)
        spec = OptimizerSpec.of(optimizer).guided_by(surrogate)
        atoms, molecule, calculator = system_of(target, potential)
        if molecule is None:
            raise InputError("a scan is of a molecule: these atoms are periodic, or no bonds are known")
        grid = Grid.of(axes(Chooser(molecule)) if callable(axes) else axes)
        atoms.set_constraint([*atoms.constraints, *constraints])
        prepare(atoms)
        criteria = Criteria(fmax, energy_left, int(steps), spec.checked_by(check))
        relaxing = Relaxing(molecule, atoms, grid, calculator, spec, criteria, budget or Budget(), on_call)
        relaxing.recipe  # noqa: B018  # an InputError, where constraints cannot be kept, before the first force call
        named = potential if isinstance(potential, str) else getattr(calculator, "name", type(calculator).__name__)
        return cls(relaxing, str(named))

    def go(self, both_ways: bool = True, on_point: Callable[[Point], object] | None = None) -> Scan:
        """All points, as far as the budget allows."""
        relaxing = self.relaxing
        spreading = Spreading(relaxing.grid, relaxing, relaxing.molecule.positions, on_point or (lambda point: None))
        relaxing.budget.begin()
        stopped = spreading.go(both_ways)
        points = spreading.points.values()
        return Scan(relaxing.molecule, relaxing.grid, points, self.potential, str(relaxing.spec), stopped)


def axes_of(
    chooser: Chooser, coordinates: Chosen | Sequence[Chosen], values: ArrayLike | Sequence[ArrayLike]
) -> list[Axis]:
    """The axes that the arguments of `scan` mean."""
    listed: Any = coordinates
    several: Any = values
    if isinstance(listed, str) or (len(listed) and not isinstance(listed[0], str | Sequence | np.ndarray)):
        listed, several = [listed], [several]
    if not isinstance(several, Sequence | np.ndarray):
        raise InputError(f"values must be a list of numbers for each coordinate, got {several!r}")
    if len(listed) != len(several):
        raise InputError(f"give values for each coordinate: there are {len(listed)} coordinates, {len(several)} lists")
    return [
        Axis.of(chooser.coordinate(chosen), each, chooser.first) for chosen, each in zip(listed, several, strict=True)
    ]
