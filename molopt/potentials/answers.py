"""What a calculator answered, checked once, before anything is computed from it."""

from typing import Any

import numpy as np
from ase import Atoms

from molopt.errors import PotentialFailed
from molopt.rules.partition import REAL, Array

HUGE = 1e100  # eV/A, eV; more comes from no potential, and its square is not a number


def checked_forces(forces: Any, atoms: Atoms, where: str) -> Array:
    """The forces as an array (N, 3) of floats, eV/A.

    Of three atoms (3, N) is (N, 3): there, forces that are transposed cannot be told by their shape.

    Parameters
    ----------
    forces : Any
        What the calculator gave.
    atoms : ase.Atoms
        Which it was asked about.
    where : str
        How a message begins: the calculator, and which of its force calls this was.

    Raises
    ------
    PotentialFailed
        They are not real numbers of this shape, not finite, or beyond all sense.

    Examples
    --------
    >>> checked_forces(np.zeros((3, 2)), Atoms("H2"), "emt failed at force call 1")
    Traceback (most recent call last):
        ...
    molopt.errors.PotentialFailed: emt failed at force call 1: its forces have the shape (3, 2), those of 2 atoms need \
(2, 3)
    """
    needed = (len(atoms), 3)
    found = real(forces)
    if found is None:
        raise PotentialFailed(f"{where}: its forces are {said(forces)}; they must be real numbers of shape {needed}")
    if found.shape != needed:
        raise PotentialFailed(
            f"{where}: its forces have the shape {found.shape}, those of {len(atoms)} atoms need {needed}"
        )
    sound = (np.abs(found) < HUGE).all(axis=1)  # false of what is not a number
    if not sound.all():
        atom = int(np.argmin(sound))
        force = ", ".join(str(entry) for entry in found[atom])
        raise PotentialFailed(
            f"{where}: the force on atom {atom} ({atoms.symbols[atom]}), counted from 0, is ({force}) eV/A"
        )
    return found


def checked_energy(energy: Any, where: str) -> float:
    """The energy as a float, eV; an array of one number is one.

    Raises
    ------
    PotentialFailed
        It is not one real number, not finite, or beyond all sense.

    Examples
    --------
    >>> checked_energy(np.array([-1.5]), "emt failed")
    -1.5
    >>> checked_energy(None, "emt failed")
    Traceback (most recent call last):
        ...
    molopt.errors.PotentialFailed: emt failed: the energy is None; it must be one real number
    """
    found = real(energy)
    if found is None or found.size != 1:
        what = said(energy) if found is None else f"an array of shape {found.shape}"
        raise PotentialFailed(f"{where}: the energy is {what}; it must be one real number")
    number = float(found.item())
    if not abs(number) < HUGE:
        raise PotentialFailed(f"{where}: the energy is {number}")
    return number


def real(value: Any) -> Array | None:
    """A new array of floats; None where these are not real numbers."""
    try:
        found = np.asarray(value)
    except Exception:  # rows of unequal length; arrays of another library that cannot leave their device
        return None
    return found.astype(float) if found.dtype.kind in REAL else None


def said(value: Any) -> str:
    """What something that is not real numbers is, in a few words."""
    if value is None or isinstance(value, bool | complex | str):
        return repr(value) if len(repr(value)) < 40 else f"a {type(value).__name__}"
    kind = getattr(value, "dtype", None)
    what = "an array" if isinstance(value, np.ndarray) else f"a {type(value).__name__}"
    return what if kind is None else f"{what} of kind {kind}"
