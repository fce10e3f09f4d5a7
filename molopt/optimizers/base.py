"""A direction as an ASE optimizer, in Cartesian or internal coordinates."""

from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, TypedDict

from ase import Atoms
from ase.optimize.optimize import OptimizableAtoms

from molopt.control import StepControl
from molopt.convergence import Criterion
from molopt.directions import Checked, Direction
from molopt.errors import InputError
from molopt.molecules import Molecule
from molopt.optimizers.check_request import CheckRequest
from molopt.optimizers.checking import Checking
from molopt.optimizers.continuing import ContinuingOptimizer
from molopt.optimizers.coordinates import is_elastic, recipe_of
from molopt.optimizers.energy_left import recipe_of_estimate
from molopt.optimizers.internals import Recipe
from molopt.optimizers.meeting_constraints import prepare
from molopt.optimizers.restart import Restart
from molopt.optimizers.stopping import Stopping
from molopt.optimizers.surrogate import Surrogate
from molopt.optimizers.trajectory import mend
from molopt.optimizers.watched import WatchedAtoms

ASE_KEYWORDS = frozenset({"master", "comm", "loginterval"})


class Settings(TypedDict, total=False):
    """What every optimizer of molopt takes by keyword besides its own arguments: for type checkers."""

    model: str
    molecule: Molecule | None
    criteria: Criterion | Sequence[Criterion]
    check: str | CheckRequest | None
    master: bool | None
    comm: Any
    loginterval: int


class DirectionOptimizer(ContinuingOptimizer):
    """Joins coordinates, a direction and a control; base of all optimizers of molopt.

    Here it is built; `stepping` takes its steps, `converging` ends them, `continuing` keeps them on file.

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
        the molecule; "learned", those alone; "mmff94", "fischer-almlof", "lindh" or "constant"
        (docs/how/quasi_newton.md).
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

    def __init__(
        self,
        atoms: Any,
        restart: Any = None,
        logfile: IO[str] | str | Path | None = "-",
        trajectory: Any = None,
        append_trajectory: bool = False,
        maxstep: float | None = None,
        *,
        direction: Direction,
        control: StepControl[Any] | str,
        coordinates: str = "cartesian",
        stiffness: float = 1.0,
        model: str = "blend",
        surrogate: Any = None,
        molecule: Molecule | None = None,
        criteria: Criterion | Sequence[Criterion] = (),
        check: str | CheckRequest | None = None,
        **kwargs: Any,
    ) -> None:
        unknown = sorted(set(kwargs) - ASE_KEYWORDS)
        if unknown:
            raise TypeError(f"{type(self).__name__} got an unexpected keyword argument {unknown[0]!r}")
        self.silent = logfile is None
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
            self.optimizable = WatchedAtoms(atoms)
        self.restart = restart
        if found is not None:
            found.resume(self)

    def look(self, check: str | CheckRequest | None) -> None:
        """Look at the softest direction before a run is done, or not; before its first step."""
        self.checking = Checking.of(
            CheckRequest.of(check), self.recipe, self.sees, self.atoms, self.stopping, self.tell
        )
        if self.checking.possible:
            inner = self.direction.inner if isinstance(self.direction, Checked) else self.direction
            self.direction = self.checking.direction(inner)

    def recipe_of_estimate(self) -> Recipe:
        """That of the energy left, of the molecule that was perceived when the run began."""
        return recipe_of_estimate(self.recipe, self.atoms, self.molecule)

    @classmethod
    def default_control(cls, coordinates: str) -> StepControl[Any]:
        """The control that suits these coordinates."""
        raise TypeError(f"{cls.__name__} has no default control: give one")

    def guided(self, direction: Any, surrogate: Surrogate) -> Direction[Any, Any]:
        """The direction that a surrogate guides."""
        raise TypeError(f"{type(self).__name__} cannot be guided by a surrogate")

    def todict(self) -> dict[str, Any]:
        """What identifies this optimizer in a trajectory: ASE's entries, the direction, control and coordinates."""
        ours = {"direction": repr(self.direction), "control": repr(self.control), "coordinates": self.sees}
        return super().todict() | ours
