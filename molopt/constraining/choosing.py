"""What a user names by atoms or by a SMARTS: coordinates of a molecule, and constraints on it."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from ase.constraints import FixAtoms, FixInternals

from molopt.constraining.coordinate import COUNTS, KINDS, Coordinate, holding
from molopt.errors import InputError
from molopt.molecules import Molecule
from molopt.molecules.matching import matches

LINE = 1.0  # degrees; a dihedral is not defined where three of its atoms are on a line as nearly as that
NAMED = 3  # coordinates that a message names

Chosen: TypeAlias = Sequence[int] | str  # atoms, or a SMARTS
Hold: TypeAlias = Chosen | tuple[Chosen, float]  # at its present value, or at one in Angstrom or degrees


class Chooser(NamedTuple):
    """Finds what is named by atoms or by a SMARTS.

    Attributes
    ----------
    molecule : Molecule
        Its geometry says what the present value of a coordinate is.
    first : int
        The number of the first atom, in what is given and in messages: 0 in Python, 1 on the command line. What is
        returned counts from 0.
    """

    molecule: Molecule
    first: int = 0

    def coordinate(self, chosen: Chosen, kind: str = "") -> Coordinate:
        """The one coordinate that atoms or a SMARTS name, of this kind where one is given.

        Raises
        ------
        InputError
            There is none, or a SMARTS matches several.
        """
        found = self.coordinates(chosen, kind)
        if len(found) > 1:
            names = ", ".join(each.named(self.first) for each in found[:NAMED]) + ", ..." * (len(found) > NAMED)
            raise InputError(
                f"{chosen!r} matches {len(found)} coordinates in {self.molecule.name} ({names}): give atoms, "
                "or a SMARTS that matches one, as with numbers in [CH3:1][C:2]"
            )
        return found[0]

    def coordinates(self, chosen: Chosen, kind: str = "") -> list[Coordinate]:
        """All coordinates that atoms or a SMARTS name; InputError where one is not defined."""
        listed = matches(self.molecule, chosen) if isinstance(chosen, str) else [self.atoms(chosen)]
        counts = [COUNTS[kind]] if kind else list(KINDS)
        found = []
        for atoms in listed:
            if len(atoms) not in counts or len(set(atoms)) < len(atoms):
                wanted = (
                    f"the {kind} must be of {COUNTS[kind]}"
                    if kind
                    else "a bond is of 2, an angle of 3, a dihedral of 4"
                )
                raise InputError(f"{wanted} different atoms, got {self.said(chosen)}")
            found.append(self.defined(Coordinate(atoms)))
        return found

    def defined(self, coordinate: Coordinate) -> Coordinate:
        """The coordinate; InputError where it is a dihedral with three atoms on a line."""
        for three in (coordinate.atoms[:3], coordinate.atoms[1:]) if coordinate.turns else ():
            if not LINE < Coordinate(three).at(self.molecule.positions) < 180.0 - LINE:
                named = f"the {coordinate.named(self.first)} of {self.molecule.name}"
                raise InputError(f"{named} is not defined, as three of its atoms are on a line: take other atoms")
        return coordinate

    def atoms(self, given: Iterable[Any]) -> tuple[int, ...]:
        """Atoms of the molecule, counted from 0; InputError where one is not there, or not a whole number."""
        try:
            listed = list(given)
            found = [int(atom) for atom in listed]
        except (TypeError, ValueError):
            listed, found = [None], [0]
        if any(isinstance(atom, bool) or atom != number for atom, number in zip(listed, found, strict=True)):
            raise InputError(f"give atoms as whole numbers counted from {self.first}, or a SMARTS, got {given!r}")
        last = len(self.molecule) - 1 + self.first
        for atom in found:
            if not self.first <= atom <= last:
                raise InputError(f"{self.molecule.name} has atoms {self.first} to {last}, got {atom}")
        return tuple(atom - self.first for atom in found)

    def constraints(self, fix: Chosen | Sequence[Chosen] = (), hold: Sequence[Hold] = ()) -> list[Any]:
        """The constraints of `constraints_of`."""
        held: dict[Coordinate, float] = {}
        for entry in hold:
            chosen, value = parted(entry)
            for coordinate in self.coordinates(chosen):
                if coordinate in held or coordinate.backwards() in held:
                    raise InputError(f"the {coordinate.named(self.first)} is held twice: hold it once")
                present = coordinate.at(self.molecule.positions)
                held[coordinate] = present if value is None else coordinate.require(value, self.first)
        found: list[Any] = [holding(held)] if held else []
        fixed = self.fixed(fix)
        return [*found, FixAtoms(fixed)] if fixed else found

    def fixed(self, fix: Chosen | Sequence[Chosen]) -> list[int]:
        """The atoms that are to be fixed, in their order, each once; of a SMARTS all atoms of all matches."""
        found: set[int] = set()
        for entry in [fix] if isinstance(fix, str) else fix:
            if isinstance(entry, str):
                found.update(atom for match in matches(self.molecule, entry) for atom in match)
            else:
                found.update(self.atoms([entry] if isinstance(entry, int | float | np.number) else entry))
        return sorted(found)

    def said(self, chosen: Chosen) -> str:
        """What was given, for a message."""
        return repr(chosen) if isinstance(chosen, str) else ", ".join(map(str, chosen)) or "none"


def parted(entry: Hold) -> tuple[Chosen, Any]:
    """Atoms or a SMARTS, and the value at which that is held; None is the present one.

    >>> parted((0, 1)), parted(((0, 1), 1.5)), parted("CC"), parted(("CC", 1.5))
    (((0, 1), None), ((0, 1), 1.5), ('CC', None), ('CC', 1.5))
    """
    alone = isinstance(entry, str) or len(entry) != 2 or isinstance(entry[0], int | float | np.number)
    return (entry, None) if alone else tuple(entry)  # type: ignore[return-value]  # a pair here


def constraints_of(
    molecule: Molecule, fix: Chosen | Sequence[Chosen] = (), hold: Sequence[Hold] = ()
) -> list[FixInternals | FixAtoms]:
    """ASE constraints that fix atoms where they are, and hold coordinates at values.

    Parameters
    ----------
    molecule : Molecule
        Whose geometry says what is present.
    fix : atoms, SMARTS, or a sequence of these
        Atoms counted from 0; of a SMARTS all atoms of all matches.
    hold : sequence
        Each entry the atoms of a bond, an angle or a dihedral, told by their number, or a SMARTS for all its matches;
        alone, at its present value, or in a pair with a value in Angstrom or degrees.

    Returns
    -------
    list
        At most one FixInternals and one FixAtoms, for `molopt.relax(..., constraints=...)` or `Atoms.set_constraint`.

    Raises
    ------
    InputError
        Atoms, a SMARTS or a value cannot be used, or a coordinate is held twice.

    Examples
    --------
    >>> butane = Molecule.from_smiles("CCCC")
    >>> [type(each).__name__ for each in constraints_of(butane, fix=[0], hold=[("CCCC", 60), (1, 2)])]
    ['FixInternals', 'FixAtoms']
    """
    return Chooser(molecule).constraints(fix, hold)
