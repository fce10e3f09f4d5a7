"""Smooth weights of the nodes of a table, so that constants do not jump as a geometry changes."""

import numpy as np

from molopt.rules.partition import Array


def spline(values: Array, nodes: Array) -> Array:
    """(n, nodes) quadratic B-splines: smooth weights that add up to one between the outer nodes, and vanish beyond."""
    step = nodes[1] - nodes[0]
    away = np.abs(values[:, None] - nodes) / step
    return np.where(away < 0.5, 0.75 - away**2, 0.5 * np.maximum(1.5 - away, 0.0) ** 2)


def held(values: Array, nodes: Array) -> Array:
    """Values beyond the outer nodes moved there, where splines still add up to one."""
    half = (nodes[1] - nodes[0]) / 2
    return np.clip(values, nodes[0] + half, nodes[-1] - half)
