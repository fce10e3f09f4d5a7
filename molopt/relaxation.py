"""Relax a molecule: one function from a start geometry to a result."""

from collections.abc import Callable, Sequence
from typing import Any

from molopt.convergence import Criterion, wanted
from molopt.molecules.single import Described
from molopt.optimizers.spec import Guide, OptimizerLike, OptimizerSpec
from molopt.potentials import Counted
from molopt.potentials.budget import Budget
from molopt.potentials.progress import Progress
from molopt.result import Result
from molopt.run import Run
from molopt.system import Potential

__all__ = ["Result", "relax"]


def relax(
    target: Described,
    optimizer: OptimizerLike = "default",
    potential: Potential | None = None,
    fmax: float = 0.05,
    energy_left: float | str | None = "auto",
    steps: int = 1000,
    *,
    criteria: str | Sequence[Criterion] = (),
    coordinates: str | None = None,
    surrogate: Guide | None = "auto",
    check: str | None = "auto",
    constraints: Sequence[Any] = (),
    logfile: Any = None,
    trajectory: Any = None,
    on_call: Callable[[Counted], object] | None = None,
    max_calls: int | None = None,
    time_limit: float | None = None,
) -> Result:
    """Relax a copy of a molecule or of atoms.

    Parameters
    ----------
    target : Molecule, ase.Atoms, rdkit.Chem.Mol, str or Path
        Stays as it is. Constraints of atoms hold. A str or a path names one molecule, as `molopt.Molecule.of` takes it:
        a SMILES, a file, a shipped molecule.
    optimizer : str, Rule, callable or OptimizerSpec
        A name with arguments such as "adam/internal?lr=0.5" or "bfgs" (`molopt.optimizers.spec.OptimizerSpec.of`), a
        rule, or a class of ASE optimizers; by default the best one. What a name says of the surrogate or the check
        holds against the default of `surrogate` or `check`; any other value of these that differs is an error.
    potential : str or ASE calculator, optional
        A name (`molopt.potential`) or a calculator; by default the atoms' own, and MMFF94 for a Molecule.
    fmax : float
        Converged when no force on an atom is longer, eV/A; the default is ASE's.
    energy_left : float, "auto" or None
        And when the energy above the floor of the basin, as `molopt.energy_left` estimates it, is at most so many eV;
        "auto" is the larger of 1 meV and 0.02 meV an atom, None asks for fmax alone. Where noise in the forces leaves
        more than that, a run that has come down to the noise is converged too, and says so. Energy left is not known
        of periodic atoms: there "auto" is None, with a line in the log, and a number is an error.
    steps : int
        Largest number of optimizer steps.
    criteria : str or sequence of Criterion
        Further criteria, as `molopt.Gaussian("tight")`; or all of them by name, in place of `fmax` and `energy_left`:
        "gaussian:tight", "geometric:GAU" or "fmax=0.02,left=0.001" (`molopt.convergence.wanted`).
    coordinates : str, optional
        "internal", "elastic" or "cartesian", for an optimizer of molopt whose name does not say it.
    surrogate : str, ASE calculator or None
        A cheap potential of the same molecule that guides optimizers of molopt in internal coordinates: a name
        (`molopt.potential`) or a calculator. "auto" is none on a force field, and MMFF94s elsewhere if it has
        parameters for the molecule. In Cartesians there is none. Its calls are not force calls, unless it is of the
        same program as the potential. A bad one costs a few force calls, never the result.
    check : str or None
        Whether the run is done before its softest direction has been looked at. "auto": it looks, on its last steps,
        and leaves the ridges that it finds; "report": it names a saddle and stays there; None: it does not look.
        "auto?calls=12&pushes=5" has other limits than 8 force calls a check and 3 pushes a run. Where a run is not in
        internal coordinates, or its optimizer is not one of molopt, its end is "unchecked".
    constraints : sequence of ASE constraints
        That hold besides those of the atoms, as from `molopt.constraints_of`.
    logfile, trajectory
        As in ASE; silent and not written by default.
    on_call : callable, optional
        Called with the `Counted` potential after each force call; its time is not counted.
    max_calls : int, optional
        Force calls that the run may make; where it would need more, it has stopped.
    time_limit : float, optional
        Seconds after which the run begins no further force call; one that it has begun is finished.

    Returns
    -------
    Result
        Of a run that did not converge, for whatever reason, with the lowest geometry that made sense.

    Raises
    ------
    InputError
        An argument cannot be used, or atoms have no calculator and none is given.
    PotentialFailed
        The first force call failed. Where a later one fails, or the run no longer makes sense
        (`molopt.potentials.sense`), the result has the lowest geometry before and `error`.

    Examples
    --------
    >>> result = relax("CCO")
    >>> result.converged, result.bonds_kept, result.potential, float(result.energy_left) < 0.001
    (True, True, 'mmff94', True)
    >>> result.force_calls == len(result.trace) == result.steps + 1
    True
    """
    spec = OptimizerSpec.of(optimizer, coordinates).guided_by(surrogate)
    budget, progress = Budget(max_calls, time_limit), Progress()
    further: Sequence[Criterion] = () if isinstance(criteria, str) else criteria
    if isinstance(criteria, str):
        fmax, energy_left, further = wanted(criteria, fmax, energy_left)
    terms = (fmax, energy_left, steps, on_call, spec.checked_by(check), budget, progress)
    run = Run(target, spec, potential, *terms, criteria=further, constraints=constraints)
    run.go(logfile, trajectory)
    if run.failure is not None and not run.counted.trace:
        raise run.failure
    return run.result()
