"""One run of a study: what determined it, and what came out."""

import math
from dataclasses import asdict, dataclass

import numpy as np

from molopt.schema import EMPTY, Outcome, Plan

__all__ = ["EMPTY", "NOT_RUN", "Outcome", "Plan", "Record"]

NOT_RUN = "not run"  # how the error of a run begins that could not even start


@dataclass(frozen=True)
class Record:
    """A finished run."""

    plan: Plan
    outcome: Outcome

    @property
    def key(self) -> str:
        return self.plan.key

    def values(self) -> dict[str, object]:
        """All fields of plan and outcome by their names, and what follows from them."""
        follows = {"converged": self.outcome.converged, "atoms": len(self.plan.numbers), "key": self.key}
        return vars(self.plan) | vars(self.outcome) | follows

    def as_dict(self) -> dict[str, object]:
        """In plain values, fit for JSON; NaN is None."""
        return {
            "plan": asdict(self.plan),
            "outcome": {name: plain(value) for name, value in vars(self.outcome).items()},
        }


def plain(value: object) -> object:
    if isinstance(value, np.ndarray):
        return value.tolist()
    return None if isinstance(value, float) and not math.isfinite(value) else value
