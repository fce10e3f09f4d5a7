"""Starts on which forces vanish by symmetry, or nearly, and which are not minima."""

from collections.abc import Iterator

import numpy as np
from hessians import Array
from rdkit import Chem
from rdkit.Chem import AllChem

import molopt

BAKERS_FIVE = ("methylamine", "mesityl_oxide", "benzidine", "acanil01", "caffeine")  # saddles: pyberny 148, 151, 152
BOND = 1.5  # A, of two heavy atoms in a drawing
TO_HYDROGEN = 1.09  # A


def symmetric() -> Iterator[molopt.Molecule]:
    yield placed("O", "linear_water", [[0, 0, 0], [0.96, 0, 0], [-0.96, 0, 0]])
    yield placed("N", "planar_ammonia", [[0, 0, 0], *around(3, 1.01)])
    ends = [[x, y, z] for sign in (1, -1) for x, y, z in around(3, 1.03, height=sign * 1.13)]
    yield placed("CC", "eclipsed_ethane", [[0, 0, 0.765], [0, 0, -0.765], *ends])
    yield placed("C1CCC1", "planar_cyclobutane", ring(4, 1.55, 2))
    yield placed("C1CCCCC1", "planar_cyclohexane", ring(6, 1.53, 2))
    yield placed("O=[SH2]", "planar_H2SO", [[0, 0, 1.48], [0, 0, 0], [0, 1.16, -0.67], [0, -1.16, -0.67]])
    yield placed("C1=CC=C1", "square_C4H4", ring(4, 1.44, 1))
    for smiles, name in (("CNC(C)=O", "methylacetamide"), ("CCCCCC", "hexane")):
        yield placed(smiles, f"drawn_{name}", drawn(smiles))
        yield flattened(molopt.Molecule.from_smiles(smiles, name=f"flattened_{name}"))


def bakers_five() -> Iterator[molopt.Molecule]:
    return (molecule for molecule in molopt.read("baker") if molecule.name in BAKERS_FIVE)


def placed(smiles: str, name: str, positions: list[list[float]] | Array) -> molopt.Molecule:
    return molopt.Molecule.from_smiles(smiles, name=name).with_positions(np.array(positions, float))


def around(count: int, radius: float, height: float = 0.0) -> Array:
    """(count, 3) points on a circle about z."""
    angles = 2 * np.pi * np.arange(count) / count
    return np.stack([radius * np.cos(angles), radius * np.sin(angles), np.full(count, height)], axis=1)


def ring(size: int, side: float, hydrogens: int) -> Array:
    """A regular polygon of carbons, with one hydrogen outward or two above and below."""
    radius = side / (2 * np.sin(np.pi / size))
    carbons = around(size, radius)
    tilts = (0.0,) if hydrogens == 1 else (np.radians(54), -np.radians(54))
    directions = carbons / radius
    bonded = [
        carbon + TO_HYDROGEN * (np.cos(tilt) * direction + np.sin(tilt) * np.array([0, 0, 1]))
        for carbon, direction in zip(carbons, directions, strict=True)
        for tilt in tilts
    ]
    return np.concatenate([carbons, bonded])


def drawn(smiles: str) -> Array:
    """All atoms in the plane, hydrogens included, as RDKit draws them."""
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    AllChem.Compute2DCoords(mol)
    return mol.GetConformer().GetPositions()


def flattened(molecule: molopt.Molecule) -> molopt.Molecule:
    """Projected on the plane of its two longest axes, and its bonds mended there as far as springs can."""
    centred = molecule.positions - molecule.positions.mean(axis=0)
    plane = centred @ np.linalg.svd(centred)[2].T
    plane[:, 2] = 0
    return molecule.with_positions(apart(plane))


def apart(points: Array, least: float = 0.7) -> Array:
    """Points in a plane, moved along it until none are nearer than `least`, Angstrom."""
    points = points.copy()
    for _ in range(500):
        vectors = points[:, None] - points[None]
        distances = np.linalg.norm(vectors, axis=2) + np.eye(len(points)) * 9
        if distances.min() >= least - 1e-3:
            break
        along = np.where(distances[..., None] > 1e-6, vectors / distances[..., None], [1.0, 0.0, 0.0])
        points += 0.25 * (np.maximum(least - distances, 0)[..., None] * along).sum(axis=1)
    return points
