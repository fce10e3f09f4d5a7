"""What proposes a step: an update rule, quasi-Newton, the corrected surrogate, or one of them with probes."""

from molopt.directions.base import Direction, Limits, Proposal
from molopt.directions.checked import Checked
from molopt.directions.corrected import Corrected
from molopt.directions.quasi_newton import QuasiNewton
from molopt.directions.rule_direction import RuleDirection

__all__ = ["Checked", "Corrected", "Direction", "Limits", "Proposal", "QuasiNewton", "RuleDirection"]
