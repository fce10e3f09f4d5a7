"""Conformers: generate, relax, prune, refine, rank."""
