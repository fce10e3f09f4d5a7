"""What became of a task, and what an executor is."""

import pickle
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from molopt.errors import InputError

T = TypeVar("T")
R = TypeVar("R")

LONGEST = 500  # characters of an error that are kept


@dataclass(frozen=True)
class Finished(Generic[T, R]):
    """A task that is over.

    Attributes
    ----------
    task
        As it was drawn: the same object.
    value
        What the function returned; None unless `ended` is "done".
    ended : str
        "done"; "raised": the function raised, or task or value could not be sent between processes; "timed out":
        it was killed at the time limit; "crashed": its process died under it.
    error : str or None
        Why, in one line; None of what is done.
    seconds : float
        Wall time of the function alone where it came back, and else from its beginning to its end; NaN where that is
        not known.
    """

    task: T
    value: R | None
    ended: str
    error: str | None
    seconds: float


Function = Callable[[T], R | Generator[R, None, None]]


class Executor(Protocol):
    """Something that runs a function on tasks."""

    def outcomes(self, function: Function[T, R], tasks: Iterable[T]) -> Generator[Finished[T, R], None, None]:
        """Run `function` on each task; give back each once, as it ends.

        Tasks are drawn when there is room for them, so that memory does not grow with their number. An executor that
        uses other processes needs a function that can be imported there, and tasks and values that can be pickled.
        A function that is a generator gives its value in parts, each in place of the one before. Where it raises, is
        killed at the limit or dies after the first, the run is done, with the last of them.
        Closing the iterator, or an exception that leaves it, ends everything under way; use `contextlib.closing`
        where it may be left early. Time limits are watched while the caller waits for the next outcome.
        """
        ...


Crew = Callable[[Iterable[T]], Generator[Finished[T, R], None, None]]


class StandingExecutor(Executor, Protocol):
    """An executor on this machine that can keep its workers for work that comes in rounds."""

    def standing(self, function: Function[T, R]) -> AbstractContextManager[Crew[T, R]]:
        """Workers for `function` that stay from round to round, until the context is left.

        What is entered is called with the tasks of a round and gives their outcomes as `Executor.outcomes` does; the
        next round begins when they are all drawn, or closed, which ends those under way. Each worker unpickles the
        function once, so that what the function keeps from task to task, as a calculator, lives there as long as the
        worker: a worker that dies, reaches a time limit or has grown too large is replaced, and begins anew. No value
        may therefore depend on what is kept.
        """
        ...


class Report(NamedTuple):
    """As `Finished`, from a process that does not know the caller's task: the value is still pickled."""

    ended: str
    value: bytes | None
    error: str | None
    seconds: float


def finished(task: T, report: Report) -> Finished[T, R]:
    """The report on a task, with its value unpickled."""
    if report.value is None:
        return Finished(task, None, report.ended, report.error, report.seconds)
    try:
        return Finished(task, pickle.loads(report.value), report.ended, report.error, report.seconds)
    except Exception as error:  # whatever a class does in its __setstate__
        return Finished(task, None, "raised", f"its value could not be unpickled: {one_line(error)}", report.seconds)


def parts(value: Any) -> Iterator[Any]:
    """What a function gives, part by part; one part where it is not a generator."""
    if isinstance(value, Generator):
        yield from value
    else:
        yield value


def pickled_function(function: object) -> bytes:
    """The function as a worker gets it: by the name it is imported with."""
    if getattr(function, "__module__", None) == "__main__":
        name = getattr(function, "__qualname__", repr(function))
        raise InputError(f"workers cannot import {name} from a script that is being run: move it to a module")
    try:
        return pickle.dumps(function)
    except Exception as error:  # lambdas and functions within functions among others
        raise InputError(f"workers need a function at the top of a module: {one_line(error)}") from error


def one_line(error: BaseException) -> str:
    """An exception in one line: its type and what it says.

    >>> one_line(ValueError("first\\nsecond"))
    'ValueError: first second'
    """
    name = type(error).__name__
    try:
        said = " ".join(str(error).split())
    except Exception:  # a __str__ may fail too
        return name
    whole = f"{name}: {said}" if said else name
    return whole if len(whole) <= LONGEST else f"{whole[:LONGEST]} ..."
