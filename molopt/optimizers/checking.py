"""The check of the curvature as part of a run of an optimizer."""

import logging
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from molopt.convergence import EnergyLeft, auto
from molopt.directions import Checked
from molopt.directions.checked import Found
from molopt.errors import InputError
from molopt.rules.partition import Array
from molopt.stationary.curvature import Curvature

log = logging.getLogger("molopt")

CHECKS = ("auto", "report", None)


@dataclass
class Checking:
    """Whether a run looks at its softest direction before it is done, and what it found.

    Attributes
    ----------
    kind : str or None
        "auto", which leaves ridges; "report", which names them; None, which does not look.
    why_not : str
        Why a check is not possible; empty where it is.
    """

    optimizer: Any
    kind: str | None
    why_not: str
    found: Found | None = None

    @classmethod
    def of(cls, optimizer: Any, kind: str | None) -> Self:
        if kind not in CHECKS:
            raise InputError(f'check must be "auto", "report" or None, got {kind!r}')
        why_not = "it was not asked for" if kind is None else ""
        if kind is not None and optimizer.recipe is None:
            why_not = f"the run is in {optimizer.sees} coordinates, and a check needs internal ones"
        return cls(optimizer, kind, why_not)

    @property
    def possible(self) -> bool:
        return not self.why_not

    def direction(self, inner: Any) -> Checked:
        """The direction, with probes."""
        limits = [c.limit for c in self.optimizer.stopping.criteria if isinstance(c, EnergyLeft)]
        return Checked(inner, limit=min([*limits, auto(len(self.optimizer.atoms))]), push=self.kind == "auto")

    def settled(self, met: bool, gradient: Array) -> bool:
        """Whether the run may end, where its criteria are met or not at the present geometry."""
        optimizer = self.optimizer
        memory = optimizer.memory
        if not met and (memory is None or not memory.after.checking[0]):
            return False
        x = optimizer.optimizable.get_x()
        arrival = optimizer.arrived(x, gradient)
        here = np.array_equal(arrival.here.x, x)
        found, state = optimizer.direction.examine(arrival.frame, arrival.state, met if here else None)
        optimizer.arrival = (x, arrival._replace(state=state))
        self.found = found
        return found is not None and found.over
