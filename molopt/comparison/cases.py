"""Which runs a comparison consists of."""

import hashlib
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from molopt import __version__
from molopt.errors import InputError
from molopt.molecules import Molecule
from molopt.optimizers.registry import DEFAULT_OPTIMIZERS, PEERS
from molopt.optimizers.spec import OptimizerSpec
from molopt.potentials.xtb import METHODS
from molopt.record import Plan
from molopt.specification import parse

log = logging.getLogger("molopt")

# ASE gives constraints, units and radii to every run; numba, where it is installed, compiles internal coordinates, and
# they then agree with those of NumPy but for rounding.
ALWAYS = ("ase", "numba", "numpy", "rdkit", "scipy")


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
    """The versions of the packages that determine a run, as far as they are known; nothing is imported for it.

    A module of no package, as one that lies in the folder of its user, has the hash of its file for a version.
    """
    found = {"molopt": __version__} | {package: installed_version(package) for package in ALWAYS}
    if optimizer.name in PEERS:
        found[optimizer.name] = installed_version(optimizer.name)
    for calculator in (potential, optimizer.surrogate):
        called = parse(calculator)[0] if isinstance(calculator, str) else ""
        if called.lower() in METHODS:
            found["tblite"] = installed_version("tblite")
        elif ":" in called:
            found |= versions_of_module(called.partition(":")[0].partition(".")[0])
    return {package: version for package, version in found.items() if version}


@cache
def installed_version(package: str) -> str:
    try:
        return version(package)
    except (PackageNotFoundError, ValueError):
        return ""


@cache
def versions_of_module(module: str) -> dict[str, str]:
    """The versions of the packages that a module may belong to, whose names need not be its own."""
    packages = packages_distributions().get(module)
    if packages:
        return {package: installed_version(package) for package in packages}
    try:
        spec = find_spec(module)  # of a module at the top: nothing is run
        content = Path(spec.origin).read_bytes() if spec and spec.origin else b""
    except (ImportError, ValueError, OSError):
        content = b""
    return {module: f"sha256 {hashlib.sha256(content).hexdigest()[:16]}" if content else ""}
