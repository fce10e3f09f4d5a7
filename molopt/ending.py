"""What is said of a run that has ended: its end, what that is, and whether it is still the molecule."""

import math
from dataclasses import dataclass
from functools import cached_property

from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from molopt.control.drive import Point
from molopt.errors import InputError
from molopt.molecules import Molecule
from molopt.molecules.identity import Identity, identity_of
from molopt.optimizers.energy_left import Estimate, energy_left
from molopt.optimizers.stopping import Stopping
from molopt.potentials.sense import Evaluated
from molopt.stationary.curvature import Curvature
from molopt.stationary.verdict import Verdict, without_check


@dataclass(frozen=True, eq=False)
class Ending:
    """How a run ended. What costs time to find out is found out when it is first asked for.

    Attributes
    ----------
    start : Molecule or None
        At the geometry that the run began with.
    last : ase.Atoms
        As the run left them; their positions are not those of its result.
    end : Evaluated or None
        The force call whose geometry is the result; None where there was none.
    ended : str
        A word of `molopt.stationary.verdict.ENDED`.
    met : bool
        Whether the criteria were met at the end, of a run that was still being checked too.
    curvature : Curvature or None
        What the check of the end found; None where there was none.
    unlooked : str
        Why there was none; empty where none was asked for.
    stopping : Stopping or None
        What the run has learned of its surface; None where it is not to be relied on.
    error : str or None
        Why the run stopped before its end.
    """

    start: Molecule | None
    last: Atoms
    end: Evaluated | None
    ended: str
    met: bool
    curvature: Curvature | None
    unlooked: str
    stopping: Stopping | None
    error: str | None

    @cached_property
    def atoms(self) -> Atoms:
        """At the geometry of the result, with energy and forces."""
        atoms = self.last.copy()
        if self.end is not None:
            atoms.set_positions(self.end.positions, apply_constraint=False)
            atoms.calc = SinglePointCalculator(atoms, **self.end.results)
        return atoms

    @cached_property
    def became(self) -> Identity:
        """What became of the molecule."""
        return identity_of(self.start, self.atoms.positions)

    @property
    def molecule(self) -> Molecule | None:
        """At the geometry of the result; None where the atoms are none."""
        return None if self.start is None else self.start.moved(self.atoms.positions)

    @cached_property
    def energy_left(self) -> Estimate | None:
        """With what the run showed of its surface; None where it cannot be known."""
        if self.end is None:
            return None
        try:
            if self.stopping is None:
                found = energy_left(self.atoms, self.start)
            else:
                here = Point(self.atoms.positions.ravel(), -self.atoms.get_forces().ravel())
                found = self.stopping.estimate_at(here)
        except InputError:
            return None
        return found if self.curvature is None else found.corrected(self.curvature)

    @property
    def fmax(self) -> float:
        """eV/A; NaN where not even the first force call worked."""
        return math.nan if self.end is None else self.end.fmax

    @property
    def energy(self) -> float:
        """eV; NaN where not even the first force call worked."""
        return math.nan if self.end is None else self.end.energy

    @cached_property
    def verdict(self) -> Verdict:
        """What is said of the run, its end and its molecule, with the evidence for each that there is."""
        looked = "unchecked" if self.curvature is None else self.curvature.stationary
        if looked == "unchecked":
            looked = without_check(self.met, self.fmax)
        evidence = self.unlooked if self.curvature is None else str(self.curvature)
        why = "; ".join(filter(None, (self.error or "", self.became.why, evidence)))
        left = self.energy_left
        known = None if left is None or not math.isfinite(float(left)) else float(left)
        return Verdict(self.ended, looked, self.became.word, why, known)
