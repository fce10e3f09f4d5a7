"""The first geometries of a search: embeddings by RDKit."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rdkit import rdBase
from rdkit.Chem import rdDistGeom

from molopt.errors import InputError
from molopt.molecules.embedding import MOST_ATOMS, set_apart
from molopt.molecules.identity import configuration
from molopt.molecules.molecule import Molecule
from molopt.rules.partition import Array

FEW = 5  # tries from a distance matrix; a triterpene takes hundreds, in 7 s, and 0.2 s from random coordinates


@dataclass(frozen=True, eq=False)
class Seed:
    """One attempt at a geometry.

    Attributes
    ----------
    source : str
        "etkdg" or "conforge".
    number : int
        The random seed, or the place in the list of conformers.
    positions : (N, 3) array or None
        A; None where it failed.
    note : str
        Why it failed, or what it took; empty where nothing has to be said.
    """

    source: str
    number: int
    positions: Array | None
    note: str = ""


def embedded_seeds(molecule: Molecule, seeds: Sequence[int]) -> list[Seed]:
    """One embedding for each random seed, by ETKDGv3 with RDKit's torsions of macrocycles and small rings.

    Where five tries from a distance matrix fail it is done again from random coordinates, and the note says so.
    One seed gives one geometry, whatever the others are. Bonds and stereo are those of the molecule; secondary amides
    outside of rings are trans, as RDKit has them: moves turn them over.

    Raises
    ------
    InputError
        A seed is not in [0, 2^31), or the molecule has too many atoms.

    References
    ----------
    S. Wang, J. Witek, G. A. Landrum, S. Riniker, J. Chem. Inf. Model. 60, 2044 (2020).
    """
    if len(molecule) > MOST_ATOMS:
        raise InputError(f"{molecule.name} has {len(molecule)} atoms, and at most {MOST_ATOMS} can be embedded")
    for seed in seeds:
        if not 0 <= seed < 2**31:
            raise InputError(f"seed must be at least 0 and less than 2^31, got {seed}")
    return [embedded_seed(molecule, seed) for seed in seeds]


def apart(molecule: Molecule, positions: Array) -> Array:
    """Positions (N, 3) with fragments side by side: generators put each around the origin."""
    mol = molecule.to_rdkit()
    mol.GetConformer().SetPositions(np.ascontiguousarray(positions, dtype=float))
    set_apart(mol)
    return mol.GetConformer().GetPositions()


def embedded_seed(molecule: Molecule, seed: int) -> Seed:
    """The embedding for one random seed, as `embedded_seeds`."""
    mol = molecule.to_rdkit()
    settings: Any = rdDistGeom.ETKDGv3()
    settings.randomSeed = seed
    settings.useSmallRingTorsions = True
    settings.maxIterations = FEW
    note = ""
    with rdBase.BlockLogs():
        try:
            if rdDistGeom.EmbedMolecule(mol, settings) < 0:
                settings.useRandomCoords = True
                settings.maxIterations = 0  # as many as RDKit likes: ten for each atom
                note = "from random coordinates"
                if rdDistGeom.EmbedMolecule(mol, settings) < 0:
                    return Seed("etkdg", seed, None, "RDKit cannot embed it")
        except (RuntimeError, ValueError) as error:
            return Seed("etkdg", seed, None, f"RDKit cannot embed it: {str(error).splitlines()[0]}")
    positions = apart(molecule, mol.GetConformer().GetPositions())
    if not np.isfinite(positions).all():
        return Seed("etkdg", seed, None, "the embedding has no coordinates")
    if configuration(molecule.with_positions(positions)) != configuration(molecule):
        return Seed("etkdg", seed, None, "the embedding has another configuration")
    return Seed("etkdg", seed, positions, note)
