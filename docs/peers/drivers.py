"""Optimizers by name: those of molopt and ASE, and the peers Sella, geomeTRIC and pyberny through their own interfaces.

A driver follows its optimizer until the calculator of the atoms has had enough and raises. The peers' own criteria
are set to zero, so that all are stopped by the same fmax.
"""

import logging
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np
from ase import Atoms
from ase.units import Bohr, Hartree

import molopt
from molopt.optimizers.names import ASES, choose
from molopt.potentials import automatic

FMAX = 0.001  # eV/A, where a run ends
CAP = 3000  # force calls, where it is given up


def follow_sella(atoms: Atoms) -> None:
    from sella import Sella

    Sella(atoms, internal=True, order=0, logfile=None).run(fmax=FMAX, steps=CAP)


def follow_geometric(atoms: Atoms) -> None:
    from geometric.engine import Engine
    from geometric.internal import DelocalizedInternalCoordinates
    from geometric.molecule import Molecule
    from geometric.optimize import Optimize
    from geometric.params import OptParams

    class Asking(Engine):
        def calc_new(self, coords: np.ndarray, dirname: str) -> dict:
            energy, gradient = evaluate(atoms, coords.reshape(-1, 3) * Bohr)
            return {"energy": energy, "gradient": gradient.ravel()}

    molecule = Molecule()
    molecule.elem, molecule.xyzs = atoms.get_chemical_symbols(), [atoms.positions.copy()]
    tric = DelocalizedInternalCoordinates(molecule, build=True, connect=False, addcart=False)
    criteria = {f"convergence_{kind}": 0.0 for kind in ("energy", "grms", "gmax", "drms", "dmax")}
    parameters = OptParams(**criteria, tmin=1e-4, maxiter=CAP)  # tmin: what its default criteria would give
    with tempfile.TemporaryDirectory() as folder:
        Optimize(atoms.positions.ravel() / Bohr, molecule, tric, Asking(molecule), folder, parameters)


def follow_pyberny(atoms: Atoms) -> None:
    from berny import Berny
    from berny.geomlib import Geometry

    start = Geometry(atoms.get_chemical_symbols(), atoms.positions)
    optimizer = Berny(start, maxsteps=CAP, gradientmax=0.0, gradientrms=0.0, stepmax=0.0, steprms=0.0)
    for geometry in optimizer:
        optimizer.send(evaluate(atoms, geometry.coords))


def evaluate(atoms: Atoms, positions: np.ndarray) -> tuple[float, np.ndarray]:
    """Energy (hartree) and gradient (hartree/bohr, one row an atom) at positions in Angstrom."""
    atoms.positions = positions
    return atoms.get_potential_energy() / Hartree, -atoms.get_forces() * (Bohr / Hartree)


PEERS: dict[str, Callable[[Atoms], None]] = {  # by the name of their package
    "sella": follow_sella,
    "geometric": follow_geometric,
    "pyberny": follow_pyberny,
}


def follow(optimizer: str, atoms: Atoms, molecule: molopt.Molecule) -> None:
    """Relax the atoms, which are those of the molecule, until their calculator stops it."""
    if optimizer in PEERS:
        logging.disable(logging.WARNING)  # pyberny warns of every symmetric start
        PEERS[optimizer](atoms)
    else:
        choice = choose(optimizer)
        guide = surrogate(choice.surrogate, atoms.calc.calculator, molecule)
        guided = {} if guide is None else {"surrogate": guide}
        choice.make(atoms, logfile=None, **guided).run(fmax=FMAX, steps=CAP)


def surrogate(name: str | None, potential: Any, molecule: molopt.Molecule) -> Any:
    """The calculator that guides a run, as in `molopt.relax`."""
    return automatic(potential, molecule) if name == "auto" else name and molopt.potential(name, molecule)


def full_name(optimizer: str) -> str:
    """The name with all hyper-parameters; InputError or MissingExtra where it cannot be run here."""
    if optimizer not in PEERS:
        return choose(optimizer).name
    package_version(optimizer)
    return optimizer


def versions(optimizer: str, potential: str) -> dict[str, str]:
    """Of the packages that determine a run."""
    name = optimizer.partition("?")[0]
    packages = [name if name in PEERS else "ase" if name in ASES else "molopt", "rdkit"]
    packages += ["tblite"] if potential.startswith("gfn") else []
    return {package: package_version(package) for package in packages}


def package_version(package: str) -> str:
    try:
        return version(package)
    except ModuleNotFoundError:
        raise molopt.MissingExtra("peers", package) from None
