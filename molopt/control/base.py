"""What decides how much of a proposed step is taken."""

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import ClassVar, Generic, NamedTuple, Self, TypeVar

import numpy as np

from molopt.errors import InputError
from molopt.rules.state import Array, PerEntry, PerSystem

C = TypeVar("C", bound=tuple)
SMALLEST_STEP = 1e-300  # Angstrom; keeps a division by a step of zero away


class Limits(NamedTuple):
    """How far a step may go."""

    radius: Array  # (S,) norm in the metric of the model Hessian, sqrt(eV)
    maxstep: float  # longest move of an atom, Angstrom
    maxchange: float  # largest change of an internal coordinate, Angstrom or rad


class Proposal(NamedTuple):
    """A step, and what it promises; NaN where the direction does not say."""

    displacement: PerEntry  # (nq,) in the coordinates that the rule sees
    predicted: PerSystem  # (S,) change of the energy, eV
    energy_left: PerSystem  # (S,) above the floor of the basin, eV
    length: PerSystem  # (S,) in the metric of the model Hessian, sqrt(eV)
    limited: PerSystem  # (S,) 1 where a limit shortened it, else 0
    allowed: PerSystem  # (S,) eV, the largest rise of a step that no control judges; NaN of others


class StepControl(ABC, Generic[C]):
    """Judges steps and shortens proposals; `molopt.control.arrive` and `depart` call it once a force call.

    `arrive` calls `judge` with what the last step did; `depart` calls `limits` before the direction proposes, `limit`
    with the proposal, and `factor` for what is taken of it. Everything that a control remembers is in its state, a
    NamedTuple of arrays (S,).
    """

    maxstep: float  # Angstrom
    maxchange: float  # Angstrom or rad
    retries: ClassVar[bool]  # whether a step to where the potential fails is tried again, shorter
    measures: ClassVar[bool] = True  # whether `limit` looks at how long a step is; else it is given infinity

    def with_maxstep(self, maxstep: float) -> Self:
        """The same with another longest move of an atom, Angstrom."""
        return replace(self, maxstep=maxstep)  # type: ignore[type-var]  # every control is a dataclass

    @abstractmethod
    def init(self, count: int) -> C:
        """The state before the first step of `count` systems."""

    @abstractmethod
    def judge(self, slope: Array, work: Array, proposal: Proposal, state: C) -> tuple[Array, C]:
        """Which systems reject their last step (S,), and the state that follows.

        `slope` (S,) is g_old . taken, `work` (S,) the change of the energy; both in eV.
        """

    @abstractmethod
    def limits(self, state: C) -> Limits:
        """What a direction must keep to."""

    @abstractmethod
    def limit(self, longest: Array, change: Array, proposal: Proposal, state: C) -> C:
        """The state once the next step is known.

        Its longest move of an atom is `longest` (S,), Angstrom, and its largest change of an internal coordinate
        `change` (S,), Angstrom or rad.
        """

    @abstractmethod
    def factor(self, state: C) -> Array:
        """(S,) what proposals are multiplied by."""

    def shortened(self, state: C) -> Array:
        """(S,) whether a cap or a radius made the last step shorter; False of a control that does not say."""
        return np.zeros(np.shape(self.factor(state)), dtype=bool)


def check_caps(maxstep: float, maxchange: float) -> None:
    if not maxstep > 0:
        raise InputError(f"maxstep must be positive (Angstrom), got {maxstep}")
    if not maxchange > 0:
        raise InputError(f"maxchange must be positive (Angstrom or rad), got {maxchange}")
