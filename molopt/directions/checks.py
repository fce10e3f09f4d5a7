"""What a checked run remembers, and what it finds."""

from typing import NamedTuple

import numpy as np

from molopt.coordinates.base import Linearization
from molopt.rules.state import Nested, PerEntry, PerSystem
from molopt.stationary.known import Known

PLAIN, PROBE, CHECK, PUSH = range(4)  # a step of the inner direction, one with a probe, Newton and probe, off a ridge
MARKS = {PROBE: "probe", CHECK: "check", PUSH: "push"}  # of a step in the log


class Checks(NamedTuple):
    """What a checked run remembers beside the memory of its direction; unused rows are zero, the newest is last."""

    inner: Nested
    steps: PerEntry  # (memory, nq) short displacements in u
    lacks: PerEntry  # (memory, nq) change of the gradient, less what the model foretold
    offsets: PerEntry  # (memory, nq) from the end of each to the present point
    met: PerSystem  # (S,) 1 where the criteria of the run are met at the present point
    checking: PerSystem  # (S,) 1 since they were, while the steps are those of the check
    tries: PerSystem  # (S,) force calls of the present check
    calls: PerSystem  # (S,) of all checks
    pushes: PerSystem  # (S,) ridges that were left where the run would have ended
    rejected: PerSystem  # (S,) how many steps of the check were rejected in succession
    radius: PerSystem  # (S,) of a step of the check, sqrt(eV)
    size: PerSystem  # (S,) of the last one
    cap: PerSystem  # (S,) on the radius of the inner direction after a push, sqrt(eV)
    spent: PerSystem  # (S,) 1 once a check has used up its calls
    symmetric: PerSystem  # (S,) 1 where the run came along a symmetry that soft motions break, 0 where not; NaN before
    calm: PerSystem  # (S,) of how many gradients the next is the sum
    jolts: PerSystem  # (S,) squares of net force and torque, (eV/A)^2, which are noise
    kind: PerSystem  # (S,) of the last step: `PLAIN`, `PROBE`, `CHECK` or `PUSH`


class Found(NamedTuple):
    """What a check says of a point."""

    over: bool  # whether the run may end here
    known: Known
    ridge: bool  # whether the lowest curvature is negative beyond doubt, seen or inferred
    passed: bool  # whether nothing worth a step can be left below, as far as curvature is known
    small: bool  # whether the energy left is, with the curvature that was seen
    flat: bool  # whether the lowest curvature may be zero, and nothing is left below if it is negative

    def word(self, met: bool) -> str:
        """What the point is, where the criteria of the run are met or not (`molopt.stationary.verdict`)."""
        if not met:
            return "not stationary"
        if self.passed and self.small:
            return "minimum"
        if self.known.witnessed:
            return "saddle"
        return "flat" if self.flat else "unchecked"


def heard(state: Checks, linearization: Linearization) -> Checks:
    """The state that knows net force and torque of one more gradient, where they are noise."""
    net = linearization.net()
    known = ~np.isnan(net)
    return state._replace(calm=state.calm + known, jolts=state.jolts + np.where(known, net, 0.0))
