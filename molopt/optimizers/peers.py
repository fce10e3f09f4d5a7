"""Sella, geomeTRIC and pyberny, followed as if they were ASE optimizers: the extra `peers`.

Each runs with its own defaults in its own internal coordinates. What is not its own is the end: its criteria are set to
zero, and a run stops after the force call whose forces meet the criterion of all others. What of their own remains is
`unmatched` of their entries in the registry.
"""

import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.optimize.optimize import Optimizer
from ase.units import Bohr, Hartree

from molopt.errors import InputError, MissingExtra, PotentialFailed
from molopt.optimizers.registry import PEERS
from molopt.rules.partition import Array

Evaluate = Callable[[Array], tuple[float, Array]]  # positions (natoms, 3), A -> energy (eV), forces (natoms, 3), eV/A
SAME = 1e-9  # A; nearer than this is the same geometry, gone through other units
LOGGERS = ("berny", "geometric", "NiftyLogger")  # their warnings of every symmetric start


class Stopped(Exception):
    """Thrown through a peer from its last force call."""


def follow_sella(atoms: Atoms, evaluate: Evaluate, steps: int) -> None:
    from sella import Sella

    class Asking(Calculator):
        implemented_properties = ("energy", "forces")

        def calculate(self, atoms: Any = None, properties: Any = (), system_changes: Any = all_changes) -> None:
            super().calculate(atoms, properties, system_changes)
            energy, forces = evaluate(self.atoms.positions)
            self.results = {"energy": energy, "forces": forces}

    atoms.calc = Asking()
    Sella(atoms, internal=True, order=0, logfile=None).run(fmax=0.0, steps=steps + 1)


def follow_geometric(atoms: Atoms, evaluate: Evaluate, steps: int) -> None:
    from geometric.engine import Engine
    from geometric.internal import DelocalizedInternalCoordinates
    from geometric.molecule import Molecule
    from geometric.optimize import Optimize
    from geometric.params import OptParams

    class Asking(Engine):
        def calc_new(self, coords: Array, dirname: str) -> dict[str, Any]:
            energy, forces = evaluate(coords.reshape(-1, 3) * Bohr)
            return {"energy": energy / Hartree, "gradient": -forces.ravel() * (Bohr / Hartree)}

    molecule = Molecule()
    molecule.elem, molecule.xyzs = atoms.get_chemical_symbols(), [atoms.positions.copy()]
    tric = DelocalizedInternalCoordinates(molecule, build=True, connect=False, addcart=False)
    criteria = {f"convergence_{kind}": 0.0 for kind in ("energy", "grms", "gmax", "drms", "dmax")}
    parameters = OptParams(**criteria, tmin=1e-4, maxiter=steps + 1)  # tmin: what its default criteria would give
    with tempfile.TemporaryDirectory() as folder:
        Optimize(atoms.positions.ravel() / Bohr, molecule, tric, Asking(molecule), folder, parameters)


def follow_pyberny(atoms: Atoms, evaluate: Evaluate, steps: int) -> None:
    from berny import Berny
    from berny.geomlib import Geometry

    start = Geometry(atoms.get_chemical_symbols(), atoms.positions)
    berny = Berny(start, maxsteps=steps + 1, gradientmax=0.0, gradientrms=0.0, stepmax=0.0, steprms=0.0)
    for geometry in berny:
        energy, forces = evaluate(np.asarray(geometry.coords))
        berny.send((energy / Hartree, -forces * (Bohr / Hartree)))


def require(name: str) -> None:
    """Raise MissingExtra where a peer is not installed."""
    if find_spec(PEERS[name].package) is None:
        raise MissingExtra("peers", name)


class Peer(Optimizer):
    """A peer of the registry as an ASE optimizer that can be run once, from the geometry of its atoms.

    A step is a force call at a new geometry, as the peers make one a step. Atoms must not be periodic or constrained,
    which each peer would have to be told in its own way.
    """

    def __init__(self, atoms: Atoms, peer: str, logfile: Any = None, trajectory: Any = None) -> None:
        require(peer)
        if not isinstance(atoms, Atoms) or atoms.constraints or atoms.pbc.any():
            raise InputError(
                f"{peer} is run on ase.Atoms without constraints or periodic cell: use an optimizer of molopt"
            )
        self.peer = peer
        self.done = False
        super().__init__(atoms, logfile=logfile, trajectory=trajectory)

    fmax: float  # type: ignore[assignment]  # which ASE declares as None

    def run(self, fmax: float = 0.05, steps: int = 1000) -> bool:  # type: ignore[override]  # as ASE's own
        """Whether it converged; RuntimeError where the peer failed."""
        self.fmax, self.max_steps, self.nsteps = fmax, steps, -1
        try:
            with quiet():
                PEERS[self.peer].load()(self.atoms.copy(), self.evaluate, steps)
        except Stopped:
            return self.done
        except PotentialFailed:
            raise
        except Exception as error:
            raise RuntimeError(f"{self.peer} failed: {type(error).__name__}: {error}") from error
        finally:
            self.nsteps = max(self.nsteps, 0)
        raise RuntimeError(f"{self.peer} stopped before it converged")

    def evaluate(self, positions: Array) -> tuple[float, Array]:
        """Energy and forces, from the potential of the run; Stopped after the last."""
        if self.nsteps >= 0 and (self.done or self.nsteps >= self.max_steps):
            raise Stopped  # the peer caught what it was thrown
        if np.abs(positions - self.atoms.positions).max() > SAME:
            self.atoms.positions = positions
        gradient = self.optimizable.get_gradient()
        self.nsteps += 1
        self.log(gradient)
        self.call_observers()
        self.done = bool(self.gradient_converged(gradient))
        if self.done or self.nsteps >= self.max_steps:
            raise Stopped
        return self.optimizable.get_value(), -gradient.reshape(-1, 3)


@contextmanager
def quiet() -> Iterator[None]:
    """None of their warnings, and NumPy prints afterwards as before: importing pyberny changes that."""
    loggers = [logging.getLogger(name) for name in LOGGERS]
    before = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with np.printoptions():
            yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
