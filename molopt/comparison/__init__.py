"""Cases x optimizers -> records: the same start, potential and criterion for all."""

from molopt.comparison.cases import DEFAULT_OPTIMIZERS, Case, Criteria, cases
from molopt.comparison.ranking import above_best, best_energy
from molopt.comparison.running import compare

__all__ = ["DEFAULT_OPTIMIZERS", "Case", "Criteria", "above_best", "best_energy", "cases", "compare"]
