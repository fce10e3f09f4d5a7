"""The model Hessian of this geometry: what torsions and close contacts add to the frozen stiffness at each step."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from ase.data import vdw_radii
from scipy import sparse

from molopt.coordinates.neighbours import NeighbourList
from molopt.coordinates.primitives import Primitives
from molopt.coordinates.stiffness import torsion_curvature
from molopt.coordinates.topology import Topology
from molopt.rules.partition import Array

SOFTEST = 0.05  # eV/rad^2 about one bond, whatever the torsion terms say: tuned, docs/tuning.md
WEIGHT = 0.7  # of the pair potential's curvature: real molecules yield more than MMFF94's; tuned, docs/tuning.md
STIFFEST_CONTACT = 3.0  # eV/A^2, of two atoms that nearly overlap in a bad start
INFLECTION = 1.1  # of the radius; beyond it the pair potential curves down
WIDENED = 1.15  # of the van der Waals radii: two atoms of a molecule are at their best distance a little farther out
WIDEST = 2.0  # Angstrom, of elements whose van der Waals radius is not known
DEPTH = 0.003  # eV


class ModelHessian(NamedTuple):
    """M at one geometry: diag(diagonal) + coupled^T coupled in scaled internals, and rows^T rows in Cartesians."""

    diagonal: Array  # (nq,) relative to the frozen stiffness
    rows: sparse.csr_array  # (nrows, 3N) sqrt(eV)/A
    coupled: sparse.csr_array | None = None  # (n, nq) springs of several coordinates; None is none


class Metric(Protocol):
    """Anything that knows more of the Hessian than the frozen stiffness does."""

    def at(self, x: Array) -> ModelHessian:
        """The curvature at x (3N,); positive semidefinite, and depending on nothing but x."""


@dataclass(frozen=True)
class Pairs:
    r"""Who repels whom: a pair potential between atoms that are three bonds apart or more.

    The buffered 14-7 potential of MMFF94, whose curvature at the distance r is taken where it is positive:

    .. math:: E(r) = \epsilon \left(\frac{1.07 R}{r + 0.07 R}\right)^7 \left(\frac{1.12 R^7}{r^7 + 0.12 R^7} - 2\right)

    Attributes
    ----------
    kinds : (N,) array of int
        The kind of each atom.
    radii : (kinds, kinds) array
        R of each pair of kinds, Angstrom.
    depths : (kinds, kinds) array
        epsilon, eV.

    References
    ----------
    T. A. Halgren, J. Comput. Chem. 17, 520 (1996).
    """

    kinds: Array
    radii: Array
    depths: Array

    def curvature(self, kinds: Array, others: Array, r: Array) -> Array:
        """(n,) d2E/dr2 of pairs at distances r, eV/A^2."""
        radius, depth = self.radii[kinds, others], self.depths[kinds, others]
        rho = r / radius
        shifted, seventh = rho + 0.07, rho**7 + 0.12
        f = (1.07 / shifted) ** 7
        h = 1.12 / seventh - 2
        h1 = -7.84 * rho**6 / seventh**2
        h2 = 1.12 * (98 * rho**12 / seventh**3 - 42 * rho**5 / seventh**2)
        return depth / radius**2 * f * (56 * h / shifted**2 - 14 * h1 / shifted + h2)


def generic_pairs(numbers: Array) -> Pairs:
    """One depth for all, and radii in proportion to the van der Waals radii of A. Bondi and S. Alvarez (in ASE).

    Both are tuned on molecules apart from those reported (docs/tuning.md).
    """
    elements, kinds = np.unique(numbers, return_inverse=True)
    radii = np.where(np.isnan(vdw_radii[elements]), WIDEST, vdw_radii[elements])
    return Pairs(kinds, WIDENED * (radii[:, None] + radii), np.full((len(elements), len(elements)), DEPTH))


class Valence:
    r"""Torsion terms at the present angles, and close contacts at the present distances.

    .. math:: M_u = \mathrm{diag}(K(\phi) / K), \qquad
        K(\phi) = \frac{1}{2}(-V_1 \cos \phi + 4 V_2 \cos 2\phi - 9 V_3 \cos 3\phi)

    summed over the torsions about one central bond, at least 0.05 eV/rad^2, and shared evenly among them; contacts add
    k u u^T between two atoms, u their direction and k >= 0 is 0.7 times the curvature
    of `Pairs`. Close contacts are what makes the
    torsions of a folded molecule stiff: with them the default takes about a third fewer force calls (docs/tuning.md).

    Parameters
    ----------
    primitives : Primitives
    topology : Topology
    stiffness : (nq,) array
        The frozen K, which scales coordinates.
    constants : (nq,) array
        Those of this model, where torsion terms say nothing else; K itself, if it is the model of K.
    torsions : (nt, 3) array
        V1, V2, V3 of each torsion, eV; NaN where they are not known, and K stays.
    pairs : Pairs or None
        None leaves contacts out.
    """

    def __init__(
        self,
        primitives: Primitives,
        topology: Topology,
        stiffness: Array,
        constants: Array,
        torsions: Array,
        pairs: Pairs | None,
    ) -> None:
        self.primitives, self.pairs = primitives, pairs
        self.ratio = constants / stiffness
        self.central = primitives.central  # (nt,) which central bond each torsion turns about
        known = np.isfinite(torsions).all(axis=1)
        about = np.bincount(self.central[known], minlength=len(torsions))[self.central] > 0
        self.terms = np.where(known[:, None], torsions, 0.0)  # (nt, 3)
        self.at_torsions = primitives.slices["torsion"]
        self.share = np.where(about, 1 / np.bincount(self.central)[self.central], 0.0) / stiffness[self.at_torsions]
        self.frozen = ~about
        if pairs is not None:
            near, natoms = topology.within_two_bonds, len(pairs.kinds)
            self.list = NeighbourList(INFLECTION * float(pairs.radii.max()), np.sort(near[:, 0] * natoms + near[:, 1]))

    def at(self, x: Array) -> ModelHessian:
        return ModelHessian(self.diagonal(x), self.contacts(x.reshape(-1, 3)))

    def diagonal(self, x: Array) -> Array:
        """(nq,) present over frozen stiffness."""
        diagonal = self.ratio.copy()
        if len(self.central):
            each = torsion_curvature(self.terms, self.primitives.torsion_values(x))
            total = np.bincount(self.central, weights=each)[self.central]
            diagonal[self.at_torsions] = np.where(
                self.frozen, diagonal[self.at_torsions], np.maximum(total, SOFTEST) * self.share
            )
        return diagonal

    def contacts(self, positions: Array) -> sparse.csr_array:
        """(npairs, 3N) rows sqrt(k) dr/dx."""
        if self.pairs is None:
            return sparse.csr_array((0, positions.size))
        i, j = self.list.at(positions).T
        gap = positions[i] - positions[j]
        r = np.sqrt((gap * gap).sum(axis=1))
        kinds = self.pairs.kinds
        close = r < INFLECTION * self.pairs.radii[kinds[i], kinds[j]]
        i, j, gap, r = i[close], j[close], gap[close], r[close]
        k = np.clip(WEIGHT * self.pairs.curvature(kinds[i], kinds[j], r), 0.0, STIFFEST_CONTACT)
        rows = gap * (np.sqrt(k) / r)[:, None]
        columns = np.concatenate([3 * i[:, None] + np.arange(3), 3 * j[:, None] + np.arange(3)], axis=1)
        starts = np.arange(0, 6 * len(r) + 1, 6)
        data = np.concatenate([rows, -rows], axis=1).ravel()
        return sparse.csr_array((data, columns.ravel(), starts), shape=(len(r), positions.size))


@dataclass(frozen=True, eq=False)
class Blend:
    """A mean of two metrics, the second with a weight. Their errors have little in common: it has less of them."""

    one: Metric
    other: Metric
    weight: float

    def at(self, x: Array) -> ModelHessian:
        one, other = self.one.at(x), self.other.at(x)
        less, more = np.sqrt(1 - self.weight), np.sqrt(self.weight)
        coupled = [part * size for part, size in ((one.coupled, less), (other.coupled, more)) if part is not None]
        return ModelHessian(
            (1 - self.weight) * one.diagonal + self.weight * other.diagonal,
            sparse.vstack([one.rows * less, other.rows * more], format="csr"),
            sparse.vstack(coupled, format="csr") if coupled else None,
        )
