"""An update rule as a direction: it sees the natural gradient of the frame, and knows nothing of limits."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from molopt.directions.base import Limits, Proposal
from molopt.rules.base import Observation, Rule
from molopt.rules.partition import Array


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
        unknown = np.full(seen.systems.count, np.nan)
        left = np.full(seen.systems.count, frame.energy_left)
        return Proposal(displacement, unknown, left, unknown, unknown), state
