"""How stiff each internal coordinate is, before the first force call: model force constants."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from ase.data import covalent_radii
from ase.units import Bohr, Hartree

from molopt.coordinates.primitives import Primitives
from molopt.rules.partition import Array

PER_AREA = Hartree / Bohr**2  # eV/A^2
PLANE = 0.045 * Hartree  # eV, of the triple product of unit vectors at a planar centre
SOFTEST_TORSION = 0.15  # eV/rad^2 about one bond; softer ones would take steps that other terms do not allow
TRANSLATION = 0.3  # eV/A^2, of a fragment against the others: one hydrogen bond has about this
SHORTEST, LONGEST = 0.75, 1.15  # bonds, in sums of covalent radii: from C#N to metals
POINT = 1.0  # eV/A^2, of an atom that internals do not describe


class Constants(NamedTuple):
    """Force constants of the valence coordinates, NaN where they are not known.

    Those of torsions are totals about one central bond, the same number for all torsions that share it.
    """

    stretches: Array  # eV/A^2
    angles: Array  # eV/rad^2
    bends: Array  # eV/rad^2, one value for both components of a linear bend
    torsions: Array  # eV/rad^2
    planes: Array  # eV


Model = Callable[[Primitives, Array, Array], Constants]


def torsion_curvature(terms: Array, phi: Array) -> Array:
    r"""(nt,) second derivatives of torsion terms (nt, 3), which are V1, V2 and V3 in eV, at torsions phi (nt,).

    .. math:: E = \frac{1}{2} [V_1 (1 + \cos \phi) + V_2 (1 - \cos 2\phi) + V_3 (1 + \cos 3\phi)]
    """
    v1, v2, v3 = terms.T
    return 0.5 * (-v1 * np.cos(phi) + 4 * v2 * np.cos(2 * phi) - 9 * v3 * np.cos(3 * phi))


def stiffness(primitives: Primitives, known: Constants, filling: Constants) -> Array:
    r"""(nq,) diagonal model stiffness K: eV/A^2 for lengths, eV/rad^2 for angles, always positive.

    `known` is taken where it is a number, `filling` elsewhere. The stiffness about a central bond, at least 0.15
    eV/rad^2, is shared evenly among its torsions, which turn together. Poses of fragments and single points have
    constants of their own.
    """
    merged = Constants(*(np.where(np.isfinite(a), a, b) for a, b in zip(known, filling, strict=True)))
    return np.concatenate(
        [
            merged.stretches,
            merged.angles,
            np.repeat(merged.bends, 2),
            np.maximum(merged.torsions, SOFTEST_TORSION) / np.maximum(primitives.sharing, 1),
            merged.planes,
            np.full(primitives.poses.count, TRANSLATION),
            np.full(3 * len(primitives.points), POINT),
        ]
    )


def replaced(k: Array, primitives: Primitives, known: Constants) -> Array:
    """(nq,) the stiffness k with the constants that are known in their places, torsions apart."""
    torsions = primitives.slices["torsion"]
    rest = k[torsions.stop :].copy()
    rest[: len(known.planes)] = np.where(np.isfinite(known.planes), known.planes, rest[: len(known.planes)])
    first = np.concatenate([known.stretches, known.angles, np.repeat(known.bends, 2)])
    first = np.where(np.isfinite(first), first, k[: torsions.start])
    return np.concatenate([first, k[torsions], rest])


def torsion_totals(primitives: Primitives, terms: Array, x: Array) -> Array:
    """(nt,) curvature of all torsion terms (nt, 3) about the bond of each torsion at x; NaN where none is known."""
    known = np.isfinite(terms).all(axis=1)
    each = torsion_curvature(np.where(known[:, None], terms, 0.0), primitives.torsion_values(x))
    total = np.bincount(primitives.central, weights=each)[primitives.central]
    about = np.bincount(primitives.central, weights=known)[primitives.central] > 0
    return np.where(about, total, np.nan)


def constant(primitives: Primitives, numbers: Array, x: Array) -> Constants:
    """One constant a kind: 0.45 hartree/bohr^2 (stretch), 0.15 (angle), 0.02 hartree (torsion about one bond).

    The orders of magnitude of T. Helgaker, Chem. Phys. Lett. 182, 503 (1991), with the torsion a bond, not a torsion.
    """
    return Constants(
        np.full(len(primitives.stretches), 0.45 * PER_AREA),
        np.full(len(primitives.angles), 0.15 * Hartree),
        np.full(len(primitives.bends), 0.15 * Hartree),
        np.full(len(primitives.torsions), 0.02 * Hartree),
        np.full(len(primitives.planes), PLANE),
    )


def fischer_almlof(primitives: Primitives, numbers: Array, x: Array) -> Constants:
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
    return Constants(
        stretches,
        angle(*primitives.angles.T),
        angle(*primitives.bends.T[:3]),
        torsions,
        np.full(len(primitives.planes), PLANE),
    )


def lindh(primitives: Primitives, numbers: Array, x: Array) -> Constants:
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

    i, j = primitives.stretches.T
    stretches = 0.45 * rho(i, j) * PER_AREA
    i, j, k = primitives.angles.T
    angles = 0.15 * rho(i, j) * rho(j, k) * Hartree
    i, j, k, _ = primitives.bends.T
    bends = 0.15 * rho(i, j) * rho(j, k) * Hartree
    i, j, k, m = primitives.torsions.T
    each = 0.005 * rho(i, j) * rho(j, k) * rho(k, m) * Hartree
    return Constants(
        stretches,
        angles,
        bends,
        np.bincount(primitives.central, weights=each)[primitives.central],
        np.full(len(primitives.planes), PLANE),
    )


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
