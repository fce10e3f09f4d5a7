"""Cases x optimizers -> records: the same start, potential and criterion for all."""

from molopt.comparison.cases import Case, Criteria, cases
from molopt.comparison.ranking import above_best, best_energy
from molopt.comparison.running import compare
from molopt.comparison.study import Study
from molopt.optimizers.registry import DEFAULT_OPTIMIZERS

__all__ = ["DEFAULT_OPTIMIZERS", "Case", "Criteria", "Study", "above_best", "best_energy", "cases", "compare"]
