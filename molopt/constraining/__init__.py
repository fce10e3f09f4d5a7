"""Coordinates by their atoms, and the constraints that fix atoms or hold coordinates."""
