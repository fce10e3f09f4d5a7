"""The way of an optimizer over a surface or with a molecule, force call by force call."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms

from molopt.landscapes.surface import Surface
from molopt.rules.partition import Array


@dataclass(frozen=True)
class Track:
    """Where an optimizer was.

    Attributes
    ----------
    label : str
        What a legend calls it.
    optimizer : str
        Its name in the registry, whose colour it is drawn in; empty for others.
    x : (T, n) array
        Angstrom.
    energies : (T,) array
        eV.
    gradients : (T, n) array
        eV/A.
    """

    label: str
    optimizer: str
    x: Array
    energies: Array
    gradients: Array

    def __len__(self) -> int:
        return len(self.energies)

    @property
    def steps(self) -> Array:
        """(T - 1,) lengths of the steps."""
        return np.linalg.norm(np.diff(self.x, axis=0), axis=1)

    @property
    def slopes(self) -> Array:
        """(T,) lengths of the gradients."""
        return np.linalg.norm(self.gradients, axis=1)

    def calls_until(self, energy: float) -> float:
        """Force calls until the energy was at most this much for the first time; infinite where it never was."""
        below = np.flatnonzero(self.energies <= energy)
        return float(below[0] + 1) if below.size else np.inf


def follow(
    surface: Surface,
    make: Callable[..., Any],
    steps: int,
    label: str = "",
    optimizer: str = "",
    fmax: float = 0.0,
    **arguments: Any,
) -> Track:
    """Run `make(surface, logfile=None, **arguments)` from the start of the surface, so many steps.

    Parameters
    ----------
    make : callable
        A class of optimizers, of molopt or of ASE.
    fmax : float
        The run ends earlier where the gradient is shorter, eV/A; with 0 it does not.

    Examples
    --------
    >>> import molopt
    >>> bowl = Surface("bowl", lambda x: float(x @ x), lambda x: 2 * x, [1.0])
    >>> follow(bowl, molopt.GradientDescent, 2, lr=0.25, control=None).x.ravel()
    array([1.  , 0.5 , 0.25])
    """
    here = surface.at()
    make(here, logfile=None, **arguments).run(fmax=fmax, steps=steps)
    x, energies, gradients = zip(*here.seen, strict=True)
    return Track(label, optimizer, np.array(x), np.array(energies), np.array(gradients))


def follow_atoms(
    atoms: Atoms,
    make: Callable[..., Any],
    steps: int,
    label: str = "",
    optimizer: str = "",
    fmax: float = 0.0,
    **arguments: Any,
) -> Track:
    """The same with a copy of atoms that have a calculator; x (T, 3N) are their positions."""
    here = atoms.copy()
    here.calc = atoms.calc
    return recorded(make(here, logfile=None, **arguments), here, steps, label, optimizer, fmax)


def recorded(made: Any, atoms: Atoms, steps: int, label: str = "", optimizer: str = "", fmax: float = 0.0) -> Track:
    """What an optimizer of these atoms does from here on; it may have run before."""
    seen: list[tuple[Array, float, Array]] = []
    made.attach(
        lambda: seen.append((atoms.positions.flatten(), atoms.get_potential_energy(), -atoms.get_forces().ravel()))
    )
    made.run(fmax=fmax, steps=steps)
    x, energies, gradients = zip(*seen, strict=True)
    return Track(label, optimizer, np.array(x), np.array(energies), np.array(gradients))
