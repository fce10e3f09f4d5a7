"""An update rule as a direction: it sees the natural gradient of the frame, and knows nothing of limits."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from molopt.directions.base import Limits, Proposal
from molopt.rules.base import Observation, Rule
from molopt.rules.partition import Array

LEAST = 0.1  # part of the promised slope that a step must have


@dataclass(frozen=True)
class Lifted:
    """The rule of a `RuleOptimizer`. It learns when it proposes, and predicts nothing."""

    rule: Rule

    def init(self, seen: Observation) -> Any:
        return self.rule.init(seen)

    def learn(self, state: Any, old: Any, new: Any, taken: Array) -> Any:
        return state

    def retreat(self, seen: Observation, before: Any, after: Any) -> Any:
        return self.rule.forget(seen, before)

    def propose(self, frame: Any, seen: Observation, state: Any, limits: Limits) -> tuple[Proposal, Any]:
        displacement, state = self.rule.update(seen, state)
        displacement = downhill(frame, seen, displacement)
        unknown = np.full(seen.systems.count, np.nan)
        left = np.full(seen.systems.count, frame.energy_left)
        return Proposal(displacement, unknown, left, unknown, unknown), state


def downhill(frame: Any, seen: Observation, displacement: Array) -> Array:
    """The displacement; where its scales have turned it uphill, one of its length along the natural gradient.

    A scale of its own for each coordinate turns the natural gradient along the level line or uphill where the metric
    couples coordinates, and such steps would be rejected for ever. That a step goes down in the rule's eyes, but gains
    less than `LEAST` of what those promise, is the sign of it. Momentum may climb: that is none of this.
    """
    systems, rule = seen.systems, seen.gradient
    promised, gained = systems.sum(rule * displacement), systems.sum(frame.gradient * displacement)
    size, worth = systems.sum(rule * rule), systems.sum(frame.gradient * rule)
    turned = (promised < 0) & (gained * size > LEAST * promised * worth)
    if not turned.any():
        return displacement
    length = np.sqrt(systems.sum(displacement * displacement) / np.where(turned, size, 1.0))
    return np.where(systems.spread(turned), -rule * systems.spread(length), displacement)
