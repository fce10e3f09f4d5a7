"""What is known of the curvature at the end of a run."""

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from molopt.rules.partition import Array


@dataclass(frozen=True)
class Curvature:
    """The softest direction that was found at a geometry.

    Attributes
    ----------
    lowest : float
        The lowest curvature found, relative to the model Hessian: 1 is as stiff as the model says, below 0 is a ridge.
        That of the directions that were tried, or of the ridge that they imply; from frequencies, of all.
    stiffness : float
        eV/A^2 along `direction`.
    direction : (natoms, 3) array
        Of norm 1.
    bound : float
        What the lowest may still be, pessimistically, of directions that were not tried too.
    calls : int
        Force calls of the check, beyond the run's own.
    pushes : int
        Ridges that were left where the run would have ended; those left on the way are not counted.
    energy_left : float
        eV, with the curvature that was seen; NaN on a ridge, but where the way down from it was looked at too.
    stationary : str
        A word of `molopt.stationary.verdict.STATIONARY`.
    why : str
        In a few words, as "periodic atoms" or "the budget of the check is spent".
    """

    lowest: float
    stiffness: float
    direction: Array
    bound: float
    calls: int
    pushes: int
    energy_left: float
    stationary: str
    why: str = ""

    @classmethod
    def unknown(cls, why: str, calls: int = 0, pushes: int = 0) -> Self:
        """Where nothing could be looked at, and why."""
        return cls(math.nan, math.nan, np.zeros((0, 3)), math.nan, calls, pushes, math.nan, "unchecked", why)

    def __str__(self) -> str:
        said = f"lowest curvature {self.lowest:.2g} of the model's, {self.stiffness:.2g} eV/A^2"
        return "; ".join(filter(None, ("" if math.isnan(self.lowest) else said, self.why)))

    def as_dict(self) -> dict[str, Any]:
        """In plain values, fit for JSON; NaN is None."""
        said = {name: None if value != value else value for name, value in vars(self).items() if name != "direction"}
        return said | {"direction": self.direction.tolist()}
