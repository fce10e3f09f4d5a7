"""What users write, as type checkers see it from outside: no errors. Not run: tests/test_typing.py has it checked."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from ase import Atoms
from ase.optimize.optimize import Optimizer

import molopt
from molopt import LBFGS, Molecule, Result, conformers, relax, relax_batch, scan
from molopt.comparison import cases, compare
from molopt.rules import Observation, PerEntry, Rule


def relaxed(smiles: str) -> float:
    molecule = Molecule.from_smiles(smiles, charge=0, seed=7)
    result: Result = relax(molecule, potential="mmff94", fmax=0.01, check="auto", on_call=lambda counted: None)
    if result.converged and result.verdict.stationary == "minimum" and result.energy_left is not None:
        result.write("x.sdf")
    longest: float = max(call.fmax for call in result.trace)
    atoms: Atoms = result.atoms
    smiles = "" if result.molecule is None else result.molecule.name
    return result.energy + result.fmax + longest + len(atoms) + result.force_calls + result.seconds + len(smiles)


def many(molecules: Iterable[Molecule]) -> list[float]:
    energies = [result.energy for result in relax_batch(molecules, potential="gfn2-xtb", workers=2, ordered=True)]
    for number, energy in enumerate(energies):
        print(f"{number}: {energy:.3f}")
    batch = relax_batch(Molecule.from_smiles("CCO"), positions=[np.zeros((9, 3))], potential=function).collect()
    return [*energies, float(np.min(batch.energies)), float(batch.positions.shape[0])]


def function(
    positions: np.ndarray, numbers: np.ndarray, system: np.ndarray, charges: np.ndarray, spins: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros(len(charges)), -positions


def searched() -> float:
    ensemble = conformers("OCCO", "mmff94s", seed=1, window=4.0)
    lowest = ensemble[0]
    return float(lowest.energy) + len(ensemble) + sum(conformer.energy for conformer in ensemble)


def scanned(molecule: Molecule) -> int:
    found = scan(molecule, (0, 1, 2, 3), np.linspace(0, 360, 13), potential="mmff94")
    return sum(point.converged for point in found)


def compared(molecule: Molecule) -> None:
    for record in compare(cases([molecule], ["mmff94"], ["default", "bfgs"]), fmax=0.01):
        print(record.plan.optimizer, record.outcome.force_calls, record.stop_calls)


def in_ase(atoms: Atoms) -> bool:
    atoms.calc = molopt.potential("uff", atoms)
    optimizer = LBFGS(atoms, logfile=None, trajectory="x.traj", check="auto", criteria=molopt.Fmax(0.01))
    general: Optimizer = optimizer
    steps: int = general.nsteps
    adam = molopt.Adam(atoms, lr=0.02, b1=0.9, coordinates="internal", control=molopt.Control())
    return optimizer.run(fmax=0.05, steps=100 - steps) and adam.run(fmax=0.01)


def checked(atoms: Atoms) -> str:
    found = molopt.check(atoms, "mmff94", frequencies=True)
    try:
        atoms.calc = molopt.potential("gfn2-xtb", atoms)
    except (molopt.InputError, molopt.MissingExtra) as error:
        return str(error)
    return f"{found.verdict.stationary}"


class Memory(NamedTuple):
    velocity: PerEntry


@dataclass(frozen=True)
class Ball(Rule):
    """A rule of one's own."""

    lr: float = 0.1

    def init(self, seen: Observation) -> Memory:
        return Memory(velocity=0 * seen.gradient)

    def update(self, seen: Observation, state: Memory) -> tuple[np.ndarray, Memory]:
        velocity = 0.9 * state.velocity - self.lr * seen.gradient
        return velocity, Memory(velocity)


relax("CCO", optimizer=Ball(lr=0.2), coordinates="internal")
relax("CCO", optimizer=molopt.rules.Adam(lr=0.01))
relax("CCO", optimizer="adam/internal?lr=0.5", criteria=[molopt.EnergyLeft(0.001), molopt.Gaussian("tight")])
