"""What proposes a step."""

from typing import Any, NamedTuple, Protocol

import numpy as np

from molopt.rules.base import Observation
from molopt.rules.state import Array, PerEntry, PerSystem


class Limits(NamedTuple):
    """How far a step may go."""

    radius: Array  # (S,) norm in the metric of the model Hessian, sqrt(eV)
    maxstep: float  # longest move of an atom, Angstrom
    maxchange: float  # largest change of an internal coordinate, Angstrom or rad


class Proposal(NamedTuple):
    """A step, and what it promises; NaN where the direction does not say."""

    displacement: PerEntry  # (N,) in the coordinates that the rule sees
    predicted: PerSystem  # (S,) change of the energy, eV
    energy_left: PerSystem  # (S,) above the floor of the basin, eV
    length: PerSystem  # (S,) in the metric of the model Hessian, sqrt(eV)
    limited: PerSystem  # (S,) 1 where a limit shortened it, else 0
    allowed: PerSystem = np.full(1, np.nan)  # (S,) eV, the largest rise of a step that no control judges; NaN of others


class Direction(Protocol):
    """Asked once a force call by `molopt.control.arrive`, to learn, and `depart`, to propose.

    Everything it remembers is in its state.
    """

    def init(self, seen: Observation) -> Any:
        """The state before the first step."""

    def learn(self, state: Any, old: Any, new: Any, taken: Array) -> Any:
        """The state after a step `taken` (N,) from the frame `old` to the frame `new`, be it rejected or not."""

    def retreat(self, seen: Observation, before: Any, after: Any) -> Any:
        """The state after a rejected step: `before` is that of the accepted point, `after` has learned the step."""

    def propose(self, frame: Any, seen: Observation, state: Any, limits: Limits) -> tuple[Proposal, Any]:
        """The next step from this frame, and the state when it has been seen."""
