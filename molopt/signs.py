"""Signs of life: which stage a piece of work is in, and what its force calls give, for whoever looks on.

Work says what it is at with `stage`, `called`, `done` and `left`; `watched_by` takes that in. Where nobody looks on,
each of them is one look at a context variable. Nothing is printed, and no result depends on it.

>>> from molopt import Molecule, relax
>>> stages = []
>>> with watched_by(lambda sign: stages.append(sign.stage)):
...     result = relax("O", check=None)
>>> [name for name in dict.fromkeys(stages) if name != "compiling"]  # which is done once
['embedding', 'relaxing']

Workers of a pool (`molopt.execution.Pool`) send theirs to the process that looks on, at most two a second each.
"""

import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import count
from threading import local
from typing import NamedTuple, TypeVar

STAGES = {
    "reading": "files and SMILES are read",
    "embedding": "RDKit makes a geometry from bonds",
    "compiling": "kernels are compiled by numba, or loaded",
    "guiding": "the surrogate that guides a run is prepared",
    "relaxing": "a run",
    "checking": "the curvature of a geometry is looked at",
    "frequencies": "all frequencies are computed",
    "searching": "conformers are moved, relaxed, compared",
    "certifying": "conformers are relaxed to the end, and their curvature is looked at",
    "measuring": "Hessians are computed, to fit a stiffness to",
    "fitting": "a stiffness is fitted",
    "drawing": "figures and pages are made",
    "writing": "files are written",
}


class Sign(NamedTuple):
    """What is under way."""

    stage: str  # of STAGES
    molecule: str = ""  # its name; empty where it is of no single one
    atoms: int = 0  # of it; 0 where that is not known
    begun: float = 0.0  # s, of time.monotonic() here
    calls: int = 0  # force calls in this stage so far
    energy: float = math.nan  # eV, of the last
    fmax: float = math.nan  # eV/A, of the last
    left: float = math.nan  # eV above the floor of the well, where the run has estimated it
    done: int = 0  # pieces of it that are done, as displaced geometries
    of: int = 0  # of so many; 0 where that is not known
    over: bool = False  # whether the stage has ended
    worker: int = 0  # the process, counted from 1; 0 is this one
    number: int = 0  # of the stage among all that this process has begun: a stage goes on after those within it

    @property
    def seconds(self) -> float:
        """Since the stage began."""
        return time.monotonic() - self.begun

    def __str__(self) -> str:
        """In a few words, what matters most first.

        >>> print(Sign("relaxing", "ethanol", 9, calls=12, energy=-1.5, fmax=0.21, left=0.0013))
        relaxing ethanol (9 atoms): call 12, -1.5000 eV, fmax 0.2100 eV/A, 1.3 meV left
        """
        named = f" {self.molecule}" if self.molecule else ""
        size = f" ({self.atoms} atom{'s' * (self.atoms != 1)})" if self.atoms else ""
        what = f"{self.stage}{named}{size}"
        if self.of:
            return f"{what}: {self.done} of {self.of}"
        if not self.calls:
            return what
        figures = [f"call {self.calls}", f"{self.energy:.4f} eV", f"fmax {self.fmax:.4f} eV/A"]
        if not math.isnan(self.left):
            figures.append(f"{1e3 * self.left:.2g} meV left")
        return f"{what}: {', '.join(figures)}"


numbers = count(1)
Tell = Callable[[Sign], object]
T = TypeVar("T")


class Watching(local):
    """Who looks on, and the stages that are under way in this thread, one within the other.

    `asyncio.to_thread` takes the context of its caller along, so that several threads may have one onlooker.
    """

    def __init__(self, tell: Tell) -> None:
        self.tell = tell
        self.under_way: list[Sign] = []

    def now(self, **changed: object) -> None:
        """Say that the innermost stage has come so far; force calls outside of any stage are not told."""
        if self.under_way:
            self.under_way[-1] = self.under_way[-1]._replace(**changed)  # type: ignore[arg-type]  # fields of Sign
            self.tell(self.under_way[-1])


onlooker: ContextVar[Watching | None] = ContextVar("onlooker", default=None)


@contextmanager
def watched_by(tell: Tell) -> Iterator[None]:
    """Have `tell` called with each sign of what is done in here, by this thread and by workers that it starts.

    It is called between the steps of the work, and should return soon.
    """
    token = onlooker.set(Watching(tell))
    try:
        yield
    finally:
        onlooker.reset(token)


@contextmanager
def hidden() -> Iterator[None]:
    """Nothing that is done in here is told, as that of molecules that nobody asked for."""
    token = onlooker.set(None)
    try:
        yield
    finally:
        onlooker.reset(token)


def watcher() -> Tell | None:
    """Who looks on here; None where nobody does."""
    watching = onlooker.get()
    return None if watching is None else watching.tell


@contextmanager
def stage(name: str, molecule: str = "", atoms: int = 0, of: int = 0) -> Iterator[None]:
    """A stage of the work; not to be left open where a generator yields.

    Parameters
    ----------
    name : str
        Of `STAGES`.
    molecule : str
        The name of the one that it is about.
    atoms : int
        Of that.
    of : int
        Into how many pieces it can be divided; `done` says how many are done.
    """
    watching = onlooker.get()
    if watching is None:
        yield
        return
    stages = watching.under_way
    stages.append(Sign(name, molecule, atoms, time.monotonic(), of=of, number=next(numbers)))
    watching.tell(stages[-1])
    try:
        yield
    finally:
        watching.tell(stages.pop()._replace(over=True))
        if stages:
            watching.tell(stages[-1])


def called(calls: int, energy: float, fmax: float) -> None:
    """A force call has given these: how many there were in this run, eV, eV/A."""
    watching = onlooker.get()
    if watching is not None:
        watching.now(calls=calls, energy=energy, fmax=fmax, left=math.nan)


def left(energy: float) -> None:
    """The energy above the floor has been estimated for the last force call, eV."""
    watching = onlooker.get()
    if watching is not None:
        watching.now(left=energy)


class Counter:
    """Counts what it is called with, as pieces of the stage that are done."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, piece: object) -> None:
        self.count += 1
        done(self.count)


def counted(pieces: Iterable[T]) -> Iterator[T]:
    """The same pieces; each is done when the next is asked for."""
    for number, piece in enumerate(pieces):
        done(number)
        yield piece


def done(pieces: int) -> None:
    """So many pieces of this stage are done; more than were foreseen, as of modes measured again, do not count."""
    watching = onlooker.get()
    if watching is not None and watching.under_way:
        of = watching.under_way[-1].of
        watching.now(done=min(pieces, of) if of else pieces)
