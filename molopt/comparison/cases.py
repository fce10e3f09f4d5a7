"""Which runs a comparison consists of, and carrying them out."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from molopt.molecules import Molecule
from molopt.potentials import Counted
from molopt.relaxation import Run
from molopt.result import Result

DEFAULT_OPTIMIZERS = (
    "default",
    "adam/internal",
    "heavy-ball/internal",
    "adam",
    "momentum",
    "bfgs",
    "lbfgs",
    "fire",
)


class Case(NamedTuple):
    """One run of a comparison."""

    molecule: Molecule
    potential: str
    optimizer: str


def cases(
    molecules: Iterable[Molecule],
    potentials: Iterable[str] = ("mmff94",),
    optimizers: Iterable[str] = DEFAULT_OPTIMIZERS,
) -> Iterator[Case]:
    """All runs, molecule by molecule, then potential by potential; molecules are drawn when their turn comes.

    >>> water = Molecule.from_smiles("O", name="water")
    >>> [(case.potential, case.optimizer) for case in cases([water], ["mmff94", "uff"], ["adam"])]
    [('mmff94', 'adam'), ('uff', 'adam')]
    """
    potentials, optimizers = list(potentials), list(optimizers)
    for molecule in molecules:
        for potential in potentials:
            for optimizer in optimizers:
                yield Case(molecule, potential, optimizer)


def compare(
    cases: Iterable[Case],
    fmax: float = 0.05,
    energy_left: float | str | None = None,
    steps: int = 1000,
    *,
    trajectory: Callable[[Case], Path] | None = None,
    on_call: Callable[[Case, Counted], object] | None = None,
) -> Iterator[Result]:
    """Carry out the runs, one after the other; each gets a potential of its own, so that none starts warm.

    Parameters
    ----------
    cases : iterable of Case
    fmax, energy_left, steps
        Criteria and cap of all runs, as in `molopt.relax`; by default they stop on fmax alone, as ASE's optimizers do,
        and their results say what energy that left.
    trajectory : callable, optional
        Says where the trajectory of a case goes.
    on_call : callable, optional
        Called with the case and the `Counted` potential after each force call.

    Yields
    ------
    Result
        One for each case. A potential that fails, even at the first force call, is a result with an error.

    Raises
    ------
    InputError
        A case or the criterion cannot be used, when its turn comes.

    Examples
    --------
    >>> water = Molecule.from_smiles("O")
    >>> [result.converged for result in compare(cases([water], optimizers=["adam", "bfgs"]))]
    [True, True]
    """
    for case in cases:
        watching = on_call and watcher(on_call, case)
        run = Run(case.molecule, case.optimizer, case.potential, fmax, energy_left, steps, watching)
        run.go(trajectory=trajectory and trajectory(case))
        yield run.result()


def watcher(on_call: Callable[[Case, Counted], object], case: Case) -> Callable[[Counted], object]:
    return lambda counted: on_call(case, counted)
