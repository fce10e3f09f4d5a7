"""Which runs a comparison consists of."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from molopt.errors import InputError
from molopt.molecules import Molecule
from molopt.optimizers.registry import DEFAULT_OPTIMIZERS, PEERS
from molopt.optimizers.spec import OptimizerSpec
from molopt.record import Plan
from molopt.versions import versions_of

log = logging.getLogger("molopt")


class Criteria(NamedTuple):
    """When runs end, as in `molopt.relax`; by default on fmax alone, as ASE's optimizers do."""

    fmax: float = 0.05
    energy_left: float | str | None = None
    steps: int = 1000


def criteria_of(plan: Plan) -> Criteria:
    return Criteria(plan.fmax_limit, plan.energy_left_limit, plan.step_limit)


@dataclass(frozen=True)
class Case:
    """One run of a comparison.

    Attributes
    ----------
    molecule : Molecule
    potential : str
    optimizer : OptimizerSpec
        A text is read as one.
    seed : int
        Which start of the molecule: 0 as it was given, k the embedding of seed k.
    place : int
        Of the molecule among all, from 0.
    source : str
        Where it came from.
    """

    molecule: Molecule
    potential: str
    optimizer: OptimizerSpec
    seed: int = 0
    place: int = 0
    source: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "optimizer", OptimizerSpec.of(self.optimizer))

    def plan(self, criteria: Criteria) -> Plan:
        """Everything that determines the run, in plain values."""
        molecule, optimizer = self.molecule, self.optimizer
        return Plan(
            source=self.source,
            molecule=molecule.name,
            place=self.place,
            seed=self.seed,
            smiles=molecule.smiles,
            charge=molecule.charge,
            spin=molecule.spin,
            numbers=molecule.numbers.tolist(),
            bonds=molecule.bonds.tolist(),
            start=molecule.positions.tolist(),
            potential=self.potential,
            optimizer=str(optimizer),
            tuned=optimizer.abbreviated != optimizer.label,
            fmax_limit=criteria.fmax,
            energy_left_limit=criteria.energy_left,
            step_limit=criteria.steps,
            versions=versions(optimizer, self.potential),
        )


def cases(
    molecules: Iterable[Molecule],
    potentials: Iterable[str] = ("mmff94",),
    optimizers: Iterable[str | OptimizerSpec] = DEFAULT_OPTIMIZERS,
    starts: int = 1,
    source: str = "",
) -> Iterator[Case]:
    """All runs, molecule by molecule, start by start, then potential by potential.

    Molecules are drawn when their turn comes. The first start is the geometry that was given; start k is the embedding
    `molecule.conformers(1, seed=k)`, left out with a line in the log where there is none.

    >>> water = Molecule.from_smiles("O", name="water")
    >>> [(case.potential, case.optimizer.label) for case in cases([water], ["mmff94", "uff"], ["adam"])]
    [('mmff94', 'adam'), ('uff', 'adam')]
    """
    potentials, specs = list(potentials), [OptimizerSpec.of(optimizer) for optimizer in optimizers]
    for place, molecule in enumerate(molecules):
        for seed in range(starts):
            try:
                start = next(molecule.conformers(1, seed)) if seed else molecule
            except InputError as error:
                log.warning("%s has no start %d: %s", molecule.name, seed, error)
                continue
            for potential in potentials:
                for spec in specs:
                    yield Case(start, potential, spec, seed, place, source)


def versions(optimizer: OptimizerSpec, potential: str) -> dict[str, str]:
    """The versions of the packages that determine a run, as far as they are known; nothing is imported for it."""
    further = [name for name in (optimizer.surrogate, optimizer.name) if isinstance(name, str) and ":" in name]
    guide = [optimizer.surrogate] if isinstance(optimizer.surrogate, str) else []
    return versions_of([potential, *guide, *further], [optimizer.name] if optimizer.name in PEERS else [])
