"""Optimizers by name, those of molopt and ASE and the peers, followed to the end that the run's calculator sets."""

from importlib.metadata import version
from typing import Any

from ase import Atoms

import molopt
from molopt.optimizers.registry import ASES, PEERS
from molopt.optimizers.spec import OptimizerSpec
from molopt.potentials import automatic

FMAX = 0.001  # eV/A, where a run ends
CAP = 3000  # force calls, where it is given up


def follow(optimizer: str, atoms: Atoms, molecule: molopt.Molecule) -> None:
    """Relax the atoms, which are those of the molecule, until their calculator stops it."""
    spec = OptimizerSpec.of(optimizer)
    guide = surrogate(spec.surrogate, atoms.calc.calculator, molecule)
    guided = {} if guide is None else {"surrogate": guide}
    spec.make(atoms, logfile=None, **guided).run(fmax=FMAX, steps=CAP)


def surrogate(name: str | None, potential: Any, molecule: molopt.Molecule) -> Any:
    """The calculator that guides a run, as in `molopt.relax`."""
    return automatic(potential, molecule) if name == "auto" else name and molopt.potential(name, molecule)


def full_name(optimizer: str) -> str:
    """The name with all hyper-parameters; InputError or MissingExtra where it cannot be run here."""
    return str(OptimizerSpec.of(optimizer))


def versions(optimizer: str, potential: str) -> dict[str, str]:
    """Of the packages that determine a run."""
    name = optimizer.partition("?")[0]
    packages = [name if name in PEERS else "ase" if name in ASES else "molopt", "rdkit"]
    packages += ["tblite"] if potential.startswith("gfn") else []
    return {package: version(package) for package in packages}
