"""What a check of a geometry found."""

import math
import textwrap
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import Any

import numpy as np
from ase import Atoms
from ase.vibrations.data import VibrationsData

from molopt.errors import InputError
from molopt.molecules import Molecule
from molopt.notebook import beside
from molopt.spelling import amount
from molopt.stationary.curvature import Curvature
from molopt.stationary.frequencies import NormalModes
from molopt.stationary.modes import swing
from molopt.stationary.tables import LINE, frequency_table, thermochemistry_table
from molopt.stationary.thermochemistry import Thermochemistry
from molopt.stationary.verdict import Verdict, left_text


@dataclass(frozen=True, eq=False, repr=False)
class Check:
    """What `molopt.check` found; `str()` is a table.

    Attributes
    ----------
    atoms : ase.Atoms
        The geometry, with its energy and forces.
    molecule : Molecule or None
        The same with bonds; None where the atoms are periodic, and of what an archive has (`molopt.checked.archive`).
    name, potential : str
    energy : float
        eV, with what constraints add.
    fmax : float
        eV/A, the longest force on an atom, constraints applied.
    verdict : Verdict
    curvature : Curvature
        The lowest, relative to the model Hessian and in eV/A^2, its direction, the energy left.
    frequencies : NormalModes or None
        Where they were asked for.
    names : tuple of str
        The coordinates that hold most of each of these modes, and of the softest direction where there are none.
    thermochemistry : Thermochemistry or None
        Of a minimum whose frequencies were asked for.
    refused : str
        Why there is no thermochemistry.
    force_calls : int
        Evaluations of energy and forces; the geometry's own is not among them where its forces were known.
    """

    atoms: Atoms
    molecule: Molecule | None
    name: str
    potential: str
    energy: float
    fmax: float
    verdict: Verdict
    curvature: Curvature
    frequencies: NormalModes | None
    names: tuple[str, ...]
    thermochemistry: Thermochemistry | None
    refused: str
    force_calls: int

    @property
    def stationary(self) -> str:
        """minimum, saddle, flat, unchecked or not stationary."""
        return self.verdict.stationary

    @property
    def charge(self) -> int | None:
        """Of the molecule; None where it is not known."""
        return self.atoms.info.get("charge") if self.molecule is None else self.molecule.charge

    @property
    def spin(self) -> int | None:
        """Its multiplicity, likewise."""
        return self.atoms.info.get("spin") if self.molecule is None else self.molecule.spin

    @property
    def left(self) -> str:
        """The energy left in meV, as tables show it."""
        word = "minimum" if self.stationary == "saddle" else self.stationary  # a saddle that was walked down from
        return left_text(self.verdict.energy_left, word)

    @cached_property
    def vibrations(self) -> VibrationsData | None:
        """The Hessian as ASE's, symmetric, rigid motions projected out; of all atoms that may move in any direction.

        Its animations, densities of states and files are ASE's.
        """
        if self.frequencies is None:
            return None
        movable = self.frequencies.movable
        mobile = np.repeat(movable.reshape(-1, 3).any(axis=1), 3)
        whole = np.zeros((movable.size, movable.size))
        whole[np.ix_(movable, movable)] = self.frequencies.hessian
        return VibrationsData.from_2d(self.atoms, whole[np.ix_(mobile, mobile)], np.flatnonzero(mobile[::3]))

    def animation(self, mode: int) -> list[Atoms]:
        """One period of a mode, counted from 0, in 20 frames; InputError where there is none."""
        if self.frequencies is None or not 0 <= mode < len(self.frequencies.modes):
            count = 0 if self.frequencies is None else len(self.frequencies.modes)
            raise InputError(f"there is no mode {mode}: {self.name} has {count}, counted from 0")
        frames = []
        for positions in swing(self.atoms.positions, self.frequencies.modes[mode]):
            frame = Atoms(self.atoms.numbers, positions, cell=self.atoms.cell, pbc=self.atoms.pbc)
            frame.info["wavenumber"] = round(float(self.frequencies.wavenumbers[mode]), 1)
            frames.append(frame)
        return frames

    def __str__(self) -> str:
        return "\n".join(map(folded, self.lines()))

    def lines(self) -> list[str]:
        """All that is known of it: a table, with sentences of any length."""
        blocks = ["\n".join(filter(None, (self.ending(), self.measured(), self.softest())))]
        if self.frequencies is not None and len(self.frequencies.wavenumbers):
            blocks.append(frequency_table(self.frequencies, self.names))
        if self.thermochemistry is not None:
            blocks.append(thermochemistry_table(self.thermochemistry))
        if self.refused:
            blocks.append(f"no thermochemistry: {self.refused}")
        return "\n\n".join(blocks).splitlines()

    def __repr__(self) -> str:
        """
        >>> from molopt import check
        >>> check("CCO ethanol")
        <Check ethanol: not stationary, fmax 1.4996 eV/A, 1 force call, mmff94>
        """
        calls = amount(self.force_calls, "force call")
        return f"<Check {self.name}: {self.stationary}, fmax {self.fmax:.4f} eV/A, {calls}, {self.potential}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: the tables of `str`, with the formula."""
        return beside(f"<pre>{escape(str(self))}</pre>", "" if self.molecule is None else self.molecule.to_svg())

    def ending(self) -> str:
        """What it is, and why, in one line."""
        why = self.verdict.why
        return f"{self.name}: {self.stationary}" + (f" ({why})" if why else "")

    def measured(self) -> str:
        """Energy, forces and energy left in one line."""
        said = f", {self.left} meV left" if self.left[0].isdigit() else ""
        calls = f"{self.force_calls} force call{'s' * (self.force_calls != 1)}"
        return f"energy {self.energy:.6f} eV, fmax {self.fmax:.4f} eV/A{said}; {self.potential}, {calls}"

    def softest(self) -> str:
        """The softest direction in one line; nothing where that is not known."""
        if not math.isfinite(self.curvature.lowest):
            return ""
        held = "" if self.frequencies is not None or not self.names else f" in {self.names[0]}"
        stiffness = f"{self.curvature.stiffness:.3f} eV/A^2"
        return f"lowest curvature {self.curvature.lowest:.3f} of the model's, {stiffness}{held}"

    def as_dict(self) -> dict[str, Any]:
        """In plain values, fit for JSON; NaN is None."""
        said = {
            "name": self.name,
            "potential": self.potential,
            "energy": self.energy,
            "fmax": self.fmax,
            "verdict": self.verdict.as_dict(),
            "curvature": self.curvature.as_dict(),
            "force_calls": self.force_calls,
            "frequencies": None,
            "thermochemistry": None if self.thermochemistry is None else self.thermochemistry.as_dict(),
            "no_thermochemistry": self.refused,
            "atoms": {"symbols": list(self.atoms.symbols), "positions": self.atoms.positions.tolist()},
        }
        if (normal := self.frequencies) is not None:
            said["frequencies"] = {
                "order": normal.order,
                "wavenumbers": normal.wavenumbers.tolist(),
                "noise": normal.noise.tolist(),
                "reduced_masses": normal.reduced_masses.tolist(),
                "held_by": list(self.names),
                "imaginary_modes": normal.modes[normal.imaginary].tolist(),
            }
        return said


def folded(line: str) -> str:
    """A sentence in lines of 80 characters, the further ones indented."""
    return textwrap.fill(line, LINE, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
