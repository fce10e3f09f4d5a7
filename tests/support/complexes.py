"""Geometries of metal complexes that several tests use."""

import numpy as np
from ase import Atoms

X, Y, Z = np.eye(3)


def ferrocene():
    rings = [
        [r * np.cos(t + turn) * X + r * np.sin(t + turn) * Y + height * Z for t in 2 * np.pi * np.arange(5) / 5]
        for r in (1.21, 2.29)
        for turn, height in ((0.0, 1.65), (0.3, -1.65))
    ]
    return Atoms("FeC10H10", np.concatenate([[0 * X], *rings]))
