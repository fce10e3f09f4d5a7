"""Beyond the energy of a conformer: free energies from all its frequencies, and dipole moments."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from ase import Atoms

from molopt.ensembles.ensemble import Ensemble
from molopt.errors import InputError
from molopt.execution import Executor, Pool, SerialExecutor
from molopt.molecules import Molecule
from molopt.potentials import Counted
from molopt.potentials.counting import implemented
from molopt.rules.partition import Array
from molopt.stationary.verdict import Verdict
from molopt.system import Potential, system_of


def with_free_energies(
    ensemble: Ensemble,
    potential: Potential | None = None,
    temperature: float | None = None,
    window: float | None = None,
    workers: int = 1,
    on_conformer: Callable[[int], object] | None = None,
) -> Ensemble:
    r"""The ensemble in the order of free energies, which its populations are then those of.

    .. math:: G_i = E_i + (G - E)_i

    with the difference from all frequencies of the conformer: an ideal gas at one atmosphere, a rigid rotor with the
    symmetry number of the geometry, vibrations in the quasi-harmonic approximation
    (`molopt.stationary.thermochemistry`). What frequencies show to be a saddle is called one, and has neither a free
    energy nor a population.

    Parameters
    ----------
    ensemble : Ensemble
    potential : str or ASE calculator, optional
        Of the frequencies; by default the one that ranks. On another, geometries must be stationary too.
    temperature : float, optional
        K; by default the ensemble's.
    window : float, optional
        kcal/mol above the lowest energy, beyond which a conformer keeps its energy alone; by default the ensemble's.
        Two force calls for each coordinate of each atom of each conformer are spent.
    workers : int
        Processes; each does one conformer at a time.
    on_conformer : callable, optional
        Called with the number of those that are done after each.

    Returns
    -------
    Ensemble
        `force_calls` has these calls, too; `notes` say how many, and which conformers have no free energy.

    Examples
    --------
    >>> import molopt
    >>> water = molopt.relax(molopt.Molecule.from_smiles("O", name="water"), potential="mmff94s", fmax=1e-3)
    >>> from molopt.ensembles.conformer import Conformer
    >>> found = Ensemble(water.molecule, [Conformer(water.atoms.positions, water.energy)], "mmff94s")
    >>> with_free_energies(found).notes
    ['free energies at 298.15 K: 19 force calls of mmff94s for 1 conformer']
    """
    potential = ensemble.potential if potential is None else potential
    temperature = ensemble.temperature if temperature is None else temperature
    window = ensemble.window if window is None else window
    if workers != 1 and not isinstance(potential, str):
        raise InputError('a calculator cannot be divided among workers: give a potential by name, such as "gfn2-xtb"')
    conformers = list(ensemble)
    tasks = [row.number - 1 for row in ensemble.rows() if window is None or row.relative <= window]
    executor: Executor = SerialExecutor() if workers == 1 else Pool(workers)
    vibrating = Vibrating(ensemble.molecule, potential, temperature, ensemble.positions)
    refused, calls = {}, 0
    with closing(executor.outcomes(vibrating, tasks)) as outcomes:
        for done, each in enumerate(outcomes, start=1):
            seen, one = each.value, conformers[each.task]
            why = each.error if seen is None else seen.refused
            if why:
                refused[each.task] = f"conformer {each.task + 1} has no free energy: {why}"
            if seen is not None:
                said, calls = seen.verdict, calls + seen.calls
                verdict = Verdict(one.verdict.ended, said.stationary, one.verdict.molecule, said.why, said.energy_left)
                free = None if seen.thermal is None else one.energy + seen.thermal
                conformers[each.task] = replace(one, verdict=verdict, free_energy=free)
            if on_conformer is not None:
                on_conformer(done)
    ranked = ensemble.with_conformers(conformers, order="free_energy", temperature=temperature)
    name = name_of(potential)
    ranked.force_calls[name] = ranked.force_calls.get(name, 0) + calls
    of = f"{calls} force calls of {name} for {len(tasks)} conformer{'s' * (len(tasks) != 1)}"
    ranked.notes += [f"free energies at {temperature:g} K: {of}", *(refused[task] for task in sorted(refused))]
    return ranked


class Vibrated(NamedTuple):
    """What the frequencies of a conformer say."""

    verdict: Verdict
    thermal: float | None  # eV, free energy less electronic energy
    refused: str  # why there is none
    calls: int


@dataclass(frozen=True, eq=False)
class Vibrating:
    """All frequencies of one of several geometries (S, N, 3), by its place."""

    molecule: Molecule
    potential: Potential
    temperature: float
    positions: Array

    def __call__(self, place: int) -> Vibrated:
        from molopt.checking import check  # loads what only frequencies need

        there = self.molecule.with_positions(self.positions[place])
        seen = check(there, self.potential, frequencies=True, temperature=self.temperature)
        thermal = None if seen.thermochemistry is None else seen.thermochemistry.gibbs - seen.energy
        return Vibrated(seen.verdict, thermal, seen.refused, seen.force_calls)


def name_of(potential: Potential) -> str:
    """Of a potential, as `Ensemble.force_calls` has it."""
    return potential if isinstance(potential, str) else getattr(potential, "name", type(potential).__name__.lower())


def with_dipoles(ensemble: Ensemble, potential: Potential | None = None) -> Ensemble:
    """The ensemble with the dipole moment of each conformer; the same where the potential has none, as force fields.

    One force call a conformer, which `force_calls` has, too.
    """
    potential = ensemble.potential if potential is None else potential
    found = []
    atoms, _, calculator = system_of(ensemble.molecule, potential)
    if "dipole" not in implemented(calculator):
        return ensemble
    atoms.calc = counted = Counted(calculator)
    for one in ensemble:
        atoms.positions = one.positions
        found.append(replace(one, dipole=dipole_of(atoms, ensemble.molecule.charge)))
    measured = ensemble.with_conformers(found)
    name = name_of(potential)
    measured.force_calls[name] = measured.force_calls.get(name, 0) + counted.force_calls
    return measured


def dipole_of(atoms: Atoms, charge: int) -> float | None:
    """The length of the dipole moment (e A), of an ion about its centre of mass; None where the calculator has none."""
    if "dipole" not in implemented(atoms.calc):
        return None
    moment = np.asarray(atoms.calc.get_property("dipole", atoms), dtype=float)
    found = float(np.linalg.norm(moment - charge * atoms.get_center_of_mass()))
    return found if np.isfinite(found) else None
