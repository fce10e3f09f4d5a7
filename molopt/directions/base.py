"""What proposes a step."""

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

from molopt.control.base import Limits, Proposal
from molopt.coordinates.base import Linearization
from molopt.rules.base import Observation
from molopt.rules.state import Array

D = TypeVar("D", bound=tuple)
L_contra = TypeVar("L_contra", bound=Linearization, contravariant=True)

__all__ = ["Direction", "Limits", "Proposal"]


class Direction(ABC, Generic[L_contra, D]):
    """Asked once a force call by `molopt.control.drive`: `arrive` has it learn, `depart` has it propose.

    All of S systems at once; what one that serves a single system cannot do it refuses in `init`. Everything that it
    remembers is in its state, a NamedTuple whose fields are annotated `PerEntry`, `PerSystem` or `Nested`.
    Displacements, gradients and M v are flat, (nq,), in the coordinates of the linearization.
    """

    @abstractmethod
    def init(self, seen: Observation) -> D:
        """The state before the first step; called once a run, and once for each system that enters a batch."""

    def learn(self, state: D, old: L_contra, new: L_contra, taken: Array) -> D:
        """The state after a step `taken` (nq,) from `old` to `new`, be it rejected or not; called first in `arrive`."""
        return state

    def work(self, before: D, after: D, old: L_contra, new: L_contra, taken: Array) -> Array:
        """(S,) change of the energy in the step, eV, by which it is judged: here the work of the forces.

        `before` and `after` are the states before and after it was learned.
        """
        return work_of_forces(old, new, taken)

    def retreat(self, seen: Observation, before: D, after: D) -> D:
        """The state after a rejected step: `before` is that of the accepted point, `after` has learned the step."""
        return after

    @abstractmethod
    def propose(self, linearization: L_contra, seen: Observation, state: D, limits: Limits) -> tuple[Proposal, D]:
        """The next step, and the state when it has been seen; called last, in `depart`."""

    def rebuilt(self, state: D) -> D:
        """The state where coordinates were rebuilt, so that some entries mean something else."""
        return state


def work_of_forces(old: Linearization, new: Linearization, taken: Array) -> Array:
    """(S,) (g_old + g_new) . taken / 2, eV."""
    systems = old.layout.entries
    return (systems.sum(old.gradient * taken) + systems.sum(new.gradient * taken)) / 2
