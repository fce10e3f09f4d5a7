"""Scans: a molecule relaxed at each value of one coordinate, or of two."""
