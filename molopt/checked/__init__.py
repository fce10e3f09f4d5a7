"""Geometries checked by the thousand, or one: what was asked for, what was found, and the folder that keeps it."""
