"""What is said of a run that has ended: its end, what that is, and whether it is still the molecule."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from molopt.control.drive import Point
from molopt.errors import InputError
from molopt.molecules import Molecule
from molopt.molecules.identity import Identity, identity_of
from molopt.optimizers.energy_left import Estimate, energy_left
from molopt.optimizers.stopping import Stopping
from molopt.potentials.sense import Evaluated
from molopt.rules.partition import Array
from molopt.stationary.curvature import Curvature
from molopt.stationary.verdict import Verdict, without_check


@dataclass(frozen=True, eq=False)
class Start:
    """Where a run begins.

    Attributes
    ----------
    molecule : Molecule or None
        Which molecule it is, at any geometry; None where atoms are not known to be one.
    given : ase.Atoms or None
        The atoms that the caller gave.
    positions : (N, 3) array
        Angstrom.
    name : str
    """

    molecule: Molecule | None
    given: Atoms | None
    positions: Array
    name: str

    def atoms(self) -> Atoms:
        """New atoms at this geometry."""
        if self.given is not None:
            atoms = self.given.copy()
        else:
            assert self.molecule is not None
            atoms = self.molecule.atoms()
        atoms.set_positions(self.positions, apply_constraint=False)
        return atoms

    @cached_property
    def here(self) -> Molecule | None:
        """The molecule at this geometry."""
        if self.molecule is None or np.array_equal(self.molecule.positions, self.positions):
            return self.molecule
        return self.molecule.with_positions(self.positions)


@dataclass(frozen=True, eq=False)
class Ending:
    """How a run ended. What costs time to find out is found out when it is first asked for.

    Attributes
    ----------
    start : Start
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

    start: Start
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
        atoms = self.start.atoms()
        if self.end is not None:
            atoms.set_positions(self.end.positions, apply_constraint=False)
            atoms.calc = SinglePointCalculator(atoms, **self.end.results)
        return atoms

    @property
    def positions(self) -> Array:
        """(N, 3) of the result, Angstrom; of the start where there was no force call."""
        return self.start.positions if self.end is None else self.end.positions

    @cached_property
    def became(self) -> Identity:
        """What became of the molecule."""
        return identity_of(self.start.here, self.positions)

    @property
    def molecule(self) -> Molecule | None:
        """At the geometry of the result, with the bonds that are there; None where the atoms are none."""
        start = self.start.here
        return None if start is None else start.moved(self.positions, self.became.bonds_kept is not False)

    @cached_property
    def energy_left(self) -> Estimate | None:
        """With what the run showed of its surface; None where it cannot be known."""
        if self.end is None:
            return None
        try:
            if self.stopping is None:
                found = energy_left(self.atoms, self.start.molecule)
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


def word_of_end(exploded: bool, stopped: str, failed: bool, met: bool, saddle: bool) -> str:
    """A word of `molopt.stationary.verdict.ENDED`, the first that holds.

    `stopped` is "stopped", "stalled" or empty; `met` is whether all criteria are, `saddle` whether a saddle is left
    that the run was to leave.
    """
    if exploded:
        return "exploded"
    if stopped or failed:
        return stopped or "failed"
    return "converged" if met and not saddle else "unconverged"
