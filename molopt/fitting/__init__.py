"""Learning the stiffness of springs from the Hessians of molecules."""

from molopt.fitting.hessians import Sample, samples_of
from molopt.fitting.regression import fitted, held_out_error

__all__ = ["Sample", "fitted", "held_out_error", "samples_of"]
