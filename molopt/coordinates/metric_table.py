"""What the model Hessian of one molecule is made of, as flat arrays: built once, shared by all its conformers.

Nothing here depends on a geometry. `springs.metric_table` builds it, `model_hessian.model_hessian` evaluates it, and so
do the compiled kernels. All arrays are contiguous, float64 or int64. Constants of classes are those of the table that
was fitted (`learned`); a coordinate whose class is not in it has no entry here and keeps its frozen stiffness.

Where a constant changes smoothly with a length, it is a quadratic spline, kept as the coefficients of its pieces: with
t = (length - first node) / step, the piece n = round(t) and d = t - n, it is (c2 d + c1) d + c0 of `pieces[..., n, :]`.
"""

from typing import NamedTuple

from molopt.rules.partition import Array


class Planarity(NamedTuple):
    """How flat each atom is: 1 for flat centres and atoms with two neighbours, 0 for pyramids and all others.

    That of an atom with three neighbours, or of an inorganic one with four, is t^2 (3 - 2 t) with t = (0.5 - |v|) / 0.3
    clipped to 0 and 1, where v is the triple product of unit vectors to three neighbours; of four neighbours |v| is the
    root mean square of the four products.
    """

    known: Array  # (N,) of atoms whose number of neighbours says all; replaced where they are in the rows below
    threes: Array  # (n, 4) an atom, and its three neighbours
    fours: Array  # (n, 4, 4) an atom and three of its four neighbours, for each choice of three


class Stretches(NamedTuple):
    """k = exp(-decay e) spline(e), at least `floor`.

    e is the length beyond the covalent radii, held to -0.28 .. 0.04 Angstrom.
    """

    rows: Array  # (n,) which coordinate
    radii: Array  # (n,) sum of the covalent radii of its ends, Angstrom
    pieces: Array  # (n, 6, 3) eV/A^2
    floor: Array  # (n,) eV/A^2


class Angles(NamedTuple):
    """k = p k_flat + (1 - p) k_other, at least `floor`; p is the planarity of the centre."""

    rows: Array  # (n,) which coordinate
    centres: Array  # (n,) atom
    constants: Array  # (n, 2) where the centre is flat, and where it is not, eV/rad^2
    floor: Array  # (n,) eV/rad^2


class Torsions(NamedTuple):
    r"""k = share [p q spline(e) + p (1-q) k_0 + q (1-p) k_1 + (1-p)(1-q) (k_2 + k_3 (1 - cos 3 phi) / 2)].

    p and q are the planarities of the first and last end of the central bond, e its length beyond the covalent radii,
    held to -0.20 .. -0.04 A. At least `floor`.
    """

    rows: Array  # (n,) which coordinate
    ends: Array  # (n, 2) first and last atom of the central bond
    radii: Array  # (n,) sum of their covalent radii, Angstrom
    pieces: Array  # (n, 4, 3) eV/rad^2
    constants: Array  # (n, 4) k_0 .. k_3, eV/rad^2
    share: Array  # (n,) one over the number of torsions about this bond
    floor: Array  # (n,) eV/rad^2


class Couplings(NamedTuple):
    r"""Springs on sums and differences of two coordinates, :math:`\tfrac12 k_\pm (s q_1 \pm q_2)^2`.

    Both together add s^2 (k_+ + k_-) to the diagonal at q_1, k_+ + k_- at q_2, and s (k_+ - k_-) beside the diagonal.
    Each is p k_flat + (1 - p) k_other with the planarity p of an atom. The same two coordinates may come twice.
    """

    first: Array  # (nc,) which coordinate q_1 is
    second: Array  # (nc,) which coordinate q_2 is
    centres: Array  # (nc,) atom
    scale: Array  # (nc,) s
    sums: Array  # (nc, 2) k_+ + k_-, flat and other
    differences: Array  # (nc, 2) k_+ - k_-, flat and other


class Geminal(NamedTuple):
    """Springs between atoms two bonds apart: k = p k_flat + (1 - p) k_other, dropped below 1e-4 eV/A^2."""

    pairs: Array  # (n, 2)
    centres: Array  # (n,) atom
    constants: Array  # (n, 2) eV/A^2


class Contacts(NamedTuple):
    """Springs between atoms three bonds apart or more, out to 1.4 times the sum of their van der Waals radii.

    k = spline(r / R) + 3 eV/A^2 clip((0.55 - r / R) / 0.1, 0, 1), dropped below 1e-4 eV/A^2; the spline is held below
    r / R = 0.6. Without any atom in `kinds` (shape (0,)) there are none.
    """

    kinds: Array  # (N,)
    radii: Array  # (N,) van der Waals, Angstrom
    groups: Array  # (2, kinds, kinds) row of `pieces`: three bonds apart, or farther
    pieces: Array  # (groups, 9, 3) eV/A^2; piece n of t = (r / R - 0.55) / 0.1


class Repulsion(NamedTuple):
    r"""Curvature of a buffered 14-7 potential between the same atoms, out to 1.1 R.

    k = clip(0.7 d2E/dr2, 0, 3 eV/A^2), :math:`E = \epsilon (1.07 / (\rho + 0.07))^7 (1.12 / (\rho^7 + 0.12) - 2)`,
    rho = r / R. Without any atom in `kinds` (shape (0,)) there is none.
    """

    kinds: Array  # (N,)
    radii: Array  # (kinds, kinds) R, Angstrom
    depths: Array  # (kinds, kinds) epsilon, eV


class Turns(NamedTuple):
    r"""Torsion terms of a force field, summed over the torsions about one bond.

    k = share max(sum over the bond of (-V1 cos phi + 4 V2 cos 2 phi - 9 V3 cos 3 phi) / 2, 0.05)
    """

    rows: Array  # (n,) which coordinate
    bonds: Array  # (n,) which central bond, counted from 0 here
    terms: Array  # (n, 3) V1, V2, V3, eV; zero where they are not known
    share: Array  # (n,) one over the number of torsions about this bond


class Weights(NamedTuple):
    """How much each part counts."""

    learned: float  # of stretches, angles, torsions, couplings, geminal pairs and contacts
    valence: float  # of the force field: turns, repulsion, and its constants
    pairs: float  # of geminal pairs, contacts and repulsion, on top


class MetricTable(NamedTuple):
    """All of it, for a molecule of N atoms and nq coordinates."""

    planarity: Planarity
    stretches: Stretches
    angles: Angles
    torsions: Torsions
    couplings: Couplings
    geminal: Geminal
    contacts: Contacts
    repulsion: Repulsion
    turns: Turns
    steady: Array  # (nq,) learned constants that do not change with the geometry, NaN where there are none
    known: Array  # (nq,) constants of the force field, NaN where it has none and the frozen stiffness stands for it
    floors: Array  # (nq,) the least learned constants
    factors: Array  # (nq,) how much each entry of the diagonal counts, on top; couplings apart
    apart: Array  # (N, N) uint8: how many bonds apart two atoms are, 4 for four or more; (0, 0) where none touch
    distant: Array  # (n, 2) pairs i < j of atoms three bonds apart or more; (0, 2) beyond 100 atoms
    weights: Weights


class Scaling(NamedTuple):
    """What belongs to one system: its frozen stiffness K, and what follows from it."""

    stiffness: Array  # (nq,) K, eV/A^2 and eV/rad^2
    roots: Array  # (nq,) sqrt(K)
    constant: Array  # (nq,) the part of the diagonal of M that does not change with the geometry


class ModelHessian(NamedTuple):
    r"""M at one geometry.

    In u: diag(`diagonal`) with `couplings` at the places (first, second) and (second, first) of
    `MetricTable.couplings`; in Cartesians besides: the sum over `pairs` (i, j) of k u u^T, u at i and -u at j.
    """

    diagonal: Array  # (nq,) relative to the frozen stiffness
    couplings: Array  # (nc,) the same
    pairs: Array  # (np, 2) atoms
    constants: Array  # (np,) k, eV/A^2
    units: Array  # (np, 3) from the second atom to the first
