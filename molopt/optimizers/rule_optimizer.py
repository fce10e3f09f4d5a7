"""A rule as an ASE optimizer."""

from dataclasses import replace
from pathlib import Path
from typing import IO, Any, Unpack

from molopt.control import Control
from molopt.directions import RuleDirection
from molopt.optimizers.base import DirectionOptimizer, Settings
from molopt.optimizers.surrogate import Surrogate
from molopt.rules import Rule

INTERNAL_CONTROL = Control(maxstep=1.0, growth=1.1, creep=1.05, shrink=0.6)  # tuned: docs/notes/tuning.md
ELASTIC_CONTROL = replace(INTERNAL_CONTROL, maxstep=0.2)


class RuleSettings(Settings, total=False):
    """What an optimizer with a rule takes besides."""

    stiffness: float
    surrogate: Any


class RuleOptimizer(DirectionOptimizer):
    """Relaxes with an update rule; a drop-in replacement for the classes of ase.optimize.

    Parameters
    ----------
    atoms : ase.Atoms, filter, band or any other that ASE can optimize
        With a calculator.
    restart : str or Path, optional
        JSON file that is written after each step; the one before stays beside it, as NAME.before. If it exists, the run
        goes on from it, position included, and takes bit for bit the steps of an uninterrupted run (given forces that
        depend on the geometry alone). The atoms must be those of that run, where it began or where it was: the same
        script again, or the last frame of its trajectory.
    logfile : str, Path or file, optional
        "-" is standard output, the default; None is silence.
    trajectory : str, Path or Trajectory, optional
        Receives the geometry after each step.
    append_trajectory : bool
        Append to the trajectory instead of replacing it; an end that was lost is mended first.
    maxstep : float, optional
        Longest move of an atom in one step, Angstrom; default 0.2, in internals 1.0, and no cap at all with
        control=None.
    rule : Rule
        The update rule, e.g. `molopt.rules.Adam(lr=0.03)`.
    control : Control or None
        How much of a proposed step is taken; the default lets every rule settle. None is the textbook rule.
    coordinates : str
        What the rule sees: "cartesian"; "internal", for molecules only, where the gradient is the natural one, a step
        of -gradient is the Newton step of a model Hessian, and learning rates are near 1; "elastic", for surfaces and
        crystals, Cartesian with the natural gradient of springs between near atoms; "auto" is internal for molecules,
        elastic where that can be, and Cartesian for all else.
    master, comm, loginterval
        As in ASE.

    Raises
    ------
    TypeError
        A keyword that neither this class nor ASE knows.
    InputError
        Internal coordinates were asked for, and these are periodic atoms, a filter, a band, or under a constraint
        that internals cannot keep.
    ase.optimize.optimize.RestartError
        The restart file is of another run, of another version of molopt, or not one; the atoms stay as they are.
    PotentialFailed
        Energy or forces cannot be used: NaN, of a wrong shape (from `run`).
    Exploded
        The run no longer makes sense (`molopt.potentials.sense`); the atoms are back at its best geometry (from `run`).

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
        logfile: IO[str] | str | Path | None = "-",
        trajectory: Any = None,
        append_trajectory: bool = False,
        maxstep: float | None = None,
        *,
        rule: Rule,
        control: Control | str | None = "default",
        coordinates: str = "cartesian",
        **kwargs: Unpack[RuleSettings],
    ) -> None:
        self.rule = rule
        super().__init__(
            atoms,
            restart,
            logfile,
            trajectory,
            append_trajectory,
            maxstep,
            direction=RuleDirection(rule),
            control=Control.textbook() if control is None else control,
            coordinates=coordinates,
            **kwargs,
        )

    @classmethod
    def default_control(cls, coordinates: str) -> Control:
        """The control of a rule: internals need no small steps, and rules settle faster on a natural gradient."""
        return {"cartesian": Control(), "elastic": ELASTIC_CONTROL}.get(coordinates, INTERNAL_CONTROL)

    def guided(self, direction: RuleDirection, surrogate: Surrogate) -> RuleDirection:
        """The rule as it is, in a metric that the surrogate lends."""
        assert self.recipe is not None
        self.recipe = replace(self.recipe, surface=surrogate)
        return direction
