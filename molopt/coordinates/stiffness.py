"""How stiff each internal coordinate is, before the first force call: model force constants."""

from collections.abc import Callable

import numpy as np
from ase.data import covalent_radii
from ase.units import Bohr, Hartree

from molopt.coordinates.kinds import PER_AREA
from molopt.coordinates.model_hessian import torsion_curvature
from molopt.coordinates.primitives import Primitives
from molopt.rules.partition import Array

SOFTEST_TORSION = 0.15  # eV/rad^2 about one bond; softer ones would take steps that other terms do not allow
SHORTEST, LONGEST = 0.75, 1.15  # bonds, in sums of covalent radii: from C#N to metals

Model = Callable[[Primitives, Array, Array], Array]
"""Coordinates, atomic numbers (N,), x (3N,) -> constants (nq,), those of torsions about one bond together."""


def stiffness(primitives: Primitives, known: Array, filling: Array) -> Array:
    r"""(nq,) diagonal model stiffness K: eV/A^2 for lengths, eV/rad^2 for angles, always positive.

    `known` (nq,) is taken where it is a number, `filling` (nq,) elsewhere. The stiffness about a central bond, at least
    0.15 eV/rad^2, is shared evenly among its torsions, which turn together.
    """
    k: Array = np.where(np.isfinite(known), known, filling)
    torsions = primitives.slices["torsion"]
    k[torsions] = np.maximum(k[torsions], SOFTEST_TORSION)
    return k * primitives.shares


def torsion_totals(primitives: Primitives, terms: Array, x: Array) -> Array:
    """(nt,) curvature of all torsion terms (nt, 3) about the bond of each torsion at x; NaN where none is known."""
    known = np.isfinite(terms).all(axis=1)
    phi = primitives.values(x)[primitives.slices["torsion"]]
    each = torsion_curvature(np.where(known[:, None], terms, 0.0), phi)
    total = np.bincount(primitives.central, weights=each)[primitives.central]
    about = np.bincount(primitives.central, weights=known)[primitives.central] > 0
    return np.where(about, total, np.nan)


def constant(primitives: Primitives, numbers: Array, x: Array) -> Array:
    """One constant a kind: 0.45 hartree/bohr^2 (stretch), 0.15 (angle), 0.02 hartree (torsion about one bond).

    The orders of magnitude of T. Helgaker, Chem. Phys. Lett. 182, 503 (1991), with the torsion a bond, not a torsion.
    """
    return filled(primitives)


def fischer_almlof(primitives: Primitives, numbers: Array, x: Array) -> Array:
    r"""Constants that fall off exponentially with distance beyond the covalent radii.

    With lengths in bohr and :math:`\Delta r` a length less the sum of its covalent radii, in hartree:

    .. math::
        k_{ab} &= 0.3601 e^{-1.944 \Delta r_{ab}} \\
        k_{abc} &= 0.089 + 0.11 (R_{ab} R_{bc})^{0.42} e^{-0.44 (\Delta r_{ab} + \Delta r_{bc})} \\
        k_{bc} &= 0.0015 + 14.0 L^{0.57} (r_{bc} R_{bc})^{-4.0} e^{-2.85 \Delta r_{bc}}

    where R is the sum of covalent radii and L the number of bonds at the central bond bc, itself not counted; the third
    is the total about that bond.

    References
    ----------
    T. H. Fischer, J. Almlof, J. Phys. Chem. 96, 9768 (1992).
    """
    radii, xyz = covalent_radii[numbers], x.reshape(-1, 3)
    r, radius = Between(xyz, numbers), lambda i, j: (radii[i] + radii[j]) / Bohr
    i, j = primitives.stretches.T
    stretches = 0.3601 * np.exp(-1.944 * (r(i, j) - radius(i, j))) * PER_AREA

    def angle(i: Array, j: Array, k: Array) -> Array:
        near, far = radius(i, j), radius(j, k)
        excess = r(i, j) + r(j, k) - near - far
        return (0.089 + 0.11 * (near * far) ** 0.42 * np.exp(-0.44 * excess)) * Hartree

    _, b, c, _ = primitives.torsions.T
    degree = np.bincount(primitives.stretches.ravel(), minlength=len(numbers))
    arms, length, sum_of_radii = np.maximum(degree[b] + degree[c] - 2, 1), r(b, c), radius(b, c)
    decay = np.exp(-2.85 * (length - sum_of_radii))
    torsions = (0.0015 + 14.0 * arms**0.57 * (length * sum_of_radii) ** -4.0 * decay) * Hartree
    return filled(
        primitives,
        stretch=stretches,
        angle=angle(*primitives.angles.T),
        bend=np.repeat(angle(*primitives.bends.T[:3]), 2),
        torsion=torsions,
    )


def lindh(primitives: Primitives, numbers: Array, x: Array) -> Array:
    r"""Constants from Gaussians of the distances, by rows of the periodic table.

    .. math:: \rho_{ij} = e^{\alpha_{ij} (r_{0,ij}^2 - r_{ij}^2)}, \quad
        k_{ij} = 0.45 \rho_{ij}, \quad k_{ijk} = 0.15 \rho_{ij} \rho_{jk}, \quad
        k_{ijkl} = 0.005 \rho_{ij} \rho_{jk} \rho_{kl}

    in atomic units; the torsions about one bond add up. Here only pairs that are bonded have a stretch.

    References
    ----------
    R. Lindh, A. Bernhardsson, G. Karlstrom, P.-A. Malmqvist, Chem. Phys. Lett. 241, 423 (1995).
    """
    row = np.where(numbers <= 2, 0, np.where(numbers <= 10, 1, 2))
    alpha = np.array([[1.0, 0.3949, 0.3949], [0.3949, 0.28, 0.28], [0.3949, 0.28, 0.28]])  # bohr^-2
    reference = np.array([[1.35, 2.10, 2.53], [2.10, 2.87, 3.40], [2.53, 3.40, 3.40]])  # bohr
    r = Between(x.reshape(-1, 3), numbers)

    def rho(i: Array, j: Array) -> Array:
        return np.exp(alpha[row[i], row[j]] * (reference[row[i], row[j]] ** 2 - r(i, j) ** 2))

    def angle(i: Array, j: Array, k: Array) -> Array:
        return 0.15 * rho(i, j) * rho(j, k) * Hartree

    i, j, k, m = primitives.torsions.T
    each = 0.005 * rho(i, j) * rho(j, k) * rho(k, m) * Hartree
    return filled(
        primitives,
        stretch=0.45 * rho(*primitives.stretches.T) * PER_AREA,
        angle=angle(*primitives.angles.T),
        bend=np.repeat(angle(*primitives.bends.T[:3]), 2),
        torsion=np.bincount(primitives.central, weights=each)[primitives.central],
    )


def filled(primitives: Primitives, **known: Array) -> Array:
    """(nq,) the constants that are known of kinds, and the default of each other kind."""
    k = np.empty(primitives.count)
    for kind, part in primitives.present:
        k[part] = known.get(kind.name, kind.stiffness)
    return k


class Between:
    """Distances in bohr between bonded atoms of a molecule, at positions (N, 3) in Angstrom.

    They are taken as no shorter than 0.75 and no longer than 1.15 sums of covalent radii: stiffness stays what it is
    when coordinates are built, and a bad start must not be remembered.
    """

    def __init__(self, positions: Array, numbers: Array) -> None:
        self.positions, self.radii = positions / Bohr, covalent_radii[numbers] / Bohr

    def __call__(self, i: Array, j: Array) -> Array:
        gap, ordinary = self.positions[i] - self.positions[j], self.radii[i] + self.radii[j]
        return np.clip(np.sqrt((gap * gap).sum(axis=1)), SHORTEST * ordinary, LONGEST * ordinary)


MODELS: dict[str, Model] = {"constant": constant, "fischer-almlof": fischer_almlof, "lindh": lindh}
