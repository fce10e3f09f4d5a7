"""What is done with molecules that are to be relaxed, wherever it is done."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from molopt.batch.relaxing import Batch, relax_batch
from molopt.batch.results import NOT_BEGUN
from molopt.constraining.text import constraints
from molopt.errors import InputError
from molopt.library.archive import Found
from molopt.library.library import Task, found
from molopt.library.noting import Noting
from molopt.molecules import Molecule
from molopt.optimizers.first_use import ready
from molopt.potentials.budget import Budget
from molopt.potentials.progress import Progress
from molopt.relaxed.relaxation import Relaxation
from molopt.relaxed.request import Request
from molopt.result import Result
from molopt.run import Run
from molopt.signs import Counter, stage

UNNAMED = "{place:06d}.part"  # the steps of a molecule, until names are told apart


@dataclass
class Relaxing:
    """What workers do with tasks.

    Attributes
    ----------
    request : Request
    time_limit : float or None
        Seconds after which a run begins no further force call.
    detailed : bool
        Whether all that is known of each is told.
    trajectories : Path or None
        The folder of their steps.
    """

    request: Request
    time_limit: float | None = None
    detailed: bool = False
    trajectories: Path | None = None

    def __reduce__(self) -> tuple[Callable[..., "Relaxing"], tuple[object, ...]]:
        return in_worker, (self.request, self.time_limit, self.detailed, self.trajectories)

    def __call__(self, tasks: list[Task]) -> list[Found[Relaxation]]:
        """What became of them; an error that is not of a molecule goes to the caller."""
        if len(tasks) == 1 or not self.request.batched:
            return [self.alone(task) for task in tasks]
        done: list[Found[Relaxation]] = []
        read: list[tuple[Task, Molecule]] = []
        notes: dict[int, tuple[str, ...]] = {}
        for task in tasks:
            with Noting() as noting:
                try:
                    read.append((task, self.request.read(task.entry)))
                except InputError as error:
                    done.append(found(task, None, None, error.message))
            notes[task.place] = tuple(noting.told)
        return [replace(one, notes=notes[one.place]) for one in (*done, *self.together(read))]

    def together(self, read: list[tuple[Task, Molecule]]) -> list[Found[Relaxation]]:
        with stage("relaxing", f"{len(read)} molecules together", of=len(read)):
            return [self.became(*read[result.number], result) for result in self.batch(read)]

    def batch(self, read: list[tuple[Task, Molecule]]) -> Batch:
        request = self.request
        return relax_batch(
            (molecule for _, molecule in read),
            request.spec,
            request.potential,
            request.wanted.fmax,
            request.wanted.energy_left,
            request.steps,
            check=request.check,
            max_calls=request.max_calls,
            time_limit=self.time_limit,
            on_result=Counter(),
        )

    def alone(self, task: Task) -> Found[Relaxation]:
        with Noting() as noting:
            molecule: Molecule | None = None
            one: Found[Relaxation]
            try:
                molecule = self.request.read(task.entry)
                run = self.run(molecule, Budget(self.request.max_calls, self.time_limit))
                run.go(trajectory=self.trajectory(task))
                one = self.became(task, molecule, run.result())
            except InputError as error:
                one = found(task, molecule, None, error.message)
        return replace(one, notes=tuple(noting.told))

    def asking(self, task: Task, molecule: Molecule, why: Callable[[], str]) -> Found[Relaxation]:
        """What becomes of one molecule; InputError where it cannot be begun.

        `why` says why the run is to end before its next force call, and is empty as long as it may go on.
        """
        budget = Budget(self.request.max_calls, self.time_limit, why)
        run = self.run(molecule, budget)
        run.go(trajectory=self.trajectory(task))
        return self.became(task, molecule, run.result())

    def run(self, molecule: Molecule, budget: Budget) -> Run:
        request = self.request
        return Run(
            molecule, request.spec, request.potential, request.wanted.fmax, request.wanted.energy_left, request.steps,
            None, request.asked_check, budget, Progress(), request.wanted.sets,
            constraints(molecule, request.fixed, request.held),
        )  # fmt: skip

    def trajectory(self, task: Task) -> Path | None:
        return self.trajectories and self.trajectories / UNNAMED.format(place=task.place)

    def became(self, task: Task, molecule: Molecule, result: Result) -> Found[Relaxation]:
        """What became of a task whose run has ended."""
        if not result.trace:
            return found(task, molecule, None, (result.error or "").removeprefix(NOT_BEGUN))
        return found(task, molecule, Relaxation.of(result, self.detailed))


def in_worker(request: Request, *others: object) -> Relaxing:
    """What a worker process unpickles, with all that the first run would load: that counts to no time limit."""
    ready(request.spec, request.wanted.energy_left)
    return Relaxing(request, *others)  # type: ignore[arg-type]  # as `Relaxing.__reduce__` has them
