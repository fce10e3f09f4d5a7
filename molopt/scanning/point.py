"""A point of a scan: the molecule, relaxed with its coordinates held."""

import math
from dataclasses import dataclass, replace
from typing import Self

from molopt.errors import InputError
from molopt.molecules import Molecule
from molopt.molecules.identity import identity_of
from molopt.result import Result
from molopt.rules.partition import Array
from molopt.scanning.grid import Place
from molopt.stationary.verdict import Verdict

BETTER = 1e-4  # eV; less is a matter of when runs end
NAN = math.nan


@dataclass(frozen=True, eq=False)
class Point:
    """What a scan knows of one point.

    Attributes
    ----------
    place : tuple of int
        On the grid, from 0.
    values : tuple of float
        Of the coordinates, Angstrom or degrees.
    energy, fmax : float
        eV and eV/A; NaN where there is no geometry. fmax is what the held coordinates leave.
    positions : (N, 3) array or None
        Angstrom.
    verdict : Verdict or None
        Of the run that was kept; what became of the molecule is measured against that of the scan's start.
    force_calls : int
        Of all runs at this point.
    runs : int
        From different starts.
    origin : tuple of int or None
        The neighbour that the kept run started from; None is the geometry that was given.
    error : str
        Why there is no geometry, or why the run stopped before its end; empty else.
    """

    place: Place
    values: tuple[float, ...]
    energy: float = NAN
    fmax: float = NAN
    positions: Array | None = None
    verdict: Verdict | None = None
    force_calls: int = 0
    runs: int = 0
    origin: Place | None = None
    error: str = ""

    @property
    def converged(self) -> bool:
        """Whether the run that was kept met all its criteria."""
        return self.verdict is not None and self.verdict.converged

    @property
    def failed(self) -> bool:
        """Whether there is no geometry."""
        return self.positions is None

    @property
    def kept(self) -> bool:
        """Whether it is still the molecule that the scan started with, as far as is known."""
        return self.verdict is not None and self.verdict.molecule in ("kept", "unknown")

    def better_than(self, other: Self) -> bool:
        """Whether this is to be kept in place of another run at the same point.

        A geometry is better than none, the molecule of the start than another, a run that converged than one that did
        not; then the lower energy is.
        """
        mine, theirs = ((not each.failed, each.kept, each.converged) for each in (self, other))
        return mine > theirs or (mine == theirs and not self.failed and self.energy < other.energy - BETTER)

    def with_run(self, run: Self) -> Self:
        """What is known after another run at this point."""
        best = run if run.better_than(self) else self
        return replace(best, force_calls=self.force_calls + run.force_calls, runs=self.runs + run.runs)

    def again(self, place: Place, values: tuple[float, ...]) -> Self:
        """The same geometry where a dihedral has turned once round."""
        return replace(self, place=place, values=values, force_calls=0, runs=0)

    @classmethod
    def of(
        cls, result: Result, molecule: Molecule, place: Place, values: tuple[float, ...], origin: Place | None
    ) -> Self:
        """What a run at this point gave; `molecule` is that of the scan's start."""
        found = cls(place, values, force_calls=result.force_calls, runs=1, origin=origin, error=result.error or "")
        if not result.trace:
            return found
        became = identity_of(molecule, result.atoms.positions)
        verdict = result.verdict
        why = "; ".join(filter(None, (result.error or "", became.why)))
        verdict = replace(verdict, molecule=became.word, why=why)
        return replace(
            found, energy=result.energy, fmax=result.fmax, positions=result.atoms.positions.copy(), verdict=verdict
        )

    @classmethod
    def without(
        cls, place: Place, values: tuple[float, ...], origin: Place | None, error: Exception, calls: int = 0
    ) -> Self:
        """A run that could not begin, or failed at its first force call."""
        said = error.message if isinstance(error, InputError) else str(error)
        return cls(place, values, force_calls=calls, runs=1, origin=origin, error=" ".join(said.split()))
