"""How much of a proposed step is taken: a rate that settles, or a trust radius. `molopt.control.drive` uses them."""

from molopt.control.base import Limits, Proposal, StepControl
from molopt.control.rate import Control, ControlState
from molopt.control.trust import Trust, TrustState

__all__ = [
    "Control",
    "ControlState",
    "Limits",
    "Proposal",
    "StepControl",
    "Trust",
    "TrustState",
]
