"""What is known of the curvature at the end of a run."""

import math
from dataclasses import dataclass
from typing import Any

from molopt.rules.partition import Array


@dataclass(frozen=True)
class Curvature:
    """The softest direction that was found at a geometry.

    Attributes
    ----------
    lowest : float
        The lowest curvature found, relative to the model Hessian: 1 is as stiff as the model says, below 0 is a ridge.
    stiffness : float
        eV/A^2 along `direction`.
    direction : (natoms, 3) array
        Of norm 1.
    bound : float
        What the lowest may still be, pessimistically.
    calls : int
        Force calls of the check, beyond the run's own.
    pushes : int
        Ridges that were left.
    energy_left : float
        eV, with the curvature that was seen; NaN on a ridge.
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

    def __str__(self) -> str:
        said = (
            ""
            if math.isnan(self.lowest)
            else f"lowest curvature {self.lowest:.2g} of the model's, {self.stiffness:.2g} eV/A^2"
        )
        return "; ".join(filter(None, (said, self.why)))

    def as_dict(self) -> dict[str, Any]:
        """In plain values, fit for JSON; NaN is None."""
        said = {name: value for name, value in vars(self).items() if name != "direction"}
        known = {
            name: None if isinstance(value, float) and math.isnan(value) else value for name, value in said.items()
        }
        return known | {"direction": self.direction.tolist()}
