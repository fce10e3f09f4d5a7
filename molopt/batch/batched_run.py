"""One run of a batch: what is its own while arrays hold the rest."""

from collections import deque
from copy import copy
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from molopt.batch.guards import RunSense
from molopt.batch.kind import Plan
from molopt.control.drive import Point
from molopt.coordinates.base import Coordinates
from molopt.coordinates.member import Member
from molopt.ending import Start
from molopt.optimizers.checking import Checking
from molopt.optimizers.energy_left import REMEMBERED
from molopt.optimizers.internals import Recipe
from molopt.optimizers.stopping import Stopping
from molopt.potentials.batched import Subject
from molopt.potentials.counting import ForceCall


class Entered(NamedTuple):
    """When a run entered the batch."""

    since: float  # seconds of a monotonic clock
    waited: float  # seconds that the batch had spent by then, a system
    asked: float  # and of them inside the potential


@dataclass(eq=False)
class BatchedRun:
    """One run of a batch.

    Attributes
    ----------
    number : int
        Its place in the stream, counted from 0.
    start : Start
    plan : Plan
    subject : Subject
        It, to the potential.
    entered : Entered
    sense : RunSense
    stopping : Stopping or None
        Its criteria beside fmax; None where there are none, and what they would know is in `points`.
    checking : Checking or None
        None where its curvature is not looked at.
    recipe : Recipe or None
        Of its internal coordinates, with the bonds that it has now.
    member : Coordinates or None
        Its coordinates, once it has any.
    points : deque of Point
        Its last geometries whose forces are known.
    trace : list of ForceCall
    attempt : int
        How often its last step was shortened because the potential failed at its end.
    """

    number: int
    start: Start
    plan: Plan
    subject: Subject
    entered: Entered
    sense: RunSense
    stopping: Stopping | None
    checking: Checking | None
    recipe: Recipe | None
    member: Coordinates[Any] | None
    points: deque[Point] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    trace: list[ForceCall] = field(default_factory=list)
    attempt: int = 0

    def kept(self) -> tuple[Recipe | None, Coordinates[Any] | None, Checking | None]:
        """What a step may change of it."""
        return self.recipe, self.member, copy(self.checking)

    def restore(self, kept: tuple[Recipe | None, Coordinates[Any] | None, Checking | None]) -> None:
        """Be as it was when this was kept."""
        self.recipe, self.member, self.checking = kept

    @property
    def internal(self) -> Member:
        """Its coordinates, of a system in internal coordinates that has any."""
        assert isinstance(self.member, Member)
        return self.member

    def remembered(self) -> Stopping:
        """Its criteria, or what they would know by now."""
        if self.stopping is not None:
            return self.stopping
        stopping = Stopping((), self.plan.estimating)
        stopping.points.extend(self.points)
        return stopping
