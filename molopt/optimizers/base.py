"""A direction as an ASE optimizer, in Cartesian or internal coordinates."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import IO, Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import CalculationFailed
from ase.optimize.optimize import DEFAULT_MAX_STEPS as STEPS
from ase.optimize.optimize import OptimizableAtoms, Optimizer

from molopt.control import StepControl
from molopt.control.drive import Arrival, Memory, Point, arrive, depart
from molopt.coordinates import Cartesian, Internal
from molopt.coordinates.base import Coordinates
from molopt.coordinates.elastic import Elastic
from molopt.coordinates.member import Member
from molopt.directions import Checked, Direction
from molopt.errors import Exploded, InputError, PotentialFailed
from molopt.molecules import Molecule
from molopt.optimizers import registry
from molopt.optimizers.bodies import body_of, is_extended, is_metal
from molopt.optimizers.check_request import CheckRequest
from molopt.optimizers.checking import Checking
from molopt.optimizers.energy_left import Estimate, recipe_for
from molopt.optimizers.hessian_models import MODEL_NAMES
from molopt.optimizers.internals import Recipe
from molopt.optimizers.meeting import FAILURES, holds, kept, meet, prepare
from molopt.optimizers.rebuilding import outdated, rebuilt
from molopt.optimizers.restart import Beginning, Restart, restart_data, write_restart
from molopt.optimizers.stopping import Stopping
from molopt.optimizers.surrogate import Surrogate
from molopt.optimizers.trajectory import Frames, ends_at, mend
from molopt.optimizers.watched import Remembered, WatchedAtoms
from molopt.spelling import offer
from molopt.stationary.curvature import Curvature

log = logging.getLogger("molopt")

ASE_KEYWORDS = frozenset({"master", "comm", "loginterval"})
SHORTER = (1 / 4, 1 / 16, 1 / 64)  # of a step to where the potential fails
COORDINATES = (*registry.COORDINATES, "auto")


class DirectionOptimizer(Optimizer):
    """Joins coordinates, a direction and a control; base of all optimizers of molopt.

    Parameters
    ----------
    atoms, restart, logfile, trajectory, append_trajectory, maxstep, master, comm, loginterval
        As in `RuleOptimizer`.
    direction : Direction
        What proposes steps.
    control : Control, Trust or "default"
        How much of a proposal is taken; the default is that of the class for these coordinates.
    coordinates : str
        "cartesian"; "elastic", Cartesian with springs between near atoms as the model Hessian; "internal"; or "auto":
        internal for molecules, and with a line in the log elastic for surfaces, crystals, cells and clusters of metals,
        Cartesian for anything else.
    stiffness : float
        The model Hessian in Cartesians, eV/A^2.
    model : str
        The model Hessian in internals: "blend", the learned springs in a mean with MMFF94's constants where RDKit types
        the molecule; "learned", those alone; "mmff94", "fischer-almlof", "lindh" or "constant" (docs/quasi_newton.md).
    surrogate : ASE calculator, optional
        A cheap potential of the same atoms, such as `molopt.potential("mmff94s", molecule)`, that guides the run in
        internal coordinates; in Cartesians it is not used.
    molecule : Molecule, optional
        What the atoms are, for internal coordinates; by default that is perceived once, as `Molecule.from_atoms` does:
        from `atoms.info` where a Molecule wrote it, else by RDKit at the charge that the calculator knows.
    criteria : Criterion or sequence of them
        What must hold besides the fmax of `run` before it stops, e.g. `molopt.EnergyLeft(0.001)`, `molopt.Gaussian()`
        or `molopt.GeomeTRIC("GAU_TIGHT")`. With `run(fmax=math.inf)` they alone decide.
    check : str or None
        "auto": a run in internal coordinates is not done until its softest direction has been looked at, and leaves the
        ridges that it finds (`molopt.directions.Checked`); "report": it names them and stays; None: it does not look.
        "auto?calls=12&pushes=5" has other limits than 8 force calls a check and 3 pushes a run.
    """

    logfile: Any

    def __init__(
        self,
        atoms: Any,
        restart: Any = None,
        logfile: IO | Any = "-",
        trajectory: Any = None,
        append_trajectory: bool = False,
        maxstep: float | None = None,
        *,
        direction: Direction,
        control: Any,
        coordinates: str = "cartesian",
        stiffness: float = 1.0,
        model: str = "blend",
        surrogate: Any = None,
        molecule: Molecule | None = None,
        criteria: Any = (),
        check: str | CheckRequest | None = None,
        **kwargs: Any,
    ) -> None:
        unknown = sorted(set(kwargs) - ASE_KEYWORDS)
        if unknown:
            raise TypeError(f"{type(self).__name__} got an unexpected keyword argument {unknown[0]!r}")
        self.direction = direction
        self.stiffness = stiffness
        self.model = model
        self.molecule = molecule
        self.recipe = recipe_of(atoms, coordinates, model, molecule)
        self.elastic = self.recipe is None and is_elastic(atoms, coordinates)
        self.surrogate = None
        if surrogate is not None and self.recipe is not None:
            self.surrogate = surrogate if isinstance(surrogate, Surrogate) else Surrogate(surrogate, atoms)
            self.direction = self.guided(direction, self.surrogate)
        if isinstance(control, str) and control == "default":
            control = self.default_control(self.sees)
        if not isinstance(control, StepControl):
            raise InputError(f'control must be "default", a molopt.Control or a molopt.control.Trust, got {control!r}')
        self.control = control if maxstep is None else control.with_maxstep(maxstep)
        self.maxstep = self.control.maxstep
        if isinstance(atoms, Atoms):
            prepare(atoms)
        self.atoms = atoms
        self.stopping = Stopping(criteria, self.recipe_of_estimate, self.tell)
        self.look(check)
        found = None if restart is None else Restart.of(self, restart)  # before ASE overwrites the trajectory
        if append_trajectory and isinstance(trajectory, str | Path):
            mend(Path(trajectory))
        super().__init__(atoms, None, logfile, trajectory, append_trajectory, **kwargs)
        if type(self.optimizable) is OptimizableAtoms:
            self.optimizable: Any = WatchedAtoms(atoms)
        self.restart = restart
        if found is not None:
            found.resume(self)

    def look(self, check: Any) -> None:
        """Look at the softest direction before a run is done, or not; before its first step."""
        self.checking = Checking.of(
            CheckRequest.of(check), self.recipe, self.sees, self.atoms, self.stopping, self.tell
        )
        if self.checking.possible:
            inner = self.direction.inner if isinstance(self.direction, Checked) else self.direction
            self.direction = self.checking.direction(inner)
        elif self.checking.asked.kind:
            log.info("the curvature of the end is not checked: %s", self.checking.why_not)

    def recipe_of_estimate(self) -> Recipe:
        """That of the energy left, of the molecule that was perceived when the run began."""
        if self.recipe is not None and self.recipe.model.name == "blend" and self.recipe.held.movable.any():
            return replace(self.recipe, surface=None)
        return recipe_for(self.atoms, self.molecule if self.recipe is None else self.recipe.molecule)

    def tell(self, said: str) -> None:
        """Write a line of the run to the log of molopt."""
        log.info("step %d: %s", self.nsteps, said)

    @classmethod
    def default_control(cls, coordinates: str) -> Any:
        """The control that suits these coordinates."""
        raise TypeError(f"{cls.__name__} has no default control: give one")

    def guided(self, direction: Any, surrogate: Surrogate) -> Direction[Any, Any]:
        """The direction that a surrogate guides."""
        raise TypeError(f"{type(self).__name__} cannot be guided by a surrogate")

    def initialize(self) -> None:
        """Forget everything: the next step is a first step."""
        self.memory: Memory | None = None
        self.coordinates: Coordinates[Any] | None = None
        self.expected: np.ndarray | None = None  # (N,) where the last step led to
        self.beginning: Beginning | None = None  # known where there is a restart file
        self.arrival: tuple[np.ndarray, Arrival] | None = None  # at the last geometry (N,), if it was looked at

    def step(self) -> None:
        """One step from the current geometry; its forces are computed if they are not known yet."""
        if self.restart is not None and self.beginning is None:
            self.beginning = Beginning.of(self)
        if self.memory is None and self.meets_constraints():
            return
        self.go(self.absorb(self.optimizable.get_x(), self.optimizable.get_gradient()))
        self.expected = self.optimizable.get_x()
        if self.restart is not None:
            self.dump(restart_data(self))

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

    def irun(self, fmax: float = 0.05, steps: int = STEPS) -> Iterator[bool]:  # type: ignore[override]
        """As in ASE, and as `run`."""
        try:
            yield from super().irun(fmax, steps)
        finally:
            self.go_back(self.checking.stopped())

    def log(self, gradient: np.ndarray) -> None:
        """ASE's line, with a word behind it where the step carried a probe, or was one of the check."""
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

    def todict(self) -> dict[str, Any]:
        """What identifies this optimizer in a trajectory: ASE's entries, the direction, control and coordinates."""
        ours = {"direction": repr(self.direction), "control": repr(self.control), "coordinates": self.sees}
        return super().todict() | ours

    @property
    def sees(self) -> str:
        """The coordinates in use: "cartesian", "elastic" or "internal"."""
        if self.recipe is not None:
            return "internal"
        return "elastic" if self.elastic else "cartesian"

    def read(self) -> None:
        """Go on from the restart file: memory and position."""
        found = None if self.restart is None else Restart.of(self, self.restart)
        if found is not None:
            found.resume(self)

    def dump(self, data: dict[str, Any]) -> None:
        """Write the restart file so that a kill at any moment leaves a whole one."""
        if self.comm.rank == 0 and self.restart is not None:
            write_restart(Path(self.restart), data)

    @contextmanager
    def _opentraj(self) -> Iterator[Any]:
        """The trajectory, open for one frame or band."""
        if hasattr(self._orig_trajectory, "write"):
            yield self._orig_trajectory
            return
        with Frames(self._orig_trajectory, "a", master=self._master, comm=self.comm) as frames:
            yield frames

    def _traj_is_empty(self) -> bool:
        """Whether the present geometry is still to be written: to a new trajectory, or because a kill came before."""
        return super()._traj_is_empty() or not (self.memory is None or ends_at(self._orig_trajectory, self.atoms))

    def _replay_trajectory(self, images: Any) -> None:
        """Learn from the steps of an earlier run, as if they had been ours."""
        self.initialize()
        for image in images:
            optimizable = image.__ase_optimizable__()
            self.absorb(optimizable.get_x(), optimizable.get_gradient())


def recipe_of(atoms: Any, coordinates: str, model: str, molecule: Molecule | None = None) -> Recipe | None:
    """How internal coordinates are built; None where the run is Cartesian."""
    if coordinates not in COORDINATES:
        raise InputError(f"coordinates must be one of {', '.join(COORDINATES)}, got {coordinates!r}")
    if model not in MODEL_NAMES:
        raise InputError(f"{model!r} is not a model Hessian{offer(model, MODEL_NAMES)}")
    if coordinates in ("cartesian", "elastic"):
        return None
    if coordinates == "auto" and is_metal(atoms):
        log.info("a cluster of metals is elastic, not internal: its bonds are too many to be coordinates")
        return None
    if coordinates == "auto" and is_extended(atoms):
        log.info("periodic atoms and cells are elastic, not internal: internal coordinates are for molecules")
        return None
    try:
        return Recipe.of(atoms, model, molecule)
    except InputError as error:
        if coordinates == "internal":
            raise
        log.warning("Cartesian coordinates are used: %s", error)
        return None


def is_elastic(atoms: Any, coordinates: str) -> bool:
    """Whether there are springs between near atoms in a run that is not internal."""
    if coordinates == "cartesian":
        return False
    found = body_of(atoms) is not None
    if not found and coordinates == "elastic":
        raise InputError(
            "elastic coordinates are for atoms and cell filters, without constraints but FixAtoms and FixCartesian: "
            f'for this {type(atoms).__name__} use coordinates="cartesian"'
        )
    return found
