"""A rule as an ASE optimizer."""

from dataclasses import replace
from typing import IO, Any

import numpy as np
from ase import Atoms
from ase.optimize.optimize import Optimizer

from molopt.control import Control, Memory, Point, advance
from molopt.coordinates import Cartesian
from molopt.errors import PotentialFailed
from molopt.optimizers.restart import read_restart, restart_data
from molopt.rules import Rule

ASE_KEYWORDS = frozenset({"master", "comm", "loginterval"})


class RuleOptimizer(Optimizer):
    """Relaxes with an update rule; a drop-in replacement for the classes of ase.optimize.

    Parameters
    ----------
    atoms : ase.Atoms, filter, band or any other that ASE can optimize
        With a calculator.
    restart : str or Path, optional
        JSON file that is written after each step. If it exists, the run goes on from it, position included, and takes
        bit for bit the steps of an uninterrupted run (given forces that depend on the geometry alone).
    logfile : str, Path or file, optional
        "-" is standard output, the default; None is silence.
    trajectory : str, Path or Trajectory, optional
        Receives the geometry after each step.
    append_trajectory : bool
        Append to the trajectory instead of replacing it.
    maxstep : float, optional
        Longest move of an atom in one step, Angstrom; default 0.2, and no cap at all with control=None.
    rule : Rule
        The update rule, e.g. `molopt.rules.Adam(lr=0.03)`.
    control : Control or None
        How much of a proposed step is taken; the default lets every rule settle. None is the textbook rule.
    master, comm, loginterval
        As in ASE.

    Raises
    ------
    TypeError
        A keyword that neither this class nor ASE knows.
    PotentialFailed
        The forces became NaN or infinite (from `run`).

    Examples
    --------
    >>> from ase.build import molecule
    >>> from ase.calculators.emt import EMT
    >>> from molopt.rules import HeavyBall
    >>> atoms = molecule("H2O", calculator=EMT())
    >>> RuleOptimizer(atoms, rule=HeavyBall(lr=0.01), logfile=None).run(fmax=0.01)
    True
    """

    def __init__(
        self,
        atoms: Any,
        restart: Any = None,
        logfile: IO | Any = "-",
        trajectory: Any = None,
        append_trajectory: bool = False,
        maxstep: float | None = None,
        *,
        rule: Rule,
        control: Control | None = Control(),
        **kwargs: Any,
    ) -> None:
        unknown = sorted(set(kwargs) - ASE_KEYWORDS)
        if unknown:
            raise TypeError(f"{type(self).__name__} got an unexpected keyword argument {unknown[0]!r}")
        if control is None:
            control = Control.textbook()
        elif maxstep is None:
            maxstep = control.maxstep
        self.rule = rule
        self.control = control if maxstep is None else replace(control, maxstep=maxstep)
        self.maxstep = self.control.maxstep
        super().__init__(atoms, restart, logfile, trajectory, append_trajectory, **kwargs)

    def initialize(self) -> None:
        """Forget everything: the next step is a first step."""
        self.memory: Memory | None = None
        self.expected: np.ndarray | None = None  # (N,) where the last step led to

    def step(self) -> None:
        """One step of the rule from the current geometry; its forces are computed if they are not known yet."""
        self.optimizable.set_x(self.absorb(self.optimizable.get_x(), self.optimizable.get_gradient()))
        self.expected = self.optimizable.get_x()
        if self.restart is not None:
            self.dump(restart_data(self))

    def absorb(self, x: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        """Learn the gradient (N,) at x (N,), and say which point (N,) to go to."""
        if not np.isfinite(gradient).all():
            entry = int(np.argmin(np.isfinite(gradient)))
            where = f"atom {entry // 3}" if isinstance(self.atoms, Atoms) else f"entry {entry}"
            raise PotentialFailed(f"forces are not finite at step {self.nsteps}, first at {where}, counted from 0")
        here = Point(x, gradient)
        if self.memory is None:
            self.coordinates = Cartesian.of(x.size)
        elif self.expected is not None and not np.array_equal(x, self.expected):
            self.memory = self.memory._replace(point=here)  # moved from outside: there is no step of ours to judge
        target, self.memory = advance(self.rule, self.control, self.coordinates, here, self.memory)
        return target

    def gradient_converged(self, gradient: np.ndarray) -> bool:
        """Whether the run may stop here: ASE's test of fmax."""
        return bool(super().gradient_converged(gradient))

    def todict(self) -> dict[str, Any]:
        """What identifies this optimizer in a trajectory: ASE's entries, the rule and the control."""
        return super().todict() | {"rule": repr(self.rule), "control": repr(self.control)}

    def read(self) -> None:
        """Go on from the restart file: memory and position."""
        self.initialize()
        read_restart(self)

    def _replay_trajectory(self, images: Any) -> None:
        """Learn from the steps of an earlier run, as if they had been ours."""
        self.initialize()
        for image in images:
            optimizable = image.__ase_optimizable__()
            self.absorb(optimizable.get_x(), optimizable.get_gradient())
