"""One run of a study: what determined it, and what came out."""

from dataclasses import asdict, dataclass

import numpy as np

from molopt.columns import plain
from molopt.schema import Outcome, Plan

__all__ = ["FLOOR", "NEAR", "NOT_RUN", "STOP", "Outcome", "Plan", "Record"]

STOP = 0.01  # eV/A, which `stop_calls` lead to
FLOOR = 0.001  # eV/A that a run must converge at to know its own floor
NEAR = 0.001  # eV above the lowest energy, at which a run is down there
NOT_RUN = "not run"  # how the error of a run begins that could not even start


@dataclass(frozen=True)
class Record:
    """A finished run."""

    plan: Plan
    outcome: Outcome

    @property
    def key(self) -> str:
        return self.plan.key

    @property
    def stop_calls(self) -> int | None:
        """Force calls until fmax was first at most 0.01 eV/A, on the way to a tighter criterion or at its end."""
        (small,) = np.nonzero(self.outcome.forces <= STOP)
        return int(small[0]) + 1 if len(small) else None

    @property
    def floor_calls(self) -> int | None:
        """Force calls until the energy was first within 1 meV of the lowest of the run, which converged at 0.001 eV/A.

        Beside them `stop_calls` alone would reward stopping on a plateau.
        """
        energies = self.outcome.energies
        if self.plan.fmax_limit > FLOOR or not self.outcome.converged or not np.isfinite(energies).any():
            return None
        return int(np.argmax(energies <= np.nanmin(energies) + NEAR)) + 1

    def values(self) -> dict[str, object]:
        """All fields of plan and outcome by their names, and what follows from them."""
        follows = {
            "converged": self.outcome.converged,
            "atoms": len(self.plan.numbers),
            "key": self.key,
            "stop_calls": self.stop_calls,
            "floor_calls": self.floor_calls,
        }
        return vars(self.plan) | vars(self.outcome) | follows

    def as_dict(self) -> dict[str, object]:
        """In plain values, fit for JSON; NaN is None."""
        return {
            "plan": asdict(self.plan),
            "outcome": {name: plain(value) for name, value in vars(self.outcome).items()},
        }
