"""Recorded runs: what was run, from which start, and how it ended. `recorded_runs.json` holds them."""

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.emt import EMT
from ase.constraints import dict2constraint

import molopt

FILE = Path(__file__).with_name("recorded_runs.json")
ENERGY = 2e-3  # eV; what runs to fmax 0.05 may leave: two ends of one basin
CALLS = 1


@dataclass(frozen=True)
class Start:
    """A start geometry in numbers, so that no other version of RDKit or ASE changes it.

    `positions` are in Angstrom; `info` is that of the atoms: bonds, charge and multiplicity where they are known;
    `constraints` are as ASE's `todict` writes them.
    """

    name: str
    symbols: str
    positions: list[list[float]]
    info: dict[str, Any] = field(default_factory=dict)
    constraints: list[dict[str, Any]] = field(default_factory=list)
    cell: list[list[float]] | None = None

    def atoms(self) -> Atoms:
        atoms = Atoms(self.symbols, self.positions, cell=self.cell, pbc=self.cell is not None)
        atoms.info.update(self.info, name=self.name)
        atoms.set_constraint([dict2constraint(constraint) for constraint in self.constraints])
        return atoms


@dataclass(frozen=True)
class Outcome:
    """How a run ended: its verdict in words, energy and fmax in eV and eV/A."""

    force_calls: int
    energy: float
    fmax: float
    verdict: list[str]

    def differences(self, other: "Outcome") -> list[str]:
        """What is not the same; none where the run went the same way into the same basin."""
        said = []
        if abs(self.force_calls - other.force_calls) > CALLS:
            said.append(f"{self.force_calls} -> {other.force_calls} force calls")
        if not abs(self.energy - other.energy) <= ENERGY:
            said.append(f"{self.energy:.6f} -> {other.energy:.6f} eV")
        if self.verdict != other.verdict:
            said.append(f"{', '.join(self.verdict)} -> {', '.join(other.verdict)}")
        return said


@dataclass(frozen=True)
class Recorded:
    """A run and its outcome. `start` names a shipped molecule, or a start in the file."""

    start: str
    optimizer: str
    potential: str
    arguments: dict[str, Any]  # of molopt.relax; check is one of them
    outcome: Outcome | None = None

    def __str__(self) -> str:
        told = [f"{key}={value}" for key, value in self.arguments.items()]
        return " ".join([self.start, self.optimizer, self.potential, *told])

    def rerun(self, starts: dict[str, Start], turn: np.ndarray | None = None, noise: float = 0.0) -> Outcome:
        """The outcome anew; from a start that was turned, or moved at random by `noise` Angstrom, where asked for."""
        target: Any = starts[self.start].atoms() if self.start in starts else molopt.Molecule.named(self.start).atoms()
        constraints, target.constraints = target.constraints, []
        if turn is not None:
            target.positions = target.positions @ turn.T
            target.cell = target.cell.array @ turn.T
        if noise:
            target.positions += np.random.default_rng(0).normal(0, noise, target.positions.shape)
        target.set_constraint(constraints)
        potential: Any = EMT() if self.potential == "emt" else self.potential
        result = molopt.relax(target, self.optimizer, potential, **self.arguments)
        words = [result.verdict.ended, result.verdict.stationary, result.verdict.molecule]
        return Outcome(result.force_calls, result.energy, result.fmax, words)


def read() -> tuple[dict[str, Start], list[Recorded]]:
    """The starts by name, and the runs."""
    stored = json.loads(FILE.read_text())
    starts = {start["name"]: Start(**start) for start in stored["starts"]}
    return starts, [Recorded(**run | {"outcome": Outcome(**run["outcome"])}) for run in stored["runs"]]


def write(starts: dict[str, Start], runs: list[Recorded]) -> None:
    """One line a start and one a run."""
    tables = {"starts": list(starts.values()), "runs": [rounded(run) for run in runs]}
    parts = [f'"{name}": [\n' + ",\n".join(json.dumps(asdict(row)) for row in rows) for name, rows in tables.items()]
    FILE.write_text("{\n" + "\n],\n".join(parts) + "\n]\n}\n")


def rounded(run: Recorded) -> Recorded:
    outcome = run.outcome
    return replace(run, outcome=replace(outcome, energy=round(outcome.energy, 8), fmax=round(outcome.fmax, 6)))
