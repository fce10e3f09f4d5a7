"""How geometries of one molecule are compared: the best RMSD over symmetry, and lower bounds of it that cost little."""

import numpy as np
from rdkit import Chem

from molopt.errors import InputError
from molopt.molecules.acceptance import smiles_of
from molopt.molecules.molecule import Molecule
from molopt.rules.partition import Array

MIRRORS = ("merge", "keep")
MOST_NUMBERINGS = (
    5000  # tried for each pair; where there are more, two that differ by exchanged groups may count as two
)


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
        singular = np.linalg.svd(h, compute_uv=False)
        last = singular[..., 2] if self.reflects else singular[..., 2] * np.sign(np.linalg.det(h))
        overlap = (singular[..., 0] + singular[..., 1] + last).max(axis=1)
        total = (outline**2).sum() + (others**2).sum(axis=(1, 2))
        return np.sqrt(np.maximum(total - 2 * overlap, 0) / len(outline))

    def describe(self, outline: Array) -> Array:
        """(..., n + 3) numbers that `bound` compares, of outlines (..., n, 3)."""
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
