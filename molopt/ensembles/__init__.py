"""Conformers: where they come from, how they are told apart, and how an ensemble of them is ranked and written."""
