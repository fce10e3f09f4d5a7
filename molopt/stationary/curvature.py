"""What a check of the curvature found."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from molopt.rules.partition import Array


@dataclass(frozen=True)
class Curvature:
    """The lowest curvature at a geometry, as far as a check has looked.

    Attributes
    ----------
    lowest : float
        Relative to the model Hessian, v.H v / v.M v: 1 where a motion is as stiff as the model says, below 0 on a
        ridge. NaN where none was looked at.
    stiffness : float
        The same, d.H d in eV/A^2, along `direction`.
    direction : (natoms, 3) array
        d, of norm 1.
    bound : float
        What the lowest may still be, pessimistically, relative to the model Hessian.
    calls : int
        Force calls of the check, beyond those of the run.
    pushes : int
        How often the run was pushed off a ridge.
    energy_left : float
        eV, with the curvature that was seen; NaN on a ridge, where no parabola tells.
    stationary : str
        A word of `molopt.stationary.verdict`.
    why : str
        The evidence, in a few words.
    """

    lowest: float = math.nan
    stiffness: float = math.nan
    direction: Array = field(default_factory=lambda: np.zeros((0, 3)))
    bound: float = math.nan
    calls: int = 0
    pushes: int = 0
    energy_left: float = math.nan
    stationary: str = "unchecked"
    why: str = ""

    def as_dict(self) -> dict[str, Any]:
        """In plain values; NaN is None."""
        said = dict(vars(self), direction=np.asarray(self.direction).tolist())
        return {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in said.items()}
