"""Conformers on a force field certified by their whole Hessians: cheaper there than a look at a few directions."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from molopt.convergence import auto
from molopt.coordinates.rigid import nothing, rigid_motions
from molopt.ensembles.workshop import Answer, Workshop
from molopt.potentials.force_fields import RDKitForceField
from molopt.rules.partition import Array
from molopt.stationary.frequencies import NormalModes, forward_differences, straightened
from molopt.stationary.hessian_curvature import left, said


@dataclass(frozen=True)
class Certify:
    """Look at all vibrations of geometries that are at rest on a force field.

    Three force calls an atom, at 0.06 ms each for 40 atoms: 10 ms a conformer, less than a run that looks at the
    softest directions takes of its own. On another potential nothing is looked at, and the answer is "unchecked".

    Attributes
    ----------
    positions : (S, N, 3) array
        Angstrom.
    fmax : float
        eV/A; what has larger forces, or more energy left than a run of `molopt.relax` may have, is "not stationary".
    """

    stage: ClassVar[str] = "certifying"

    positions: Array
    fmax: float

    def done_in(self, shop: Workshop) -> Answer:
        field = shop.calculator(shop.judging)
        found = [certified(shop, field, each, self.fmax) for each in self.positions]
        answer: Answer = {"positions": self.positions, "changed": [""] * len(found)}
        for name in ("energies", "calls", "fmax", "left"):
            answer[name] = np.array([each[name] for each in found])
        return answer | {name: [each[name] for each in found] for name in ("ended", "stationary", "why")}


def certified(shop: Workshop, field: object, positions: Array, limit: float) -> Answer:
    """What the Hessian says of one geometry (N, 3)."""
    if not isinstance(field, RDKitForceField):
        return {
            "energies": np.nan, "calls": 0, "fmax": np.nan, "left": np.nan,
            "ended": "unconverged", "stationary": "unchecked", "why": "not a force field",
        }  # fmt: skip
    x = positions.ravel()
    movable = np.ones(x.size, dtype=bool)
    energy, gradient = field.evaluated(x)
    calls = 1

    def forces(points: Iterable[Array]) -> Iterator[tuple[int, Array]]:
        nonlocal calls
        for place, point in enumerate(points):
            calls += 1
            yield place, -field.evaluated(point)[1]

    differences = forward_differences(forces, -gradient, x, movable)
    masses = shop.molecule.atoms().get_masses()
    normal = NormalModes.of(differences, masses, movable, rigid_motions(straightened(positions)), nothing(x))
    normal = normal.looked_at_again(forces, x)
    fmax = float(np.linalg.norm(gradient.reshape(-1, 3), axis=1).max(initial=0.0))
    below = np.nan if normal.order else left(normal, gradient, movable)
    at_rest = fmax <= limit and not below > auto(len(positions))
    return {
        "energies": energy,
        "calls": calls,
        "fmax": fmax,
        "left": below,
        "ended": "converged" if at_rest else "unconverged",
        "stationary": normal.stationary if at_rest else "not stationary",
        "why": said(normal),
    }
