"""What is done with geometries that are to be checked, wherever it is done."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from molopt.checked.check import Check
from molopt.checked.request import Request
from molopt.checking import check
from molopt.errors import InputError, PotentialFailed
from molopt.library.archive import Found
from molopt.library.library import Task, found
from molopt.library.noting import Noting
from molopt.molecules import Molecule
from molopt.optimizers.first_use import ready
from molopt.optimizers.spec import OptimizerSpec


@dataclass
class Looking:
    """What workers do with tasks.

    Attributes
    ----------
    request : Request
    time_limit : float or None
        Seconds after which a check begins no further force call.
    """

    request: Request
    time_limit: float | None = None

    def __reduce__(self) -> tuple[Callable[..., "Looking"], tuple[object, ...]]:
        return in_worker, (self.request, self.time_limit)

    def __call__(self, tasks: list[Task]) -> list[Found[Check]]:
        """What became of them; an error that is not of a geometry goes to the caller."""
        return [self.alone(task) for task in tasks]

    def alone(self, task: Task) -> Found[Check]:
        with Noting() as noting:
            molecule: Molecule | None = None
            try:
                molecule = self.request.read(task.entry)
                one = self.at(task, molecule)
            except InputError as error:
                one = found(task, molecule, None, error.message)
        return replace(one, notes=tuple(noting.told))

    def at(self, task: Task, molecule: Molecule, workers: int = 1) -> Found[Check]:
        """What a geometry is, the force calls of its frequencies divided among `workers` processes.

        InputError where it cannot be checked.
        """
        request = self.request
        try:
            value = check(
                molecule,
                request.potential,
                request.frequencies,
                fmax=request.fmax,
                temperature=request.temperature,
                pressure=request.pressure,
                symmetry_number=request.symmetry_number,
                even_if_not_a_minimum=request.even_if_not_a_minimum,
                displacement=request.displacement,
                workers=workers,
                time_limit=self.time_limit,
            )
        except (PotentialFailed, TimeoutError) as error:
            return found(task, molecule, None, str(error))
        return found(task, molecule, value)


def in_worker(request: Request, time_limit: float | None) -> Looking:
    """What a worker process unpickles, with all that the first check would load: that counts to no time limit."""
    ready(OptimizerSpec.of("default"), "auto")
    return Looking(request, time_limit)
