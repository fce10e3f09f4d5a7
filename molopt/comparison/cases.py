"""Which runs a comparison consists of."""

import logging
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import NamedTuple

from molopt.errors import InputError
from molopt.molecules import Molecule
from molopt.optimizers.choice import ASES
from molopt.optimizers.names import abbreviated, choose
from molopt.optimizers.peers import PEERS
from molopt.record import Plan
from molopt.specification import parse

log = logging.getLogger("molopt")

DEFAULT_OPTIMIZERS = (
    "default",
    "adam/internal",
    "heavy-ball/internal",
    "adam",
    "momentum",
    "bfgs",
    "lbfgs",
    "fire",
)


class Criteria(NamedTuple):
    """When runs end, as in `molopt.relax`; by default on fmax alone, as ASE's optimizers do."""

    fmax: float = 0.05
    energy_left: float | str | None = None
    steps: int = 1000


class Case(NamedTuple):
    """One run of a comparison."""

    molecule: Molecule
    potential: str
    optimizer: str
    seed: int = 0  # which start of the molecule: 0 as it was given, k the embedding of seed k
    place: int = 0  # of the molecule among all, from 0
    source: str = ""  # where it came from

    def plan(self, criteria: Criteria) -> Plan:
        """Everything that determines the run, in plain values."""
        molecule, optimizer = self.molecule, choose(self.optimizer).name
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
            optimizer=optimizer,
            tuned=abbreviated(optimizer) != parse(optimizer)[0],
            fmax_limit=criteria.fmax,
            energy_left_limit=criteria.energy_left,
            step_limit=criteria.steps,
            versions=versions(optimizer, self.potential),
        )


def cases(
    molecules: Iterable[Molecule],
    potentials: Iterable[str] = ("mmff94",),
    optimizers: Iterable[str] = DEFAULT_OPTIMIZERS,
    starts: int = 1,
    source: str = "",
) -> Iterator[Case]:
    """All runs, molecule by molecule, start by start, then potential by potential.

    Molecules are drawn when their turn comes. The first start is the geometry that was given; start k is the embedding
    `molecule.conformers(1, seed=k)`, left out with a line in the log where there is none.

    >>> water = Molecule.from_smiles("O", name="water")
    >>> [(case.potential, case.optimizer) for case in cases([water], ["mmff94", "uff"], ["adam"])]
    [('mmff94', 'adam'), ('uff', 'adam')]
    """
    potentials, optimizers = list(potentials), list(optimizers)
    for place, molecule in enumerate(molecules):
        for seed in range(starts):
            try:
                start = next(molecule.conformers(1, seed)) if seed else molecule
            except InputError as error:
                log.warning("%s has no start %d: %s", molecule.name, seed, error)
                continue
            for potential in potentials:
                for optimizer in optimizers:
                    yield Case(start, potential, optimizer, seed, place, source)


def versions(optimizer: str, potential: str) -> dict[str, str]:
    """Of the packages that determine a run, as far as they are known."""
    name = parse(optimizer)[0]
    packages = ["molopt", "numpy", "rdkit"]
    packages += ["ase"] if name in ASES else [name] if name in PEERS else []
    packages += ["tblite"] if "xtb" in f"{potential} {optimizer}".lower() else []
    packages += [parse(potential)[0].partition(".")[0].partition(":")[0]] if ":" in potential else []
    return {package: installed for package in packages if (installed := installed_version(package))}


@cache
def installed_version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
