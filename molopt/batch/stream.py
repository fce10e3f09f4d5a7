"""The targets of a batch, drawn one by one from any iterable."""

from collections.abc import Iterable, Iterator
from itertools import chain, starmap

import numpy as np
from ase import Atoms
from numpy.typing import ArrayLike

from molopt.batch.inputs import Target
from molopt.errors import InputError
from molopt.molecules import Molecule
from molopt.rules.partition import Array

LONGEST = 60  # characters of a value in a message


class Stream:
    """Targets with their places, up to where their iterable ends or raises.

    What it raised is kept until all that were drawn before have ended.

    Parameters
    ----------
    targets : iterable of Target
    """

    def __init__(self, targets: Iterable[Target]) -> None:
        self.targets = targets
        self.broken: Exception | None = None

    def __iter__(self) -> Iterator[tuple[int, Target]]:
        try:
            yield from enumerate(self.targets)
        except Exception as error:
            self.broken = error


def default_potential(stream: Iterator[Target]) -> tuple[str | None, Iterator[Target]]:
    """MMFF94 for molecules, None for atoms, which have calculators; and the stream, which must be of one kind."""
    first = next(stream, None)
    if first is None:
        return "mmff94", stream

    def alike() -> Iterator[Target]:
        for target in chain([first], stream):
            if isinstance(target, Atoms) is not isinstance(first, Atoms):
                raise InputError('molecules and atoms are mixed: give a potential for both, such as "mmff94"')
            yield target

    return None if isinstance(first, Atoms) else "mmff94", alike()


def drawn(targets: object, positions: object) -> Iterator[Target]:
    """The targets one by one, checked to be what can be relaxed."""
    if positions is not None:
        if not isinstance(targets, Molecule):
            raise InputError(f"positions= are of one Molecule, got {type(targets).__name__}")
        return conformers(targets, positions)
    if isinstance(targets, Molecule | Atoms):
        raise InputError("relax_batch takes many molecules, or one and its positions=: for one alone use molopt.relax")
    if isinstance(targets, str) or not isinstance(targets, Iterable):
        raise InputError(
            f"relax_batch takes an iterable of Molecules or ase.Atoms, got {short(targets)}: see molopt.read"
        )
    return starmap(checked, enumerate(targets))


def conformers(molecule: Molecule, positions: object) -> Iterator[Target]:
    """A molecule at each of the positions, which must be of shape (S, N, 3), or an iterable of (N, 3)."""
    shape = (len(molecule), 3)
    whole = positions if isinstance(positions, np.ndarray) else np.empty((0, *shape))
    if not isinstance(positions, Iterable) or (whole.size and whole.shape[1:] != shape):
        got = f"an array of shape {whole.shape}" if whole is positions else short(positions)
        raise InputError(f"positions= of {molecule.name} must be of shape (S, {shape[0]}, 3), got {got}")

    def at(number: int, each: ArrayLike) -> Array:
        needed = f"{molecule.name} needs positions of shape {shape}"
        try:
            found = np.array(each, dtype=float)
        except (TypeError, ValueError):
            raise InputError(f"{needed}, in Angstrom; those at place {number} are {short(each)}") from None
        if found.shape != shape:
            raise InputError(f"{needed}; those at place {number} have {found.shape}")
        return found

    return ((molecule, at(number, each)) for number, each in enumerate(positions))


def checked(number: int, target: object) -> Molecule | Atoms:
    """The target; InputError where it is neither a molecule nor atoms."""
    if not isinstance(target, Molecule | Atoms):
        raise InputError(
            f"relax_batch takes Molecules or ase.Atoms, got {short(target)} at place {number}: see molopt.read"
        )
    return target


def short(value: object) -> str:
    """What a caller gave, in one short line."""
    line = " ".join(repr(value).split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST]} ..."
