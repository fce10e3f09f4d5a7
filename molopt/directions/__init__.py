"""What proposes a step: a lifted update rule, quasi-Newton, or the corrected surrogate."""

from molopt.directions.base import Direction, Limits, Proposal
from molopt.directions.checked import Checked
from molopt.directions.corrected import Corrected
from molopt.directions.lifted import Lifted
from molopt.directions.quasi_newton import QuasiNewton

__all__ = ["Checked", "Corrected", "Direction", "Lifted", "Limits", "Proposal", "QuasiNewton"]
