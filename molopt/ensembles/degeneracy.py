"""How many conformers one stands for: equal atoms exchanged, and mirror images."""

from dataclasses import replace
from math import lcm

import numpy as np

from molopt.ensembles.ensemble import Ensemble
from molopt.ensembles.shapes import MOST_NUMBERINGS, Shapes, overlap_of, singular_values
from molopt.molecules import Molecule
from molopt.rules.partition import Array

SAME = 0.125  # Angstrom; that of `Distinct`


def with_degeneracies(ensemble: Ensemble, threshold: float = SAME, mirror: str = "merge") -> Ensemble:
    """The ensemble with the degeneracy and the mirror images of each conformer, as `degeneracies` and `images`."""
    where = ensemble.molecule, ensemble.positions, threshold, mirror
    return ensemble.with_conformers(
        replace(one, degeneracy=degeneracy, images=count)
        for one, degeneracy, count in zip(ensemble, degeneracies(*where), images(*where), strict=True)
    )


def images(molecule: Molecule, positions: Array, threshold: float = SAME, mirror: str = "merge") -> list[int]:
    """2 for each of the geometries (S, N, 3) that stands for its mirror image, too, which has another shape; else 1."""
    if not Shapes(molecule, mirror).reflects:
        return [1] * len(positions)
    apart = Shapes(molecule, "keep")
    return [2 if apart.rmsd(one, -one[None])[0] > threshold else 1 for one in apart.outline(positions)]


def degeneracies(molecule: Molecule, positions: Array, threshold: float = SAME, mirror: str = "merge") -> list[int]:
    r"""How many conformers each of the geometries (S, N, 3) stands for beside the others.

    .. math:: g_i \propto \frac{1}{|\{s \in G: s \text{ lays } i \text{ on itself}\}|}

    where G are the exchanges of equal atoms that the graph allows, and those followed by a reflection where mirror
    images are one. The smallest whole numbers of that proportion, if no geometry had any symmetry besides.

    Parameters
    ----------
    molecule : Molecule
    positions : (S, N, 3) array
        Angstrom.
    threshold : float
        RMSD, Angstrom, below which two shapes are the same.
    mirror : str
        As of `Shapes`: with "keep", and for a chiral molecule, mirror images are conformers of their own.

    Examples
    --------
    Pentane's tt, tg and gg conformers stand for one, four and two:

    >>> from molopt.ensembles.moves import Moves
    >>> pentane, moves = Molecule.from_smiles("CCCCC"), Moves(Molecule.from_smiles("CCCCC"))
    >>> first, second = moves.rotors
    >>> def turned(one, other):
    ...     x = first.turned(pentane.positions, np.radians(one) - float(first.value(pentane.positions)))
    ...     return second.turned(x, np.radians(other) - float(second.value(x)))
    >>> degeneracies(pentane, np.array([turned(180, 180), turned(180, 60), turned(60, 60)]))
    [1, 4, 2]
    """
    shapes = Shapes(molecule, mirror)
    if len(shapes.numberings) >= MOST_NUMBERINGS:  # not all of them are known
        return images(molecule, positions, threshold, mirror)
    signs = (1.0, -1.0) if shapes.reflects else (1.0,)
    kept = [
        sum(int((rotated(one[shapes.numberings] * sign, one) < threshold).sum()) for sign in signs)
        for one in shapes.outline(positions)
    ]
    whole = lcm(*kept)
    return [whole // count for count in kept]


def rotated(many: Array, one: Array) -> Array:
    """(P,) A, the RMSD of outlines (P, n, 3) from one (n, 3), the best over rotations."""
    overlap = overlap_of(np.einsum("pni,nj->pij", many, one), singular_values, False)
    return np.sqrt(np.maximum(2 * ((one**2).sum() - overlap), 0.0) / len(one))
