"""Energy, gradient and Hessian of a molecule in a potential, and its lowest curvatures beside those of the model."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

import molopt
from molopt.coordinates.linearization import Linearized
from molopt.coordinates.rigid import rigid_motions
from molopt.optimizers.internals import Recipe

Array = NDArray[np.float64]
DISPLACED = 0.005  # A, of an atom in central differences
STIFF = 5.0  # eV/A^2, given to rigid motions, so that they are out of the way
TIGHT = {"gfn1-xtb": "?accuracy=0.05", "gfn2-xtb": "?accuracy=0.05"}  # the same surface with less noise
TRIED = 0.05  # sqrt(eV), of a displacement along curvilinear internals: 1.2 meV in the model


class Surface:
    """Energy (eV) and gradient (3N,) eV/A at a geometry (3N,), counted."""

    def __init__(self, molecule: molopt.Molecule, potential: str) -> None:
        self.molecule, self.potential = molecule, potential
        self.atoms = molecule.atoms()
        self.atoms.calc = molopt.potential(potential + TIGHT.get(potential, ""), molecule)
        self.calls = 0

    def __call__(self, x: Array) -> tuple[float, Array]:
        self.atoms.positions = x.reshape(-1, 3)
        self.calls += 1
        forces = self.atoms.get_forces()
        return float(self.atoms.get_potential_energy()), -forces.ravel()

    def hessian(self, x: Array) -> Array:
        """(3N, 3N) eV/A^2, by central differences."""
        rows = np.empty((x.size, x.size))
        for entry in range(x.size):
            moved = x.copy()
            moved[entry] = x[entry] + DISPLACED
            forward = self(moved)[1]
            moved[entry] = x[entry] - DISPLACED
            rows[entry] = (forward - self(moved)[1]) / (2 * DISPLACED)
        return (rows + rows.T) / 2


class Spectrum(NamedTuple):
    """Eigenvalues and vectors of a Hessian, lowest first; rigid motions have the eigenvalue STIFF."""

    values: Array  # (3N,) eV/A^2
    vectors: Array  # (3N, 3N)


def spectrum(hessian: Array, x: Array) -> Spectrum:
    rigid = rigid_motions(x.reshape(-1, 3))
    outside = np.eye(x.size) - rigid @ rigid.T
    return Spectrum(*np.linalg.eigh(outside @ hessian @ outside + STIFF * rigid @ rigid.T))


class Lowest(NamedTuple):
    """The lowest curvature relative to the model Hessian M: H w = l M w."""

    relative: float  # l, along a straight line
    curved: float  # the same along curvilinear internals, which forces that are left do not bend
    direction: Array  # (3N,) w, of norm 1


def lowest_relative(surface: Surface, x: Array, hessian: Array, seen: int = 3) -> Lowest:
    """Of the lowest `seen` directions, the one that is lowest along curvilinear internals."""
    energy, gradient = surface(x)
    recipe = Recipe.of(surface.molecule.with_positions(x.reshape(-1, 3)).atoms(), molecule=surface.molecule)
    coordinates = recipe.build(x, gradient=gradient)
    here = coordinates.linearize(x, gradient)
    white = whitened(here)
    values, vectors = np.linalg.eigh(white.T @ hessian @ white)
    found = []
    for value, vector in zip(values[:seen], vectors.T[:seen], strict=True):
        displacement = here.to_internal(white @ vector) * TRIED
        ends = [surface(coordinates.move(here, sign * displacement)[0])[0] for sign in (1, -1)]
        curved = (sum(ends) - 2 * energy) / TRIED**2
        found.append(Lowest(float(value), float(curved), white @ vector / np.linalg.norm(white @ vector)))
    return min(found, key=lambda lowest: lowest.curved)


def whitened(here: Linearized) -> Array:
    """(3N, n) displacements that the model finds equally stiff: W^T M W = 1."""
    model = here.apply_cartesian(np.eye(here.x.size))
    outside = np.eye(len(model)) - here.held @ here.held.T
    values, vectors = np.linalg.eigh(outside @ model @ outside)
    kept = values > 1e-6
    return vectors[:, kept] / np.sqrt(values[kept])
