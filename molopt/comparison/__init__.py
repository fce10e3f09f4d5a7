"""Cases x optimizers -> results: the same start, potential and criterion for all."""

from molopt.comparison.cases import DEFAULT_OPTIMIZERS, Case, cases, compare
from molopt.comparison.ranking import above_best, best_energy

__all__ = ["DEFAULT_OPTIMIZERS", "Case", "above_best", "best_energy", "cases", "compare"]
