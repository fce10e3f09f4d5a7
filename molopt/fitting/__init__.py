"""Learning the stiffness of springs from the Hessians of molecules."""

from molopt.fitting.hessians import Sample, samples_of, samples_or_reason
from molopt.fitting.regression import fitted, held_out_error
from molopt.fitting.table_file import as_json

__all__ = ["Sample", "as_json", "fitted", "held_out_error", "samples_of", "samples_or_reason"]
