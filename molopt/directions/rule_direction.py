"""An update rule as a direction: it sees the natural gradient, and knows nothing of limits."""

from dataclasses import dataclass

import numpy as np

from molopt.coordinates.base import Linearization
from molopt.directions.base import Direction, Limits, Proposal
from molopt.errors import InputError
from molopt.rules.base import Observation, Rule
from molopt.rules.partition import REAL, Array

LEAST = 0.1  # part of the promised slope that a step must have


@dataclass(frozen=True)
class RuleDirection(Direction[Linearization, tuple]):
    """The rule of a `RuleOptimizer`, for any number of systems. It learns when it proposes, and predicts nothing."""

    rule: Rule

    def init(self, seen: Observation) -> tuple:
        return remembered(self.rule, "init", self.rule.init(seen))

    def retreat(self, seen: Observation, before: tuple, after: tuple) -> tuple:
        state = remembered(self.rule, "forget", self.rule.forget(seen, before))
        staying = {name: getattr(after, name) for name in self.rule.stays}
        return state._replace(**staying)  # type: ignore[attr-defined]  # states are NamedTuples

    def propose(
        self, linearization: Linearization, seen: Observation, state: tuple, limits: Limits
    ) -> tuple[Proposal, tuple]:
        displacement, state = updated(self.rule, seen, state)
        displacement = downhill(linearization.gradient, seen, displacement)
        unknown = np.full(seen.systems.count, np.nan)
        return Proposal(displacement, unknown, linearization.energy_left, unknown, unknown, unknown), state


def updated(rule: Rule, seen: Observation, state: tuple) -> tuple[Array, tuple]:
    """The displacement (N,) and the new state that the rule answers; InputError where it answers something else."""
    name, shape = type(rule).__name__, seen.gradient.shape
    wanted = f"update of the rule {name} must return (displacement, state), the first an array of shape {shape}"
    answer = rule.update(seen, state)
    if type(answer) is not tuple or len(answer) != 2:
        raise InputError(f"{wanted}; it returned {described(answer)}")
    displacement = answer[0]
    if getattr(displacement, "shape", None) != shape or np.asarray(displacement).dtype.kind not in REAL:
        raise InputError(f"{wanted}; its displacement is {described(displacement)}")
    return displacement, remembered(rule, "update", answer[1])


def remembered(rule: Rule, method: str, state: object) -> tuple:
    """The state; InputError where it could not be carried into other coordinates or a file."""
    if not (isinstance(state, tuple) and hasattr(state, "_fields")):
        raise InputError(
            f"{method} of the rule {type(rule).__name__} must give a state, a NamedTuple of arrays annotated PerEntry "
            f"or PerSystem (Stateless() remembers nothing); it gave {described(state)}"
        )
    return state


def described(value: object) -> str:
    """What a rule gave, in a few words."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}" + ("" if value.dtype.kind in REAL else f" of kind {value.dtype}")
    if type(value) is tuple or type(value) is list:
        return f"a {type(value).__name__} of {len(value)}"
    return "None" if value is None else f"a {type(value).__name__}"


def downhill(gradient: Array, seen: Observation, displacement: Array) -> Array:
    """The displacement; where its scales have turned it uphill, one of its length along the natural gradient.

    `gradient` (nq,) is that of the energy, in u.

    A scale of its own for each coordinate turns the natural gradient along the level line or uphill where the metric
    couples coordinates, and such steps would be rejected for ever. That a step goes down in the rule's eyes, but gains
    less than `LEAST` of what those promise, is the sign of it. Momentum may climb: then the rule itself expects to.
    """
    systems, rule = seen.systems, seen.gradient
    promised, gained = systems.sum(rule * displacement), systems.sum(gradient * displacement)
    size, worth = systems.sum(rule * rule), systems.sum(gradient * rule)
    turned = (promised < 0) & (gained * size > LEAST * promised * worth)
    if not turned.any():
        return displacement
    length = np.sqrt(systems.sum(displacement * displacement) / np.where(turned, size, 1.0))
    return np.where(systems.spread(turned), -rule * systems.spread(length), displacement)
