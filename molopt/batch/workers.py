"""A batch in several processes: each relaxes parts of the stream, and its results travel back as plain data."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple

from molopt.batch.in_flight import InFlight
from molopt.batch.inputs import Target, started
from molopt.batch.making import Maker
from molopt.batch.potentials import AnyPotential, evaluator
from molopt.batch.results import BatchedResult, refused
from molopt.batch.round import Terms
from molopt.control.drive import Point
from molopt.ending import Ending, Start
from molopt.execution import Pool
from molopt.molecules import Molecule
from molopt.optimizers.check_request import CheckRequest
from molopt.optimizers.energy_left import recipe_for
from molopt.optimizers.first_use import ready
from molopt.optimizers.spec import OptimizerSpec
from molopt.optimizers.stopping import Stopping

Numbered = tuple[int, Target]


@dataclass(frozen=True, eq=False)
class Work:
    """What all processes do with a part of the stream; it lives on in each from part to part.

    Attributes
    ----------
    spec, request, potential, fmax, energy_left
        As in `Maker`.
    terms, width
        As in `InFlight`.
    """

    spec: OptimizerSpec
    request: CheckRequest
    potential: AnyPotential | None
    fmax: float
    energy_left: float | str | None
    terms: Terms
    width: int

    @cached_property
    def maker(self) -> Maker:
        """Shared by all parts in a process: molecules that come again are known."""
        return Maker(self.spec, self.request, evaluator(self.potential), self.potential, self.fmax, self.energy_left)

    def in_flight(self, targets: Iterable[Numbered]) -> InFlight:
        """The runs of numbered targets."""
        return InFlight(self.maker, iter(targets), self.terms, self.width)

    def __call__(self, targets: list[Numbered]) -> "list[Parcel]":
        """The results of a part of the stream."""
        return [Parcel.of(result) for result in self.in_flight(targets).results()]


class Parcel(NamedTuple):
    """A result on its way to the process that knows where it began."""

    known: dict[str, Any]  # of `BatchedResult`
    ending: dict[str, Any]  # of its `Ending`, without the start and what was learned
    molecule: Molecule | None  # that was perceived of atoms
    points: list[Point] | None  # the last geometries whose forces are known; None where they tell nothing

    @classmethod
    def of(cls, result: BatchedResult) -> "Parcel":
        ending, stopping = result.ending, result.ending.stopping
        said, points = dict(vars(ending)), None
        if stopping is not None and stopping.known is not None and stopping.at(ending.positions.ravel()):
            said["energy_left"] = ending.energy_left  # known already: it travels instead of what it was made from
        elif stopping is not None:
            points = list(stopping.points)
        start: Start = said.pop("start")
        said.pop("stopping")
        known = {name: value for name, value in vars(result).items() if name != "ending"}
        return cls(known, said, None if start.given is None else start.molecule, points)

    def unpacked(self, target: Target) -> BatchedResult:
        """The result, of a run that began there."""
        start = started(target, self.molecule)
        stopping = None
        if self.points is not None:
            stopping = Stopping((), lambda: recipe_for(start.atoms(), start.molecule))
            stopping.points.extend(self.points)
        ending = Ending.__new__(Ending)
        vars(ending).update(self.ending, start=start, stopping=stopping)
        result = BatchedResult.__new__(BatchedResult)
        vars(result).update(self.known, ending=ending)
        return result


def in_processes(work: Work, targets: Iterator[Numbered], pool: Pool, part: int) -> Iterator[BatchedResult]:
    """The results of a stream that the processes of a pool relax, `part` targets at a time.

    Where a process dies under its part, each target of it is tried alone: the one whose fault it is has crashed.
    """
    ready(work.spec, work.energy_left)  # here, before many processes need it at once
    again: list[Numbered] = []
    for finished in pool.outcomes(work, iter(lambda: list(islice(targets, part)), [])):
        known = dict(finished.task)
        if finished.value is None:
            again += finished.task
        else:
            yield from (parcel.unpacked(known[parcel.known["number"]]) for parcel in finished.value)
    for finished in pool.outcomes(work, ([one] for one in again)):
        ((number, target),) = finished.task
        if finished.value is None:
            ended = "failed" if finished.ended == "raised" else "crashed"
            yield refused(number, target, work.maker.evaluator.name, finished.error or ended, ended)
        else:
            yield from (parcel.unpacked(target) for parcel in finished.value)
