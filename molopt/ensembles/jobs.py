"""What is done with geometries of one molecule, wherever that is: each kind of job."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from ase import Atoms

from molopt.batch.relaxing import relax_batch
from molopt.ensembles.conforge import conforge_seeds
from molopt.ensembles.seeds import Seed, embedded_seeds
from molopt.ensembles.workshop import Answer, Known, Workshop
from molopt.errors import InputError, PotentialFailed
from molopt.molecules import Molecule
from molopt.optimizers.energy_left import energy_left
from molopt.optimizers.spec import OptimizerSpec
from molopt.potentials import Counted
from molopt.potentials.budget import Budget
from molopt.result import Result
from molopt.rules.partition import Array
from molopt.run import Run

UNGUIDED = OptimizerSpec.of("default?surrogate=none")
THOROUGH = "auto?calls=24"  # a check: at the default of 8 calls one of thirty conformers is not decided


@dataclass(frozen=True)
class Embed:
    """Embed the molecule, once with each of the seeds."""

    stage: ClassVar[str] = "embedding"

    seeds: tuple[int, ...]

    def done_in(self, shop: Workshop) -> Answer:
        return seeded(shop, embedded_seeds(shop.molecule, self.seeds))


@dataclass(frozen=True)
class Generate:
    """Seeds by CONFORGE."""

    stage: ClassVar[str] = "embedding"

    count: int

    def done_in(self, shop: Workshop) -> Answer:
        return seeded(shop, conforge_seeds(shop.molecule, self.count))


def seeded(shop: Workshop, made: Sequence[Seed]) -> Answer:
    """The geometries of those that have one, and why others have none."""
    there = [each for each in made if each.positions is not None]
    return {
        "positions": stacked([each.positions for each in there], shop.molecule),
        "seeds": np.array([each.number for each in there], dtype=int),
        "notes": [f"{each.source} {each.number}: {each.note}" for each in made if each.note],
    }


@dataclass(frozen=True)
class Minimise:
    """Relax on the cheap potential, together; or only so far that no atoms clash.

    Attributes
    ----------
    positions : (S, N, 3) array
        Angstrom.
    fmax : float
        eV/A.
    """

    stage: ClassVar[str] = "searching"

    positions: Array
    fmax: float

    def done_in(self, shop: Workshop) -> Answer:
        batch = relax_batch(
            shop.molecule, "default", shop.cheap, self.fmax, None,
            positions=self.positions, surrogate=None, check=None,
        )  # fmt: skip
        found = batch.collect()
        return {
            "positions": found.positions,
            "energies": found.energies,
            "calls": found.force_calls,
            "changed": [shop.changed(each) for each in found.positions],
        }


@dataclass(frozen=True)
class Evaluate:
    """One point of the ranking potential, at positions (N, 3), and what the model Hessian says is left below it."""

    stage: ClassVar[str] = "searching"

    positions: Array

    def done_in(self, shop: Workshop) -> Answer:
        atoms = shop.molecule.atoms()
        atoms.positions = self.positions
        atoms.calc = Counted(shop.calculator(shop.rough))
        try:
            energy, forces = float(atoms.get_potential_energy()), atoms.get_forces()
        except PotentialFailed as error:
            return {"energy": np.nan, "forces": np.zeros_like(self.positions), "left": np.nan, "failed": str(error)}
        return {"energy": energy, "forces": forces, "left": left_at(atoms, shop.molecule), "failed": ""}


@dataclass(frozen=True)
class Relax:
    """Relax on the ranking potential from a geometry whose energy and forces are known there.

    Attributes
    ----------
    positions, forces : (N, 3) array
        Angstrom, eV/A.
    energy : float
        eV.
    ceiling : float
        eV; the run may be given up as soon as its lowest energy so far less the margin lies above.
    margins : (M,) array
        eV; how much a run may still gain after its second, third, ... force call; the last holds for all further ones.
    stop : bool
        Whether it is given up there; if not, the answer only says when it would have been.
    fmax : float
        eV/A.
    """

    stage: ClassVar[str] = "searching"

    positions: Array
    forces: Array
    energy: float
    ceiling: float
    margins: Array
    stop: bool
    fmax: float

    def done_in(self, shop: Workshop) -> Answer:
        lowest = np.minimum.accumulate
        known = Known(shop.calculator(shop.rough), self.positions, self.energy, self.forces)

        def hopeless() -> str:
            energies = [call.energy for call in run.counted.trace]
            return "above the window" if self.stop and self.given_up(lowest(energies)) else ""

        at = shop.molecule.with_positions(self.positions)
        run = Run(at, UNGUIDED, known, self.fmax, None, budget=Budget(asked=hopeless))
        run.go()
        result = run.result()
        energies = np.array([call.energy for call in result.trace])
        return described(shop, result) | {
            "calls": result.force_calls - 1,
            "energies": energies,
            "given_up": self.given_up(lowest(energies)) if len(energies) else 0,
        }

    def given_up(self, lowest: Array) -> int:
        """After how many force calls a run that had found these lowest energies is given up; 0 if it is not."""
        if len(lowest) < 2:
            return 0
        margins = self.margins[np.minimum(np.arange(len(lowest) - 1), len(self.margins) - 1)]
        above = np.flatnonzero(lowest[1:] - margins > self.ceiling)
        return int(above[0]) + 2 if len(above) else 0


@dataclass(frozen=True)
class Polish:
    """Relax to the end on the ranking potential, together, and look at the curvature there.

    Attributes
    ----------
    positions : (S, N, 3) array
        Angstrom.
    fmax : float
        eV/A.
    """

    stage: ClassVar[str] = "certifying"

    positions: Array
    fmax: float

    def done_in(self, shop: Workshop) -> Answer:
        batch = relax_batch(
            shop.molecule, "default", shop.judging, self.fmax,
            positions=self.positions, surrogate=None, check=THOROUGH, ordered=True,
        )  # fmt: skip
        results = list(batch)
        verdicts = [result.verdict for result in results]
        lefts = [result.energy_left for result in results]
        return {
            "positions": stacked([result.positions for result in results], shop.molecule),
            "energies": np.array([result.energy for result in results]),
            "calls": np.array([result.force_calls for result in results], dtype=int),
            "fmax": np.array([result.fmax for result in results]),
            "left": np.array([np.nan if left is None else float(left) for left in lefts]),
            "ended": [verdict.ended for verdict in verdicts],
            "stationary": [verdict.stationary for verdict in verdicts],
            "why": [verdict.why for verdict in verdicts],
            "changed": [shop.changed(result.positions) for result in results],
        }


def left_at(atoms: Atoms, molecule: Molecule) -> float:
    """The energy above the floor of the basin, eV, as the model Hessian has it; NaN where it has none there."""
    try:
        return float(energy_left(atoms, molecule))
    except (InputError, ArithmeticError, np.linalg.LinAlgError):
        return float("nan")


def described(shop: Workshop, result: Result) -> Answer:
    """What is said of every run on the ranking potential."""
    positions = result.atoms.positions
    return {
        "energy": float(result.energy),
        "positions": positions,
        "converged": bool(result.converged),
        "changed": shop.changed(positions),
        "error": result.error or "",
    }


def stacked(each: list[Any], molecule: Molecule) -> Array:
    """(S, N, 3) from S arrays (N, 3); S may be 0."""
    return np.array(each, dtype=float).reshape(-1, len(molecule), 3)
