"""What must be true of a molecule before anything is computed."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from ase.data import chemical_symbols

from molopt.coordinates.topology import lengths, pairs_within
from molopt.errors import InputError

CLOSEST = 0.1  # A; no two nuclei come closer, and potentials divide by the distance
FARTHEST = 9999.0  # A from the origin, along each axis: an SDF cannot say more
LARGEST = 1_000_000  # of a charge or a multiplicity; more is a slip, and overflows RDKit's integers


def check_geometry(numbers: Sequence[int], positions: np.ndarray, name: str) -> None:
    """Raise InputError where a coordinate is not finite or very far out, or two atoms lie on one spot.

    >>> check_geometry([1, 1], np.zeros((2, 3)), "H2")
    Traceback (most recent call last):
        ...
    molopt.errors.InputError: H2: atoms 0 (H) and 1 (H), counted from 0, are 0.000 A apart; at least 0.1 A is needed
    """
    within = (np.abs(positions) <= FARTHEST).all(axis=1)  # NaN is not
    if not within.all():
        atom = int(np.argmin(within))
        x, y, z = positions[atom]
        raise InputError(
            f"{name}: atom {atom} ({chemical_symbols[numbers[atom]]}), counted from 0, is at ({x}, {y}, {z}); "
            f"coordinates must be finite numbers of at most {FARTHEST:g} A"
        )
    pairs = pairs_within(positions, CLOSEST)
    if len(pairs):
        i, j = pairs[0]
        apart = lengths(positions, pairs)[0]
        raise InputError(
            f"{name}: atoms {i} ({chemical_symbols[numbers[i]]}) and {j} ({chemical_symbols[numbers[j]]}), counted "
            f"from 0, are {apart:.3f} A apart; at least {CLOSEST} A is needed"
        )


def check_spin(numbers: Sequence[int], charge: int, spin: int, name: str) -> None:
    """Raise InputError unless so many electrons can have this multiplicity.

    Parameters
    ----------
    numbers : sequence of int, (natoms,)
    charge : int
        In units of e.
    spin : int
        The multiplicity 2S + 1: one more than the number of unpaired electrons.

    Examples
    --------
    >>> check_spin([8, 1, 1], charge=1, spin=1, name="water")
    Traceback (most recent call last):
        ...
    molopt.errors.InputError: water: charge 1 leaves 9 electrons, which cannot have multiplicity 1 but 2, 4, 6, ...; \
set charge or spin
    """
    own = int(sum(numbers))
    electrons = own - charge
    if electrons < 1:
        raise InputError(f"{name}: charge {charge} leaves no electrons, as it has {own}; set charge")
    if electrons > 2 * own:
        raise InputError(f"{name}: charge {charge} adds more electrons than the {own} that it has; set charge")
    if spin < 1 or spin - 1 > electrons or (electrons - spin) % 2 == 0:
        first = 1 + electrons % 2
        raise InputError(
            f"{name}: charge {charge} leaves {electrons} electrons, which cannot have multiplicity {spin} but "
            f"{first}, {first + 2}, {first + 4}, ...; set charge or spin"
        )


def whole(value: Any, what: str, name: str) -> int:
    """The integer that `value` is, or InputError naming what it should have been."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    if not (number.is_integer() and abs(number) <= LARGEST):
        got = value.tolist() if isinstance(value, np.generic | np.ndarray) else value
        size = f" of at most {LARGEST:g}" if number.is_integer() else ""
        raise InputError(f"{name}: {what} must be a whole number{size}, got {got!r:.60}")
    return int(number)
