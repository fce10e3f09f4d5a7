"""Where jobs are done: a molecule, its potentials, and what of a geometry is known there already."""

import hashlib
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, ClassVar, Protocol, TypeAlias

import numpy as np
from ase import Atoms
from ase.calculators.abc import GetPropertiesMixin
from ase.calculators.calculator import Calculator, all_changes

from molopt import potentials
from molopt.molecules import Molecule
from molopt.molecules.identity import identity_of
from molopt.potentials.xtb import METHODS
from molopt.rules.partition import Array
from molopt.signs import stage
from molopt.specification import parse, specified
from molopt.system import Potential

Answer: TypeAlias = dict[str, Any]  # arrays, numbers, texts and lists of texts: what a journal can keep

ROUGH = 3.0  # accuracy of xTB while minima are looked for: forces within 1 meV/A, in three quarters of the time


@dataclass(frozen=True)
class Workshop:
    """Where jobs are done: a molecule and its two potentials. It travels to other processes once, jobs many times.

    Parameters
    ----------
    molecule : Molecule
        Its bonds and its stereo are those that every conformer must have.
    cheap : str or ASE calculator
        On which thousands are relaxed.
    ranking : str, ASE calculator or None
        On which conformers are ranked; None where that is the cheap one.
    """

    molecule: Molecule
    cheap: Potential
    ranking: Potential | None = None

    def __call__(self, job: "Job") -> Answer:
        with stage(job.stage, self.molecule.name, len(self.molecule)):
            return job.done_in(self)

    def __getstate__(self) -> dict[str, object]:
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @property
    def judging(self) -> Potential:
        """The potential that ranks."""
        return self.cheap if self.ranking is None else self.ranking

    @cached_property
    def rough(self) -> Potential:
        """The same, as it is while minima are looked for."""
        if not isinstance(self.judging, str):
            return self.judging
        name, keywords = parse(self.judging)
        return specified(name.lower(), {"accuracy": ROUGH} | keywords) if name.lower() in METHODS else self.judging

    def calculator(self, potential: Potential) -> GetPropertiesMixin:
        """One that remembers nothing of other conformers: the answer must not depend on who did which job before."""
        return potentials.potential(potential, self.molecule) if isinstance(potential, str) else potential

    def changed(self, positions: Array) -> str:
        """How a geometry (N, 3) differs from the molecule in bonds or stereo; empty where it does not."""
        became = identity_of(self.molecule, positions)
        return "" if became.word == "kept" else f"{became.word}: {became.why}"


class Job(Protocol):
    """One piece of work: data alone, so that it can travel and be told from any other by its digest.

    Attributes
    ----------
    stage : str
        Of `molopt.signs.STAGES`, that it belongs to.
    """

    stage: ClassVar[str]

    def done_in(self, shop: Workshop) -> Answer: ...


def digest(job: Job) -> str:
    """What was asked, to the last bit.

    >>> from molopt.ensembles.jobs import Embed
    >>> digest(Embed((1, 2))) == digest(Embed((1, 2))), digest(Embed((1, 2))) == digest(Embed((1, 3)))
    (True, False)
    """
    found = hashlib.sha256(type(job).__name__.encode())
    for name, value in vars(job).items():
        said = value.tobytes() + repr(value.shape).encode() if isinstance(value, np.ndarray) else repr(value).encode()
        found.update(name.encode() + said)
    return found.hexdigest()


class Known(Calculator):
    """A calculator of which the answer at one geometry is known already."""

    implemented_properties: ClassVar[list[str]] = ["energy", "forces"]

    def __init__(self, calculator: GetPropertiesMixin, positions: Array, energy: float, forces: Array) -> None:
        super().__init__()
        self.calculator, self.known = calculator, (positions, energy, forces)

    def calculate(
        self, atoms: Atoms | None = None, properties: list[str] | None = None, system_changes: list[str] = all_changes
    ) -> None:
        super().calculate(atoms, properties, system_changes)
        positions, energy, forces = self.known
        if np.array_equal(self.atoms.positions, positions):
            self.results = {"energy": energy, "forces": forces.copy()}
            return
        forces = self.calculator.get_property("forces", self.atoms)
        self.results = {"energy": self.calculator.get_property("energy", self.atoms), "forces": forces}
