"""What proposes a step: a lifted update rule, or quasi-Newton."""

from molopt.directions.base import Direction, Limits, Proposal
from molopt.directions.lifted import Lifted
from molopt.directions.quasi_newton import QuasiNewton

__all__ = ["Direction", "Lifted", "Limits", "Proposal", "QuasiNewton"]
