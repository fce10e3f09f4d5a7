"""One watched run: from a start geometry to a result."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from molopt.convergence import Criterion, Fmax
from molopt.ending import Ending, Start, word_of_end
from molopt.errors import PotentialFailed, RunStopped
from molopt.molecules.electrons import name_of
from molopt.molecules.single import Described
from molopt.optimizers.base import DirectionOptimizer
from molopt.optimizers.check_request import CheckRequest
from molopt.optimizers.energy_left import recipe_for
from molopt.optimizers.first_use import ready
from molopt.optimizers.meeting_constraints import meet, prepare
from molopt.optimizers.spec import OptimizerSpec
from molopt.optimizers.stopping import Stopping, asking, check_criteria, criteria_for
from molopt.optimizers.trajectory import Frames
from molopt.potentials import Counted
from molopt.potentials.budget import Budget
from molopt.potentials.progress import Progress
from molopt.potentials.sense import Sense
from molopt.result import Result
from molopt.signs import stage
from molopt.stationary.curvature import Curvature
from molopt.stopwatch import Stopwatch
from molopt.system import Potential, surrogate_for, system_of

STOPPING = (RuntimeError, ArithmeticError, np.linalg.LinAlgError)  # how potentials and line searches fail


class Run:
    """A run whose input has been checked, to be started once with `go`; `result` is then what it gave.

    Where even the first force call fails, `result` still is one, with that as its error. Parameters, and InputError,
    as in `relax`, and

    spec : OptimizerSpec
        The optimizer, its surrogate included.
    check : CheckRequest, optional
        By default what `spec` says.

    budget : Budget, optional
        Asked before each force call.
    progress : Progress, optional
        Ends the run of an optimizer of molopt that has stalled; other optimizers run as they do elsewhere.
    criteria : sequence of Criterion
        Further ones, of `molopt.convergence`.
    constraints : sequence of ASE constraints
        That hold besides those of the atoms.
    """

    def __init__(
        self,
        target: Described,
        spec: OptimizerSpec,
        potential: Potential | None = None,
        fmax: float = 0.05,
        energy_left: float | str | None = "auto",
        steps: int = 1000,
        on_call: Callable[[Counted], object] | None = None,
        check: CheckRequest | None = None,
        budget: Budget | None = None,
        progress: Progress | None = None,
        criteria: Sequence[Criterion] = (),
        constraints: Sequence[Any] = (),
    ) -> None:
        check_criteria(fmax, energy_left, steps)
        self.fmax, self.steps = fmax, int(steps)
        self.check = spec.check if check is None else check
        self.atoms, self.molecule, calculator = system_of(target, potential)
        self.atoms.set_constraint(
            [*self.atoms.constraints, *deepcopy(list(constraints))]
        )  # ASE's keep a state of a run
        prepare(self.atoms)  # an InputError before the first force call
        ready(spec, energy_left)
        self.watching = Stopwatch()
        self.sense, self.budget, self.progress = Sense(), budget or Budget(), progress
        self.counted = Counted(calculator, on_call and self.watching.timed(on_call), self.sense, self.budget)
        self.potential = potential if isinstance(potential, str) else self.counted._get_name()
        self.atoms.calc = self.counted
        self.criteria = criteria_for(energy_left, self.atoms, partial(recipe_for, self.atoms, self.molecule))
        self.criteria += criteria
        start = time.perf_counter()
        with nullcontext() if spec.surrogate in (None, "auto") else stage("guiding", self.name, len(self.atoms)):
            self.surrogate = surrogate_for(spec.surrogate, self.counted, self.atoms, self.molecule)
        unused = self.surrogate is None and not isinstance(spec.surrogate, str)
        self.spec = replace(spec, surrogate=None) if unused else spec
        self.surrogate_setup = time.perf_counter() - start
        self.relaxing: Any = None  # the optimizer, once it has begun
        self.stopping: Stopping | None = None
        self.failure: Exception | None = None
        self.stopped: RunStopped | None = None
        self.taken = 0
        self.seconds = 0.0

    @property
    def name(self) -> str:
        """Of the molecule, or of the atoms where there is none."""
        return name_of(self.atoms) if self.molecule is None else self.molecule.name

    def go(self, logfile: Any = None, trajectory: Any = None) -> None:
        """Run to convergence, to the last step, to the end of a budget, or to a failure of the potential."""
        start = time.perf_counter()
        self.budget.begin()
        with stage("relaxing", self.name, len(self.atoms)):
            self.carry_out(logfile, trajectory)
        self.seconds = time.perf_counter() - start - self.watching.seconds

    def carry_out(self, logfile: Any, trajectory: Any) -> None:
        """As `go`, but for its time."""
        try:
            self.atoms.get_forces(apply_constraint=False)  # known to the optimizer; where they fail, no file is begun
            with self.opened(trajectory) as frames:
                made = self.spec.make(self.atoms, logfile, frames, molecule=self.molecule, surrogate=self.surrogate)
                self.follow(made)
            if self.stopped is None:
                self.sense.over()
                if self.arrived:
                    self.sense.arrived()
                elif self.failure is None and self.progress is not None:
                    self.stopped = self.progress.over()
        except PotentialFailed as error:
            self.failure = error
        except RunStopped as error:
            self.stopped = error
        self.stopped = self.stopped or self.budget.stopped  # whatever the optimizer made of that
        if self.failure is not None and (why := self.budget.asked()):  # a program that got the same Ctrl-C
            self.stopped = RunStopped("stopped", why)

    def follow(self, optimizer: Any) -> None:
        self.relaxing = optimizer
        if isinstance(optimizer, DirectionOptimizer):  # it goes to where constraints hold by itself
            self.stopping = optimizer.stopping
            optimizer.molecule = self.molecule
            self.stopping.add(self.criteria)
            optimizer.look(self.check)
            if self.progress is not None:
                self.progress.watch(optimizer, self.sense)
        else:
            if meet(self.atoms, None):
                self.sense.anew()
            self.stopping = Stopping(self.criteria, partial(recipe_for, self.atoms, self.molecule))
            optimizer.gradient_converged = asking(self.stopping, optimizer, optimizer.gradient_converged)
        try:
            optimizer.run(fmax=self.fmax, steps=self.steps)
        except RunStopped as error:
            self.stopped = error
        except STOPPING as error:
            self.failure = error
        except ValueError as error:
            if "adjust_positions did not converge" not in str(error):
                raise
            self.failure = error  # how ASE says that FixInternals cannot be kept
        self.taken = int(optimizer.nsteps)

    @contextmanager
    def opened(self, trajectory: Any) -> Iterator[Any]:
        """The trajectory, kept open: ASE would open it again for each frame."""
        if not isinstance(trajectory, (str, Path)):
            yield trajectory
            return
        with Frames(str(trajectory), "w") as frames:
            frames.write = self.watching.timed(self.apart(frames.write))
            yield frames

    def apart(self, write: Callable[..., Any]) -> Callable[..., Any]:
        """The function, without the seconds that a question to the potential, as for a dipole, would add to the run."""

        def call(*args: Any, **kwargs: Any) -> Any:
            inside = self.counted.seconds
            try:
                return write(*args, **kwargs)
            finally:
                self.counted.seconds = inside

        return call

    def result(self) -> Result:
        counted, surrogate = self.counted, self.surrogate
        last = self.atoms.copy() if counted.atoms is None else counted.atoms.copy()
        start, name = last.positions, name_of(last)
        if self.molecule is not None:
            start, name = self.molecule.positions, self.molecule.name
        ending = Ending(
            start=Start(self.molecule, last, start, name),
            end=self.sense.outcome(self.arrived),
            ended=self.ended(),
            met=self.ended() == "converged" or self.interrupted,
            curvature=self.curvature,
            unlooked=f"{self.spec.label} does not look at curvature" if self.check.kind else "",
            stopping=None if self.sense.exploded else self.stopping,
            error=self.explained(),
        )
        return Result(
            atoms=ending.atoms,
            molecule=ending.molecule,
            name=name,
            potential=self.potential,
            optimizer=str(self.spec),
            criteria=(Fmax(self.fmax), *self.criteria),
            verdict=ending.verdict,
            curvature=ending.curvature,
            at_noise_floor=self.arrived and self.stopping is not None and self.stopping.at_noise_floor,
            energy=ending.energy,
            fmax=ending.fmax,
            energy_left=ending.energy_left,
            force_calls=counted.force_calls,
            steps=self.taken,
            seconds=self.seconds,
            optimizer_seconds=self.seconds - counted.seconds - (surrogate.seconds if surrogate else 0.0),
            surrogate=surrogate.name if surrogate else None,
            surrogate_calls=surrogate.calls if surrogate else 0,
            surrogate_seconds=surrogate.seconds if surrogate else 0.0,
            surrogate_setup_seconds=self.surrogate_setup,
            trace=counted.trace,
            bonds_kept=ending.became.bonds_kept,
            stereo_kept=ending.became.stereo_kept,
            error=ending.error,
        )

    def ended(self) -> str:
        """A word of `molopt.stationary.verdict.ENDED`."""
        stopped = "" if self.stopped is None else self.stopped.ended
        failed = self.failure is not None or self.stopping is None
        met = self.interrupted or (self.stopping is not None and self.stopping.met)
        return word_of_end(bool(self.sense.exploded), stopped, failed, met, self.left_on_saddle)

    @property
    def curvature(self) -> Curvature | None:
        """What the optimizer's check found at the end."""
        return getattr(self.relaxing, "curvature", None)

    @property
    def arrived(self) -> bool:
        """Whether the run ended at a geometry that met its criteria, which then is its result."""
        over = self.failure is None and self.stopped is None and not self.sense.exploded
        return self.interrupted or (over and self.stopping is not None and self.stopping.met)

    @property
    def interrupted(self) -> bool:
        """Whether the run ended while it was checked: its end met the criteria, and more is not known."""
        return isinstance(self.relaxing, DirectionOptimizer) and self.relaxing.checking.interrupted

    @property
    def left_on_saddle(self) -> bool:
        """Whether a saddle remains that the run was to leave."""
        return self.check.kind == "auto" and self.curvature is not None and self.curvature.stationary == "saddle"

    def explained(self) -> str | None:
        """Why the run stopped before its end, in one line, with its step."""
        reason = self.failure if self.stopped is None else self.stopped
        if reason is None and not self.sense.exploded:
            return None
        said = self.sense.exploded or " ".join(str(reason).split()) or type(reason).__name__
        return f"stopped at step {self.taken}: {said}"
