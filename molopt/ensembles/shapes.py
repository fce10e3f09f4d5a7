"""How geometries of one molecule are compared: the best RMSD over symmetry, and lower bounds of it that cost little."""

from collections.abc import Callable

import numpy as np
from rdkit import Chem

from molopt.ensembles.matching import matched_rmsd
from molopt.errors import InputError
from molopt.molecules.acceptance import smiles_of
from molopt.molecules.molecule import Molecule
from molopt.rules.partition import Array

MIRRORS = ("merge", "keep")
MANY = 64  # matrices; for more, the cubic equation is faster than LAPACK
TINY = 1e-30  # A^8, so that nothing is divided by zero
MOST_NUMBERINGS = 5000  # tried for each pair; where there are more, atoms are matched as well


class Shapes:
    """Geometries of one molecule, compared by heavy atoms and polar hydrogens.

    The RMSD is the lowest over rotations and over numberings that the graph of these atoms allows, bond orders and
    charges aside: the oxygens of a carboxylate and the methyls of an isopropyl may be exchanged, and hydrogens on
    carbon play no part. For an achiral molecule mirror images are one.

    Parameters
    ----------
    molecule : Molecule
    mirror : str
        "merge" compares with mirror images too where the molecule is achiral; "keep" tells them apart.

    Attributes
    ----------
    natoms : int
    kept : (n,) array of int
        The atoms that are compared: all but hydrogens on carbon; all atoms where there are no others.
    numberings : (p, n) array of int
        Orders of them that are the same molecule, the identity first.
    achiral : bool
        Whether the mirror image has the same canonical SMILES: no stereocentres, or a meso compound. Chirality that a
        SMILES does not say (allenes, hindered biaryls, helicenes) is not seen.
    reflects : bool
        Whether mirror images are one.

    Examples
    --------
    >>> butane = Molecule.from_smiles("CCCC")
    >>> shapes = Shapes(butane)
    >>> outline = shapes.outline(butane.positions)
    >>> bool(shapes.rmsd(outline, outline[None, ::-1] * [1, 1, -1])[0] < 1e-6)
    True
    """

    def __init__(self, molecule: Molecule, mirror: str = "merge") -> None:
        if mirror not in MIRRORS:
            raise InputError(f"mirror must be one of {', '.join(MIRRORS)}, got {mirror!r}")
        self.natoms = len(molecule)
        mol = molecule.to_rdkit()
        self.kept = np.array([atom.GetIdx() for atom in mol.GetAtoms() if not on_carbon(atom)], dtype=int)
        graph = skeleton(mol, self.kept.tolist())
        self.numberings = numberings(graph)
        self.classes = np.array(list(Chem.CanonicalRankAtoms(graph, breakTies=False, includeChirality=False)))
        self.achiral = mirrored(mol)
        self.reflects = self.achiral and mirror == "merge"

    def outline(self, positions: Array) -> Array:
        """(..., n, 3) the atoms compared, A, centred, at positions (..., N, 3)."""
        atoms = np.asarray(positions, dtype=float)[..., self.kept, :]
        return atoms - atoms.mean(axis=-2, keepdims=True)

    def rmsd(self, outline: Array, others: Array) -> Array:
        """(S,) A, between one outline (n, 3) and each of others (S, n, 3): the best over symmetry and mirror images."""
        h = np.einsum("pni,snj->spij", outline[self.numberings], others, optimize=True)  # (S, p, 3, 3)
        if h.shape[0] * h.shape[1] > MANY:
            best = overlap_of(h, roots, self.reflects).argmax(axis=1)
            h = np.take_along_axis(h, best[:, None, None, None], axis=1)
        overlap = overlap_of(h, singular_values, self.reflects).max(axis=1)
        total = (outline**2).sum() + (others**2).sum(axis=(1, 2))
        apart = np.sqrt(np.maximum(total - 2 * overlap, 0) / len(outline))
        if len(self.numberings) < MOST_NUMBERINGS:
            return apart
        matched = [matched_rmsd(outline, other, self.classes, self.reflects) for other in others]
        return np.minimum(apart, matched)

    def describe(self, outline: Array) -> Array:
        """(..., n + 3) numbers that `bound` compares, of outlines (..., n, 3); fewer for one atom and for two."""
        far = np.sqrt((outline**2).sum(axis=-1))  # (..., n)
        order = np.lexsort((far, np.broadcast_to(self.classes, far.shape)), axis=-1)
        return np.concatenate(
            [np.take_along_axis(far, order, axis=-1), np.linalg.svd(outline, compute_uv=False)], axis=-1
        )

    def bound(self, description: Array, others: Array) -> Array:
        """(S,) A, lower bounds of the RMSD from descriptions (n + 3,) and (S, n + 3).

        The larger of two: the distances of atoms from the centroid, sorted within each class of atoms that symmetry may
        exchange, differ by no more than the atoms do; nor do the singular values of the (n, 3) outlines (L. Mirsky,
        Q. J. Math. 11, 50 (1960)). Neither knows rotations, numberings or mirror images.
        """
        n = len(self.kept)
        gaps = (others - description) ** 2
        return np.sqrt(np.maximum(gaps[:, :n].sum(axis=1), gaps[:, n:].sum(axis=1)) / n)


def overlap_of(h: Array, singular: Callable[[Array], Array], reflects: bool) -> Array:
    """(...) A^2, the largest trace of R h (..., 3, 3) over rotations R, and over reflections where these count."""
    values = singular(h)
    if reflects:
        return values.sum(axis=-1)
    sign = np.sign((h[..., 0, :] * np.cross(h[..., 1, :], h[..., 2, :])).sum(axis=-1))
    return values[..., 0] + values[..., 1] + sign * values[..., 2]


def singular_values(h: Array) -> Array:
    """(..., 3) in descending order."""
    return np.linalg.svd(h, compute_uv=False)


def roots(h: Array) -> Array:
    """(..., 3) the singular values of (..., 3, 3) in descending order, from the cubic equation of h^T h.

    The smallest is good to 1e-8 of the largest: enough to choose among numberings, at a tenth of the time for many.
    """
    k = np.swapaxes(h, -1, -2) @ h
    mean = np.trace(k, axis1=-2, axis2=-1) / 3
    off = k - mean[..., None, None] * np.eye(3)
    spread = np.sqrt(np.maximum((off * off).sum(axis=(-2, -1)) / 6, TINY))
    det = (off[..., 0, :] * np.cross(off[..., 1, :], off[..., 2, :])).sum(axis=-1)
    angle = np.arccos(np.clip(det / (2 * spread**3), -1.0, 1.0)) / 3
    first, last = mean + 2 * spread * np.cos(angle), mean + 2 * spread * np.cos(angle + 2 * np.pi / 3)
    return np.sqrt(np.maximum(np.stack([first, 3 * mean - first - last, last], axis=-1), 0.0))


def on_carbon(atom: Chem.Atom) -> bool:
    """Whether it is a hydrogen bonded to carbon and to nothing else."""
    return atom.GetAtomicNum() == 1 and atom.GetDegree() == 1 and atom.GetNeighbors()[0].GetAtomicNum() == 6


def skeleton(mol: Chem.Mol, kept: list[int]) -> Chem.Mol:
    """The graph of the atoms that are kept: elements and bonds; resonance makes no difference."""
    place = {atom: number for number, atom in enumerate(kept)}
    graph = Chem.RWMol()
    for atom in kept:
        plain = Chem.Atom(mol.GetAtomWithIdx(atom).GetAtomicNum())
        plain.SetNoImplicit(True)
        graph.AddAtom(plain)
    for bond in mol.GetBonds():
        ends = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        if ends[0] in place and ends[1] in place:
            graph.AddBond(place[ends[0]], place[ends[1]], Chem.BondType.SINGLE)
    graph.UpdatePropertyCache(strict=False)
    Chem.FastFindRings(graph)
    return graph.GetMol()


def numberings(graph: Chem.Mol) -> Array:
    """(p, n) the automorphisms of a graph, the identity first."""
    found = np.array(graph.GetSubstructMatches(graph, uniquify=False, maxMatches=MOST_NUMBERINGS), dtype=int)
    identity = np.arange(graph.GetNumAtoms())
    return np.vstack([identity, found[(found != identity).any(axis=1)]])


def mirrored(mol: Chem.Mol) -> bool:
    """Whether a molecule and its mirror image have the same canonical SMILES."""
    image = Chem.Mol(mol)
    conformer = image.GetConformer()
    conformer.SetPositions(conformer.GetPositions() * [-1.0, 1.0, 1.0])
    Chem.AssignStereochemistryFrom3D(image, replaceExistingTags=True)
    return smiles_of(mol) == smiles_of(image)
