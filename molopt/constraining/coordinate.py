"""A bond, an angle or a dihedral, by its atoms."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase.constraints import FixInternals
from numpy.typing import ArrayLike

from molopt.coordinates.formulas import angle_value, stretch_value, torsion_value
from molopt.errors import InputError

KINDS = {2: "bond", 3: "angle", 4: "dihedral"}
COUNTS = {kind: count for count, kind in KINDS.items()}
VALUES = {"bond": stretch_value, "angle": angle_value, "dihedral": torsion_value}
RANGES = {"bond": (0.0, np.inf), "angle": (0.0, 180.0), "dihedral": (-np.inf, np.inf)}
ALLOWED = {"bond": "a positive number of A", "angle": "between 0 and 180 degrees", "dihedral": "a number of degrees"}


@dataclass(frozen=True)
class Coordinate:
    """A distance, an angle or a dihedral.

    Parameters
    ----------
    atoms : tuple of int
        Two, three or four, counted from 0. They need not be bonded.

    Examples
    --------
    >>> dihedral = Coordinate((0, 1, 2, 3))
    >>> dihedral.kind, dihedral.unit, dihedral.named(), dihedral.gap(350.0, 10.0)
    ('dihedral', 'degrees', 'dihedral 0-1-2-3', 20.0)
    """

    atoms: tuple[int, ...]

    @property
    def kind(self) -> str:
        """bond, angle or dihedral."""
        return KINDS[len(self.atoms)]

    @property
    def unit(self) -> str:
        """Of its values: A or degrees."""
        return "A" if self.kind == "bond" else "degrees"

    @property
    def turns(self) -> bool:
        """Whether its values repeat every 360 degrees."""
        return self.kind == "dihedral"

    def at(self, positions: ArrayLike) -> float:
        """Its value at positions (N, 3) in Angstrom; dihedrals are between -180 and 180 degrees."""
        points = np.asarray(positions, dtype=float)[list(self.atoms)]
        value = float(VALUES[self.kind](points[None])[0])
        return value if self.kind == "bond" else float(np.rad2deg(value))

    def gap(self, value: float, other: float) -> float:
        """From one value to another; dihedrals the shorter way round."""
        return (other - value + 180.0) % 360.0 - 180.0 if self.turns else other - value

    def named(self, first: int = 0) -> str:
        """Its kind and its atoms, of which the first of the molecule has the number `first`."""
        return f"{self.kind} {'-'.join(str(atom + first) for atom in self.atoms)}"

    def backwards(self) -> "Coordinate":
        """The same coordinate, its atoms in the other order."""
        return Coordinate(self.atoms[::-1])

    def require(self, value: Any, first: int = 0) -> float:
        """The value as a number; InputError where no geometry has it."""
        least, most = RANGES[self.kind]
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = np.nan
        if not (np.isfinite(number) and least < number < most):
            raise InputError(f"the {self.named(first)} must be {ALLOWED[self.kind]}, got {value}")
        return number


def holding(values: Mapping[Coordinate, float]) -> FixInternals:
    """The constraint that holds coordinates at these values, in Angstrom and degrees."""
    listed: dict[str, list[Any]] = {kind: [] for kind in COUNTS}
    for coordinate, value in values.items():
        listed[coordinate.kind].append([float(value), list(coordinate.atoms)])
    bonds, angles, dihedrals = (listed[kind] or None for kind in ("bond", "angle", "dihedral"))
    return FixInternals(bonds=bonds, angles_deg=angles, dihedrals_deg=dihedrals)
