"""Diagnosis of a run: what its trajectory shows of the landscape, and of the optimizer."""
