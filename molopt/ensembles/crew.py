"""Who does the jobs of a search: this process or others, and what was done before it was killed."""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from molopt.ensembles.workshop import Answer, Job, digest
from molopt.execution import Finished


class Kept(Protocol):
    """Answers that outlive the process, by the number of the job."""

    def get(self, number: int, digest: str) -> Answer | None: ...

    def put(self, number: int, digest: str, answer: Answer) -> None: ...


class Crew:
    """Carries out jobs, and gives the answers in the order of the jobs, whoever was done first.

    Parameters
    ----------
    outcomes : callable
        Does jobs: `Finished` from an iterable of them, in any order.
    kept : Kept, optional
        Answers of the same search, begun before; new ones are added.

    Attributes
    ----------
    number : int
        Jobs so far. A search asks for the same jobs in the same order each time.
    """

    def __init__(
        self, outcomes: Callable[[Iterable[Job]], Iterable[Finished[Job, Answer]]], kept: Kept | None = None
    ) -> None:
        self.outcomes, self.kept, self.number = outcomes, kept, 0

    def do(self, jobs: Sequence[Job]) -> list[Answer | str]:
        """The answer of each job, or why there is none."""
        answers: dict[int, Answer | str] = {}
        first, self.number = self.number, self.number + len(jobs)
        digests = [digest(job) for job in jobs] if self.kept is not None else []
        if self.kept is not None:
            for k, asked in enumerate(digests):
                answer = self.kept.get(first + k, asked)
                if answer is not None:
                    answers[k] = answer
        missing = {id(job): k for k, job in enumerate(jobs) if k not in answers}
        if missing:
            for finished in self.outcomes([jobs[k] for k in missing.values()]):
                k = missing[id(finished.task)]
                answers[k] = finished.error or finished.ended if finished.value is None else finished.value
                if self.kept is not None and finished.value is not None:
                    self.kept.put(first + k, digests[k], finished.value)
        return [answers[k] for k in range(len(jobs))]
